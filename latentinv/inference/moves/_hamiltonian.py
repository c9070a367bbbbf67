"""Hamiltonian moves of a whole population, with the gradient of a surrogate and acceptance by the target.

The leapfrog follows the gradient of a *surrogate* density, the accept/reject step uses the *target*. Both may be the
same; where the target has no gradient (thresholded facies), the surrogate is its soft model. The leapfrog is reversible
and preserves volume for any force, so the move leaves the target invariant whatever the surrogate is (Duane et al.
1987, doi:10.1016/0370-2693(87)91197-X; Neal 2011, arXiv:1206.1901, section 5.5). Cost: as many gradients as leapfrogs;
the gradient at the start is kept from the move before. What only the target needs is evaluated at the end alone, which
saves runs of a forward model.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

from latentinv.keys import named
from latentinv.posterior import Predictions, each, log_prior
from latentinv.pytrees import Scalar

from ._preconditioner import MassMatrix


class Population(NamedTuple):
    """Particles with the predictions of their fields."""

    z: Float[Array, "particle latent"]
    predictions: Predictions


class Trajectory(NamedTuple):
    """Particles with all that a leapfrog step needs at their places."""

    population: Population
    force: Float[Array, "particle latent"]
    """Gradient of the surrogate's log-density, the prior included."""
    log_surrogate: Float[Array, "particle"]
    """The surrogate's log-likelihood."""


class MoveInfo(NamedTuple):
    """What happened in one move."""

    acceptance: Float[Array, "particle"]
    """Probability with which each proposal was accepted."""
    conservation: Float[Array, "particle"]
    """The same probability if the surrogate were the target: one minus it is the leapfrog's error alone."""
    non_finite: Scalar
    """Proposals that became NaN or infinite; they are rejected."""


def hamiltonian_move(
    key: Array,
    start: Trajectory,
    *,
    force: Callable[[Array], Array],
    evaluate: Callable[[Array], Trajectory],
    log_target: Callable[[Predictions], Array],
    mass: MassMatrix,
    step_size: Scalar,
    leapfrogs: int,
) -> tuple[Trajectory, MoveInfo]:
    """Move every particle once.

    Parameters
    ----------
    key
        Random key.
    start
        Where the particles are.
    force
        The force on all particles, within a trajectory.
    evaluate
        Force, predictions and the surrogate's log-likelihood, at its end.
    log_target
        The target's log-likelihood from one particle's predictions.
    mass
        The metric.
    step_size
        Leapfrog step; jittered by ±20 % for each move.
    leapfrogs
        Steps of a trajectory.
    """
    key_momentum, key_jitter, key_accept = named(key, "momentum", "jitter", "accept")
    step = step_size * jax.random.uniform(key_jitter, (), minval=0.8, maxval=1.2)
    momentum = mass.sample(key_momentum, (start.force.shape[0],))

    def half_kick(p: Array, gradient: Array) -> Array:
        return p + 0.5 * step * gradient

    def leapfrog(carry: tuple[Array, Array, Array], _: None) -> tuple[tuple[Array, Array, Array], None]:
        z, gradient, p = carry
        p = half_kick(p, gradient)
        z = z + step * mass.solve(p)
        gradient = force(z)
        return (z, gradient, half_kick(p, gradient)), None

    first = (start.population.z, start.force, momentum)
    (z, gradient, p), _ = lax.scan(leapfrog, first, length=leapfrogs - 1)
    p = half_kick(p, gradient)
    end = evaluate(z + step * mass.solve(p))
    momentum_end = half_kick(p, end.force)

    def log_likelihood(here: Trajectory) -> Array:
        return each(log_target, here.population.predictions, here.force.shape[0])

    def gain(log_end: Array, log_start: Array) -> Array:
        before = jax.vmap(log_prior)(start.population.z) + log_start - mass.kinetic(momentum)
        return jax.vmap(log_prior)(end.population.z) + log_end - mass.kinetic(momentum_end) - before

    change = gain(log_likelihood(end), log_likelihood(start))
    predictions = end.population.predictions
    finite = ~jnp.isnan(change)
    for table in (end.population.z, end.force, *predictions.soft, *predictions.exact):
        finite &= jnp.isfinite(table).all(axis=1)
    acceptance, conservation = (
        jnp.where(finite, jnp.exp(jnp.minimum(log_ratio, 0.0)), 0.0)
        for log_ratio in (change, gain(end.log_surrogate, start.log_surrogate))
    )
    accepted = jax.random.uniform(key_accept, acceptance.shape) < acceptance

    def choose(new: Array, old: Array) -> Array:
        return jnp.where(accepted.reshape(-1, *(1,) * (new.ndim - 1)), new, old)

    moved = jax.tree.map(choose, end, start)
    return moved, MoveInfo(acceptance, conservation, jnp.sum(~finite).astype(jnp.float32))
