"""Parallel tempering: replicas from the prior to the target, which exchange places and so leave no mode unseen.

A chain on the target stays in the mode it found. Here each chain is the top of a ladder (`_ladder`): replicas at
inverse temperatures from 0, the prior, to the target, moved each by the same kind of move with a step size of its own,
and exchanged with their neighbours by a non-reversible scheme (Syed et al. 2022, doi:10.1111/rssb.12464). The prior
needs no move: its replica is drawn anew in every transition. So all that reaches the target has come from an
independent draw of the prior. Draws are the target's replicas alone.

In warm-up the rungs are placed anew after 1/2ᵏ, …, 1/4, 1/2 of it, by the rates of refusal since the last time, such
that all neighbours exchange alike; the step sizes are adapted throughout. Both are frozen afterwards. Ladders share
them and nothing else, so their agreement proves what it does for chains.

The log-evidence comes from bridges between neighbours over all transitions that gave draws, its standard error from the
spread of the ladders' own estimates. What bias it has is of the order of its variance.

Cost: a transition makes ``chains · (rungs − 1)`` moves, all evaluated at once, and ``chains`` fields of the prior.
Exchanges need stored predictions alone, and for moves with gradients one gradient a replica, for the guide changes with
the temperature.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Bool, Float, Int

from latentinv.errors import InputError, NonFiniteError
from latentinv.posterior import Posterior

from ._algorithm import AbstractAlgorithm, Kernel, Progress, honoured_share
from ._chain_start import ITERATIONS, ROUNDS, adopt, sought
from ._chains import (
    DRAWS,
    HARDLY,
    START,
    STUCK,
    WARMUP,
    Tally,
    adapted,
    add_outcome,
    added,
    chain_warnings,
    check_finite,
    completed,
    empty_tally,
)
from ._checks import check_choice, check_counts
from ._elliptical_slice import slice_move
from ._hmc import HMC, hmc_move
from ._ladder import (
    Bridges,
    Swaps,
    bridged,
    exchanging,
    first_ladder,
    log_evidence,
    neighbours,
    no_bridges,
    no_swaps,
    respaced,
    swap_probability,
    swap_rates,
    travelled,
)
from ._mala import MALA, mala_move
from ._moves import Move, Outcome, Path, Position
from ._nuts import NUTS, check_gradient, nuts_move
from ._pcn import PreconditionedCrankNicolson, pcn_move

GUIDED = ("mala", "hmc", "nuts")
"""Moves that follow a gradient."""
MOVES = ("pcn", "elliptical_slice", *GUIDED)
LEAST_ROUND = 16
"""Transitions from which rates of refusal are first told."""


class TemperingState(NamedTuple):
    """What the next step needs."""

    key: Array
    """Data of the key of all transitions."""
    positions: Position
    """One a replica, ``[chain, rung]``, from the prior's to the target's."""
    ladder: Float[Array, "rung"]
    """Inverse temperatures."""
    log_step: Float[Array, "rung"]
    """Logarithms of the step sizes."""
    phase: Int[Array, "chain rung"]
    """Where replicas come from, see `travelled`."""
    anchors: Float[Array, "chain latent"]
    """Draws of the prior that the target's replicas started from."""
    recent: Float[Array, "moment chain latent"]
    """Draws of the last step."""
    stage: Int[Array, ""]
    round: Int[Array, ""]
    """Rounds spent on the start."""
    moved: Int[Array, ""]
    """Transitions done."""
    moments: Int[Array, ""]
    """Draws of each chain."""
    adopted: Int[Array, ""]
    """Chains that took the place of another."""
    warm: Tally
    """Of start and warm-up, ``[chain, rung]``."""
    drawn: Tally
    """Of the transitions that gave draws."""
    swaps: Swaps
    """Of all transitions."""
    swaps_before: Swaps
    """What they were when the ladder was placed last, or the draws began."""
    bridges: Bridges
    """Of the transitions that gave draws."""


class TemperingInfo(NamedTuple):
    """What a person wants to know of a step."""

    stage: Int[Array, ""]
    inverse_temperature: Float[Array, "rung"]
    acceptance: Float[Array, "rung"]
    """Of moves, mean over the step's transitions and chains; nan while the start is sought."""
    swap_acceptance: Float[Array, "pair"]
    """Of each rung with the next; nan if the pair had no turn."""
    step_size: Float[Array, "rung"]
    round_trips: Int[Array, "chain"]
    """Travels from the prior to the target and back that ended in this step."""
    divergences: Int[Array, "chain"]
    non_finite: Int[Array, "chain"]
    """Proposals that left the finite numbers; they were rejected."""
    gradients: Int[Array, "chain"]
    forward_runs: Int[Array, "chain"]
    log_likelihood: Float[Array, "chain"]
    """Of the target's replicas at the step's end."""
    honoured: Float[Array, ""]
    """Share of hard data that these honour; nan without hard data."""


@dataclass(frozen=True)
class ParallelTempering(AbstractAlgorithm):
    """Parallel tempering over a move of Markov chains.

    Parameters
    ----------
    chains
        Independent ladders; each gives one chain of draws.
    rungs
        Replicas of a ladder, the prior's and the target's counted in. Twice the ``communication_barrier`` of the
        results is about right.
    warmup
        Transitions of each ladder before the first draw, in which rungs and step sizes are adapted.
    draws
        Draws of all chains together; each gives its equal part, rounded up.
    thinning
        Transitions between two draws of a chain.
    move
        ``pcn``, ``elliptical_slice``, ``mala``, ``hmc`` or ``nuts`` (for the soft target only), with its defaults.
    local_moves
        With ``pcn``, renewals of a random window in a transition.
    moments_per_step
        Draws of a chain between two reports.
    """

    chains: int = 4
    rungs: int = 12
    warmup: int = 1000
    draws: int = 1000
    thinning: int = 5
    move: str = "pcn"
    local_moves: int = 2
    moments_per_step: int = 10

    name = "parallel_tempering"
    needs_gradient = False

    def __post_init__(self) -> None:
        check_counts(self, "chains", "warmup", "draws", "thinning", "moments_per_step")
        check_counts(self, "rungs", least=2)
        check_counts(self, "local_moves", least=0)
        check_choice(self, "move", MOVES)

    def build(self, posterior: Posterior) -> Kernel:
        """Bind the ladders to a posterior.

        Raises
        ------
        InputError
            If the move needs a gradient that the target or a simulator does not have.
        """
        if self.move in GUIDED and not posterior.has_gradient:
            raise InputError(
                f"The move '{self.move}' needs gradients, but a simulator knows none; give it an adjoint, or use the "
                "move 'pcn' or 'elliptical_slice'."
            )
        path = Path(posterior, sharpest_guide=HMC.sharpness)
        machine = _Machine(self, self._move(path), path)
        return Kernel(
            init=machine.init,
            step=machine.step,
            finished=machine.finished,
            progress=machine.progress,
            draws=machine.draws,
            samples_target=True,
            results=machine.results,
            chains=self.chains,
        )

    def _move(self, path: Path) -> Move:
        if self.move == "mala":
            return mala_move(path, variant=MALA.variant, acceptance_target=MALA.acceptance_target)
        if self.move == "hmc":
            return hmc_move(path, leapfrogs=HMC.leapfrogs, acceptance_target=HMC.acceptance_target)
        if self.move == "nuts":
            check_gradient(path.posterior)
            return nuts_move(path, depth=NUTS.depth, acceptance_target=NUTS.acceptance_target)
        if self.move == "elliptical_slice":
            return slice_move(path)
        target = PreconditionedCrankNicolson.acceptance_target
        return pcn_move(path, local_moves=self.local_moves, acceptance_target=target)


class _Machine:
    """Ladders bound to a posterior: jitted parts and the decisions between them."""

    def __init__(self, settings: ParallelTempering, mover: Move, path: Path) -> None:
        self.settings, self.mover, self.path = settings, mover, path
        self.moments = -(-settings.draws // settings.chains)
        self.block = settings.moments_per_step * settings.thinning
        halves = [settings.warmup >> k for k in range(1, settings.warmup.bit_length())]
        self.placings = jnp.asarray([n for n in halves if n >= LEAST_ROUND] or [-1])
        jit = path.posterior.jit
        self.seek, self.advance = jit(self._seek), jit(self._advance)
        self.log_likelihood, self.begin = jit(self._log_likelihood), jit(self._begin)

    def init(self, key: Array) -> TemperingState:
        """Draw all replicas from the prior."""
        settings, zero = self.settings, jnp.int32(0)
        shape = settings.chains, settings.rungs
        key_start, key_transitions = jax.random.split(key)
        z = jax.random.normal(key_start, (*shape, self.path.posterior.latent_size))
        ladder = first_ladder(settings.rungs, self.path.end)
        return TemperingState(
            key=jax.random.key_data(key_transitions),
            positions=self.begin(z, ladder),
            ladder=ladder,
            log_step=jnp.full(settings.rungs, jnp.log(jnp.float32(self.mover.first_step))),
            phase=jnp.zeros(shape, jnp.int32),
            anchors=z[:, -1],
            recent=jnp.zeros((settings.moments_per_step, *z[:, -1].shape)),
            stage=jnp.int32(START),
            round=zero,
            moved=zero,
            moments=zero,
            adopted=zero,
            warm=empty_tally(*shape),
            drawn=empty_tally(*shape),
            swaps=no_swaps(*shape),
            swaps_before=no_swaps(*shape),
            bridges=no_bridges(*shape),
        )

    def step(self, key: Array, state: TemperingState) -> tuple[TemperingState, TemperingInfo]:
        """Seek a start for the target's replicas, warm up or draw."""
        del key
        before, swaps = added(state.warm, state.drawn), state.swaps
        stage = int(state.stage)
        if stage == START:
            state = self._start(state)
        elif stage == WARMUP:
            state = self.advance(state, jnp.int32(min(self.block, self.settings.warmup - int(state.moved))))
            if int(state.moved) >= self.settings.warmup:
                state = state._replace(stage=jnp.int32(DRAWS), swaps_before=state.swaps)
        else:
            state = self.advance(state, jnp.int32(self.block))
            state = state._replace(moments=state.moments + self.settings.moments_per_step)
        spent = jax.tree.map(jnp.subtract, added(state.warm, state.drawn), before)
        check_finite(spent.non_finite.sum(axis=1), spent.transitions.sum(axis=1))
        return state, self._info(state, spent, jax.tree.map(jnp.subtract, state.swaps, swaps))

    def finished(self, state: TemperingState) -> bool:
        """Whether the ladders gave all draws, or found no start."""
        return int(state.stage) == STUCK or int(state.moments) >= self.moments

    def progress(self, state: TemperingState, info: TemperingInfo) -> Progress:
        """Stage, draws, exchanges and honoured wells in words."""
        moved, warmup = int(state.moved), self.settings.warmup
        if not moved:
            words = f"looking for a start, round {int(state.round)}"
        else:
            drawn = min(int(state.moments), self.moments)
            words = f"draw {drawn}/{self.moments} of each chain" if drawn else f"warm-up {moved}/{warmup}"
            least = float(jnp.nanmin(info.swap_acceptance))
            words += f", acceptance {float(info.acceptance[-1]):.2f}, exchanges {least:.2f}"
        if np.isfinite(float(info.honoured)):
            words += f", wells honoured {100 * float(info.honoured):.1f} %"
        done = min(1.0, moved / (warmup + self.moments * self.settings.thinning))
        return Progress(1.0 if self.finished(state) else done, words)

    def draws(self, state: TemperingState) -> Array:
        """The draws of the last step; none before the warm-up is done, and none beyond those asked for."""
        return completed(state.recent, int(state.moments), self.moments)

    def results(self, state: TemperingState) -> dict[str, Any]:
        """Log-evidence, exchanges, acceptance and costs, of all ladders together; warnings."""
        if int(state.stage) == STUCK:
            exact = zip(self.path.posterior.observations, state.positions.predictions.exact, strict=True)
            return {"unmet": [sentence for o, table in exact for sentence in o.failures(np.asarray(table[:, -1]))]}
        whole, drawn = (jax.tree.map(np.asarray, tally) for tally in (added(state.warm, state.drawn), state.drawn))
        swaps = jax.tree.map(jnp.subtract, state.swaps, state.swaps_before)
        rates, acceptance = np.asarray(swap_rates(swaps)), drawn.acceptance / drawn.transitions
        evidence, each = log_evidence(state.bridges)
        results: dict[str, Any] = {"log_evidence": float(evidence)}
        if len(each) > 1:
            results["log_evidence_standard_error"] = float(np.std(each, ddof=1) / np.sqrt(len(each)))
        results |= {
            "acceptance": float(acceptance[:, -1].mean()),
            "least_swap_acceptance": float(np.nanmin(rates, initial=1.0)),
            "communication_barrier": float(np.nansum(1 - rates)),
            "round_trips": int(swaps.round_trips.sum()),
            "divergences": int(drawn.divergences.sum()),
            "gradients": int(whole.gradients.sum()),
            "forward_runs": int(whole.forward_runs.sum()),
        }
        # A target's replica that its own moves leave in place may still be replaced from below.
        moving = np.maximum(acceptance[:, -1], np.nan_to_num(rates[-1]))
        warnings = ladder_warnings(rates, results["round_trips"], np.asarray(state.ladder))
        warnings += chain_warnings(moving, drawn, int(state.adopted))
        return {**results, "warnings": warnings} if warnings else results

    def _start(self, state: TemperingState) -> TemperingState:
        """Do a round of the search for a start of the target's replicas, or end it."""
        value = self.log_likelihood(state)
        possible = jnp.isfinite(value)
        if bool(possible.all()):
            return state._replace(stage=jnp.int32(WARMUP))
        if int(state.round) < ROUNDS:
            return self.seek(state, possible)
        if bool(jnp.isnan(value).all()):
            raise NonFiniteError(
                "At the start of every chain the likelihood left the finite numbers; check the data's sd and the prior."
            )
        if not bool(possible.any()):
            return state._replace(stage=jnp.int32(STUCK))
        z = state.positions.z
        positions = self.begin(z.at[:, -1].set(z[adopt(possible), -1]), state.ladder)
        return state._replace(positions=positions, adopted=jnp.sum(~possible), stage=jnp.int32(WARMUP))

    def _seek(self, state: TemperingState, settled: Bool[Array, "chain"]) -> TemperingState:
        z = state.positions.z
        z = z.at[:, -1].set(sought(self.path, z[:, -1], state.anchors, settled, state.round))
        spent = state.warm.gradients.at[:, -1].add(jnp.where(settled, 0, ITERATIONS))
        return state._replace(
            positions=self._begin(z, state.ladder),
            round=state.round + 1,
            warm=state.warm._replace(gradients=spent),
        )

    def _begin(self, z: Float[Array, "chain rung latent"], ladder: Float[Array, "rung"]) -> Position:
        return jax.vmap(lambda z: jax.vmap(self.mover.begin)(z, ladder))(z)

    def _log_likelihood(self, state: TemperingState) -> Float[Array, "chain"]:
        top = jax.tree.map(lambda x: x[:, -1], state.positions.predictions)
        t = jnp.float32(self.path.end)
        return jax.vmap(lambda one: self.path.log_target(one, t), axis_size=self.settings.chains)(top)

    def _transition(self, key: Array, state: TemperingState) -> tuple[TemperingState, Outcome, Bridges]:
        """Move all replicas, then let neighbours exchange; what they remember of their rungs is to be renewed."""
        key_moves, key_swaps = jax.random.split(key)
        positions, outcome = self._moved(key_moves, state)
        near = jax.vmap(lambda one: neighbours(self.path, state.ladder, one), axis_size=self.settings.chains)(
            positions.predictions
        )
        probability = jax.vmap(swap_probability)(near)
        keys = jax.random.split(key_swaps, self.settings.chains)
        source, tried = jax.vmap(lambda key, p: exchanging(key, p, state.moved))(keys, probability)
        positions, phase = jax.tree.map(lambda x: jax.vmap(lambda x, i: x[i])(x, source), (positions, state.phase))
        phase, back = jax.vmap(travelled)(phase)
        swaps = Swaps(
            state.swaps.attempts + tried[0],
            state.swaps.acceptance + tried * probability,
            state.swaps.round_trips + back,
        )
        state = state._replace(positions=positions, phase=phase, swaps=swaps, moved=state.moved + 1)
        return state, outcome, bridged(state.bridges, near)

    def _moved(self, key: Array, state: TemperingState) -> tuple[Position, Outcome]:
        """The prior's replicas drawn anew, all others moved."""
        key_prior, key_moves = jax.random.split(key)
        chains, posterior = self.settings.chains, self.path.posterior
        prior, others = (
            jax.tree.map(lambda x, at=at: x[:, at], state.positions) for at in (slice(0, 1), slice(1, None))
        )
        z = jax.random.normal(key_prior, prior.z.shape)
        fresh = prior._replace(z=z, predictions=jax.vmap(jax.vmap(posterior.predict))(z))
        none, one = jnp.zeros((chains, 1)), jnp.ones((chains, 1))
        drawn = Outcome(one, one > 0, none > 0, one, none, one)
        keys = jax.random.split(key_moves, others.z.shape[:2])
        moved = jax.vmap(
            lambda key, here: jax.vmap(self.mover.step)(key, here, jnp.exp(state.log_step[1:]), state.ladder[1:])
        )(keys, others)
        return jax.tree.map(lambda one, many: jnp.concatenate([one, many], axis=1), (fresh, drawn), moved)

    def _advance(self, state: TemperingState, count: Array) -> TemperingState:
        """Do so many transitions, at most those of a step: one program for warm-up and draws, for it compiles long."""
        thinning, warming = self.settings.thinning, state.stage == WARMUP

        def either(warm: Any, drawn: Any) -> Any:
            return jax.tree.map(lambda one, other: jnp.where(warming, one, other), warm, drawn)

        def once(_: Array, state: TemperingState) -> TemperingState:
            number = state.moved
            key = jax.random.fold_in(jax.random.wrap_key_data(state.key), number)
            state, outcome, bridges = self._transition(key, state)
            outcome = outcome._replace(gradients=outcome.gradients + self.mover.uses_gradient)
            log_step = adapted(self.mover, state.log_step, outcome.acceptance.mean(axis=0), number)
            state = state._replace(
                log_step=either(log_step, state.log_step),
                warm=either(add_outcome(state.warm, outcome), state.warm),
                drawn=either(state.drawn, add_outcome(state.drawn, outcome)),
                bridges=either(state.bridges, bridges),
            )
            return self._reminded(self._placed(state, warming & jnp.isin(state.moved, self.placings)))

        def moment(state: TemperingState, number: Array) -> tuple[TemperingState, Array]:
            begin = number * thinning
            state = lax.fori_loop(begin, jnp.minimum(begin + thinning, count), once, state)
            return state, state.positions.z[:, -1]

        state, recent = lax.scan(moment, state, jnp.arange(self.settings.moments_per_step))
        return state._replace(recent=recent)

    def _placed(self, state: TemperingState, due: Bool[Array, ""]) -> TemperingState:
        """Place the rungs anew, if it is time."""
        refusal = 1 - swap_rates(jax.tree.map(jnp.subtract, state.swaps, state.swaps_before))
        ladder, log_step = respaced(state.ladder, refusal, state.log_step)

        def timely(new: Any, old: Any) -> Any:
            return jax.tree.map(lambda new, old: jnp.where(due, new, old), new, old)

        return state._replace(
            ladder=timely(ladder, state.ladder),
            log_step=timely(log_step, state.log_step),
            swaps_before=timely(state.swaps, state.swaps_before),
        )

    def _reminded(self, state: TemperingState) -> TemperingState:
        """Let replicas know the guide's gradient on the rungs where they are.

        Predictions stay as they were stored: another program may round a value at a threshold to its other side.
        """
        if not self.mover.uses_gradient:
            return state
        positions = state.positions
        return state._replace(positions=positions._replace(memory=self._begin(positions.z, state.ladder).memory))

    def _info(self, state: TemperingState, spent: Tally, swaps: Swaps) -> TemperingInfo:
        top = jax.tree.map(lambda x: x[:, -1], state.positions.predictions.exact)
        return TemperingInfo(
            stage=state.stage,
            inverse_temperature=state.ladder,
            acceptance=spent.acceptance.mean(axis=0) / spent.transitions[0],
            swap_acceptance=swap_rates(swaps),
            step_size=jnp.exp(state.log_step),
            round_trips=swaps.round_trips,
            divergences=spent.divergences.sum(axis=1),
            non_finite=spent.non_finite.sum(axis=1),
            gradients=spent.gradients.sum(axis=1),
            forward_runs=spent.forward_runs.sum(axis=1),
            log_likelihood=self.log_likelihood(state),
            honoured=jnp.float32(honoured_share(top, self.path.posterior)),
        )


def ladder_warnings(rates: Float[np.ndarray, "pair"], round_trips: int, ladder: Float[np.ndarray, "rung"]) -> list[str]:
    """What makes the draws of ladders less than they should be."""
    warnings = []
    for pair in np.flatnonzero(rates < HARDLY):
        sides = " and ".join("the target" if rung == len(rates) else f"{ladder[rung]:.2g}" for rung in (pair, pair + 1))
        warnings.append(
            f"The rungs at inverse temperatures {sides} exchanged their places in {100 * rates[pair]:.2g} % of all "
            "attempts, so the draws are all but cut off from the prior; raise rungs or warmup."
        )
    if not round_trips:
        warnings.append(
            "No replica travelled from the prior to the target and back while draws were taken, so ways to meet the "
            "data may be missing and the log-evidence is not reliable; raise rungs, thinning or draws."
        )
    return warnings
