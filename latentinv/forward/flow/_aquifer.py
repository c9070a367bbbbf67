"""Confined groundwater flow, steady and transient, by finite volumes in two or three dimensions.

Water balance of each cell: what flows to its neighbours equals what is pumped or infiltrates, less what is stored,

    Σ C_f (h_neighbour − h) + Q = S_s V ∂h/∂t,     C_f = A_f / (d₁ / 2 K₁ + d₂ / 2 K₂)

where the conductance C_f of a face of area A_f takes the harmonic mean of the conductivities on both sides (as
MODFLOW's block-centred flow package: McDonald and Harbaugh 1988, doi:10.3133/twri06A1). Heads are given in some cells;
no water crosses the grid's outer faces. Time is discretised by implicit Euler steps. `_multigrid.py` solves the linear
systems and gives their gradients: a gradient costs one more solve. Everything is float32, with heads counted from their
mean.
"""

import math
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Bool, Float

from latentinv.errors import InputError
from latentinv.grid import Grid
from latentinv.pytrees import pytree, replace

from ._multigrid import Diffusion, solve


@pytree("fixed_heads", "sources", "thickness", "recharge", "fixed", "reference", "given")
class Aquifer:
    """Geometry, boundary conditions and sources of an aquifer.

    Parameters
    ----------
    grid
        The cells; metres.
    fixed_heads
        Head in metres where it is given, NaN elsewhere, over the grid.
    sources
        Well rate of each cell in m³/s: positive for injection, negative for pumping.
    thickness
        In metres: of a map the saturated thickness, of a vertical section the width perpendicular to it. To be left out
        in three dimensions.
    recharge
        Water that infiltrates in m/s, over the area that each cell has seen from above; one number, or one for each
        cell. In sections and in three dimensions one for each cell, for it enters at the surface only.

    Raises
    ------
    InputError
        If an array is not the grid's, a number cannot be used, or no head is fixed.
    """

    def __init__(
        self,
        grid: Grid,
        fixed_heads: Float[np.ndarray, "*grid"],
        sources: Float[np.ndarray, "*grid"],
        thickness: float = 1.0,
        recharge: float | Float[np.ndarray, "*grid"] = 0.0,
    ) -> None:
        self.grid = grid
        self.fixed_heads = _on(grid, fixed_heads, "fixed_heads")
        self.sources = _on(grid, sources, "sources")
        self.thickness = np.float64(thickness)
        self.recharge = _checked_recharge(grid, recharge)
        self.fixed: Bool[np.ndarray, "*grid"] = np.isfinite(self.fixed_heads)
        """Where heads are fixed."""
        self._check()
        # Heads are counted from their mean, in double precision here, so that programs in single precision keep the
        # digits of their differences.
        self.reference = np.mean(self.fixed_heads[self.fixed])
        """The head from which the others are counted, in metres."""
        self.given = np.where(self.fixed, self.fixed_heads - self.reference, 0.0)
        """Fixed heads counted from the reference, 0 where heads are free."""

    def _check(self) -> None:
        if np.any(np.isinf(self.fixed_heads)) or not np.all(np.isfinite(self.sources)):
            raise InputError("The aquifer has infinite heads or sources; give NaN where no head is fixed.")
        if not (math.isfinite(self.thickness) and self.thickness > 0):
            raise InputError(f"The aquifer is {self.thickness} m thick; give metres above 0.")
        if self.grid.ndim == 3 and self.thickness != 1:
            raise InputError("An aquifer in three dimensions has the thickness of its cells; leave thickness out.")
        if np.any(idle := self.fixed & (self.sources != 0)):
            raise InputError(
                f"The aquifer has a source in {np.count_nonzero(idle)} of the cells whose head is fixed, where it "
                "changes nothing; move it, or free the head."
            )
        if not np.any(self.fixed):
            raise InputError("The aquifer has no fixed head, so its heads are not determined; fix at least one.")

    @property
    def inflow(self) -> Float[Array, "*grid"]:
        """Water that enters each cell from outside, in m³/s."""
        east, north = np.asarray(self.grid.spacing)[:2].tolist()
        across = self.thickness if self.grid.ndim == 2 and self.grid.vertical else north
        return jnp.asarray(self.sources) + jnp.asarray(self.recharge) * east * across

    @property
    def pumping_alone(self) -> "Aquifer":
        """The aquifer whose heads are the drawdown by the wells; as equations are linear, nothing else affects it."""
        heads = jnp.where(self.fixed, 0.0, jnp.nan)
        none = jnp.zeros(self.grid.shape)
        return replace(
            self, fixed_heads=heads, sources=-self.sources, recharge=none, reference=jnp.zeros(()), given=none
        )

    @property
    def at_rest(self) -> "Aquifer":
        """The aquifer before its wells pump."""
        return replace(self, sources=jnp.zeros(self.grid.shape))

    def from_reference(self, heads: Float[np.ndarray, "*grid"]) -> Float[np.ndarray, "*grid"]:
        """Heads of free cells counted from the reference, in double precision on the host; 0 where they are fixed."""
        return np.where(self.fixed, 0.0, heads - self.reference)

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
        """Matrix and right-hand side over cells whose head is free; heads are counted from the reference."""
        fixed = jnp.asarray(self.fixed)
        given = jnp.asarray(self.given, conductivity.dtype)
        leak = jnp.zeros_like(conductivity)
        drive = self.inflow.astype(conductivity.dtype)
        between_free = []
        for axis, conductance in enumerate(self.conductances(conductivity)):
            size = conductance.shape[axis]
            low, high = (lax.slice_in_dim(fixed, s, s + size, axis=axis) for s in (0, 1))
            between_free.append(jnp.where(low | high, 0, conductance))
            for here, there, shift in ((low, high, 0), (high, low, 1)):
                border = jnp.where(there & ~here, conductance, 0)
                edges = [(shift, 1 - shift) if n == axis else (0, 0) for n in range(leak.ndim)]
                neighbour = lax.slice_in_dim(given, 1 - shift, 1 - shift + size, axis=axis)
                leak += jnp.pad(border, edges)
                drive += jnp.pad(border * neighbour, edges)
        return Diffusion(tuple(between_free), leak), jnp.where(fixed, 0, drive)

    def heads(self, free: Float[Array, "*grid"]) -> Float[Array, "*grid"]:
        """Heads in metres from the solution over free cells."""
        return jnp.where(self.fixed, jnp.nan_to_num(jnp.asarray(self.fixed_heads, free.dtype)), self.reference + free)


@jax.jit
def steady_heads(aquifer: Aquifer, conductivity: Float[Array, "*grid"]) -> Float[Array, "*grid"]:
    """Steady heads in metres, from conductivities in m/s; NaN where the solver did not converge."""
    return aquifer.heads(_steady(aquifer, conductivity))


@jax.jit
def steady_flux(
    aquifer: Aquifer, conductivity: Float[Array, "*grid"], zones: Bool[np.ndarray, "zone *grid"]
) -> Float[Array, "zone"]:
    """Steady net flow in m³/s out of each zone of cells into the cells around it."""
    return _leaving(aquifer, conductivity, _steady(aquifer, conductivity), zones)


def transient_heads(
    aquifer: Aquifer,
    conductivity: Float[Array, "*grid"],
    initial_heads: Float[np.ndarray, "*grid"] | None,
    times: Float[np.ndarray, "time"],
    specific_storage: float,
) -> Float[Array, "time *grid"]:
    """Heads in metres at given times in seconds, from those at time 0, with one implicit step from each time to the
    next.

    Without initial heads it starts from the steady state before the wells pump.
    """
    start = None if initial_heads is None else aquifer.from_reference(np.asarray(initial_heads, float))
    return heads_in_time(aquifer, conductivity, start, np.diff(times, prepend=0.0), specific_storage)


@jax.jit
def heads_in_time(
    aquifer: Aquifer,
    conductivity: Float[Array, "*grid"],
    start: Float[np.ndarray, "*grid"] | None,
    steps: Float[np.ndarray, "time"],
    specific_storage: float,
) -> Float[Array, "time *grid"]:
    """`transient_heads` for steps in seconds, and a start counted from the reference."""
    return _course(aquifer, conductivity, start, steps, specific_storage, aquifer.heads)


@jax.jit
def flux_in_time(
    aquifer: Aquifer,
    conductivity: Float[Array, "*grid"],
    start: Float[np.ndarray, "*grid"] | None,
    steps: Float[np.ndarray, "time"],
    specific_storage: float,
    zones: Bool[np.ndarray, "zone *grid"],
) -> Float[Array, "time zone"]:
    """`transient_flux` for steps in seconds, and a start counted from the reference."""

    def leaving(free: Array) -> Array:
        return _leaving(aquifer, conductivity, free, zones)

    return _course(aquifer, conductivity, start, steps, specific_storage, leaving)


def transient_flux(
    aquifer: Aquifer,
    conductivity: Float[Array, "*grid"],
    initial_heads: Float[np.ndarray, "*grid"] | None,
    times: Float[np.ndarray, "time"],
    specific_storage: float,
    zones: Bool[np.ndarray, "zone *grid"],
) -> Float[Array, "time zone"]:
    """Net flow in m³/s out of each zone into the cells around it, at given times in seconds."""
    start = None if initial_heads is None else aquifer.from_reference(np.asarray(initial_heads, float))
    return flux_in_time(aquifer, conductivity, start, np.diff(times, prepend=0.0), specific_storage, zones)


def _leaving(
    aquifer: Aquifer,
    conductivity: Float[Array, "*grid"],
    free: Float[Array, "*grid"],
    zones: Bool[np.ndarray, "zone *grid"],
) -> Float[Array, "zone"]:
    """Net flow out of zones, from the solution over free cells."""
    # Counted from the reference, heads keep the digits that differences of neighbours need.
    heads = jnp.where(aquifer.fixed, jnp.asarray(aquifer.given, conductivity.dtype), free)
    total = jnp.zeros(len(zones), conductivity.dtype)
    for axis, conductance in enumerate(aquifer.conductances(conductivity)):
        # 1 where the lower of two cells lies in the zone.
        leaving = -jnp.diff(jnp.asarray(zones, jnp.int8), axis=axis + 1)
        flow = -conductance * jnp.diff(heads, axis=axis)
        total += jnp.sum(leaving * flow, axis=range(1, leaving.ndim))
    return total


def _steady(aquifer: Aquifer, conductivity: Float[Array, "*grid"]) -> Float[Array, "*grid"]:
    """Steady heads of the free cells, counted from the reference; meaningless where heads are fixed."""
    matrix, drive = aquifer.system(conductivity)
    scale = 1 / jnp.mean(lax.stop_gradient(conductivity))  # keeps squares of small numbers within float32
    matrix = Diffusion(tuple(scale * c for c in matrix.conductances), scale * matrix.leak)
    return solve(matrix, scale * drive)


def _course(
    aquifer: Aquifer,
    conductivity: Float[Array, "*grid"],
    start: Float[np.ndarray, "*grid"] | None,
    steps: Float[np.ndarray, "time"],
    specific_storage: float,
    seen: Callable[[Array], Array],
) -> Float[Array, "time ..."]:
    """Observations of the solution over free cells after each step."""
    matrix, drive = aquifer.system(conductivity)
    scale = 1 / jnp.mean(lax.stop_gradient(conductivity))
    volume = math.prod(aquifer.grid.spacing) * aquifer.thickness  # type: ignore[arg-type]
    storage = jnp.where(aquifer.fixed, 0, scale * specific_storage * volume)
    conductances = tuple(scale * c for c in matrix.conductances)

    def step(free: Array, seconds: Array) -> tuple[Array, Array]:
        stored = storage / seconds
        free = solve(Diffusion(conductances, scale * matrix.leak + stored), scale * drive + stored * free)
        return free, seen(free)

    if start is None:
        first = jnp.where(aquifer.fixed, 0, _steady(aquifer.at_rest, conductivity))
    else:
        first = jnp.asarray(start, conductivity.dtype)
    return lax.scan(step, first, jnp.asarray(steps, conductivity.dtype))[1]


def _on(grid: Grid, values: Float[np.ndarray, "*grid"], name: str) -> Float[np.ndarray, "*grid"]:
    values = np.asarray(values, float)
    if values.shape != grid.shape:
        raise InputError(f"The aquifer's {name} have shape {values.shape}; expected {grid.shape}.")
    return values


def _checked_recharge(grid: Grid, recharge: float | Float[np.ndarray, "*grid"]) -> Float[np.ndarray, "*grid"]:
    recharge = np.asarray(recharge, float)
    if recharge.shape not in ((), grid.shape) or not np.all(np.isfinite(recharge)):
        raise InputError(
            f"The aquifer's recharge has shape {recharge.shape} or is not finite; expected one number, or one for "
            f"each of {grid.shape} cells, in m/s."
        )
    if grid.vertical and recharge.shape == () and recharge != 0:
        raise InputError(
            "The recharge of an aquifer with layers is one number, but it enters at the surface only; give one for "
            "each cell, 0 below."
        )
    return np.broadcast_to(recharge, grid.shape)
