"""Confined groundwater flow, steady and transient, by finite volumes in two or three dimensions.

Water balance of each cell: what flows to its neighbours equals what is pumped or infiltrates, less what is stored,

    Σ C_f (h_neighbour − h) + Q = S_s V ∂h/∂t,     C_f = A_f / (d₁ / 2 K₁ + d₂ / 2 K₂)

where the conductance C_f of a face of area A_f takes the harmonic mean of the conductivities on both sides (as
MODFLOW's block-centred flow package: McDonald and Harbaugh 1988, doi:10.3133/twri06A1). Heads are given in some cells;
no water crosses the grid's outer faces. Time goes by implicit Euler steps. The linear systems and their gradients are
`_multigrid.py`'s: a gradient costs one more solve. All is float32, with heads taken from their mean.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Bool, Float

from latentinv.errors import InputError
from latentinv.grid import Grid

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
        Water that wells bring to each cell in m³/s: injection above 0, pumping below.
    thickness
        In metres, of a map its height, of a vertical section its width across; an aquifer in three dimensions is as
        thick as its cells.
    recharge
        Water that infiltrates in m/s, over the area that each cell has seen from above; one number, or one for each
        cell. In sections and in three dimensions one for each cell, for it enters at the surface only.

    Raises
    ------
    InputError
        If an array is not the grid's, a number cannot be used, or no head is fixed.
    """

    grid: Grid
    fixed_heads: Float[np.ndarray, "*grid"]
    sources: Float[np.ndarray, "*grid"]
    thickness: float = 1.0
    recharge: float | Float[np.ndarray, "*grid"] = 0.0

    def __post_init__(self) -> None:
        for name in ("fixed_heads", "sources"):
            values = np.asarray(getattr(self, name), float)
            if values.shape != self.grid.shape:
                raise InputError(f"The aquifer's {name} have shape {values.shape}; expected {self.grid.shape}.")
            object.__setattr__(self, name, values)
        self._check_recharge()
        if np.any(np.isinf(self.fixed_heads)) or not np.all(np.isfinite(self.sources)):
            raise InputError("The aquifer's heads or sources are infinite somewhere; give NaN where no head is fixed.")
        if not (math.isfinite(self.thickness) and self.thickness > 0):
            raise InputError(f"The aquifer is {self.thickness} m thick; give metres above 0.")
        if self.grid.ndim == 3 and self.thickness != 1:
            raise InputError("An aquifer in three dimensions is as thick as its cells; leave its thickness out.")
        if np.any(idle := self.fixed & (self.sources != 0)):
            raise InputError(
                f"The aquifer has a source in {np.count_nonzero(idle)} of the cells whose head is fixed, where it "
                "changes nothing; move it, or free the head."
            )
        if not np.any(self.fixed):
            raise InputError("The aquifer has no fixed head, so its heads are not determined; fix one cell's at least.")

    def _check_recharge(self) -> None:
        recharge = np.asarray(self.recharge, float)
        if recharge.shape not in ((), self.grid.shape) or not np.all(np.isfinite(recharge)):
            raise InputError(
                f"The aquifer's recharge has shape {recharge.shape} or is not finite; expected one number, or one for "
                f"each of {self.grid.shape} cells, in m/s."
            )
        if self.grid.vertical and recharge.shape == () and recharge != 0:
            raise InputError(
                "The recharge of an aquifer with layers is one number, but it enters at the surface only; give one for "
                "each cell, 0 below."
            )
        object.__setattr__(self, "recharge", np.broadcast_to(recharge, self.grid.shape))

    @property
    def fixed(self) -> np.ndarray:
        """Where heads are fixed."""
        return np.isfinite(self.fixed_heads)

    @property
    def inflow(self) -> np.ndarray:
        """Water that enters each cell from outside, in m³/s."""
        east, north = np.asarray(self.grid.spacing)[:2]
        across = self.thickness if self.grid.ndim == 2 and self.grid.vertical else north
        return self.sources + self.recharge * float(east * across)

    @property
    def pumping_alone(self) -> "Aquifer":
        """The aquifer whose heads are the drawdown by the wells: equations are linear, so the rest is of no matter."""
        return Aquifer(self.grid, np.where(self.fixed, 0.0, np.nan), -self.sources, self.thickness)

    @property
    def at_rest(self) -> "Aquifer":
        """The aquifer before its wells pump."""
        return Aquifer(self.grid, self.fixed_heads, np.zeros(self.grid.shape), self.thickness, self.recharge)

    @property
    def reference(self) -> float:
        """The head from which the others are counted, in metres."""
        return float(np.nanmean(self.fixed_heads))

    @property
    def given(self) -> np.ndarray:
        """Fixed heads counted from the reference, 0 where heads are free."""
        return np.where(self.fixed, self.fixed_heads - self.reference, 0.0)

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
        given = jnp.asarray(self.given, conductivity.dtype)
        leak = jnp.zeros_like(conductivity)
        drive = jnp.asarray(self.inflow, conductivity.dtype)
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
    return aquifer.heads(_steady(aquifer, conductivity))


def steady_flux(
    aquifer: Aquifer, conductivity: Float[Array, "*grid"], zones: Bool[np.ndarray, "zone *grid"]
) -> Float[Array, "zone"]:
    """Water in m³/s that leaves each zone of cells, at rest, for the cells around it, less what enters."""
    return _leaving(aquifer, conductivity, _steady(aquifer, conductivity), zones)


def transient_heads(
    aquifer: Aquifer,
    conductivity: Float[Array, "*grid"],
    initial_heads: Float[np.ndarray, "*grid"] | None,
    times: Float[np.ndarray, "time"],
    specific_storage: float,
) -> Float[Array, "time *grid"]:
    """Heads in metres at given times in seconds, from those at time 0; one implicit step from each to the next.

    Without initial heads those at rest, before the wells pump, are the first.
    """
    return _course(aquifer, conductivity, initial_heads, times, specific_storage, aquifer.heads)


def transient_flux(
    aquifer: Aquifer,
    conductivity: Float[Array, "*grid"],
    initial_heads: Float[np.ndarray, "*grid"] | None,
    times: Float[np.ndarray, "time"],
    specific_storage: float,
    zones: Bool[np.ndarray, "zone *grid"],
) -> Float[Array, "time zone"]:
    """Water in m³/s that leaves each zone for the cells around it, less what enters, at given times in seconds."""

    def leaving(free: Array) -> Array:
        return _leaving(aquifer, conductivity, free, zones)

    return _course(aquifer, conductivity, initial_heads, times, specific_storage, leaving)


def _leaving(
    aquifer: Aquifer,
    conductivity: Float[Array, "*grid"],
    free: Float[Array, "*grid"],
    zones: Bool[np.ndarray, "zone *grid"],
) -> Float[Array, "zone"]:
    """Water that leaves zones, from the solution over free cells."""
    # Counted from the reference, heads keep the digits that differences of neighbours need.
    heads = jnp.where(aquifer.fixed, jnp.asarray(aquifer.given, conductivity.dtype), free)
    total = jnp.zeros(len(zones), conductivity.dtype)
    for axis, conductance in enumerate(aquifer.conductances(conductivity)):
        leaving = -np.diff(zones.astype(np.int8), axis=axis + 1)  # 1 where the lower of two cells lies in the zone
        flow = -conductance * jnp.diff(heads, axis=axis)
        total += jnp.sum(leaving * flow, axis=range(1, leaving.ndim))
    return total


def _steady(aquifer: Aquifer, conductivity: Float[Array, "*grid"]) -> Float[Array, "*grid"]:
    """Heads at rest of the free cells, from the reference; without meaning where heads are fixed."""
    matrix, drive = aquifer.system(conductivity)
    scale = 1 / jnp.mean(lax.stop_gradient(conductivity))  # keeps squares of small numbers within float32
    matrix = Diffusion(tuple(scale * c for c in matrix.conductances), scale * matrix.leak)
    return solve(matrix, scale * drive)


def _course(
    aquifer: Aquifer,
    conductivity: Float[Array, "*grid"],
    initial_heads: Float[np.ndarray, "*grid"] | None,
    times: Float[np.ndarray, "time"],
    specific_storage: float,
    seen: Callable[[Array], Array],
) -> Float[Array, "time ..."]:
    """What is seen of the solution over free cells at each time."""
    matrix, drive = aquifer.system(conductivity)
    scale = 1 / jnp.mean(lax.stop_gradient(conductivity))
    volume = float(np.prod(aquifer.grid.spacing)) * aquifer.thickness
    storage = jnp.where(aquifer.fixed, 0, scale * specific_storage * volume)
    conductances = tuple(scale * c for c in matrix.conductances)

    def step(free: Array, seconds: Array) -> tuple[Array, Array]:
        stored = storage / seconds
        free = solve(Diffusion(conductances, scale * matrix.leak + stored), scale * drive + stored * free)
        return free, seen(free)

    if initial_heads is None:
        start = jnp.where(aquifer.fixed, 0, _steady(aquifer.at_rest, conductivity))
    else:
        start = jnp.asarray(np.where(aquifer.fixed, 0, initial_heads - aquifer.reference), conductivity.dtype)
    return lax.scan(step, start, jnp.asarray(np.diff(times, prepend=0.0), conductivity.dtype))[1]
