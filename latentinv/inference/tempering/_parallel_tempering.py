"""Parallel tempering: replicas from the prior to the target, which exchange places and so pass between modes.

A chain on the target stays in the mode that it found. Here each chain is the top of a ladder (`_ladder`) of replicas at
inverse temperatures from 0, the prior, to the target. All replicas use the same kind of move, each with its own step
size, and exchange places with their neighbours by a non-reversible scheme (Syed et al. 2022, doi:10.1111/rssb.12464).
The prior's replica is drawn anew in every transition, so whatever reaches the target started as an independent draw of
the prior. Only the target's replicas are kept as draws.

During warm-up the rungs are respaced after 1/2ᵏ, …, 1/4, 1/2 of it, from the rejection rates since the last time, so
that all neighbours exchange equally often; the step sizes are adapted throughout. Both are frozen afterwards. Ladders
share nothing else, so agreement between them means what it means for independent chains.

The log-evidence comes from bridges between neighbours over all transitions that gave draws, and its standard error from
the spread of the ladders' own estimates. Its bias is of the order of its variance.

Cost: a transition makes ``chains · (rungs − 1)`` moves, all evaluated at once, and generates ``chains`` fields of the
prior. Exchanges use stored predictions; moves with gradients need one more gradient per replica, since the surrogate
changes with the temperature.
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple, final

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from latentinv.errors import InputError
from latentinv.inference.chains import (
    HARDLY,
    HMC,
    MALA,
    NUTS,
    AbstractChains,
    ChainEnsemble,
    ChainsKernel,
    ChainsState,
    PreconditionedCrankNicolson,
    Tally,
    adapted,
    chain_warnings,
    check_gradient,
    hmc_move,
    mala_move,
    nuts_move,
    pcn_move,
    slice_move,
)
from latentinv.inference.core import AbstractKernel, Info, algorithm, check_choice, check_counts
from latentinv.inference.moves import Move, Outcome, Position, TemperedLikelihood
from latentinv.keys import named
from latentinv.posterior import Posterior, map_batched
from latentinv.pytrees import Count

from ._ladder import (
    Bridges,
    Swaps,
    add_to_bridges,
    exchange,
    first_ladder,
    follow_replicas,
    log_evidence,
    neighbours,
    no_bridges,
    no_swaps,
    respace,
    swap_probability,
    swap_rates,
)

WITH_GRADIENT = ("mala", "hmc", "nuts")
"""Moves that follow a gradient."""
MOVES = ("pcn", "elliptical_slice", *WITH_GRADIENT)
LEAST_ROUND = 16
"""Transitions before rates of rejection are first used."""


class Rungs(NamedTuple):
    """State shared by the ladders, and counts of their replicas."""

    ladder: Float[Array, "rung"]
    """Inverse temperatures."""
    log_step: Float[Array, "rung"]
    """Logarithms of the step sizes."""
    phase: Int[Array, "chain rung"]
    """Origin of the replicas; see `follow_replicas`."""
    swaps: Swaps
    """Counts of all transitions."""
    swaps_before: Swaps
    """What they were when the rungs were respaced last, or the draws began."""
    bridges: Bridges
    """Of the transitions that gave draws."""


@final
@algorithm("parallel_tempering")
class ParallelTempering(AbstractChains):
    """Chains at several temperatures that exchange places: draws across several modes, and the log-evidence.

    Parameters
    ----------
    chains
        Independent ladders; each gives one chain of draws.
    rungs
        Replicas of a ladder, the prior's and the target's counted in. Twice the ``communication_barrier`` of the
        results is about right.
    move
        ``pcn``, ``elliptical_slice``, ``mala``, ``hmc`` or ``nuts`` (for the soft target only), with its defaults.
    local_moves
        With ``pcn``, moves of a random window per transition.
    """

    rungs: int = 12
    thinning: int = 5
    move: str = "pcn"
    local_moves: int = 2

    needs_gradient = False

    def __post_init__(self) -> None:
        super().__post_init__()
        check_counts(self, "rungs", least=2)
        check_counts(self, "local_moves", least=0)
        check_choice(self, "move", MOVES)

    def check(self, posterior: Posterior) -> None:
        """Raise `InputError` if the move needs a gradient that the target or a simulator does not have."""
        if self.move == "nuts":
            check_gradient(posterior)
        if self.move in WITH_GRADIENT and not posterior.has_gradient:
            smooth = posterior.prior.has_gradient
            lacking = "a simulator has none; give it an adjoint, or" if smooth else "the prior has none;"
            raise InputError(
                f"The move '{self.move}' needs gradients, but {lacking} use the move 'pcn' or 'elliptical_slice'."
            )

    def build(self) -> AbstractKernel:
        """Make the ladders."""
        return ChainsKernel(self, functools.partial(ladder_ensemble, self), sharpest_surrogate=HMC.sharpness)

    @property
    def together(self) -> int:
        """The replicas, which move at once."""
        return self.chains * self.rungs

    def make_move(self, likelihood: TemperedLikelihood) -> Move:
        """The move of one replica."""
        if self.move == "mala":
            return mala_move(likelihood, variant=MALA.variant, acceptance_target=MALA.acceptance_target)
        if self.move == "hmc":
            return hmc_move(likelihood, leapfrogs=HMC.leapfrogs, acceptance_target=HMC.acceptance_target)
        if self.move == "nuts":
            return nuts_move(likelihood, depth=NUTS.depth, acceptance_target=NUTS.acceptance_target)
        if self.move == "elliptical_slice":
            return slice_move(likelihood)
        target = PreconditionedCrankNicolson.acceptance_target
        return pcn_move(likelihood, local_moves=self.local_moves, acceptance_target=target)


def ladder_ensemble(settings: ParallelTempering, likelihood: TemperedLikelihood) -> ChainEnsemble:
    """Make the transitions of all ladders, whose replicas are tables ``[chain, rung]``, the target's last."""
    posterior, shape, mover = likelihood.posterior, (settings.chains, settings.rungs), settings.make_move(likelihood)
    first_rungs = first_ladder(settings.rungs, likelihood.end)
    halves = [settings.warmup >> k for k in range(1, settings.warmup.bit_length())]
    placings = jnp.asarray([n for n in halves if n >= LEAST_ROUND] or [-1])

    def first(key: Array) -> tuple[Array, Rungs]:
        rungs = Rungs(
            ladder=first_rungs,
            log_step=jnp.full(settings.rungs, jnp.log(jnp.float32(mover.first_step))),
            phase=jnp.zeros(shape, jnp.int32),
            swaps=no_swaps(*shape),
            swaps_before=no_swaps(*shape),
            bridges=no_bridges(*shape),
        )
        return jax.random.normal(key, (*shape, posterior.latent_size)), rungs

    def begin(z: Float[Array, "chain rung latent"], ladder: Float[Array, "rung"] = first_rungs) -> Position:
        return on_rungs(mover.begin, z, jnp.broadcast_to(ladder, z.shape[:2]))

    def move_all(key: Array, positions: Position, rungs: Rungs) -> tuple[Position, Outcome]:
        """Redraw the prior's replicas, and move all others."""
        key_prior, key_moves = named(key, "prior", "moves")
        prior, others = (jax.tree.map(lambda x, at=at: x[:, at], positions) for at in (slice(0, 1), slice(1, None)))
        z = jax.random.normal(key_prior, prior.z.shape)
        fresh = prior._replace(z=z, predictions=on_rungs(posterior.predict, z))
        none, one = jnp.zeros((settings.chains, 1)), jnp.ones((settings.chains, 1))
        drawn = Outcome(one, one > 0, none > 0, one, none, one)
        keys = jax.random.split(key_moves, others.z.shape[:2])
        steps, ladder = (jnp.broadcast_to(x[1:], keys.shape) for x in (jnp.exp(rungs.log_step), rungs.ladder))
        stepped = on_rungs(mover.step, keys, others, steps, ladder)
        return jax.tree.map(lambda one, many: jnp.concatenate([one, many], axis=1), (fresh, drawn), stepped)

    def together(key: Array, positions: Position, rungs: Rungs, number: Count) -> tuple[Position, Outcome, Rungs]:
        """Move all replicas, then let neighbours exchange; in warm-up tune steps and rungs."""
        key_moves, key_swaps = named(key, "moves", "swaps")
        positions, outcome = move_all(key_moves, positions, rungs)
        near = jax.vmap(lambda one: neighbours(likelihood, rungs.ladder, one), axis_size=settings.chains)(
            positions.predictions
        )
        probability = jax.vmap(swap_probability)(near)
        keys = jax.random.split(key_swaps, settings.chains)
        source, tried = jax.vmap(lambda key, p: exchange(key, p, number))(keys, probability)
        positions, phase = jax.tree.map(lambda x: jax.vmap(lambda x, i: x[i])(x, source), (positions, rungs.phase))
        phase, back = jax.vmap(follow_replicas)(phase)
        swaps = Swaps(
            rungs.swaps.attempts + tried[0],
            rungs.swaps.acceptance + tried * probability,
            rungs.swaps.round_trips + back,
        )
        warming = number < settings.warmup
        log_step = adapted(mover, rungs.log_step, outcome.acceptance.mean(axis=0), number)
        rungs = rungs._replace(
            log_step=jnp.where(warming, log_step, rungs.log_step),
            phase=phase,
            swaps=swaps,
            bridges=either(warming, rungs.bridges, add_to_bridges(rungs.bridges, near)),
        )
        rungs = respaced(rungs, number + 1)
        outcome = outcome._replace(gradients=outcome.gradients + mover.uses_gradient)
        if mover.uses_gradient:
            # Replicas need the surrogate's gradient on the rungs where they are. Predictions stay as they were stored:
            # another program may round a value at a threshold to its other side.
            positions = positions._replace(memory=begin(positions.z, rungs.ladder).memory)
        return positions, outcome, rungs

    def respaced(rungs: Rungs, transitions: Count) -> Rungs:
        """Respace the rungs, if that is due; then, and when draws begin, counts restart."""
        due = jnp.isin(transitions, placings)
        ladder, log_step = respace(rungs.ladder, 1 - recent_rates(rungs), rungs.log_step)
        return rungs._replace(
            ladder=jnp.where(due, ladder, rungs.ladder),
            log_step=jnp.where(due, log_step, rungs.log_step),
            swaps_before=either(due | (transitions == settings.warmup), rungs.swaps, rungs.swaps_before),
        )

    def info(general: Info, spent: Tally, before: Rungs, after: Rungs) -> Info:
        swaps = jax.tree.map(jnp.subtract, after.swaps, before.swaps)
        return general | Info(
            inverse_temperature=after.ladder,
            acceptance=spent.acceptance.mean(axis=0) / spent.transitions[0],
            swap_acceptance=swap_rates(swaps),
            step_size=jnp.exp(after.log_step),
            round_trips=swaps.round_trips,
        )

    return ChainEnsemble(
        first,
        begin,
        together,
        target=(slice(None), -1),
        info=info,
        words=tempering_words,
        results=tempering_results,
        warnings=tempering_warnings,
    )


def on_rungs(function: Callable[..., Any], *replicas: Any) -> Any:
    """Apply a function to all replicas, whose tables are ``[chain, rung, …]``, on all devices."""
    shape = jax.tree.leaves(replicas)[0].shape[:2]
    flat = jax.tree.map(lambda x: x.reshape(-1, *x.shape[2:]), replicas)
    found = map_batched(lambda one: function(*one), flat)
    return jax.tree.map(lambda y: y.reshape(*shape, *y.shape[1:]), found)


def either(condition: Array, one: Any, other: Any) -> Any:
    """One of two trees."""
    return jax.tree.map(lambda one, other: jnp.where(condition, one, other), one, other)


def recent_rates(rungs: Rungs) -> Float[Array, "pair"]:
    """Rate of exchange of each pair since the rungs were last respaced, or the draws began."""
    return swap_rates(jax.tree.map(jnp.subtract, rungs.swaps, rungs.swaps_before))


def tempering_words(info: Info) -> str:
    """Acceptance of the target's replicas, and of the exchanges that are rejected most."""
    return f"acceptance {float(info['acceptance'][-1]):.2f}, exchanges {float(jnp.nanmin(info['swap_acceptance'])):.2f}"


def tempering_results(state: ChainsState) -> dict[str, Any]:
    """Log-evidence and exchanges, of all ladders together."""
    rungs: Rungs = state.shared
    rates = np.asarray(recent_rates(rungs))
    evidence, each = log_evidence(rungs.bridges)
    results: dict[str, Any] = {"log_evidence": float(evidence)}
    if len(each) > 1 and np.isfinite(each).all():  # a ladder whose neighbours never overlapped has no estimate
        results["log_evidence_standard_error"] = float(np.std(each, ddof=1) / np.sqrt(len(each)))
    return results | {
        "least_swap_acceptance": float(np.nanmin(rates, initial=1.0)),
        "communication_barrier": float(np.nansum(1 - rates)),
        "round_trips": round_trips(rungs),
    }


def round_trips(rungs: Rungs) -> int:
    """Round trips that ended while draws were taken."""
    return int(jnp.sum(rungs.swaps.round_trips - rungs.swaps_before.round_trips))


def tempering_warnings(state: ChainsState, acceptance: Float[np.ndarray, "chain"]) -> list[str]:
    """Warnings on the draws."""
    rungs: Rungs = state.shared
    rates = np.asarray(recent_rates(rungs))
    # A target's replica that its own moves leave in place may still be replaced from below.
    moving = np.maximum(acceptance, np.nan_to_num(rates[-1]))
    return ladder_warnings(rates, round_trips(rungs), np.asarray(rungs.ladder)) + chain_warnings(state, moving)


def ladder_warnings(rates: Float[np.ndarray, "pair"], round_trips: int, ladder: Float[np.ndarray, "rung"]) -> list[str]:
    """Warnings on the draws of ladders."""
    warnings = []
    for pair in np.flatnonzero(rates < HARDLY):
        sides = " and ".join("the target" if rung == len(rates) else f"{ladder[rung]:.2g}" for rung in (pair, pair + 1))
        warnings.append(
            f"The rungs at inverse temperatures {sides} exchanged their places in {100 * rates[pair]:.2g} % of all "
            "attempts, so the draws are nearly isolated from the prior; raise rungs or warmup."
        )
    if not round_trips:
        warnings.append(
            "No replica travelled from the prior to the target and back while draws were taken, so ways to meet the "
            "data may be missing and the log-evidence is not reliable; raise rungs, thinning or draws."
        )
    return warnings
