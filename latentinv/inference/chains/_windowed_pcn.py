"""Random walks in windows of latents: windows over all scales, those far enough apart renewed at once.

A walk that renews all latents together must take small steps where there are many data. Here each move is a
preconditioned Crank–Nicolson move (Cotter et al. 2013, doi:10.1214/13-STS421) of windows of one size: one place of the
latent maps, two, four and so on up to all. The windows of a move lie on a lattice with a random offset, so far apart
that no datum sees two of them, and are accepted one by one, each on its own data (`moves._windows`): a Gibbs sampler
whose blocks of one colour share one new field. The cost of a sweep then does not grow with the number of windows, so
the number of transitions hardly depends on the size of a field, once that is large against the prior's reach. Data that
see the whole field leave one window of each size.

Sizes are drawn at random. In warm-up each size adapts its step β towards the same acceptance of its windows, and sizes
become as frequent as they carry the chains far: their probability is proportional to the mean squared jump of a move,
but for a share `EVEN` that all have equally. Both are frozen afterwards. Needs no gradient. Cost: a field a move.
"""

import functools
from typing import Any, NamedTuple, final

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from latentinv.inference.core import AbstractKernel, algorithm, check_counts, check_shares
from latentinv.inference.moves import (
    Outcome,
    Population,
    Position,
    TemperedLikelihood,
    WindowLattice,
    accept_windows,
    is_finite,
    renewed,
    window_sizes,
)
from latentinv.keys import named, numbered
from latentinv.posterior import map_batched
from latentinv.pytrees import Count

from ._chain_start import CANDIDATES, likely_draws
from ._ensemble import ChainEnsemble
from ._kernel import ChainsKernel
from ._settings import AbstractChains
from ._state import ChainsState

FIRST_STEP = 0.3
EVEN = 0.2
"""Share of the moves whose size does not depend on what sizes achieved."""


class Steps(NamedTuple):
    """Tuning that the chains share."""

    log_step: Float[Array, "size"]
    """Logarithm of the step β for each size of windows."""
    jumped: Float[Array, "size"]
    """Sum of the squared jumps made in warm-up, mean over the chains."""
    tried: Float[Array, "size"]
    """Moves made in warm-up."""


@final
@algorithm("windowed_pcn")
class WindowedCrankNicolson(AbstractChains):
    """Preconditioned Crank–Nicolson chains in windows of all sizes, for large fields with local data; no gradients.

    Parameters
    ----------
    moves
        Moves of a transition.
    acceptance_target
        Acceptance of the windows of each size towards which its step is adapted.
    """

    warmup: int = 1000
    thinning: int = 10
    moves: int = 4
    acceptance_target: float = 0.25

    needs_gradient = False

    def __post_init__(self) -> None:
        super().__post_init__()
        check_counts(self, "moves")
        check_shares(self, "acceptance_target")

    def build(self) -> AbstractKernel:
        """Make the chains."""
        return ChainsKernel(self, functools.partial(windowed_ensemble, self))


def windowed_ensemble(settings: WindowedCrankNicolson, likelihood: TemperedLikelihood) -> ChainEnsemble:
    """Make the moves of all chains."""
    posterior, t = likelihood.posterior, jnp.float32(likelihood.end)
    lattice = WindowLattice(posterior, window_sizes(posterior))
    sizes, candidates = len(lattice.sizes), 1 if posterior.external else CANDIDATES

    def first(key: Array) -> tuple[Array, Steps]:
        z = likely_draws(posterior, key, (settings.chains, candidates))
        return z, Steps(jnp.full(sizes, jnp.log(jnp.float32(FIRST_STEP))), jnp.zeros(sizes), jnp.zeros(sizes))

    def begin(z: Array) -> Position:
        return Position(z, posterior.predict(z))

    def move(key: Array, here: Position, size: Array, step_size: Array) -> tuple[Position, tuple[Array, ...]]:
        """One move of one chain; its squared jump, the mean acceptance and number of its windows, if it is finite."""
        key_windows, key_noise, key_accept = named(key, "windows", "noise", "accept")
        windows = lattice.draw(key_windows, size)
        there = begin(renewed(key_noise, here.z, windows, step_size))
        one, other = (Population(p.z, p.predictions) for p in (here, there))
        moved, decision = accept_windows(
            key_accept, one, other, windows, lattice.most, lambda predictions: likelihood.log_target(predictions, t)
        )
        jump = jnp.sum((moved.z - here.z) ** 2)
        return Position(*moved), (jump, decision.acceptance, decision.decided, is_finite(there))

    def together(key: Array, here: Position, steps: Steps, number: Count) -> tuple[Position, Outcome, Steps]:
        warming = number < settings.warmup

        def one(carry: tuple[Position, Steps], place: Array) -> tuple[tuple[Position, Steps], Any]:
            (here, steps), (key_size, key_chains) = carry, named(numbered(key, place), "size", "chains")
            size = jax.random.categorical(key_size, jnp.log(frequencies(steps)))
            keys, step_size = jax.random.split(key_chains, settings.chains), jnp.exp(steps.log_step[size])
            here, told = map_batched(lambda pair: move(pair[0], pair[1], size, step_size), (keys, here))
            jump, acceptance, decided, finite = told
            learnt = learn(steps, size, jump.mean(), acceptance, decided, settings.acceptance_target)
            steps = jax.tree.map(lambda new, old: jnp.where(warming, new, old), learnt, steps)
            return (here, steps), (acceptance, finite)

        (here, after), (acceptance, finite) = jax.lax.scan(one, (here, steps), jnp.arange(settings.moves))
        none = jnp.zeros(settings.chains)
        outcome = Outcome(
            acceptance=acceptance.mean(axis=0),
            finite=finite[-1],  # of one move, as of one proposal: of several, one or another fails too often
            diverging=none.astype(bool),
            step_size=jnp.full(settings.chains, frequencies(steps) @ jnp.exp(steps.log_step)),
            gradients=none,
            forward_runs=jnp.full(settings.chains, float(settings.moves)),
        )
        return here, outcome, after

    def results(state: ChainsState) -> dict[str, Any]:
        return {
            "step_size": float(np.mean(state.last_step)),
            "window_sizes": list(lattice.sizes),
            "window_steps": [float(step) for step in np.exp(state.shared.log_step)],
            "window_frequencies": [float(share) for share in frequencies(state.shared)],
        }

    return ChainEnsemble(
        first=first,
        begin=lambda z: map_batched(begin, z),
        move=together,
        first_step=FIRST_STEP,
        results=results,
        candidates=candidates if candidates > 1 else 0,
    )


def frequencies(steps: Steps) -> Float[Array, "size"]:
    """How often each size is taken: evenly until all were tried."""
    count = steps.tried.size
    gain = steps.jumped / jnp.maximum(steps.tried, 1)
    learnt = jnp.where((steps.tried > 0).all() & (gain.sum() > 0), gain / jnp.maximum(gain.sum(), 1e-30), 1 / count)
    return EVEN / count + (1 - EVEN) * learnt


def learn(
    steps: Steps,
    size: Count,
    jump: Array,
    acceptance: Float[Array, "chain"],
    decided: Float[Array, "chain"],
    acceptance_target: float,
) -> Steps:
    """Learn from one move of windows of a size; its step only if some windows can change data."""
    mean = jnp.sum(acceptance * decided) / jnp.maximum(decided.sum(), 1)
    change = jnp.where(decided.sum() > 0, mean - acceptance_target, 0.0)
    tried = steps.tried.at[size].add(1)
    log_step = steps.log_step.at[size].add(tried[size] ** -0.6 * change)
    return Steps(jnp.minimum(log_step, 0.0), steps.jumped.at[size].add(jump), tried)
