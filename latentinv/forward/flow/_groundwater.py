"""Groundwater as data: heads or drawdown in wells, at rest or in time, and the water that crosses borders.

The equations are `_aquifer.py`'s. Drawdown at rest is that of the pumping alone, which is the solution for the wells'
water without any other, since the equations are linear; drawdown in time is counted from the heads at time 0. Cost: a
solve for each prediction at rest or step in time, one more of each for a gradient.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal, final, get_args

import numpy as np
from jaxtyping import Array, Bool, Float, Int

from latentinv.errors import InputError
from latentinv.forward.core import AbstractForward
from latentinv.grid import Grid

from ._aquifer import Aquifer, steady_flux, steady_heads, transient_flux, transient_heads

Output = Literal["heads", "drawdown"]


@final
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

    def __init__(self, aquifer: Aquifer, wells: Float[np.ndarray, "datum axis"], *, output: Output = "heads") -> None:
        self.aquifer, self.grid = aquifer, aquifer.grid
        self.cells = aquifer.grid.cells(wells)
        self.output: Output = _checked(output)
        self._solved = aquifer if output == "heads" else aquifer.pumping_alone

    @property
    def count(self) -> int:
        """Number of heads."""
        return len(self.cells)

    def predict(self, property: Float[Array, "*grid"]) -> Float[Array, "datum"]:
        """Heads or drawdown in metres from conductivities in m/s."""
        return steady_heads(self._solved, property)[tuple(self.cells.T)]

    def to_arrays(self) -> dict[str, np.ndarray]:
        """The aquifer and the wells."""
        return {**_aquifer_arrays(self.aquifer), "cells": self.cells, "output": np.asarray(self.output)}

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray], grid: Grid) -> "SteadyFlow":
        """Make the model again."""
        output: Output = str(arrays["output"])  # type: ignore[assignment]
        return cls(_aquifer(arrays, grid), grid.centres(arrays["cells"]), output=output)


@final
class SteadyFlux(AbstractForward):
    """Water that leaves zones of cells at rest: what a river loses, what crosses a section.

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

    def __init__(self, aquifer: Aquifer, zones: Bool[np.ndarray, "datum *grid"]) -> None:
        self.aquifer, self.grid = aquifer, aquifer.grid
        self.zones = _checked_zones(zones, aquifer.grid)

    @property
    def count(self) -> int:
        """Number of zones."""
        return len(self.zones)

    def predict(self, property: Float[Array, "*grid"]) -> Float[Array, "datum"]:
        """Water in m³/s from conductivities in m/s; above 0 where more leaves a zone than enters it."""
        return steady_flux(self.aquifer, property, self.zones)

    def to_arrays(self) -> dict[str, np.ndarray]:
        """The aquifer and the zones."""
        return {**_aquifer_arrays(self.aquifer), "zones": self.zones}

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray], grid: Grid) -> "SteadyFlux":
        """Make the model again."""
        return cls(_aquifer(arrays, grid), arrays["zones"])


@dataclass(frozen=True, eq=False)
class _Course:
    """When an aquifer is looked at, and what it starts from."""

    times: Float[np.ndarray, "time"]
    specific_storage: float
    initial_heads: Float[np.ndarray, "*grid"] | None
    """None for those of each conductivity, at rest before the wells pump."""
    observed: Int[np.ndarray, "observed"]

    @classmethod
    def checked(
        cls, grid: Grid, times: Any, specific_storage: float, initial_heads: Any = None, observed: Any = None
    ) -> "_Course":
        times = np.asarray(times, float)
        if times.ndim != 1 or not len(times) or not np.all(np.diff(times, prepend=0.0) > 0) or np.isinf(times).any():
            raise InputError("The times do not grow from above 0, all finite; give seconds in order.")
        if not (math.isfinite(specific_storage) and specific_storage > 0):
            raise InputError(f"The specific storage is {specific_storage}; give a number above 0, in 1/m.")
        if initial_heads is not None:
            initial_heads = np.asarray(initial_heads, float)
            if initial_heads.shape != grid.shape or not np.all(np.isfinite(initial_heads)):
                raise InputError(f"The initial heads must be finite metres over {grid.shape} cells, or left out.")
        observed = np.arange(len(times)) if observed is None else np.asarray(observed, int)
        if not len(observed) or observed.min() < 0 or observed.max() >= len(times):
            raise InputError(f"The observed times are not all positions from 0 to {len(times) - 1}; correct them.")
        return cls(times, float(specific_storage), initial_heads, observed)

    def to_arrays(self) -> dict[str, np.ndarray]:
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: np.asarray(value) for name, value in values.items() if value is not None}

    @classmethod
    def settings(cls, arrays: dict[str, np.ndarray]) -> dict[str, Any]:
        """The forward models' arguments again."""
        settings = {field.name: arrays[field.name] for field in fields(cls) if field.name in arrays}
        return settings | {"specific_storage": float(arrays["specific_storage"])}


@final
class TransientFlow(AbstractForward):
    """Heads in observation wells at several times, from rest or a given start, or their drawdown since.

    Parameters
    ----------
    aquifer
        Where water flows, and is pumped from time 0 on.
    wells
        Coordinates x, y(, z) in metres of the observed heads.
    times
        In seconds, growing. Each is reached from the one before by one implicit step, so a smooth curve needs more
        times than are observed: `observed` says which count as data.
    specific_storage
        Water that a volume gives for a metre less head, 1/m.
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
        course = _Course.checked(aquifer.grid, times, specific_storage, initial_heads, observed)
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
        """The same for data that have each its own well and time, in any order.

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
        course = _Course.checked(aquifer.grid, times, specific_storage, initial_heads)
        model._set(aquifer, aquifer.grid.cells(rows[:, :-1]), np.searchsorted(times, rows[:, -1]), course, output)
        return model

    def _set(
        self,
        aquifer: Aquifer,
        cells: Int[np.ndarray, "datum axis"],
        moments: Int[np.ndarray, "datum"],
        course: _Course,
        output: Output,
    ) -> None:
        self.aquifer, self.grid, self.output = aquifer, aquifer.grid, _checked(output)
        self.cells, self._moments, self._course = cells, moments, course

    @property
    def count(self) -> int:
        """Number of heads."""
        return len(self.cells)

    def predict(self, property: Float[Array, "*grid"]) -> Float[Array, "datum"]:
        """Heads or drawdown in metres from conductivities in m/s: well after well, each at its observed times."""
        course = self._course
        heads = transient_heads(self.aquifer, property, course.initial_heads, course.times, course.specific_storage)
        observed = heads[(self._moments, *self.cells.T)]
        if self.output == "heads":
            return observed
        before = course.initial_heads
        start = steady_heads(self.aquifer.at_rest, property) if before is None else before.astype(observed.dtype)
        return start[tuple(self.cells.T)] - observed

    def to_arrays(self) -> dict[str, np.ndarray]:
        """The aquifer, the wells and the times."""
        own = {"cells": self.cells, "moments": self._moments, "output": np.asarray(self.output)}
        return {**_aquifer_arrays(self.aquifer), **self._course.to_arrays(), **own}

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray], grid: Grid) -> "TransientFlow":
        """Make the model again."""
        model = cls.__new__(cls)
        course = _Course.checked(grid, **_Course.settings(arrays))
        output: Output = str(arrays["output"])  # type: ignore[assignment]
        model._set(_aquifer(arrays, grid), arrays["cells"], arrays["moments"], course, output)
        return model


@final
class TransientFlux(AbstractForward):
    """Water that leaves zones of cells at several times: what a river loses after pumping begins.

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
        self._course = _Course.checked(self.grid, times, specific_storage, initial_heads, observed)

    @property
    def count(self) -> int:
        """Number of fluxes: zones times observed times."""
        return len(self.zones) * len(self._course.observed)

    def predict(self, property: Float[Array, "*grid"]) -> Float[Array, "datum"]:
        """Water in m³/s from conductivities in m/s, zone after zone, each at its observed times."""
        course = self._course
        fluxes = transient_flux(
            self.aquifer, property, course.initial_heads, course.times, course.specific_storage, self.zones
        )
        return fluxes[course.observed].T.reshape(-1)

    def to_arrays(self) -> dict[str, np.ndarray]:
        """The aquifer, the zones and the times."""
        return {**_aquifer_arrays(self.aquifer), **self._course.to_arrays(), "zones": self.zones}

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray], grid: Grid) -> "TransientFlux":
        """Make the model again."""
        return cls(_aquifer(arrays, grid), arrays["zones"], **_Course.settings(arrays))


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
            raise InputError(f"Zone {number} holds {'no' if share == 0 else 'every'} cell; give some of them.")
    return zones
