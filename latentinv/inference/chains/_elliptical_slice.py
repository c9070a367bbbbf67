"""Elliptical slice sampling: no step size, no rejection.

Through the chain's place z and a draw ξ of the prior runs an ellipse, z cos θ + ξ sin θ, every point of which is as
likely under the prior. The next place is one on it whose likelihood exceeds a random share of the present one's: an
angle is drawn from a bracket, which shrinks towards θ = 0 until one is found (Murray, Adams and MacKay 2010, PMLR 9,
541–548). Needs no gradient and nothing to adapt. Cost: as many fields as angles are tried, from one to ten or more
where data are sharp.
"""

from typing import NamedTuple, final

import jax
import jax.numpy as jnp
from jaxtyping import Array

from latentinv.inference.core import AbstractKernel, algorithm
from latentinv.inference.moves import Move, Outcome, Position, TemperedLikelihood, is_finite
from latentinv.keys import named, numbered
from latentinv.pytrees import Flag, Scalar

from ._settings import AbstractChains
from ._side_by_side import chain_kernel

MOST_ANGLES = 100
"""Most angles tried; the bracket is then below the rounding of any latent."""


class _Search(NamedTuple):
    """A search for the next place on an ellipse."""

    there: Position
    found: Flag
    low: Scalar
    high: Scalar
    angle: Scalar
    tried: Scalar
    finite: Flag


def slice_move(likelihood: TemperedLikelihood) -> Move:
    """Make the move."""

    def begin(z: Array, t: Array) -> Position:
        del t
        return Position(z, likelihood.posterior.predict(z))

    def step(key: Array, here: Position, step_size: Array, t: Array) -> tuple[Position, Outcome]:
        key_ellipse, key_level, key_first, key_angles = named(key, "ellipse", "level", "first", "angles")
        other = jax.random.normal(key_ellipse, here.z.shape)
        # 1 − u lies in (0, 1], so that the level is never −∞ by the draw alone.
        level = likelihood.log_target(here.predictions, t) + jnp.log1p(-jax.random.uniform(key_level))

        def attempt(angle: Array) -> tuple[Position, Array, Array]:
            there = begin(here.z * jnp.cos(angle) + other * jnp.sin(angle), t)
            value = likelihood.log_target(there.predictions, t)
            return there, value > level, is_finite(there) & ~jnp.isnan(value)

        def shrink(now: _Search) -> _Search:
            low = jnp.where(now.angle < 0, now.angle, now.low)
            high = jnp.where(now.angle < 0, now.high, now.angle)
            key_angle = numbered(key_angles, now.tried.astype(jnp.int32))
            angle = jax.random.uniform(key_angle, (), minval=low, maxval=high)
            there, found, finite = attempt(angle)
            return _Search(there, found, low, high, angle, now.tried + 1, now.finite & finite)

        first = jax.random.uniform(key_first, (), maxval=2 * jnp.pi)
        there, found, finite = attempt(first)
        search = _Search(there, found, first - 2 * jnp.pi, first, first, jnp.ones(()), finite)
        search = jax.lax.while_loop(lambda now: ~now.found & (now.tried < MOST_ANGLES), shrink, search)
        here = jax.tree.map(lambda new, old: jnp.where(search.found, new, old), search.there, here)
        moved = search.found.astype(jnp.float32)
        return here, Outcome(moved, search.finite, jnp.bool_(False), step_size, jnp.zeros(()), search.tried)

    return Move(begin, step, uses_gradient=False)


@final
@algorithm("elliptical_slice")
class EllipticalSlice(AbstractChains):
    """Elliptical slice sampling chains, which need no gradients and no tuning; each stays in its mode.

    A transition of all chains takes as long as that of the slowest. There are no settings but those of all chains
    (``latentinv algorithms elliptical_slice`` describes them).
    """

    warmup: int = 500

    needs_gradient = False

    def build(self) -> AbstractKernel:
        """Make the chains."""
        return chain_kernel(self, slice_move)
