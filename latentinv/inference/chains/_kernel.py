"""Markov chains side by side: one kernel for every kind of chain.

A run has three stages. Chains *start* at likely draws of the prior, led to the data where the target excludes them
(`_chain_start`). In *warm-up* the ensemble adapts what it shares, above all the step size, and it is frozen afterwards,
so that the draws are those of a true Markov chain. Then each chain gives one draw every `thinning` transitions. A step
of the driver holds many transitions, so that little time is spent on the host.

All randomness of a transition comes from a key that the state keeps, and the transition's number, so the draws do not
depend on how many of them make a step. Draws are kept as the chains had them, with facies and predictions. Cost: all
chains are evaluated at once, `chains` fields in memory, and as many realizations as a step has draws.
"""

from collections.abc import Callable
from typing import Any, final

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float, Int

from latentinv.devices import compiled
from latentinv.errors import NonFiniteError
from latentinv.inference.core import AbstractKernel, Draws, Info, Progress, honoured_share, honoured_words
from latentinv.inference.moves import Position, TemperedLikelihood
from latentinv.keys import named, numbered
from latentinv.posterior import Posterior

from ._chain_start import ITERATIONS, ROUNDS, adopt, search_starts
from ._ensemble import ChainEnsemble
from ._settings import AbstractChains
from ._state import (
    DRAWS,
    START,
    STUCK,
    WARMUP,
    ChainsState,
    Tally,
    add_outcome,
    all_counted,
    check_finite,
    empty_tally,
)

MakeEnsemble = Callable[[TemperedLikelihood], ChainEnsemble]


@final
class ChainsKernel(AbstractKernel):
    """Chains of any kind.

    Parameters
    ----------
    settings
        Settings of all chains.
    ensemble
        How they move, made for a likelihood.
    sharpest_surrogate
        Inverse temperature beyond which gradients do not follow the target.
    """

    def __init__(self, settings: AbstractChains, ensemble: MakeEnsemble, *, sharpest_surrogate: float = 1.0) -> None:
        self.settings, self.chains = settings, settings.chains
        self._make_ensemble, self._sharpest = ensemble, sharpest_surrogate
        self._total = -(-settings.draws // settings.chains)
        """Draws of each chain."""
        self._block = settings.draws_per_step * settings.thinning
        self._first, self._begin, self._advance = (
            compiled(self._traced_first),
            compiled(self._traced_begin),
            compiled(self._traced_advance),
        )
        self._search, self._log_likelihood = compiled(self._traced_search), compiled(self._target_log_likelihood)

    def init(self, posterior: Posterior, key: Array) -> ChainsState:
        """Draw the chains' starts from the prior."""
        ensemble, (key_start, key_transitions) = self._ensemble(posterior), named(key, "start", "transitions")
        z, shared = self._first(posterior, key_start)
        positions = self._positions(posterior, z)
        anchors, zero, nothing = z[ensemble.target], jnp.int32(0), empty_tally(*z.shape[:-1])
        draw = self._target(ensemble, Draws(positions.z, positions.predictions))
        return ChainsState(
            key=jax.random.key_data(key_transitions),
            positions=positions,
            anchors=anchors,
            recent=jax.tree.map(lambda x: jnp.zeros((self.settings.draws_per_step, *x.shape), x.dtype), draw),
            shared=shared,
            last_step=jnp.full(z.shape[:-1], ensemble.first_step, jnp.float32),
            stage=jnp.int32(START),
            round=zero,
            transitions=zero,
            drawn=zero,
            adopted=zero,
            warm=nothing,
            counted=nothing._replace(forward_runs=nothing.forward_runs + ensemble.candidates),
        )

    def step(self, posterior: Posterior, key: Array, state: ChainsState) -> tuple[ChainsState, Info]:
        """Search for a start, warm up or draw."""
        del key
        ensemble, before, stage = self._ensemble(posterior), state, int(state.stage)
        if stage == START:
            state = self._start(posterior, state)
        elif stage == WARMUP:
            left = self.settings.warmup - int(state.transitions)
            state = self._move(posterior, state, min(self._block, left))
            if int(state.transitions) >= self.settings.warmup:
                nothing = jax.tree.map(jnp.zeros_like, state.counted)
                state = state._replace(stage=jnp.int32(DRAWS), warm=state.counted, counted=nothing)
        else:
            state = self._move(posterior, state, self._block)
            state = state._replace(drawn=state.drawn + self.settings.draws_per_step)
        spent = jax.tree.map(jnp.subtract, all_counted(state), all_counted(before))
        info = self._info(posterior, ensemble, state, spent)
        check_finite(info["non_finite"], self._by_chain(spent.transitions))
        return state, ensemble.info(info, spent, before.shared, state.shared)

    def finished(self, state: ChainsState) -> bool:
        """Whether the chains have given all draws, or found no start."""
        return int(state.stage) == STUCK or int(state.drawn) >= self._total

    def progress(self, posterior: Posterior, state: ChainsState, info: Info) -> Progress:
        """Stage, draws, the ensemble's message and honoured wells."""
        done, warmup = int(state.transitions), self.settings.warmup
        words = f"looking for a start, round {int(state.round)}"
        if done:
            drawn = min(int(state.drawn), self._total)
            words = f"draw {drawn}/{self._total} of each chain" if drawn else f"warm-up {done}/{warmup}"
            words += f", {self._ensemble(posterior).words(info)}"
        share = min(1.0, done / (warmup + self._total * self.settings.thinning))
        return Progress(1.0 if self.finished(state) else share, words + honoured_words(info["honoured"]))

    def draws(self, posterior: Posterior, state: ChainsState) -> Draws:
        """The draws of the last step; none before the end of warm-up, and none beyond the number set."""
        del posterior
        drawn, steps = int(state.drawn), len(state.recent.z)
        count = steps - max(0, drawn - self._total) if drawn else 0
        return jax.tree.map(lambda table: table[:count].reshape(-1, *table.shape[2:]), state.recent)

    def current(self, state: ChainsState) -> Float[Array, "row latent"]:
        """Where the chains are on the target."""
        z = state.positions.z
        return z.reshape(self.settings.chains, -1, z.shape[-1])[:, -1]

    def results(self, posterior: Posterior, state: ChainsState) -> dict[str, Any]:
        """Acceptance, costs and results of the ensemble, of all chains together; warnings."""
        ensemble = self._ensemble(posterior)
        spent, drawn = (jax.tree.map(np.asarray, tally) for tally in (all_counted(state), state.counted))
        costs = {"gradients": int(spent.gradients.sum()), "forward_runs": int(spent.forward_runs.sum())}
        if int(state.stage) == STUCK:
            exact = zip(posterior.observations, self._target(ensemble, state.positions.predictions.exact), strict=True)
            misfits = [sentence for o, table in exact for sentence in o.misfits(np.asarray(table))]
            return {"infeasible_data": misfits, **costs}
        acceptance = (drawn.acceptance / np.maximum(drawn.transitions, 1))[ensemble.target]
        results: dict[str, Any] = {
            "acceptance": float(acceptance.mean()),
            **ensemble.results(state),
            "divergences": int(drawn.divergences.sum()),
            **costs,
        }
        warnings = ensemble.warnings(state, acceptance)
        return {**results, "warnings": warnings} if warnings else results

    def _likelihood(self, posterior: Posterior) -> TemperedLikelihood:
        return TemperedLikelihood(posterior, self._sharpest)

    def _ensemble(self, posterior: Posterior) -> ChainEnsemble:
        return self._make_ensemble(self._likelihood(posterior))

    def _positions(self, posterior: Posterior, z: Array) -> Position:
        ensemble = self._ensemble(posterior)
        return ensemble.begin(z) if ensemble.on_host else self._begin(posterior, z)

    def _move(self, posterior: Posterior, state: ChainsState, count: int) -> ChainsState:
        """Do a number of transitions."""
        if not self._ensemble(posterior).on_host:
            return self._advance(posterior, state, jnp.int32(count))
        return self._transitions(posterior, state, count, _host_loop)

    def _start(self, posterior: Posterior, state: ChainsState) -> ChainsState:
        """Do a round of the search for a start, or end it."""
        likelihood = self._log_likelihood(posterior, state.positions)
        possible = jnp.isfinite(likelihood)
        eager = self.settings.start == "optimised" and int(state.round) == 0
        if not eager and bool(possible.all()):
            return state._replace(stage=jnp.int32(WARMUP))
        if int(state.round) < ROUNDS:
            state = self._search(posterior, state, possible & (not eager))
            return state._replace(positions=self._positions(posterior, state.positions.z))
        soft, exact, _ = self._target(self._ensemble(posterior), state.positions.predictions)
        if not np.all([np.isfinite(table).all(axis=1) for table in (*soft, *exact)], axis=0).any():
            raise NonFiniteError(
                "At the start of every chain the predictions became NaN or infinite; check the data's sd and the prior."
            )
        if not bool(possible.any()):
            return state._replace(stage=jnp.int32(STUCK))
        z, target = state.positions.z, self._ensemble(posterior).target
        positions = self._positions(posterior, z.at[target].set(z[target][adopt(possible)]))
        return state._replace(positions=positions, adopted=jnp.sum(~possible), stage=jnp.int32(WARMUP))

    def _traced_first(self, posterior: Posterior, key: Array) -> tuple[Array, Any]:
        return self._ensemble(posterior).first(key)

    def _traced_begin(self, posterior: Posterior, z: Array) -> Position:
        return self._ensemble(posterior).begin(z)

    def _traced_advance(self, posterior: Posterior, state: ChainsState, count: Array) -> ChainsState:
        """One program for warm-up and draws, since it takes long to compile."""
        return self._transitions(posterior, state, count, lax.fori_loop)

    def _target_log_likelihood(self, posterior: Posterior, positions: Position) -> Float[Array, "chain"]:
        likelihood = self._likelihood(posterior)
        t = jnp.float32(likelihood.end)
        predictions = self._target(self._make_ensemble(likelihood), positions.predictions)
        return jax.vmap(lambda one: likelihood.log_target(one, t), axis_size=self.settings.chains)(predictions)

    def _traced_search(self, posterior: Posterior, state: ChainsState, settled: Array) -> ChainsState:
        """One round for the chains that have no start yet; what the positions hold besides latents is then old."""
        z, target = state.positions.z, self._ensemble(posterior).target
        nearer = search_starts(self._likelihood(posterior), z[target], state.anchors, settled, state.round)
        gradients = state.counted.gradients.at[target].add(jnp.where(settled, 0, ITERATIONS))
        return state._replace(
            positions=state.positions._replace(z=z.at[target].set(nearer)),
            round=state.round + 1,
            counted=state.counted._replace(gradients=gradients),
        )

    def _transitions(self, posterior: Posterior, state: ChainsState, count: int | Array, loop: Any) -> ChainsState:
        """Do a number of transitions, at most those of one step."""
        ensemble, thinning = self._ensemble(posterior), self.settings.thinning

        def once(_: Array, state: ChainsState) -> ChainsState:
            key = numbered(jax.random.wrap_key_data(state.key), state.transitions)
            positions, outcome, shared = ensemble.move(key, state.positions, state.shared, state.transitions)
            return state._replace(
                positions=positions,
                shared=shared,
                last_step=outcome.step_size,
                transitions=state.transitions + 1,
                counted=add_outcome(state.counted, outcome),
            )

        def draw(n: Array, state: ChainsState) -> ChainsState:
            state = loop(n * thinning, jnp.minimum((n + 1) * thinning, count), once, state)
            here = self._target(ensemble, Draws(state.positions.z, state.positions.predictions))
            return state._replace(recent=jax.tree.map(lambda all_, one: all_.at[n].set(one), state.recent, here))

        return loop(0, self.settings.draws_per_step, draw, state)

    def _info(self, posterior: Posterior, ensemble: ChainEnsemble, state: ChainsState, spent: Tally) -> Info:
        exact = self._target(ensemble, state.positions.predictions.exact)
        return Info(
            stage=state.stage,
            acceptance=spent.acceptance / spent.transitions,
            step_size=state.last_step,
            divergences=self._by_chain(spent.divergences),
            non_finite=self._by_chain(spent.non_finite),
            gradients=self._by_chain(spent.gradients),
            forward_runs=self._by_chain(spent.forward_runs),
            log_likelihood=self._log_likelihood(posterior, state.positions),
            honoured=jnp.float32(honoured_share(exact, posterior)),
        )

    def _target(self, ensemble: ChainEnsemble, tables: Any) -> Any:
        """The rows of the chains themselves in tables of replicas."""
        return jax.tree.map(lambda table: table[ensemble.target], tables)

    def _by_chain(self, counts: Int[Array, "*chain"]) -> Int[Array, "chain"]:
        """Sums over all replicas of a chain."""
        return counts.reshape(self.settings.chains, -1).sum(axis=1)


def _host_loop(first: int | Array, last: int | Array, body: Callable[[int, Any], Any], state: Any) -> Any:
    """Like `lax.fori_loop`, for bodies that cannot be compiled."""
    for n in range(int(first), int(last)):
        state = body(n, state)
    return state
