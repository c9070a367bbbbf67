"""Diffusion on cells, A u = b: conjugate gradients with a multigrid preconditioner, batched, in float32.

A is the finite-volume form of −∇·K∇: along each axis a *conductance* for every face between two cells, and a *leak* for
every cell, its conductance to a fixed value. A cell whose conductances and leak are all zero takes no part and keeps
the value zero. Coarse grids join 2ⁿ cells and add up their conductances, halved since two faces stand in a row; one
V-cycle of damped Jacobi sweeps is the preconditioner, which copes with contrasts because sums of conductances do. About
eight iterations gain four digits for conductivities that differ by a factor of a hundred. Each round starts from the
true residual, computed from differences of neighbours without loss of digits, so that the solution is as accurate as
float32 allows although the recursion inside a round is not.

O(cells) per solve. The gradient, by the implicit function theorem, is one more solve, since A is symmetric. Textbook
material: Trottenberg, Oosterlee and Schüller (2001, *Multigrid*, chapters 2 and 10); Braess (1995,
doi:10.1007/BF02238488) for the halving.
"""

from types import EllipsisType
from typing import NamedTuple

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

ITERATIONS = 8
"""Conjugate-gradient iterations in a round."""
MOST_ROUNDS = 12
TOLERANCE = 1e-6
"""Tolerance of the residual, relative to the right-hand side."""
HALT = 0.5
"""A round that does not reduce the residual to this share of the last has reached the limit of float32."""
GIVE_UP = 1e-3
"""Relative residual above which there is no usable solution."""
DAMPING = 0.8
SWEEPS = 2
COARSEST = 4
COARSEST_SWEEPS = 8


class Diffusion(NamedTuple):
    """The matrix A."""

    conductances: tuple[Float[Array, "..."], ...]
    """Conductances of the faces between successive cells, for each axis: one fewer along that axis than cells."""
    leak: Float[Array, "*cells"]


def apply(matrix: Diffusion, u: Float[Array, "*cells"]) -> Float[Array, "*cells"]:
    """A u."""
    result = matrix.leak * u
    for axis, conductance in enumerate(matrix.conductances):
        flow = conductance * jnp.diff(u, axis=axis)
        # Updates in place: XLA would fuse padded sums of one sweep into the next, and compute each many times over.
        result = result.at[_all_but(axis, -1)].add(-flow).at[_all_but(axis, 0)].add(flow)
    return result


def solve(matrix: Diffusion, b: Float[Array, "*cells"]) -> Float[Array, "*cells"]:
    """Solve A u = b, with gradients in the matrix and in b; NaN where no solution was found."""
    return lax.custom_linear_solve(
        lambda u: apply(matrix, u), b, lambda _, right: _rounds(lax.stop_gradient(matrix), right), symmetric=True
    )


def _rounds(matrix: Diffusion, b: Array) -> Array:
    levels = [matrix]
    while max(levels[-1].leak.shape) > COARSEST:
        levels.append(_coarse(levels[-1]))
    inverses = [_inverse_diagonal(level) for level in levels]
    size = jnp.sqrt(jnp.sum(b**2))

    class State(NamedTuple):
        u: Array
        residual: Array
        norm: Array
        before: Array
        rounds: Array

    def unfinished(state: State) -> Array:
        gains = state.norm < HALT * state.before
        return (state.norm > TOLERANCE * size) & gains & (state.rounds < MOST_ROUNDS)

    def advance(state: State) -> State:
        u = state.u + _conjugate_gradients(levels, inverses, state.residual)
        residual = b - apply(matrix, u)
        norm = jnp.sqrt(jnp.sum(residual**2))
        better = norm < state.norm
        return State(
            jnp.where(better, u, state.u),
            jnp.where(better, residual, state.residual),
            jnp.where(better, norm, state.norm),
            state.norm,
            state.rounds + 1,
        )

    start = State(jnp.zeros_like(b), b, size, jnp.full_like(size, jnp.inf), jnp.int32(0))
    end = lax.while_loop(unfinished, advance, start)
    return jnp.where(end.norm <= GIVE_UP * size, end.u, jnp.nan)


def _conjugate_gradients(levels: list[Diffusion], inverses: list[Array], b: Array) -> Array:
    def advance(carry: tuple[Array, Array, Array, Array], _: None) -> tuple[tuple[Array, Array, Array, Array], None]:
        u, residual, direction, before = carry
        preconditioned = _cycle(levels, inverses, residual)
        product = jnp.vdot(residual, preconditioned)
        direction = preconditioned + _share(product, before) * direction
        image = apply(levels[0], direction)
        step = _share(product, jnp.vdot(direction, image))
        return (u + step * direction, residual - step * image, direction, product), None

    none = jnp.zeros_like(b)
    return lax.scan(advance, (none, b, none, jnp.zeros((), b.dtype)), None, length=ITERATIONS)[0][0]


def _share(part: Array, whole: Array) -> Array:
    """A quotient of products that are zero together once a residual is exactly zero."""
    return jnp.where(whole > 0, part / jnp.where(whole > 0, whole, 1), 0)


def _cycle(levels: list[Diffusion], inverses: list[Array], b: Array) -> Array:
    """One V-cycle from zero, the same forwards and backwards so that it is symmetric."""
    (matrix, *coarser), (inverse, *coarser_inverses) = levels, inverses
    u = _sweeps(matrix, inverse, DAMPING * inverse * b, b, SWEEPS - 1)
    if not coarser:
        return lax.fori_loop(0, COARSEST_SWEEPS, lambda _, u: _sweeps(matrix, inverse, u, b, 1), u)
    correction = _cycle(coarser, coarser_inverses, _sum_blocks(b - apply(matrix, u)))
    for axis in range(b.ndim):
        correction = jnp.repeat(correction, 2, axis=axis)
    u += correction[tuple(slice(0, n) for n in b.shape)]
    return _sweeps(matrix, inverse, u, b, SWEEPS)


def _sweeps(matrix: Diffusion, inverse: Array, u: Array, b: Array, count: int) -> Array:
    for _ in range(count):
        u = u + DAMPING * inverse * (b - apply(matrix, u))
    return u


def _coarse(matrix: Diffusion) -> Diffusion:
    """Join blocks of two cells per axis."""
    conductances = []
    for axis, conductance in enumerate(matrix.conductances):
        between = conductance[tuple(slice(1, None, 2) if n == axis else slice(None) for n in range(conductance.ndim))]
        conductances.append(0.5 * _sum_blocks(between, but=axis))
    return Diffusion(tuple(conductances), _sum_blocks(matrix.leak))


def _sum_blocks(x: Array, but: int | None = None) -> Array:
    """Add up pairs of neighbours along all axes but one; an odd last cell is a pair with nothing."""
    for axis in range(x.ndim):
        if axis == but:
            continue
        odd = [(0, x.shape[n] % 2 if n == axis else 0) for n in range(x.ndim)]
        x = jnp.pad(x, odd)
        x = x.reshape(*x.shape[:axis], x.shape[axis] // 2, 2, *x.shape[axis + 1 :]).sum(axis + 1)
    return x


def _inverse_diagonal(matrix: Diffusion) -> Array:
    diagonal = matrix.leak
    for axis, conductance in enumerate(matrix.conductances):
        diagonal = diagonal.at[_all_but(axis, -1)].add(conductance).at[_all_but(axis, 0)].add(conductance)
    return jnp.where(diagonal > 0, 1 / jnp.where(diagonal > 0, diagonal, 1), 0)


def _all_but(axis: int, end: int) -> tuple[slice | EllipsisType, ...]:
    """All cells but the first (0) or the last (−1) along an axis."""
    return (*(slice(None),) * axis, slice(1, None) if end == 0 else slice(0, -1), ...)
