"""Groundwater as data: heads or drawdown in wells, steady or transient, and flow across boundaries.

The equations are those of `_aquifer.py`. Steady drawdown is that of pumping alone: since the equations are linear, it
is the solution with the wells as the only sources. Transient drawdown is counted from the heads at time 0. Cost: one
solve for each steady prediction or time step, and one more of each for a gradient.
"""

import math
from collections.abc import Sequence
from typing import Literal, final, get_args

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from latentinv.errors import InputError
from latentinv.forward.core import FORWARDS, AbstractForward, Points
from latentinv.grid import Grid
from latentinv.pytrees import pytree

from ._aquifer import Aquifer, flux_in_time, heads_in_time, steady_flux, steady_heads
from ._course import Course

Output = Literal["heads", "drawdown"]


@final
@FORWARDS.register("steady_flow")
@pytree("aquifer", "cells")
class SteadyFlow(AbstractForward):
    """Steady heads in observation wells, or their drawdown by pumping.

    Parameters
    ----------
    aquifer
        Where water flows.
    wells
        Coordinates x, y(, z) in metres of the observed heads; a head is that of the cell that holds it.
    output
        ``heads``, or ``drawdown``: how much lower they are than without the aquifer's sources.

    Raises
    ------
    InputError
        If a well lies outside the grid, or there is no such output.
    """

    kind = "steady_flow"
    unit = "m"

    def __init__(self, aquifer: Aquifer, wells: Float[np.ndarray, "datum axis"], *, output: Output = "heads") -> None:
        self.aquifer, self.grid = aquifer, aquifer.grid
        self.cells = aquifer.grid.cells(wells)
        self.output: Output = _checked(output)

    @property
    def count(self) -> int:
        """Number of heads."""
        return len(self.cells)

    def predict(self, property: Float[Array, "*grid"]) -> Float[Array, "datum"]:
        """Heads or drawdown in metres from conductivities in m/s."""
        aquifer = self.aquifer if self.output == "heads" else self.aquifer.pumping_alone
        return steady_heads(aquifer, property)[tuple(self.cells.T)]

    def marks(self, data: Float[np.ndarray, "datum"]) -> tuple[Points]:
        """The cells of the wells."""
        return (Points(self.grid.centres(self.cells), data),)

    def to_arrays(self) -> dict[str, np.ndarray]:
        """The aquifer and the wells."""
        return {**_aquifer_arrays(self.aquifer), "cells": self.cells, "output": np.asarray(self.output)}

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray], grid: Grid) -> "SteadyFlow":
        """Restore the model."""
        output: Output = str(arrays["output"])  # type: ignore[assignment]
        return cls(_aquifer(arrays, grid), grid.centres(arrays["cells"]), output=output)


@final
@FORWARDS.register("steady_flux")
@pytree("aquifer", "zones")
class SteadyFlux(AbstractForward):
    """Steady net flow out of zones of cells: losses of a river, flow across a section.

    Parameters
    ----------
    aquifer
        Where water flows.
    zones
        For each datum the cells of its zone. Of cells whose heads are fixed it is what they give to the aquifer; of
        all cells on one side of a section it is what crosses it.

    Raises
    ------
    InputError
        If a zone is not of the grid, is empty or is all of it.
    """

    kind = "steady_flux"
    unit = "m³/s"

    def __init__(self, aquifer: Aquifer, zones: Bool[np.ndarray, "datum *grid"]) -> None:
        self.aquifer, self.grid = aquifer, aquifer.grid
        self.zones = _checked_zones(zones, aquifer.grid)

    @property
    def count(self) -> int:
        """Number of zones."""
        return len(self.zones)

    def predict(self, property: Float[Array, "*grid"]) -> Float[Array, "datum"]:
        """Flow in m³/s from conductivities in m/s; positive if more leaves a zone than enters it."""
        return steady_flux(self.aquifer, property, self.zones)

    def to_arrays(self) -> dict[str, np.ndarray]:
        """The aquifer and the zones."""
        return {**_aquifer_arrays(self.aquifer), "zones": self.zones}

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray], grid: Grid) -> "SteadyFlux":
        """Restore the model."""
        return cls(_aquifer(arrays, grid), arrays["zones"])


@final
@FORWARDS.register("transient_flow")
@pytree("aquifer", "cells", "_positions", "_course")
class TransientFlow(AbstractForward):
    """Heads in observation wells at several times, from steady or given initial heads, or the drawdown since then.

    Parameters
    ----------
    aquifer
        Where water flows, and is pumped from time 0 on.
    wells
        Coordinates x, y(, z) in metres of the observed heads.
    times
        Ends of the time steps in seconds, increasing. Each interval is one implicit Euler step, so add intermediate
        times for accuracy; `observed` says which count as data.
    specific_storage
        In 1/m.
    initial_heads
        In metres, at time 0, over the grid; unless given, the steady heads of each conductivity before the wells pump,
        as in a pumping test in a regional gradient.
    observed
        Positions in `times` at which heads are data; all unless given.
    output
        ``heads``, or ``drawdown``: how much lower they are than at time 0.

    Raises
    ------
    InputError
        If the times do not grow, or another setting cannot be used.
    """

    kind = "transient_flow"
    unit = "m"

    def __init__(
        self,
        aquifer: Aquifer,
        wells: Float[np.ndarray, "datum axis"],
        times: Float[np.ndarray, "time"],
        *,
        specific_storage: float,
        initial_heads: Float[np.ndarray, "*grid"] | None = None,
        observed: np.ndarray | None = None,
        output: Output = "heads",
    ) -> None:
        course = Course(aquifer, times, specific_storage, initial_heads, observed)
        cells = aquifer.grid.cells(wells)
        self._set(
            aquifer,
            np.repeat(cells, len(course.observed), axis=0),
            np.tile(course.observed, len(cells)),
            course,
            output,
        )

    @classmethod
    def at(
        cls,
        aquifer: Aquifer,
        rows: Float[np.ndarray, "datum column"],
        *,
        specific_storage: float,
        steps: Float[np.ndarray, "time"] | Sequence[float] = (),
        initial_heads: Float[np.ndarray, "*grid"] | None = None,
        output: Output = "heads",
    ) -> "TransientFlow":
        """The same for data that each have their own well and time, in any order.

        Parameters
        ----------
        aquifer, specific_storage, initial_heads, output
            As `TransientFlow` takes them.
        rows
            A well's coordinates x, y(, z) in metres, then seconds, for each datum.
        steps
            Further times in seconds to step through, that a curve be smooth.

        Raises
        ------
        InputError
            If a row has not one number more than the grid has axes, a time is not above 0, a well lies outside the
            grid, or another setting cannot be used.
        """
        rows = np.atleast_2d(np.asarray(rows, float))
        if rows.shape[1] != aquifer.grid.ndim + 1:
            raise InputError(
                f"Rows of {rows.shape[1]} numbers were given for heads in time; give {aquifer.grid.ndim} coordinates "
                "in metres and the seconds of each."
            )
        if wrong := [n for n, seconds in enumerate(rows[:, -1], 1) if not 0 < seconds < math.inf]:
            raise InputError(f"Row {wrong[0]} has the time {rows[wrong[0] - 1, -1]:g} s; give seconds above 0.")
        times = np.unique(np.concatenate([rows[:, -1], np.asarray(steps, float).ravel()]))
        model = cls.__new__(cls)
        course = Course(aquifer, times, specific_storage, initial_heads)
        model._set(aquifer, aquifer.grid.cells(rows[:, :-1]), np.searchsorted(times, rows[:, -1]), course, output)
        return model

    def _set(
        self,
        aquifer: Aquifer,
        cells: Int[np.ndarray, "datum axis"],
        positions: Int[np.ndarray, "datum"],
        course: Course,
        output: Output,
    ) -> None:
        self.aquifer, self.grid, self.output = aquifer, aquifer.grid, _checked(output)
        self.cells, self._positions, self._course = cells, positions, course

    @property
    def count(self) -> int:
        """Number of heads."""
        return len(self.cells)

    def predict(self, property: Float[Array, "*grid"]) -> Float[Array, "datum"]:
        """Heads or drawdown in metres from conductivities in m/s, well after well, each at its observed times."""
        course = self._course
        heads = heads_in_time(self.aquifer, property, course.start, course.steps, course.specific_storage)
        observed = heads[(self._positions, *self.cells.T)]
        if self.output == "heads":
            return observed
        before = course.initial_heads
        start = steady_heads(self.aquifer.at_rest, property) if before is None else jnp.asarray(before, observed.dtype)
        return start[tuple(self.cells.T)] - observed

    def marks(self, data: Float[np.ndarray, "datum"]) -> tuple[Points]:
        """The wells' cells, each once."""
        del data
        return (Points(self.grid.centres(np.unique(self.cells, axis=0))),)

    def to_arrays(self) -> dict[str, np.ndarray]:
        """The aquifer, the wells and the times."""
        own = {"cells": self.cells, "positions": self._positions, "output": np.asarray(self.output)}
        return {**_aquifer_arrays(self.aquifer), **self._course.to_arrays(), **own}

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray], grid: Grid) -> "TransientFlow":
        """Restore the model."""
        model = cls.__new__(cls)
        aquifer = _aquifer(arrays, grid)
        output: Output = str(arrays["output"])  # type: ignore[assignment]
        course = Course(aquifer, **Course.settings(arrays))
        model._set(aquifer, arrays["cells"], arrays["positions"], course, output)
        return model


@final
@FORWARDS.register("transient_flux")
@pytree("aquifer", "zones", "_course")
class TransientFlux(AbstractForward):
    """Net flow out of zones of cells at several times: losses of a river after pumping begins.

    Parameters
    ----------
    aquifer
        Where water flows, and is pumped from time 0 on.
    zones
        For each series of data the cells of its zone, as `SteadyFlux` takes them. What a zone itself stores or releases
        is not counted, only what crosses its border.
    times, specific_storage, initial_heads, observed
        As `TransientFlow` takes them.

    Raises
    ------
    InputError
        If a zone is not of the grid, is empty or is all of it, or a time or another setting cannot be used.
    """

    kind = "transient_flux"
    unit = "m³/s"

    def __init__(
        self,
        aquifer: Aquifer,
        zones: Bool[np.ndarray, "zone *grid"],
        times: Float[np.ndarray, "time"],
        *,
        specific_storage: float,
        initial_heads: Float[np.ndarray, "*grid"] | None = None,
        observed: np.ndarray | None = None,
    ) -> None:
        self.aquifer, self.grid = aquifer, aquifer.grid
        self.zones = _checked_zones(zones, aquifer.grid)
        self._course = Course(aquifer, times, specific_storage, initial_heads, observed)

    @property
    def count(self) -> int:
        """Number of fluxes: zones times observed times."""
        return len(self.zones) * len(self._course.observed)

    def predict(self, property: Float[Array, "*grid"]) -> Float[Array, "datum"]:
        """Flow in m³/s from conductivities in m/s, zone after zone, each at its observed times."""
        course = self._course
        steps, storage = course.steps, course.specific_storage
        fluxes = flux_in_time(self.aquifer, property, course.start, steps, storage, self.zones)
        return fluxes[course.observed].T.reshape(-1)

    def to_arrays(self) -> dict[str, np.ndarray]:
        """The aquifer, the zones and the times."""
        return {**_aquifer_arrays(self.aquifer), **self._course.to_arrays(), "zones": self.zones}

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray], grid: Grid) -> "TransientFlux":
        """Restore the model."""
        return cls(_aquifer(arrays, grid), arrays["zones"], **Course.settings(arrays))


def _aquifer_arrays(aquifer: Aquifer) -> dict[str, np.ndarray]:
    return {
        "fixed_heads": aquifer.fixed_heads,
        "sources": aquifer.sources,
        "thickness": np.asarray(aquifer.thickness),
        "recharge": np.asarray(aquifer.recharge),
    }


def _aquifer(arrays: dict[str, np.ndarray], grid: Grid) -> Aquifer:
    return Aquifer(grid, arrays["fixed_heads"], arrays["sources"], float(arrays["thickness"]), arrays["recharge"])


def _checked(output: Output) -> Output:
    if output not in get_args(Output):
        raise InputError(f"The output is {output!r}; expected 'heads' or 'drawdown'.")
    return output


def _checked_zones(zones: Bool[np.ndarray, "zone *grid"], grid: Grid) -> Bool[np.ndarray, "zone *grid"]:
    zones = np.asarray(zones, bool)
    if zones.ndim != grid.ndim + 1 or zones.shape[1:] != grid.shape:
        raise InputError(
            f"The zones have shape {zones.shape}; expected one true or false for each of {grid.shape} cells and each "
            "datum."
        )
    for number, share in enumerate(zones.reshape(len(zones), -1).mean(axis=1), 1):
        if share in (0, 1):
            raise InputError(f"Zone {number} contains {'no' if share == 0 else 'every'} cell; give some of them.")
    return zones
