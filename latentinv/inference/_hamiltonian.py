"""Hamiltonian moves of a whole population, with a guide for the force and a target for the verdict.

The leapfrog follows the gradient of a *guide* density, the accept/reject step uses the *target*. Both may be the same; where the
target has no gradient (thresholded facies), the guide is its soft relative. The leapfrog is reversible and keeps volume for any
force, so the move leaves the target invariant whatever the guide is (Duane et al. 1987, doi:10.1016/0370-2693(87)91197-X; Neal
2011, arXiv:1206.1901, section 5.5). Cost: leapfrogs + 1 gradients a particle and move.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float

from latentinv.posterior import Predictions, log_prior

from ._preconditioner import MassMatrix


class Population(NamedTuple):
    """Particles with what their fields predict."""

    z: Float[Array, "particle latent"]
    predictions: Predictions


class MoveInfo(NamedTuple):
    """What happened in one move."""

    acceptance: Float[Array, "particle"]
    """Probability with which each proposal was accepted."""
    accepted: Bool[Array, "particle"]
    non_finite: Float[Array, ""]
    """Proposals that left the finite numbers; they are rejected."""


def hamiltonian_move(
    key: Array,
    population: Population,
    *,
    predict: Callable[[Array], Predictions],
    force: Callable[[Array], Array],
    log_target: Callable[[Predictions], Array],
    mass: MassMatrix,
    step_size: Float[Array, ""],
    leapfrogs: int,
) -> tuple[Population, MoveInfo]:
    """Move every particle once.

    Parameters
    ----------
    key
        Random key.
    population
        Where the particles are.
    predict
        Batched prediction.
    force
        Batched gradient of the guide's log-likelihood; the prior's is added here.
    log_target
        Log-likelihood of the target from one particle's predictions.
    mass
        The metric.
    step_size
        Leapfrog step; jittered by ±20 % for each move.
    leapfrogs
        Steps of a trajectory.
    """
    key_momentum, key_jitter, key_accept = jax.random.split(key, 3)
    step = step_size * jax.random.uniform(key_jitter, (), minval=0.8, maxval=1.2)
    momentum = mass.sample(key_momentum, (population.z.shape[0],))

    def leapfrog(carry: tuple[Array, Array, Array], _: None) -> tuple[tuple[Array, Array, Array], None]:
        z, p, f = carry
        p = p + 0.5 * step * f
        z = z + step * mass.solve(p)
        f = force(z) - z
        return (z, p + 0.5 * step * f, f), None

    start = (population.z, momentum, force(population.z) - population.z)
    (z, p, _), _ = lax.scan(leapfrog, start, length=leapfrogs)
    predictions = predict(z)

    def log_joint(z: Array, predictions: Predictions, p: Array) -> Array:
        return jax.vmap(log_prior)(z) + jax.vmap(log_target)(predictions) - mass.kinetic(p)

    before = log_joint(population.z, population.predictions, momentum)
    after = log_joint(z, predictions, p)
    finite = jnp.isfinite(z).all(axis=1) & ~jnp.isnan(after)
    acceptance = jnp.where(finite, jnp.exp(jnp.minimum(after - before, 0.0)), 0.0)
    accepted = jax.random.uniform(key_accept, acceptance.shape) < acceptance

    def choose(new: Array, old: Array) -> Array:
        return jnp.where(accepted.reshape(-1, *(1,) * (new.ndim - 1)), new, old)

    moved = jax.tree.map(choose, Population(z, predictions), population)
    return moved, MoveInfo(acceptance, accepted, jnp.sum(~finite).astype(jnp.float32))
