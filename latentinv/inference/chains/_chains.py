"""Markov chains side by side: the one machine that turns a move of one chain into an algorithm.

A run has three stages. Chains *start* at likely draws of the prior, led to the data where the target excludes them
(`_chain_start`). In *warm-up* the step size, one for all chains, is adapted towards the move's target acceptance by the
recursion of Robbins and Monro (Andrieu and Thoms 2008, doi:10.1007/s11222-008-9110-y),

    log s ← log s + n^(−0.6) (mean acceptance − target),

and it is frozen afterwards, so that the draws are those of a true Markov chain. Then every `thinning` transitions each
chain gives a draw. A step of the driver holds many transitions, so that the host is seldom asked.

Chains that move alone share their step size and nothing else, but for moves with gradients that may be told to follow
the data's curvature: then also the mass matrix M = I + mean JᵀWJ, the likelihood-informed subspace (Cui et al. 2014,
doi:10.1088/0266-5611/30/11/114015) averaged over the places of all chains, which is taken where they start and once
more after half of the warm-up, whereupon the step size is adapted anew. A `Crew` may share more, such as places where
chains have been. It may also give each chain replicas, such as those on a ladder of temperatures; then tables have one
more axis, and `Crew.target` says where in them the chains themselves are.

All randomness of a transition comes from the run's key, which the state keeps, and the transition's number, so the
draws do not depend on how many of them make a step. Cost: all chains are evaluated at once, `chains` fields in memory.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol, cast

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float, Int

from latentinv.errors import InputError, NonFiniteError
from latentinv.inference.core import (
    Kernel,
    Move,
    Outcome,
    Path,
    Position,
    Progress,
    check_choice,
    check_counts,
    honoured_share,
)
from latentinv.inference.moves import MassMatrix, likelihood_informed_subspace, no_curvature
from latentinv.posterior import Posterior

from ._chain_start import CANDIDATES, ITERATIONS, ROUNDS, adopt, likely_draws, sought
from ._chains_outside import OutsideTransitions

START, WARMUP, DRAWS, STUCK = 0, 1, 2, 3
STARTS = ("prior", "optimised")
METRICS = ("prior", "curvature")
HARDLY = 0.01
"""Acceptance below which chains stand still."""
DIVERGING = 0.01
"""Share of diverging transitions from which on it is said."""
MOST_DERIVATIVES = 10**8
"""Numbers that the metric of the data's curvature may hold: 0.4 GB, and some minutes to decompose."""


class ChainSettings(Protocol):
    """What every algorithm of Markov chains can be told."""

    @property
    def chains(self) -> int: ...
    @property
    def warmup(self) -> int: ...
    @property
    def draws(self) -> int: ...
    @property
    def thinning(self) -> int: ...
    @property
    def start(self) -> str: ...
    @property
    def moments_per_step(self) -> int: ...


class MetricSettings(ChainSettings, Protocol):
    """What algorithms that can follow the data's curvature can be told."""

    @property
    def metric(self) -> str: ...


class Tuned(NamedTuple):
    """What chains that move alone share."""

    log_step: Float[Array, ""]
    """Logarithm of the step size."""
    since: Int[Array, ""]
    """Number of the transition since which it is adapted."""
    mass: MassMatrix | None
    """None where it is the identity throughout."""


class Tally(NamedTuple):
    """What was counted, for each chain; on ladders, for each rung of each."""

    transitions: Int[Array, "*chain"]
    acceptance: Float[Array, "*chain"]
    """Sum of acceptance probabilities."""
    non_finite: Int[Array, "*chain"]
    divergences: Int[Array, "*chain"]
    gradients: Int[Array, "*chain"]
    forward_runs: Int[Array, "*chain"]


class ChainsState(NamedTuple):
    """What the next step needs."""

    key: Array
    """Data of the key of all transitions."""
    positions: Position
    """One a chain; on ladders, one a replica."""
    anchors: Float[Array, "chain latent"]
    """Draws of the prior that the chains started from."""
    recent: Float[Array, "moment chain latent"]
    """Draws of the last step."""
    shared: Any
    """What the chains share: their step size, or what their crew learns."""
    last_step: Float[Array, "*chain"]
    """Step size of the last transition, which moves may adapt by themselves."""
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
    """Of start and warm-up, once these are done."""
    counted: Tally
    """Of all since then: in the end, of the transitions that gave draws."""


class ChainsInfo(NamedTuple):
    """What a person wants to know of a step."""

    stage: Int[Array, ""]
    acceptance: Float[Array, "chain"]
    """Mean over the step's transitions; nan while the start is sought."""
    step_size: Float[Array, "chain"]
    divergences: Int[Array, "chain"]
    non_finite: Int[Array, "chain"]
    """Proposals that left the finite numbers; they were rejected."""
    gradients: Int[Array, "chain"]
    forward_runs: Int[Array, "chain"]
    log_likelihood: Float[Array, "chain"]
    """Of the target at the step's end."""
    honoured: Float[Array, ""]
    """Share of hard data honoured; nan without hard data."""


class Crew(NamedTuple):
    """How all chains move at once, and what they share; pure."""

    first: Callable[[Array], tuple[Array, Any, Array]]
    """From the run's key to the latents to start from, what is shared, a tree of arrays, and the key of transitions."""
    begin: Callable[[Array], Position]
    """From latents to positions, at the start."""
    move: Callable[[Array, Position, Any, Array], tuple[Position, Outcome, Any]]
    """A transition, from a key, the positions, what is shared and its number, from 0; it may learn if that is below the
    settings' `warmup`."""
    first_step: float = 1.0
    """Step size that is reported before any."""
    target: Any = ...
    """Index of the chains in tables of replicas."""
    info: Callable[[ChainsInfo, Tally, Any, Any], Any] = lambda info, spent, before, after: info
    """What to say of a step, from what is said of any, what was counted in it and what was shared before and after."""
    words: Callable[[Any], str] = lambda info: f"acceptance {float(jnp.mean(info.acceptance)):.2f}"
    """The same in a few words, once chains move."""
    results: Callable[[ChainsState], dict[str, Any]] = lambda state: {"step_size": float(np.mean(state.last_step))}
    """Single numbers to keep of the last state."""
    warnings: Callable[[ChainsState, np.ndarray], list[str]] = lambda state, moving: chain_warnings(state, moving)
    """What makes the draws less than they should be, from the last state and the chains' acceptance."""
    outside: bool = False
    """Whether it has fields simulated outside JAX, between programs of its own."""
    tried: int = 0
    """Fields generated to choose each chain's start."""


def check_chains(settings: ChainSettings) -> None:
    """Raise `InputError` unless the settings that all chains share make sense."""
    check_counts(settings, "chains", "warmup", "draws", "thinning", "moments_per_step")
    check_choice(settings, "start", STARTS)


def check_metric(settings: MetricSettings) -> None:
    """Raise `InputError` unless there is such a metric."""
    check_choice(settings, "metric", METRICS)


def metric_kernel(settings: MetricSettings, move: Callable[[MassMatrix | None], Move], path: Path) -> Kernel:
    """Turn a move of one chain, made for a mass matrix, into an algorithm's kernel in the metric of the settings.

    Raises
    ------
    InputError
        If the metric of the curvature would be too large to decompose.
    """
    if settings.metric == "prior":
        return chain_kernel(settings, move(None), path)
    latents, data = path.posterior.latent_size, _number_of_data(path.posterior)
    if latents * data * settings.chains > MOST_DERIVATIVES:
        raise InputError(
            f"The metric 'curvature' holds and decomposes the derivatives of {data} data by {latents} latents at "
            f"{settings.chains} chains, and {MOST_DERIVATIVES:.0e} numbers are the most; use the metric 'prior', or "
            "'smc', whose metric is of few probes."
        )
    return chain_kernel(settings, move(None), path, massive=move)


def chain_kernel(
    settings: ChainSettings, move: Move, path: Path, massive: Callable[[MassMatrix], Move] | None = None
) -> Kernel:
    """Turn a move of one chain into an algorithm's kernel, by the move's steps or its questions to a simulator.

    Parameters
    ----------
    settings
        What all chains can be told.
    move
        The move, with the identity as mass matrix if it has one.
    path
        Log-likelihoods.
    massive
        The same move with another mass matrix; given, the chains follow the data's curvature.
    """
    chains, t = settings.chains, jnp.float32(path.end)
    data = _number_of_data(path.posterior)
    asks = path.posterior.external and move.questions is not None
    outside = OutsideTransitions(move, path.posterior) if asks else None

    # A start is not worth as many runs of a simulator outside JAX.
    candidates = 1 if path.posterior.external else CANDIDATES

    def likely(key_draws: Array, key_choice: Array) -> Array:
        return likely_draws(path.posterior, key_draws, key_choice, (chains, candidates))

    pick = path.posterior.jit(likely)

    def first(key: Array) -> tuple[Array, Tuned, Array]:
        key_draws, key_choice, key_transitions = jax.random.split(key, 3)
        z = pick(key_draws, key_choice)
        mass = None if massive is None else no_curvature(path.posterior.latent_size, chains * data)
        return z, Tuned(jnp.log(jnp.float32(move.first_step)), jnp.int32(0), mass), key_transitions

    def curved(z: Array, number: Array, tuned: Tuned) -> tuple[Tuned, Array]:
        """Take the metric where the chains are, if it is time to; and the gradients that it costs each."""
        due = (number == 0) | (number == settings.warmup // 2)
        first_step = jnp.log(jnp.float32(move.first_step))
        tuned = lax.cond(
            due, lambda: Tuned(first_step, number, likelihood_informed_subspace(path.posterior, z)), lambda: tuned
        )
        return tuned, jnp.where(due, data, 0)

    def together(key: Array, positions: Position, tuned: Tuned, number: Array) -> tuple[Position, Outcome, Tuned]:
        step = move.step
        if massive is not None:
            tuned, spent = curved(positions.z, number, tuned)
            step = massive(cast(MassMatrix, tuned.mass)).step
        keys, step_size = jax.random.split(key, chains), jnp.exp(tuned.log_step)
        if outside is None:
            positions, outcome = jax.vmap(lambda key, here: step(key, here, step_size, t))(keys, positions)
        else:
            positions, outcome = outside(keys, positions, step_size, t)
        if massive is not None:
            outcome = outcome._replace(gradients=outcome.gradients + spent)
        log_step = adapted(move, tuned.log_step, outcome.acceptance.mean(), number - tuned.since)
        return (
            positions,
            outcome,
            tuned._replace(log_step=jnp.where(number < settings.warmup, log_step, tuned.log_step)),
        )

    begin = jax.vmap(lambda z: move.begin(z, t)) if outside is None else outside.begin
    tried = candidates if candidates > 1 else 0
    crew = Crew(first, begin, together, move.first_step, tried=tried, outside=outside is not None)
    return crew_kernel(settings, crew, path)


def _number_of_data(posterior: Posterior) -> int:
    return sum(observation.count for observation in posterior.observations)


def crew_kernel(settings: ChainSettings, crew: Crew, path: Path) -> Kernel:
    """Turn moves of all chains together into an algorithm's kernel."""
    machine = _Machine(settings, crew, path)
    return Kernel(
        init=machine.init,
        step=machine.step,
        finished=machine.finished,
        progress=machine.progress,
        draws=machine.draws,
        current=lambda state: state.positions.z[crew.target],
        samples_target=True,
        results=machine.results,
        chains=settings.chains,
    )


def empty_tally(*chains: int) -> Tally:
    """Nothing counted yet, for chains side by side or on ladders."""
    none = jnp.zeros(chains, jnp.int32)
    return Tally(none, jnp.zeros(chains), none, none, none, none)


def add_outcome(tally: Tally, outcome: Outcome) -> Tally:
    """Count one transition of every chain."""
    return Tally(
        tally.transitions + 1,
        tally.acceptance + outcome.acceptance,
        tally.non_finite + ~outcome.finite,
        tally.divergences + outcome.diverging,
        tally.gradients + outcome.gradients.astype(jnp.int32),
        tally.forward_runs + outcome.forward_runs.astype(jnp.int32),
    )


def adapted(move: Move, log_step: Array, acceptance: Array, number: Array) -> Array:
    """The logarithm of the step size after a transition of this number, from 0."""
    if move.acceptance_target is None:
        return log_step
    gain = (number + 1.0) ** -0.6
    return jnp.clip(log_step + gain * (acceptance - move.acceptance_target), -12.0, jnp.log(move.largest_step))


def host_loop(first: int | Array, last: int | Array, body: Callable[[int, Any], Any], state: Any) -> Any:
    """What `lax.fori_loop` does, for bodies that are no programs."""
    for n in range(int(first), int(last)):
        state = body(n, state)
    return state


class _Machine:
    """Chains bound to a posterior: jitted parts and the decisions between them."""

    def __init__(self, settings: ChainSettings, crew: Crew, path: Path) -> None:
        self.settings, self.crew, self.path = settings, crew, path
        self.t = jnp.float32(path.end)
        self.moments = -(-settings.draws // settings.chains)
        self.block = settings.moments_per_step * settings.thinning
        jit = path.posterior.jit
        self.seek, self.log_likelihood = jit(self._seek), jit(self._log_likelihood)
        self.begin: Callable[[Array], Position] = crew.begin if crew.outside else jit(crew.begin)
        self.advance: Callable[..., ChainsState] = self._advance if crew.outside else jit(self._advance)
        self.loop: Callable[..., ChainsState] = host_loop if crew.outside else lax.fori_loop

    def init(self, key: Array) -> ChainsState:
        """Draw the chains' starts from the prior."""
        z, shared, key_transitions = self.crew.first(key)
        anchors, zero, nothing = z[self.crew.target], jnp.int32(0), empty_tally(*z.shape[:-1])
        return ChainsState(
            key=jax.random.key_data(key_transitions),
            positions=self.begin(z),
            anchors=anchors,
            recent=jnp.zeros((self.settings.moments_per_step, *anchors.shape)),
            shared=shared,
            last_step=jnp.full(z.shape[:-1], self.crew.first_step, jnp.float32),
            stage=jnp.int32(START),
            round=zero,
            moved=zero,
            moments=zero,
            adopted=zero,
            warm=nothing,
            counted=nothing._replace(forward_runs=nothing.forward_runs + self.crew.tried),
        )

    def step(self, key: Array, state: ChainsState) -> tuple[ChainsState, Any]:
        """Seek a start, warm up or draw."""
        del key
        before, stage = state, int(state.stage)
        if stage == START:
            state = self._start(state)
        elif stage == WARMUP:
            left = self.settings.warmup - int(state.moved)
            state = self.advance(state, jnp.int32(min(self.block, left)))
            if int(state.moved) >= self.settings.warmup:
                nothing = jax.tree.map(jnp.zeros_like, state.counted)
                state = state._replace(stage=jnp.int32(DRAWS), warm=state.counted, counted=nothing)
        else:
            state = self.advance(state, jnp.int32(self.block))
            state = state._replace(moments=state.moments + self.settings.moments_per_step)
        spent = jax.tree.map(jnp.subtract, whole(state), whole(before))
        info = self._info(state, spent)
        check_finite(info.non_finite, self._each(spent.transitions))
        return state, self.crew.info(info, spent, before.shared, state.shared)

    def finished(self, state: ChainsState) -> bool:
        """Whether the chains gave all draws, or found no start."""
        return int(state.stage) == STUCK or int(state.moments) >= self.moments

    def progress(self, state: ChainsState, info: Any) -> Progress:
        """Stage, draws, what the crew tells and honoured wells in words."""
        moved, warmup = int(state.moved), self.settings.warmup
        words = f"looking for a start, round {int(state.round)}"
        if moved:
            drawn = min(int(state.moments), self.moments)
            words = f"draw {drawn}/{self.moments} of each chain" if drawn else f"warm-up {moved}/{warmup}"
            words += f", {self.crew.words(info)}"
        if np.isfinite(float(info.honoured)):
            words += f", wells honoured {100 * float(info.honoured):.1f} %"
        done = min(1.0, moved / (warmup + self.moments * self.settings.thinning))
        return Progress(1.0 if self.finished(state) else done, words)

    def draws(self, state: ChainsState) -> Array:
        """The draws of the last step; none before the warm-up is done, and none beyond those asked for."""
        drawn, recent = int(state.moments), state.recent
        count = len(recent) - max(0, drawn - self.moments) if drawn else 0
        return recent[:count].reshape(-1, recent.shape[-1])

    def results(self, state: ChainsState) -> dict[str, Any]:
        """Acceptance, costs and what the crew tells, of all chains together; warnings."""
        spent, drawn = (jax.tree.map(np.asarray, tally) for tally in (whole(state), state.counted))
        costs = {"gradients": int(spent.gradients.sum()), "forward_runs": int(spent.forward_runs.sum())}
        if int(state.stage) == STUCK:
            exact = zip(self.path.posterior.observations, self._target(state.positions.predictions.exact), strict=True)
            return {"unmet": [sentence for o, table in exact for sentence in o.failures(np.asarray(table))], **costs}
        acceptance = (drawn.acceptance / np.maximum(drawn.transitions, 1))[self.crew.target]
        results: dict[str, Any] = {
            "acceptance": float(acceptance.mean()),
            **self.crew.results(state),
            "divergences": int(drawn.divergences.sum()),
            **costs,
        }
        warnings = self.crew.warnings(state, acceptance)
        return {**results, "warnings": warnings} if warnings else results

    def _start(self, state: ChainsState) -> ChainsState:
        """Do a round of the search for a start, or end it."""
        possible = jnp.isfinite(self.log_likelihood(state.positions))
        eager = self.settings.start == "optimised" and int(state.round) == 0
        if not eager and bool(possible.all()):
            return state._replace(stage=jnp.int32(WARMUP))
        if int(state.round) < ROUNDS:
            state = self.seek(state, possible & (not eager))
            return state._replace(positions=self.begin(state.positions.z))
        if not bool(possible.any()):
            self._check_start(state)
            return state._replace(stage=jnp.int32(STUCK))
        z, target = state.positions.z, self.crew.target
        positions = self.begin(z.at[target].set(z[target][adopt(possible)]))
        return state._replace(positions=positions, adopted=jnp.sum(~possible), stage=jnp.int32(WARMUP))

    def _check_start(self, state: ChainsState) -> None:
        if bool(jnp.isnan(self.log_likelihood(state.positions)).all()):
            raise NonFiniteError(
                "At the start of every chain the likelihood left the finite numbers; check the data's sd and the prior."
            )

    def _log_likelihood(self, positions: Position) -> Float[Array, "chain"]:
        predictions = self._target(positions.predictions)
        return jax.vmap(lambda one: self.path.log_target(one, self.t), axis_size=self.settings.chains)(predictions)

    def _seek(self, state: ChainsState, settled: Array) -> ChainsState:
        """One round for the chains that have no start yet; what the positions know besides latents is then old."""
        z, target = state.positions.z, self.crew.target
        z = z.at[target].set(sought(self.path, z[target], state.anchors, settled, state.round))
        gradients = state.counted.gradients.at[target].add(jnp.where(settled, 0, ITERATIONS))
        return state._replace(
            positions=state.positions._replace(z=z),
            round=state.round + 1,
            counted=state.counted._replace(gradients=gradients),
        )

    def _advance(self, state: ChainsState, count: Array) -> ChainsState:
        """Do so many transitions, at most those of a step: one program for warm-up and draws, for it compiles long."""
        thinning = self.settings.thinning

        def once(_: Array, state: ChainsState) -> ChainsState:
            key = jax.random.fold_in(jax.random.wrap_key_data(state.key), state.moved)
            positions, outcome, shared = self.crew.move(key, state.positions, state.shared, state.moved)
            return state._replace(
                positions=positions,
                shared=shared,
                last_step=outcome.step_size,
                moved=state.moved + 1,
                counted=add_outcome(state.counted, outcome),
            )

        def moment(n: Array, state: ChainsState) -> ChainsState:
            state = self.loop(n * thinning, jnp.minimum((n + 1) * thinning, count), once, state)
            return state._replace(recent=state.recent.at[n].set(state.positions.z[self.crew.target]))

        return self.loop(0, self.settings.moments_per_step, moment, state)

    def _info(self, state: ChainsState, spent: Tally) -> ChainsInfo:
        exact = self._target(state.positions.predictions.exact)
        return ChainsInfo(
            stage=state.stage,
            acceptance=spent.acceptance / spent.transitions,
            step_size=state.last_step,
            divergences=self._each(spent.divergences),
            non_finite=self._each(spent.non_finite),
            gradients=self._each(spent.gradients),
            forward_runs=self._each(spent.forward_runs),
            log_likelihood=self.log_likelihood(state.positions),
            honoured=jnp.float32(honoured_share(exact, self.path.posterior)),
        )

    def _target(self, tables: Any) -> Any:
        """What of tables of replicas is of the chains themselves."""
        return jax.tree.map(lambda table: table[self.crew.target], tables)

    def _each(self, counts: Int[Array, "*chain"]) -> Int[Array, "chain"]:
        """What was counted of all replicas of a chain."""
        return counts.reshape(self.settings.chains, -1).sum(axis=1)


def chain_warnings(state: ChainsState, moving: Float[np.ndarray, "chain"]) -> list[str]:
    """What makes the draws of chains less than they should be, from the last state and how often each chain moves."""
    drawn, adopted = jax.tree.map(np.asarray, state.counted), int(state.adopted)
    chains, warnings = len(moving), []
    still = int(np.sum(moving < HARDLY))
    if still:
        warnings.append(
            f"{still} of {chains} chains hardly moved (acceptance below {100 * HARDLY:g} %), so the draws say little "
            "of the posterior; lengthen the warm-up, or use 'smc'."
        )
    if adopted:
        warnings.append(
            f"{adopted} of {chains} chains found no field that meets all data and started from another chain's, so "
            "their agreement proves less; raise the chains or the warm-up."
        )
    share = float(np.sum(drawn.divergences) / max(1, np.sum(drawn.transitions)))
    if share > DIVERGING:
        warnings.append(
            f"{100 * share:.0f} % of the transitions diverged, so parts of the posterior may be missing; take smaller "
            "steps (a higher acceptance_target where there is one) or a move without gradients, such as 'pcn'."
        )
    return warnings


def check_finite(non_finite: Int[Array, "chain"], transitions: Int[Array, "chain"]) -> None:
    """Raise `NonFiniteError` if most proposals of a chain left the finite numbers."""
    lost, proposed = np.asarray(non_finite), np.asarray(transitions)
    for chain in np.flatnonzero(lost > 0.5 * proposed):
        raise NonFiniteError(
            f"{lost[chain]} of {proposed[chain]} proposals of chain {chain + 1} left the finite numbers; check the "
            "data's sd and the prior. What was saved before is whole."
        )


def whole(state: ChainsState) -> Tally:
    """What was counted of all stages."""
    return jax.tree.map(jnp.add, state.warm, state.counted)
