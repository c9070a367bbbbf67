"""The moves of a level: local moves of small windows of the latents, then any Hamiltonian moves in the level's metric.

Proposals follow the gradient of the soft model, acceptance is by what the level leaves invariant: the soft likelihood,
a part of the way from it to the exact one, or the exact one. Predictions and facies by which a particle was accepted
stay with it: where it is evaluated again for its gradient, another rounding must not move a value at a threshold to its
other side.
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array

from latentinv.inference.moves import (
    MassMatrix,
    MoveInfo,
    Population,
    Trajectory,
    curvature_probe,
    hamiltonian_move,
    local_move,
    local_windows,
    mass_matrix,
)
from latentinv.keys import named
from latentinv.posterior import Posterior, Predictions, map_batched
from latentinv.pytrees import Scalar

from ._smc_state import SMCState, Stage

SHARPER, SHARPER_FROM = 4.0, 0.5
"""How much more sharply than stated the surrogate reads facies, and the part of the jump from which on it does."""


class MoveSettings(NamedTuple):
    """Settings of a population's moves."""

    rounds: int
    """Of local moves and Hamiltonian ones."""
    moves: int
    """Hamiltonian moves per round; with none, no program has a gradient."""
    local_moves: int
    """Local moves per round."""
    leapfrogs: int
    acceptance_target: float
    batch_size: int
    keep_all: bool
    """Whether the places after each round are kept beside the start."""


def estimate_mass(posterior: Posterior, key: Array, state: SMCState, *, probes: int, batch_size: int) -> MassMatrix:
    """The metric of a level, from random probes of the likelihood's curvature at all particles."""
    z = state.population.z
    keys = jax.random.split(key, (probes, z.shape[0]))

    def probe(pair: tuple[Array, Array]) -> Array:
        return curvature_probe(posterior, pair[0], state.inverse_temperature, pair[1])

    vectors = [map_batched(probe, (z, keys[n]), batch_size) for n in range(probes)]
    directions = jnp.concatenate(vectors).T / jnp.sqrt(probes * z.shape[0])
    return mass_matrix(jnp.where(jnp.isfinite(directions), directions, 0.0))


def move_population(
    settings: MoveSettings,
    posterior: Posterior,
    key: Array,
    state: SMCState,
    mass: MassMatrix | None,
    *,
    stage: Stage,
    sharp: bool,
) -> tuple[Population, Scalar, MoveInfo]:
    """Move all particles; gives them, the adapted step size and what happened in each move.

    Parameters
    ----------
    settings
        How.
    posterior, key, state, mass
        What is sampled, a random key, the population after resampling, and the metric of the level, None without
        Hamiltonian moves.
    stage
        What the moves leave invariant; "bridge" at its ends is "soft" and "exact", for data that cost nothing to read
        both ways.
    sharp
        Whether the surrogate reads facies more sharply than stated.
    """
    t = state.inverse_temperature
    read: Callable[[Array], Predictions]
    read = functools.partial(_read_sharply, posterior) if sharp else posterior.predict_soft

    def log_surrogate(predictions: Predictions) -> Array:
        return posterior.tempered_log_likelihood(predictions, t)

    def surrogate(z: Array) -> tuple[Array, tuple[Array, Predictions]]:
        if not sharp:
            predictions = posterior.predict(z)
            value = log_surrogate(predictions)
            return value, (value, predictions)
        sharply, there = read(z), jax.lax.stop_gradient(z)  # no gradient of what is only accepted by
        predictions = posterior.predict(there) if stage == "bridge" else posterior.predict_exact(there)
        # Soft predictions are not used once the target is the exact one.
        value = log_surrogate(sharply)
        return value, (value, predictions._replace(soft=predictions.soft or sharply.soft))

    def force(z: Array) -> Array:
        slope = jax.grad(lambda z: log_surrogate(read(z)))
        return map_batched(slope, z, settings.batch_size) - z

    def evaluate(z: Array) -> Trajectory:
        gradient, (value, predictions) = map_batched(jax.grad(surrogate, has_aux=True), z, settings.batch_size)
        return Trajectory(Population(z, predictions), gradient - z, value)

    def log_bridge(predictions: Predictions) -> Array:
        exact, soft = posterior.exact_log_likelihood(predictions), log_surrogate(predictions)
        between = (1 - state.bridge) * soft + state.bridge * exact
        return jnp.where(state.bridge <= 0, soft, jnp.where(state.bridge >= 1, exact, between))

    log_target = {"soft": log_surrogate, "bridge": log_bridge, "exact": posterior.exact_log_likelihood}[stage]
    # Local moves predict only what the target needs, which may save runs of a forward model.
    readings: dict[Stage, Callable[[Array], Predictions]]
    readings = {"soft": posterior.predict_soft, "bridge": posterior.predict, "exact": posterior.predict_exact}
    one = readings[stage]
    predict, lattice = functools.partial(map_batched, one, batch_size=settings.batch_size), local_windows(posterior)

    def move(carry: tuple[Trajectory, Array], key: Array) -> tuple[tuple[Trajectory, Array], MoveInfo]:
        here, step_size = carry
        assert mass is not None
        here, info = hamiltonian_move(
            key,
            here,
            force=force,
            evaluate=evaluate,
            log_target=log_target,
            mass=mass,
            step_size=step_size,
            leapfrogs=settings.leapfrogs,
        )
        # Only the leapfrog's error depends on the step size; further rejections by the exact target do not.
        step_size = step_size * jnp.exp(0.7 * (info.conservation.mean() - settings.acceptance_target))
        return (here, jnp.clip(step_size, 1e-4, 0.5)), info

    def renew(here: Population, key: Array) -> tuple[Population, MoveInfo]:
        there = local_move(key, here, predict=predict, log_target=log_target, lattice=lattice)
        changed = jnp.any(there.z != here.z, axis=1).astype(jnp.float32)
        return there, MoveInfo(changed, changed, jnp.float32(0))

    def one_round(carry: tuple[Population, Array], key: Array) -> tuple[tuple[Population, Array], Any]:
        (here, step_size), (key_local, key_hamiltonian) = carry, named(key, "local", "hamiltonian")
        local_keys = jax.random.split(key_local, settings.local_moves)
        renewed, local_infos = jax.lax.scan(
            renew, here._replace(predictions=_needed(here.predictions, stage)), local_keys
        )
        if not settings.moves:
            if stage != "bridge":
                found = map_batched(posterior.predict, renewed.z, settings.batch_size)
                renewed = renewed._replace(predictions=_merged(found, renewed.predictions))
            return (renewed, step_size), (renewed, local_infos)
        keys = jax.random.split(key_hamiltonian, settings.moves)
        start = _as_accepted(evaluate(renewed.z), renewed.predictions)
        (end, step_size), infos = jax.lax.scan(move, (start, step_size), keys)
        return (end.population, step_size), (end.population, infos)

    start = state.population, state.step_size
    keys = jax.random.split(key, settings.rounds)
    (end, step_size), (passed, infos) = jax.lax.scan(one_round, start, keys)
    if settings.keep_all:  # the chains' places after one round side by side, their last at the end
        end = jax.tree.map(lambda x, y: jnp.concatenate([x, y.reshape(-1, *x.shape[1:])]), start[0], passed)
    return end, step_size, infos


def _needed(predictions: Predictions, stage: Stage) -> Predictions:
    """The predictions that a level's target reads, and the realization where facies decide."""
    if stage == "soft":
        return Predictions(predictions.soft, ())
    return predictions if stage == "bridge" else predictions._replace(soft=())


def _as_accepted(start: Trajectory, accepted: Predictions) -> Trajectory:
    """The start of a trajectory with the predictions by which its particles were accepted."""
    merged = _merged(start.population.predictions, accepted)
    return start._replace(population=start.population._replace(predictions=merged))


def _merged(found: Predictions, accepted: Predictions) -> Predictions:
    """Predictions by which particles were accepted, completed by those that are found again."""
    empty = isinstance(accepted.realization, tuple)
    return Predictions(
        soft=accepted.soft or found.soft,
        exact=accepted.exact or found.exact,
        realization=found.realization if empty else accepted.realization,
    )


def _read_sharply(posterior: Posterior, z: Array) -> Predictions:
    """Soft predictions that are nearer to the exact ones than stated, and rougher in the latents."""
    field = posterior.field(z)
    # Observations that sharpen by themselves follow the inverse temperature.
    sharpness = [1.0 if observation.sharpens else SHARPER for observation in posterior.observations]
    pairs = zip(posterior.observations, sharpness, strict=True)
    return Predictions(tuple(observation.predict(field, s) for observation, s in pairs), ())
