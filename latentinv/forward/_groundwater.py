"""Confined groundwater flow, steady and transient, by finite volumes in two or three dimensions.

Water balance of each cell: what flows to its neighbours equals what is pumped or infiltrates, less what is stored,

    Σ C_f (h_neighbour − h) + Q = S_s V ∂h/∂t,     C_f = A_f / (d₁ / 2 K₁ + d₂ / 2 K₂)

where the conductance C_f of a face of area A_f takes the harmonic mean of the conductivities on both sides (as
MODFLOW's block-centred flow package: McDonald and Harbaugh 1988, doi:10.3133/twri06A1). Heads are given in some cells;
no water crosses the grid's outer faces. Time goes by implicit Euler steps. The linear systems and their gradients are
`_multigrid.py`'s: a gradient costs one more solve. All is float32, with heads taken from their mean.
"""

import math
from dataclasses import dataclass
from typing import final

import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float

from latentinv.errors import InputError
from latentinv.grid import Grid

from ._forward import AbstractForward
from ._multigrid import Diffusion, solve


@dataclass(frozen=True, eq=False)
class Aquifer:
    """Where water flows: geometry, borders and wells.

    Parameters
    ----------
    grid
        The cells; metres.
    fixed_heads
        Head in metres where it is given, NaN elsewhere, over the grid.
    sources
        Water that enters each cell in m³/s: infiltration and injection above 0, pumping below.
    thickness
        In metres, of a two-dimensional aquifer; one in three dimensions is as thick as its cells.

    Raises
    ------
    InputError
        If an array is not the grid's, a number cannot be used, or no head is fixed.
    """

    grid: Grid
    fixed_heads: Float[np.ndarray, "*grid"]
    sources: Float[np.ndarray, "*grid"]
    thickness: float = 1.0

    def __post_init__(self) -> None:
        for name in ("fixed_heads", "sources"):
            values = np.asarray(getattr(self, name), float)
            if values.shape != self.grid.shape:
                raise InputError(f"The aquifer's {name} have shape {values.shape}; expected {self.grid.shape}.")
            object.__setattr__(self, name, values)
        if np.any(np.isinf(self.fixed_heads)) or not np.all(np.isfinite(self.sources)):
            raise InputError("The aquifer's heads or sources are infinite somewhere; give NaN where no head is fixed.")
        if not (math.isfinite(self.thickness) and self.thickness > 0):
            raise InputError(f"The aquifer is {self.thickness} m thick; give metres above 0.")
        if self.grid.ndim == 3 and self.thickness != 1:
            raise InputError("An aquifer in three dimensions is as thick as its cells; leave its thickness out.")
        if not np.any(self.fixed):
            raise InputError("The aquifer has no fixed head, so its heads are not determined; fix one cell's at least.")

    @property
    def fixed(self) -> np.ndarray:
        """Where heads are fixed."""
        return np.isfinite(self.fixed_heads)

    @property
    def reference(self) -> float:
        """The head from which the others are counted, in metres."""
        return float(np.nanmean(self.fixed_heads))

    def conductances(self, conductivity: Float[Array, "*grid"]) -> tuple[Float[Array, "..."], ...]:
        """Conductance of every face between two cells, in m²/s, axis by axis."""
        spacing = np.asarray(self.grid.spacing)[::-1]
        volume = math.prod(spacing) * self.thickness
        result = []
        for axis, edge in enumerate(spacing):
            size = self.grid.shape[axis]
            low, high = (lax.slice_in_dim(conductivity, s, s + size - 1, axis=axis) for s in (0, 1))
            result.append(2 * volume / edge**2 * low * high / (low + high))
        return tuple(result)

    def system(self, conductivity: Float[Array, "*grid"]) -> tuple[Diffusion, Float[Array, "*grid"]]:
        """The matrix over cells whose head is free, and what drives them; heads are counted from the reference."""
        fixed = self.fixed
        given = jnp.asarray(np.where(fixed, self.fixed_heads - self.reference, 0.0), conductivity.dtype)
        leak = jnp.zeros_like(conductivity)
        drive = jnp.asarray(self.sources, conductivity.dtype)
        between_free = []
        for axis, conductance in enumerate(self.conductances(conductivity)):
            low, high = (np.take(fixed, np.arange(s, s + conductance.shape[axis]), axis=axis) for s in (0, 1))
            between_free.append(jnp.where(low | high, 0, conductance))
            for here, there, shift in ((low, high, 0), (high, low, 1)):
                border = jnp.where(there & ~here, conductance, 0)
                size = conductance.shape[axis]
                edges = [(shift, 1 - shift) if n == axis else (0, 0) for n in range(leak.ndim)]
                neighbour = lax.slice_in_dim(given, 1 - shift, 1 - shift + size, axis=axis)
                leak += jnp.pad(border, edges)
                drive += jnp.pad(border * neighbour, edges)
        return Diffusion(tuple(between_free), leak), jnp.where(fixed, 0, drive)

    def heads(self, free: Float[Array, "*grid"]) -> Float[Array, "*grid"]:
        """Heads in metres from the solution over free cells."""
        return jnp.where(self.fixed, jnp.asarray(np.nan_to_num(self.fixed_heads), free.dtype), self.reference + free)


def steady_heads(aquifer: Aquifer, conductivity: Float[Array, "*grid"]) -> Float[Array, "*grid"]:
    """Heads in metres at rest, from conductivities in m/s; NaN where the solver found none."""
    matrix, drive = aquifer.system(conductivity)
    scale = 1 / jnp.mean(lax.stop_gradient(conductivity))  # keeps squares of small numbers within float32
    matrix = Diffusion(tuple(scale * c for c in matrix.conductances), scale * matrix.leak)
    return aquifer.heads(solve(matrix, scale * drive))


def transient_heads(
    aquifer: Aquifer,
    conductivity: Float[Array, "*grid"],
    initial_heads: Float[np.ndarray, "*grid"],
    times: Float[np.ndarray, "time"],
    specific_storage: float,
) -> Float[Array, "time *grid"]:
    """Heads in metres at given times in seconds, from those at time 0; one implicit step from each to the next."""
    matrix, drive = aquifer.system(conductivity)
    scale = 1 / jnp.mean(lax.stop_gradient(conductivity))
    volume = float(np.prod(aquifer.grid.spacing)) * aquifer.thickness
    storage = jnp.where(aquifer.fixed, 0, scale * specific_storage * volume)
    conductances = tuple(scale * c for c in matrix.conductances)

    def step(free: Array, seconds: Array) -> tuple[Array, Array]:
        stored = storage / seconds
        free = solve(Diffusion(conductances, scale * matrix.leak + stored), scale * drive + stored * free)
        return free, aquifer.heads(free)

    start = jnp.asarray(np.where(aquifer.fixed, 0, initial_heads - aquifer.reference), conductivity.dtype)
    return lax.scan(step, start, jnp.asarray(np.diff(times, prepend=0.0), conductivity.dtype))[1]


@final
class SteadyFlow(AbstractForward):
    """Steady heads in observation wells.

    Parameters
    ----------
    aquifer
        Where water flows.
    wells
        Coordinates x, y(, z) in metres of the observed heads; a head is that of the cell that holds it.

    Raises
    ------
    InputError
        If a well lies outside the grid.
    """

    kind = "steady_flow"

    def __init__(self, aquifer: Aquifer, wells: Float[np.ndarray, "datum axis"]) -> None:
        self.aquifer, self.grid = aquifer, aquifer.grid
        self.cells = aquifer.grid.cells(wells)

    @property
    def count(self) -> int:
        """Number of heads."""
        return len(self.cells)

    def predict(self, property: Float[Array, "*grid"]) -> Float[Array, "datum"]:
        """Heads in metres from conductivities in m/s."""
        return steady_heads(self.aquifer, property)[tuple(self.cells.T)]

    def to_arrays(self) -> dict[str, np.ndarray]:
        """The aquifer and the wells."""
        return {**_aquifer_arrays(self.aquifer), "cells": self.cells}

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray], grid: Grid) -> "SteadyFlow":
        """Make the model again."""
        return cls(_aquifer(arrays, grid), grid.centres(arrays["cells"]))


@final
class TransientFlow(AbstractForward):
    """Heads in observation wells at several times, from rest or any other start.

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
        In metres, at time 0, over the grid.
    observed
        Positions in `times` at which heads are data; all unless given.

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
        initial_heads: Float[np.ndarray, "*grid"],
        observed: np.ndarray | None = None,
    ) -> None:
        self.aquifer, self.grid = aquifer, aquifer.grid
        self.cells = aquifer.grid.cells(wells)
        self.times = np.asarray(times, float)
        if self.times.ndim != 1 or not len(self.times) or np.any(np.diff(self.times, prepend=0.0) <= 0):
            raise InputError("The times do not grow from above 0; give seconds in order.")
        if not (math.isfinite(specific_storage) and specific_storage > 0):
            raise InputError(f"The specific storage is {specific_storage}; give a number above 0, in 1/m.")
        self.specific_storage = float(specific_storage)
        self.initial_heads = np.asarray(initial_heads, float)
        if self.initial_heads.shape != self.grid.shape or not np.all(np.isfinite(self.initial_heads)):
            raise InputError(f"The initial heads must be finite metres over {self.grid.shape} cells.")
        self.observed = np.arange(len(self.times)) if observed is None else np.asarray(observed, int)
        if not len(self.observed) or self.observed.min() < 0 or self.observed.max() >= len(self.times):
            raise InputError(f"The observed times are not all positions from 0 to {len(self.times) - 1}; correct them.")

    @property
    def count(self) -> int:
        """Number of heads: wells times observed times."""
        return len(self.cells) * len(self.observed)

    def predict(self, property: Float[Array, "*grid"]) -> Float[Array, "datum"]:
        """Heads in metres from conductivities in m/s, well after well, each at its observed times."""
        heads = transient_heads(self.aquifer, property, self.initial_heads, self.times, self.specific_storage)
        return heads[(self.observed[:, None], *self.cells.T)].T.reshape(-1)

    def to_arrays(self) -> dict[str, np.ndarray]:
        """The aquifer, the wells and the times."""
        return {
            **_aquifer_arrays(self.aquifer),
            "cells": self.cells,
            "times": self.times,
            "specific_storage": np.asarray(self.specific_storage),
            "initial_heads": self.initial_heads,
            "observed": self.observed,
        }

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray], grid: Grid) -> "TransientFlow":
        """Make the model again."""
        return cls(
            _aquifer(arrays, grid),
            grid.centres(arrays["cells"]),
            arrays["times"],
            specific_storage=float(arrays["specific_storage"]),
            initial_heads=arrays["initial_heads"],
            observed=arrays["observed"],
        )


def _aquifer_arrays(aquifer: Aquifer) -> dict[str, np.ndarray]:
    return {
        "fixed_heads": aquifer.fixed_heads,
        "sources": aquifer.sources,
        "thickness": np.asarray(aquifer.thickness),
    }


def _aquifer(arrays: dict[str, np.ndarray], grid: Grid) -> Aquifer:
    return Aquifer(grid, arrays["fixed_heads"], arrays["sources"], float(arrays["thickness"]))
