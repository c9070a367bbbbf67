"""Markov chains side by side: the one machine that turns a move of one chain into an algorithm.

A run has three stages. Chains *start* at draws of the prior, led to the data where the target excludes them
(`_chain_start`). In *warm-up* the step size, one for all chains, is adapted towards the move's target acceptance by the
recursion of Robbins and Monro (Andrieu and Thoms 2008, doi:10.1007/s11222-008-9110-y),

    log s ← log s + n^(−0.6) (mean acceptance − target),

and it is frozen afterwards, so that the draws are those of a true Markov chain. Then every `thinning` transitions each
chain gives a draw. A step of the driver holds many transitions, so that the host is seldom asked.

Chains that move alone share their step size and nothing else. A `Crew` may share more, such as places where chains have
been.

All randomness of a transition comes from the run's key, which the state keeps, and the transition's number, so the
draws do not depend on how many of them make a step. Cost: all chains are evaluated at once, `chains` fields in memory.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float, Int

from latentinv.errors import NonFiniteError

from ._algorithm import Kernel, Progress, honoured_share
from ._chain_start import ITERATIONS, ROUNDS, adopt, sought
from ._chains_outside import OutsideTransitions
from ._checks import check_choice, check_counts
from ._moves import Move, Outcome, Path, Position

START, WARMUP, DRAWS, STUCK = 0, 1, 2, 3
STARTS = ("prior", "optimised")
HARDLY = 0.01
"""Acceptance below which chains stand still."""
DIVERGING = 0.01
"""Share of diverging transitions from which on it is said."""


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


class Tally(NamedTuple):
    """What was counted, for each chain; on ladders, for each rung of each."""

    transitions: Int[Array, "*chain"]
    acceptance: Float[Array, "*chain"]
    """Sum of acceptance probabilities."""
    non_finite: Int[Array, "*chain"]
    divergences: Int[Array, "*chain"]
    gradients: Int[Array, "*chain"]
    forward_runs: Int[Array, "*chain"]


class Crew(NamedTuple):
    """How all chains move at once, and what they share; pure."""

    begin: Callable[[Array], Position]
    """From the chains' latents to their positions."""
    shared: Callable[[Array], Any]
    """From a key to what the chains share before the first transition, a tree of arrays."""
    warm: Callable[[Array, Position, Any], tuple[Position, Outcome, Any]]
    """A transition of warm-up, from a key, the positions and what is shared; it may learn."""
    draw: Callable[[Array, Position, Any], tuple[Position, Outcome, Any]]
    """A transition that gives draws."""
    first_step: float = 1.0
    """Step size that is reported before any."""
    results: Callable[[Any], dict[str, Any]] = lambda shared: {}
    """Single numbers to keep of what is shared in the end."""
    outside: bool = False
    """Whether it has fields simulated outside JAX, between programs of its own."""


class Tuning(NamedTuple):
    """What chains share that move alone."""

    log_step: Float[Array, ""]
    """Logarithm of the step size."""
    transitions: Int[Array, ""]
    """Transitions that adapted it."""


class ChainsState(NamedTuple):
    """What the next step needs."""

    key: Array
    """Data of the key of all transitions."""
    positions: Position
    """One a chain."""
    anchors: Float[Array, "chain latent"]
    """Draws of the prior that the chains started from."""
    recent: Float[Array, "moment chain latent"]
    """Draws of the last step."""
    shared: Any
    """What the chains share: their step size, or what their crew learns."""
    last_step: Float[Array, "chain"]
    """Step size of the last transition, which moves may adapt by themselves."""
    stage: Int[Array, ""]
    round: Int[Array, ""]
    """Rounds spent on the start."""
    moved: Int[Array, ""]
    """Transitions of warm-up done."""
    moments: Int[Array, ""]
    """Draws of each chain."""
    adopted: Int[Array, ""]
    """Chains that took the place of another."""
    warm: Tally
    """Of start and warm-up."""
    drawn: Tally
    """Of the transitions that gave draws."""


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


def check_chains(settings: ChainSettings) -> None:
    """Raise `InputError` unless the settings that all chains share make sense."""
    check_counts(settings, "chains", "warmup", "draws", "thinning", "moments_per_step")
    check_choice(settings, "start", STARTS)


def chain_kernel(settings: ChainSettings, move: Move, path: Path) -> Kernel:
    """Turn a move of one chain into an algorithm's kernel."""
    asks = path.posterior.external and move.questions is not None
    transitions = OutsideTransitions(move, path.posterior) if asks else None
    return crew_kernel(settings, crew_of(move, settings.chains, jnp.float32(path.end), transitions), path)


def crew_kernel(settings: ChainSettings, crew: Crew, path: Path) -> Kernel:
    """Turn moves of all chains together into an algorithm's kernel."""
    machine = _Machine(settings, crew, path)
    return Kernel(
        init=machine.init,
        step=machine.step,
        finished=machine.finished,
        progress=machine.progress,
        draws=machine.draws,
        samples_target=True,
        results=machine.results,
        chains=settings.chains,
    )


def completed(recent: Float[Array, "moment chain latent"], drawn: int, wanted: int) -> Float[Array, "draw latent"]:
    """Those of the last step's draws that were asked for, the chains' of one moment side by side."""
    count = len(recent) - max(0, drawn - wanted) if drawn else 0
    return recent[:count].reshape(-1, recent.shape[-1])


def empty_tally(*chains: int) -> Tally:
    """Nothing counted yet, for chains side by side or in tables."""
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


def crew_of(move: Move, chains: int, t: Float[Array, ""], transitions: OutsideTransitions | None = None) -> Crew:
    """Chains that each move alone at an inverse temperature, with one step size, by the move's steps or questions."""

    def first(key: Array) -> Tuning:
        del key
        return Tuning(jnp.log(jnp.float32(move.first_step)), jnp.int32(0))

    def draw(key: Array, positions: Position, tuning: Tuning) -> tuple[Position, Outcome, Tuning]:
        step_size = jnp.exp(tuning.log_step)
        keys = jax.random.split(key, chains)
        if transitions is not None:
            return *transitions(keys, positions, step_size, t), tuning
        positions, outcome = jax.vmap(lambda key, here: move.step(key, here, step_size, t))(keys, positions)
        return positions, outcome, tuning

    def warm(key: Array, positions: Position, tuning: Tuning) -> tuple[Position, Outcome, Tuning]:
        positions, outcome, (log_step, done) = draw(key, positions, tuning)
        log_step = adapted(move, log_step, outcome.acceptance.mean(), done)
        return positions, outcome, Tuning(log_step, done + 1)

    if transitions is not None:
        return Crew(transitions.begin, first, warm, draw, move.first_step, outside=True)
    return Crew(jax.vmap(lambda z: move.begin(z, t)), first, warm, draw, move.first_step)


def host_loop(first: int, last: int | Array, body: Callable[[int, Any], Any], state: Any) -> Any:
    """What `lax.fori_loop` does, for bodies that are no programs."""
    for n in range(first, int(last)):
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
        self.warm: Callable[..., ChainsState] = self._warm if crew.outside else jit(self._warm)
        self.draw: Callable[..., ChainsState] = self._draw if crew.outside else jit(self._draw)
        self.loop: Callable[..., ChainsState] = host_loop if crew.outside else lax.fori_loop

    def init(self, key: Array) -> ChainsState:
        """Draw the chains' starts from the prior."""
        settings, posterior, zero = self.settings, self.path.posterior, jnp.int32(0)
        key_start, key_shared, key_transitions = jax.random.split(key, 3)
        z = jax.random.normal(key_start, (settings.chains, posterior.latent_size))
        return ChainsState(
            key=jax.random.key_data(key_transitions),
            positions=self.begin(z),
            anchors=z,
            recent=jnp.zeros((settings.moments_per_step, *z.shape)),
            shared=self.crew.shared(key_shared),
            last_step=jnp.full(settings.chains, self.crew.first_step, jnp.float32),
            stage=jnp.int32(START),
            round=zero,
            moved=zero,
            moments=zero,
            adopted=zero,
            warm=empty_tally(settings.chains),
            drawn=empty_tally(settings.chains),
        )

    def step(self, key: Array, state: ChainsState) -> tuple[ChainsState, ChainsInfo]:
        """Seek a start, warm up or draw."""
        del key
        before = added(state.warm, state.drawn)
        stage = int(state.stage)
        if stage == START:
            state = self._start(state)
        elif stage == WARMUP:
            left = self.settings.warmup - int(state.moved)
            state = self.warm(state, jnp.int32(min(self.block, left)))
            done = int(state.moved) >= self.settings.warmup
            state = state._replace(stage=jnp.int32(DRAWS if done else WARMUP))
        else:
            state = self.draw(state)
        spent = jax.tree.map(jnp.subtract, added(state.warm, state.drawn), before)
        check_finite(spent.non_finite, spent.transitions)
        return state, self._info(state, spent)

    def finished(self, state: ChainsState) -> bool:
        """Whether the chains gave all draws, or found no start."""
        return int(state.stage) == STUCK or int(state.moments) >= self.moments

    def progress(self, state: ChainsState, info: ChainsInfo) -> Progress:
        """Stage, draws, acceptance and honoured wells in words."""
        drawn = min(int(state.moments), self.moments)
        whole = self.settings.warmup + self.moments * self.settings.thinning
        done = (int(state.moved) + drawn * self.settings.thinning) / whole
        words = f"looking for a start, round {int(state.round)}"
        if int(state.moved):
            words = f"warm-up {int(state.moved)}/{self.settings.warmup}"
        if drawn:
            words = f"draw {drawn}/{self.moments} of each chain"
        if int(state.moved):
            words += f", acceptance {float(jnp.mean(info.acceptance)):.2f}"
        if np.isfinite(float(info.honoured)):
            words += f", wells honoured {100 * float(info.honoured):.1f} %"
        return Progress(1.0 if self.finished(state) else done, words)

    def draws(self, state: ChainsState) -> Array:
        """The draws of the last step; none before the warm-up is done, and none beyond those asked for."""
        return completed(state.recent, int(state.moments), self.moments)

    def results(self, state: ChainsState) -> dict[str, Any]:
        """Acceptance, step size, divergences and costs, of all chains together; warnings."""
        if int(state.stage) == STUCK:
            exact = zip(self.path.posterior.observations, state.positions.predictions.exact, strict=True)
            return {"unmet": [sentence for o, table in exact for sentence in o.failures(np.asarray(table))]}
        whole = jax.tree.map(np.asarray, added(state.warm, state.drawn))
        drawn = jax.tree.map(np.asarray, state.drawn)
        acceptance = drawn.acceptance / np.maximum(drawn.transitions, 1)
        results: dict[str, Any] = {
            "acceptance": float(acceptance.mean()),
            "step_size": float(np.mean(state.last_step)),
            "divergences": int(drawn.divergences.sum()),
            "gradients": int(whole.gradients.sum()),
            "forward_runs": int(whole.forward_runs.sum()),
            **self.crew.results(state.shared),
        }
        warnings = chain_warnings(acceptance, drawn, int(state.adopted))
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
        positions = self.begin(state.positions.z[adopt(possible)])
        return state._replace(positions=positions, adopted=jnp.sum(~possible), stage=jnp.int32(WARMUP))

    def _check_start(self, state: ChainsState) -> None:
        if bool(jnp.isnan(self.log_likelihood(state.positions)).all()):
            raise NonFiniteError(
                "At the start of every chain the likelihood left the finite numbers; check the data's sd and the prior."
            )

    def _log_likelihood(self, positions: Position) -> Float[Array, "chain"]:
        return jax.vmap(lambda here: self.path.log_target(here.predictions, self.t), axis_size=self.settings.chains)(
            positions
        )

    def _seek(self, state: ChainsState, settled: Array) -> ChainsState:
        """One round for the chains that have no start yet; what the positions know besides latents is then old."""
        z = sought(self.path, state.positions.z, state.anchors, settled, state.round)
        spent = state.warm.gradients + jnp.where(settled, 0, ITERATIONS)
        positions = state.positions._replace(z=z)
        return state._replace(positions=positions, round=state.round + 1, warm=state.warm._replace(gradients=spent))

    def _warm(self, state: ChainsState, count: Array) -> ChainsState:
        def once(_: Array, state: ChainsState) -> ChainsState:
            key = jax.random.fold_in(jax.random.wrap_key_data(state.key), state.moved)
            positions, outcome, shared = self.crew.warm(key, state.positions, state.shared)
            return state._replace(
                positions=positions,
                shared=shared,
                last_step=outcome.step_size,
                moved=state.moved + 1,
                warm=add_outcome(state.warm, outcome),
            )

        return self.loop(0, count, once, state)

    def _draw(self, state: ChainsState) -> ChainsState:
        settings = self.settings

        def once(n: Array, state: ChainsState) -> ChainsState:
            number = settings.warmup + state.moments * settings.thinning + n
            key = jax.random.fold_in(jax.random.wrap_key_data(state.key), number)
            positions, outcome, shared = self.crew.draw(key, state.positions, state.shared)
            drawn = add_outcome(state.drawn, outcome)
            return state._replace(positions=positions, shared=shared, last_step=outcome.step_size, drawn=drawn)

        def moment(n: Array, state: ChainsState) -> ChainsState:
            state = self.loop(0, settings.thinning, once, state)
            return state._replace(recent=state.recent.at[n].set(state.positions.z), moments=state.moments + 1)

        return self.loop(0, settings.moments_per_step, moment, state)

    def _info(self, state: ChainsState, spent: Tally) -> ChainsInfo:
        return ChainsInfo(
            stage=state.stage,
            acceptance=spent.acceptance / spent.transitions,
            step_size=state.last_step,
            divergences=spent.divergences,
            non_finite=spent.non_finite,
            gradients=spent.gradients,
            forward_runs=spent.forward_runs,
            log_likelihood=self.log_likelihood(state.positions),
            honoured=jnp.float32(honoured_share(state.positions.predictions.exact, self.path.posterior)),
        )


def chain_warnings(acceptance: np.ndarray, drawn: Tally, adopted: int) -> list[str]:
    """What makes the draws of chains less than they should be."""
    chains, warnings = len(acceptance), []
    still = int(np.sum(acceptance < HARDLY))
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
            f"{100 * share:.0f} % of the transitions diverged, so parts of the posterior may be missing; raise "
            "acceptance_target."
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


def added(one: Tally, other: Tally) -> Tally:
    """Count both."""
    return jax.tree.map(jnp.add, one, other)
