"""Random walks in windows of latents: windows over all scales, those far enough apart renewed at once.

A walk that renews all latents together must take small steps where there are many data. Here a transition makes one
preconditioned Crank–Nicolson move (Cotter et al. 2013, doi:10.1214/13-STS421) for each size of windows: one place of
the latent maps, two, four and so on, and at last all. The windows of a move lie on a lattice with a random offset, so
far apart that no datum sees two of them, and are accepted one by one, each on its own data (`moves._windows`): a Gibbs
sampler whose blocks of one colour share one new field. The cost of a sweep then does not grow with the number of
windows, so the number of transitions hardly depends on the size of a field, once that is large against the prior's
reach. Data that see the whole field leave one window of each size. The steps β of the sizes are adapted in warm-up,
each towards the same acceptance of its windows. Needs no gradient. Cost: a field for each size and transition.
"""

import functools
from typing import Any, NamedTuple, final

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from latentinv.inference.core import AbstractKernel, algorithm, check_shares
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
from latentinv.pytrees import Count

from ._chain_start import CANDIDATES, likely_draws
from ._ensemble import ChainEnsemble
from ._kernel import ChainsKernel
from ._settings import AbstractChains
from ._state import ChainsState

FIRST_STEP = 0.3


class Steps(NamedTuple):
    """Tuning that the chains share."""

    log_step: Float[Array, "size"]
    """Logarithm of the step β for each size of windows."""
    acceptance: Float[Array, "size"]
    """Mean acceptance in the last transition."""


@final
@algorithm("windowed_pcn")
class WindowedCrankNicolson(AbstractChains):
    """Preconditioned Crank–Nicolson chains in windows of all sizes, for large fields with local data; no gradients.

    Parameters
    ----------
    acceptance_target
        Acceptance of the windows of each size towards which its step is adapted.
    """

    warmup: int = 1000
    thinning: int = 10
    acceptance_target: float = 0.25

    needs_gradient = False

    def __post_init__(self) -> None:
        super().__post_init__()
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
        return z, Steps(jnp.full(sizes, jnp.log(jnp.float32(FIRST_STEP))), jnp.zeros(sizes))

    def begin(z: Array) -> Position:
        return Position(z, posterior.predict(z))

    def move(key: Array, here: Position, size: Array, step_size: Array) -> tuple[Position, tuple[Array, ...]]:
        """One move of one chain; also the windows' mean acceptance, how many there were, and whether it is finite."""
        key_windows, key_noise, key_accept = named(key, "windows", "noise", "accept")
        windows = lattice.draw(key_windows, size)
        there = begin(renewed(key_noise, here.z, windows, step_size))
        one, other = (Population(p.z, p.predictions) for p in (here, there))
        moved, decision = accept_windows(
            key_accept, one, other, windows, lattice.most, lambda predictions: likelihood.log_target(predictions, t)
        )
        return Position(*moved), (decision.acceptance, decision.decided, is_finite(there))

    def together(key: Array, here: Position, steps: Steps, number: Count) -> tuple[Position, Outcome, Steps]:
        def sweep(here: Position, size: Array) -> tuple[Position, Any]:
            keys = jax.random.split(numbered(key, size), settings.chains)
            step_size = jnp.exp(steps.log_step[size])
            return jax.vmap(lambda key, here: move(key, here, size, step_size))(keys, here)

        here, (acceptance, decided, finite) = jax.lax.scan(sweep, here, jnp.arange(sizes))
        mean = jnp.sum(acceptance * decided, axis=1) / jnp.maximum(decided.sum(axis=1), 1)
        mean = jnp.where(decided.sum(axis=1) > 0, mean, settings.acceptance_target)
        gain = jnp.where(number < settings.warmup, (number + 1.0) ** -0.6, 0.0)
        log_step = jnp.minimum(steps.log_step + gain * (mean - settings.acceptance_target), 0.0)
        none = jnp.zeros(settings.chains)
        outcome = Outcome(
            acceptance=acceptance.mean(axis=0),
            finite=finite.all(axis=0),
            diverging=none.astype(bool),
            step_size=jnp.full(settings.chains, jnp.exp(steps.log_step).mean()),
            gradients=none,
            forward_runs=jnp.full(settings.chains, float(sizes)),
        )
        return here, outcome, Steps(log_step, mean)

    def results(state: ChainsState) -> dict[str, Any]:
        return {
            "step_size": float(np.mean(state.last_step)),
            "window_sizes": list(lattice.sizes),
            "window_steps": [float(step) for step in np.exp(state.shared.log_step)],
        }

    return ChainEnsemble(
        first=first,
        begin=jax.vmap(begin),
        move=together,
        first_step=FIRST_STEP,
        results=results,
        candidates=candidates if candidates > 1 else 0,
    )
