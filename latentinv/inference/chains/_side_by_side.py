"""Chains that move independently, side by side, with common tuning.

The step size, one for all chains, is adapted in warm-up towards the move's target acceptance by the recursion of
Robbins and Monro (Andrieu and Thoms 2008, doi:10.1007/s11222-008-9110-y),

    log s ← log s + n^(−0.6) (mean acceptance − target).

Moves with gradients may follow the data's curvature: then chains share also the mass matrix M = I + mean JᵀWJ, the
likelihood-informed subspace (Cui et al. 2014, doi:10.1088/0266-5611/30/11/114015) averaged over the places of all
chains, which is computed where they start and once more after half of the warm-up, whereupon the step size is adapted
anew. Cost: `CANDIDATES` fields per chain for the start; a metric takes a gradient per datum and chain, twice.
"""

from collections.abc import Callable
from typing import NamedTuple, cast

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array

from latentinv.errors import InputError
from latentinv.inference.moves import (
    MassMatrix,
    Move,
    Outcome,
    Position,
    TemperedLikelihood,
    likelihood_informed_subspace,
    no_curvature,
)
from latentinv.posterior import Posterior, map_batched
from latentinv.pytrees import Count, Scalar

from ._chain_start import CANDIDATES, likely_draws
from ._ensemble import ChainEnsemble
from ._host_transitions import HostTransitions
from ._kernel import ChainsKernel
from ._settings import AbstractChains, AbstractMetricChains

MOST_DERIVATIVES = 10**8
"""Largest size of the metric of the data's curvature: 0.4 GB, and some minutes to decompose."""

MakeMove = Callable[[TemperedLikelihood], Move]
MakeMassiveMove = Callable[[TemperedLikelihood, MassMatrix | None], Move]


class Tuning(NamedTuple):
    """State shared by chains that move independently."""

    log_step: Scalar
    """Logarithm of the step size."""
    since: Count
    """Number of the transition since which it is adapted."""
    mass: MassMatrix | None
    """None where it is the identity throughout."""


def chain_kernel(settings: AbstractChains, move: MakeMove, *, sharpest_surrogate: float = 1.0) -> ChainsKernel:
    """Turn a move of one chain into an algorithm's kernel.

    Parameters
    ----------
    settings
        Settings of all chains.
    move
        Makes the move for a likelihood.
    sharpest_surrogate
        Inverse temperature beyond which gradients do not follow the target.
    """
    transitions = HostTransitions(move)

    def ensemble(likelihood: TemperedLikelihood) -> ChainEnsemble:
        made = move(likelihood)
        if likelihood.posterior.external and made.sequence is not None:
            return _on_host(settings, made, transitions, likelihood)
        return _side_by_side(settings, lambda _: made, likelihood, curvature=False)

    return ChainsKernel(settings, ensemble, sharpest_surrogate=sharpest_surrogate)


def metric_kernel(
    settings: AbstractMetricChains, move: MakeMassiveMove, *, sharpest_surrogate: float = 1.0
) -> ChainsKernel:
    """Turn a move of one chain, made for a mass matrix, into an algorithm's kernel in the metric of the settings."""

    def ensemble(likelihood: TemperedLikelihood) -> ChainEnsemble:
        curvature = settings.metric == "curvature"
        return _side_by_side(settings, lambda mass: move(likelihood, mass), likelihood, curvature=curvature)

    return ChainsKernel(settings, ensemble, sharpest_surrogate=sharpest_surrogate)


def check_metric_size(settings: AbstractMetricChains, posterior: Posterior) -> None:
    """Check that the metric of the curvature is small enough to decompose.

    Raises
    ------
    InputError
        If it is not.
    """
    if settings.metric == "curvature" and posterior.latent_size * posterior.count * settings.chains > MOST_DERIVATIVES:
        raise InputError(
            f"The metric 'curvature' holds and decomposes the derivatives of {posterior.count} data by "
            f"{posterior.latent_size} latents at {settings.chains} chains, more than the {MOST_DERIVATIVES:.0e} "
            "numbers allowed; use the metric 'prior', or 'smc', whose metric needs few probes."
        )


def adapted(move: Move, log_step: Array, acceptance: Array, number: Array) -> Array:
    """The logarithm of the step size after a transition of this number, from 0."""
    if move.acceptance_target is None:
        return log_step
    gain = (number + 1.0) ** -0.6
    return jnp.clip(log_step + gain * (acceptance - move.acceptance_target), -12.0, jnp.log(move.largest_step))


def _side_by_side(
    settings: AbstractChains,
    make_move: Callable[[MassMatrix | None], Move],
    likelihood: TemperedLikelihood,
    *,
    curvature: bool,
) -> ChainEnsemble:
    posterior, t, plain = likelihood.posterior, jnp.float32(likelihood.end), make_move(None)
    candidates = 1 if posterior.external else CANDIDATES  # so many runs of a simulator would be too much for a start

    def first(key: Array) -> tuple[Array, Tuning]:
        z = likely_draws(posterior, key, (settings.chains, candidates))
        mass = no_curvature(posterior.latent_size, settings.chains * posterior.count) if curvature else None
        return z, Tuning(_log(plain.first_step), jnp.int32(0), mass)

    def curved(z: Array, number: Array, tuning: Tuning) -> tuple[Tuning, Array]:
        """The metric at the chains' places, if it is due, and its cost in gradients per chain."""
        due = (number == 0) | (number == settings.warmup // 2)

        def anew() -> Tuning:
            return Tuning(_log(plain.first_step), number, likelihood_informed_subspace(posterior, z))

        return lax.cond(due, anew, lambda: tuning), jnp.where(due, posterior.count, 0)

    def together(key: Array, positions: Position, tuning: Tuning, number: Array) -> tuple[Position, Outcome, Tuning]:
        move, spent = plain, jnp.int32(0)
        if curvature:
            tuning, spent = curved(positions.z, number, tuning)
            move = make_move(cast(MassMatrix, tuning.mass))
        keys, step_size = jax.random.split(key, settings.chains), jnp.exp(tuning.log_step)
        positions, outcome = map_batched(lambda pair: move.step(pair[0], pair[1], step_size, t), (keys, positions))
        outcome = outcome._replace(gradients=outcome.gradients + spent)
        return positions, outcome, _tuned(settings, plain, tuning, outcome, number)

    return ChainEnsemble(
        first=first,
        begin=lambda z: map_batched(lambda one: plain.begin(one, t), z),
        move=together,
        first_step=plain.first_step,
        candidates=candidates if candidates > 1 else 0,
    )


def _on_host(
    settings: AbstractChains, move: Move, transitions: HostTransitions, likelihood: TemperedLikelihood
) -> ChainEnsemble:
    """Chains whose proposals a simulator outside JAX evaluates, all at once."""
    posterior, t = likelihood.posterior, jnp.float32(likelihood.end)

    def first(key: Array) -> tuple[Array, Tuning]:
        z = likely_draws(posterior, key, (settings.chains, 1))
        return z, Tuning(_log(move.first_step), jnp.int32(0), None)

    def together(key: Array, positions: Position, tuning: Tuning, number: Array) -> tuple[Position, Outcome, Tuning]:
        keys, step_size = jax.random.split(key, settings.chains), jnp.exp(tuning.log_step)
        positions, outcome = transitions(likelihood, keys, positions, step_size, t)
        return positions, outcome, _tuned(settings, move, tuning, outcome, number)

    return ChainEnsemble(
        first=first,
        begin=lambda z: transitions.begin(posterior, z),
        move=together,
        first_step=move.first_step,
        on_host=True,
    )


def _tuned(settings: AbstractChains, move: Move, tuning: Tuning, outcome: Outcome, number: Array) -> Tuning:
    log_step = adapted(move, tuning.log_step, outcome.acceptance.mean(), number - tuning.since)
    return tuning._replace(log_step=jnp.where(number < settings.warmup, log_step, tuning.log_step))


def _log(step: float) -> Scalar:
    return jnp.log(jnp.float32(step))
