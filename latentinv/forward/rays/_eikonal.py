"""First-arrival times by the eikonal equation |∇T| = s, s the slowness: rays bend, and waves run along fast layers.

Times live on the corners of cells, whose slowness is the mean of the cells around. About a point source T = T₀ τ, T₀
being the distance from it: the factor τ, a mean slowness on the way, is smooth where T is not (Fomel et al. 2009,
doi:10.1016/j.jcp.2009.05.029). With p_k = (T₀/h_k)(τ − τ_k) + g_k τ, τ_k being the neighbour on one side along axis k
and g the gradient of T₀ away from it, a corner's τ is the least root of

    Σ_k p_k² = s²,    p_k ≥ 0,    over all sides and all choices of axes (no other p_k counts).

Sweeps in all 2ⁿ orders repeat this until nothing changes (Zhao 2005, doi:10.1090/S0025-5718-04-01678-3). In a sweep,
corners of one diagonal do not depend on each other and are updated at once (Detrixhe et al. 2013,
doi:10.1016/j.jcp.2012.11.042), so a sweep is one `lax.scan`. The error is of the first order in the spacing; without
variation of s there is none.

Derivatives are those of the discrete solution. Differentiating the root gives every corner's dτ as a weighted sum of
its upwind neighbours' and of ds; the weights follow the rays, so the same sweeps solve this system, forwards for a
tangent and with the weights transposed for a gradient. Cost: O(corners) per sweep, some ten rounds of 2ⁿ sweeps per
source, half of that for a gradient; memory: some ten arrays of the corners, for all sources at once.
"""

import functools
import itertools
from collections.abc import Iterator
from typing import Any, NamedTuple, final

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Bool, Float
from scipy import sparse

from latentinv.forward.core import FORWARDS
from latentinv.forward.linear import sparse_operator
from latentinv.grid import Grid
from latentinv.pytrees import pytree

from ._diagonals import Order, lower, orders_of, shifted
from ._rays import AbstractRays, where_possible

FAR = 1e6
"""Initial value of τ, in units of the mean slowness."""
TOLERANCE = 1e-6
"""Relative change of τ in a round of sweeps at which it has converged."""
MOST_ROUNDS = 60
GIVE_UP = 1e-4
"""Relative change in the last round above which it has not converged."""
LEAST_SLOPE = 1e-3
"""Of p_k in τ; next to the source, sides that waves cannot come from have less."""
INSIDE = 1e-3
"""Interpolation weight below which a corner does not belong to the source."""


class Mesh(NamedTuple):
    """The corners of cells, axes as of arrays."""

    shape: tuple[int, ...]
    """Corners along each axis."""
    spacing: tuple[float, ...]
    """In metres, along each axis."""


@final
@FORWARDS.register("curved_rays")
@pytree("sources", "receivers", "_origins", "_corners", "_interpolation", "_distance")
class CurvedRays(AbstractRays):
    """First-arrival times along rays that bend; takes what `AbstractRays` says.

    Some cells beyond the rays' ends let rays bend there, and the finer the grid, the more exact the times. Rays with
    the same source share its solution; where there are fewer receivers than sources, waves are sent from the receivers
    instead.
    """

    kind = "curved_rays"

    def _prepare(self) -> None:
        grid = self.grid
        starts = [np.unique(ends, axis=0, return_inverse=True) for ends in (self.sources, self.receivers)]
        swapped = len(starts[1][0]) < len(starts[0][0])
        (origins, shot), ends = starts[swapped], self.sources if swapped else self.receivers
        self._origins = _places(grid, origins)
        corners, weights = _interpolation(mesh_of(grid), _places(grid, ends))
        # The corners that are read, each once, of all solutions together; NumPy's versions differ in shot's shape.
        whole = shot.reshape(-1, 1) * int(np.prod(mesh_of(grid).shape)) + corners
        self._corners, position = np.unique(whole, return_inverse=True)
        rays = np.broadcast_to(np.arange(len(ends))[:, None], whole.shape).reshape(-1)
        entries = (weights.reshape(-1), (rays, position.reshape(-1)))
        self._interpolation = sparse_operator(sparse.csr_array(entries, shape=(len(ends), len(self._corners))))
        self._distance = np.linalg.norm(self.receivers - self.sources, axis=1)

    @jax.jit
    def predict(self, property: Float[Array, "*grid"]) -> Float[Array, "datum"]:
        """Times from velocities: in seconds from velocities in m/s, in nanoseconds from m/ns."""
        velocity = jnp.asarray(property)
        slowness = corner_means(1 / velocity)
        origins = jnp.asarray(self._origins, velocity.dtype)
        factors = jax.vmap(lambda origin: mean_slowness(mesh_of(self.grid), origin, slowness))(origins)
        mean = self._interpolation.product(factors.reshape(-1).at[self._corners].get(unique_indices=True))
        return where_possible(velocity, jnp.asarray(self._distance, velocity.dtype) * mean)


def mesh_of(grid: Grid) -> Mesh:
    """The corners of a grid's cells."""
    return Mesh(tuple(n + 1 for n in grid.shape), tuple(float(h) for h in np.asarray(grid.spacing)[::-1]))


def corner_means(cells: Float[Array, "*grid"]) -> Float[Array, "*corners"]:
    """Mean over the cells around each corner; at borders over those there are."""
    for axis in range(cells.ndim):
        edges = [(1, 1) if n == axis else (0, 0) for n in range(cells.ndim)]
        padded = jnp.pad(cells, edges, mode="edge")
        size = padded.shape[axis]
        low, high = (lax.slice_in_dim(padded, s, s + size - 1, axis=axis) for s in (0, 1))
        cells = (low + high) / 2
    return cells


@functools.partial(jax.custom_jvp, nondiff_argnums=(0,))
def mean_slowness(
    mesh: Mesh, source: Float[Array, "axis"], slowness: Float[Array, "*corners"]
) -> Float[Array, "*corners"]:
    """The factor τ of every corner: first-arrival time over distance from the source; NaN where it did not converge.

    Parameters
    ----------
    mesh
        The corners.
    source
        Its distance from the first corner along each axis of arrays, in metres. No derivative is taken in it.
    slowness
        Of the corners.
    """
    at_source, own = _around(mesh, source)
    start = jnp.sum(at_source * slowness)
    far = FAR * jnp.mean(slowness)
    known = tuple(
        Directed(order.planes(distance, 0.0), order.planes(slowness, 0.0), order.planes(~own, False), slopes)
        for order in orders_of(mesh.shape)
        for distance, slopes in [_directed(mesh, source, order)]
    )

    def sweep(factor: Array, order: Order, fixed: Directed) -> Array:
        def diagonal(before: Array, here: tuple[Array, Directed]) -> tuple[Array, Array]:
            now, at = here
            neighbours = lower(before, far)
            root, _ = _root(at.distance, at.slowness, at.slopes, neighbours, mesh.spacing, far)
            new = jnp.where(at.free, jnp.minimum(now, root), now)
            return new, new

        planes = order.planes(factor, far)
        _, planes = lax.scan(diagonal, jnp.full(planes.shape[1:], far), (planes, fixed))
        return order.corners(planes)

    def body(state: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        factor, _, rounds = state
        new = factor
        for order, fixed in zip(orders_of(mesh.shape), known, strict=True):
            new = sweep(new, order, fixed)
        return new, jnp.max((factor - new) / new), rounds + 1

    first = jnp.where(own, start, far)
    found, change, _ = lax.while_loop(
        lambda state: (state[1] > TOLERANCE) & (state[2] < MOST_ROUNDS), body, (first, jnp.inf * start, jnp.int32(0))
    )
    return jnp.where(change <= GIVE_UP, found, jnp.nan)


@mean_slowness.defjvp
def _tangent(mesh: Mesh, primals: tuple[Any, ...], tangents: tuple[Any, ...]) -> tuple[Array, Array]:
    source, slowness = primals
    factor = mean_slowness(mesh, source, slowness)
    upwind = jax.tree.map(lax.stop_gradient, _weights(mesh, source, slowness, factor))
    at_source, own = _around(mesh, source)
    drive = jnp.where(own, jnp.sum(at_source * tangents[1]), upwind.own * tangents[1])
    change = lax.custom_linear_solve(
        lambda v: v - _upwind_sum(upwind, v),
        drive,
        lambda _, right: _solve(mesh, upwind, right),
        lambda _, right: _solve(mesh, _transposed(upwind), right),
    )
    return factor, change


class Directed(NamedTuple):
    """Numbers of each corner that a sweep in one order needs, by diagonals."""

    distance: Float[Array, "diagonal *plane"]
    slowness: Float[Array, "diagonal *plane"]
    free: Bool[Array, "diagonal *plane"]
    """Whether τ is unknown there; not at the source, nor outside."""
    slopes: tuple[Float[Array, "diagonal *plane"], ...]
    """g: growth of the distance along each axis, in the order of the sweep."""


class Upwind(NamedTuple):
    """Weights by which dτ of a corner depends on that of its neighbours and on ds."""

    low: tuple[Float[Array, "*corners"], ...]
    """Weight of the lower neighbour along each axis."""
    high: tuple[Float[Array, "*corners"], ...]
    own: Float[Array, "*corners"]
    """Of ds."""


def _distances(mesh: Mesh, source: Array) -> tuple[Array, list[Array]]:
    """Distance of each corner from the source, and its growth along each axis."""
    axes = [jnp.arange(n) * h for n, h in zip(mesh.shape, mesh.spacing, strict=True)]
    along = [a - s for a, s in zip(jnp.meshgrid(*axes, indexing="ij"), source, strict=True)]
    distance = jnp.sqrt(sum((a**2 for a in along), jnp.zeros(mesh.shape)))
    return distance, [a / jnp.where(distance > 0, distance, 1) for a in along]


def _directed(mesh: Mesh, source: Array, order: Order) -> tuple[Array, tuple[Array, ...]]:
    distance, growth = _distances(mesh, source)
    signs = [1 if forwards else -1 for forwards in order.forwards]
    return distance, tuple(order.planes(sign * g, 0.0) for sign, g in zip(signs, growth, strict=True))


def _around(mesh: Mesh, source: Array) -> tuple[Array, Array]:
    """Interpolation weights of the source among the corners, and which corners are around it."""
    weights = jnp.ones(mesh.shape)
    for axis, (size, spacing) in enumerate(zip(mesh.shape, mesh.spacing, strict=True)):
        near = jnp.maximum(1 - jnp.abs(jnp.arange(size) - source[axis] / spacing), 0)
        weights *= near.reshape([-1 if n == axis else 1 for n in range(len(mesh.shape))])
    return weights, weights > INSIDE


def _root(
    distance: Array, slowness: Array, slopes: Any, neighbours: list[Array], spacing: tuple[float, ...], far: Any
) -> tuple[Array, list[Array]]:
    """The least root τ over all choices of axes, and p_k of the axes chosen, 0 for the others."""
    ratios = [distance / h for h in spacing]
    grows = [r + g for r, g in zip(ratios, slopes, strict=True)]
    offsets = [r * n for r, n in zip(ratios, neighbours, strict=True)]
    best = jnp.full(distance.shape, jnp.inf)
    chosen = [jnp.zeros(distance.shape, bool) for _ in spacing]
    for axes in _choices(len(spacing)):
        square = sum((grows[k] ** 2 for k in axes), jnp.zeros(()))
        mixed = sum((grows[k] * offsets[k] for k in axes), jnp.zeros(()))
        # By Lagrange's identity; the difference of the two large squares would lose all digits.
        crosses = [(grows[k] * offsets[m] - grows[m] * offsets[k]) ** 2 for k, m in itertools.combinations(axes, 2)]
        discriminant = slowness**2 * square - sum(crosses, jnp.zeros(()))
        root = (mixed + jnp.sqrt(jnp.maximum(discriminant, 0))) / jnp.where(square > 0, square, 1)
        valid = discriminant >= 0
        for k in axes:
            valid &= (grows[k] > LEAST_SLOPE) & (neighbours[k] < far)
            valid &= (grows[k] * root >= offsets[k]) if len(axes) > 1 else True
        better = valid & (root < best)
        best = jnp.where(better, root, best)
        chosen = [jnp.where(better, k in axes, c) for k, c in enumerate(chosen)]
    grown = [jnp.where(c, g * best - o, 0) for c, g, o in zip(chosen, grows, offsets, strict=True)]
    return best, grown


def _choices(ndim: int) -> Iterator[tuple[int, ...]]:
    """All choices of axes, single ones first."""
    return itertools.chain.from_iterable(itertools.combinations(range(ndim), n) for n in range(1, ndim + 1))


def _weights(mesh: Mesh, source: Array, slowness: Array, factor: Array) -> Upwind:
    """Differentiate every corner's root."""
    distance, growth = _distances(mesh, source)
    _, own = _around(mesh, source)
    far = FAR * jnp.mean(slowness)
    zero = jnp.zeros(mesh.shape)
    best, upwind = jnp.full(mesh.shape, jnp.inf), Upwind((zero,) * len(mesh.shape), (zero,) * len(mesh.shape), zero)
    for order in orders_of(mesh.shape):
        signs = [1 if forwards else -1 for forwards in order.forwards]
        neighbours = [shifted(factor, axis, sign, far) for axis, sign in enumerate(signs)]
        slopes = [sign * g for sign, g in zip(signs, growth, strict=True)]
        root, chosen = _root(distance, slowness, slopes, neighbours, mesh.spacing, far)
        ratios = [distance / h for h in mesh.spacing]
        whole = sum((p * (r + g) for p, r, g in zip(chosen, ratios, slopes, strict=True)), zero)
        better = (root < best) & ~own & (whole > 0)
        safe = jnp.where(better, whole, 1)
        shares = [p * r / safe for p, r in zip(chosen, ratios, strict=True)]

        def choose(new: Array, old: Array, better: Array = better) -> Array:
            return jnp.where(better, new, old)

        low = tuple(s if sign > 0 else zero for s, sign in zip(shares, signs, strict=True))
        high = tuple(s if sign < 0 else zero for s, sign in zip(shares, signs, strict=True))
        upwind = jax.tree.map(choose, Upwind(low, high, slowness / safe), upwind)
        best = jnp.where(better, root, best)
    return upwind


def _upwind_sum(upwind: Upwind, v: Array) -> Array:
    pairs = enumerate(zip(upwind.low, upwind.high, strict=True))
    return sum((low * shifted(v, k, 1, 0.0) + high * shifted(v, k, -1, 0.0) for k, (low, high) in pairs), 0 * v)


def _transposed(upwind: Upwind) -> Upwind:
    """The weights with which the transposed system gathers."""
    low = tuple(shifted(high, axis, 1, 0.0) for axis, high in enumerate(upwind.high))
    high = tuple(shifted(low, axis, -1, 0.0) for axis, low in enumerate(upwind.low))
    return Upwind(low, high, upwind.own)


def _solve(mesh: Mesh, upwind: Upwind, right: Array) -> Array:
    """Solve v = right + upwind sum of v, by sweeps in all orders."""
    orders = orders_of(mesh.shape)
    known = []
    for order in orders:
        sides = zip(upwind.low, upwind.high, order.forwards, strict=True)
        low, high = zip(*((a, b) if f else (b, a) for a, b, f in sides), strict=True)
        known.append(jax.tree.map(lambda x, order=order: order.planes(x, 0.0), (right, low, high)))

    def sweep(v: Array, order: Order, fixed: Any) -> Array:
        def diagonal(before: Array, here: tuple[Array, Any]) -> tuple[Array, Array]:
            after, (right, low, high) = here
            upper = [*(shifted(after, axis, -1, 0.0) for axis in range(after.ndim)), after]
            terms = [a * b for a, b in zip((*low, *high), (*lower(before, 0.0), *upper), strict=True)]
            new = sum(terms, right)
            return new, new

        planes = order.planes(v, 0.0)
        after = jnp.concatenate([planes[1:], jnp.zeros_like(planes[:1])])
        _, planes = lax.scan(diagonal, jnp.zeros_like(planes[0]), (after, fixed))
        return order.corners(planes)

    def body(state: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        v, _, rounds = state
        new = v
        for order, fixed in zip(orders, known, strict=True):
            new = sweep(new, order, fixed)
        return new, jnp.max(jnp.abs(new - v)) / jnp.maximum(jnp.max(jnp.abs(new)), 1e-30), rounds + 1

    first = (right, jnp.asarray(jnp.inf, right.dtype), jnp.int32(0))
    found, change, _ = lax.while_loop(lambda s: (s[1] > TOLERANCE) & (s[2] < MOST_ROUNDS), body, first)
    return jnp.where(change <= GIVE_UP, found, jnp.nan)


def _places(grid: Grid, points: np.ndarray) -> np.ndarray:
    """Distances from the first corner along each axis of arrays, in metres."""
    places: np.ndarray = grid.positions(points) * np.asarray(grid.spacing)
    return places[:, ::-1]


def _interpolation(mesh: Mesh, places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The corners around each place, and their weights in multilinear interpolation, ``[place, corner]``."""
    shape = np.asarray(mesh.shape)
    scaled = places / np.asarray(mesh.spacing)
    first = np.minimum(scaled.astype(int), shape - 2)
    share = scaled - first
    corners, weights = [], []
    for side in itertools.product((0, 1), repeat=len(shape)):
        corners.append(np.ravel_multi_index(tuple((first + side).T), mesh.shape))
        weights.append(np.where(side, share, 1 - share).prod(axis=1))
    return np.stack(corners, axis=1), np.stack(weights, axis=1)
