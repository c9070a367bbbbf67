"""The next level of tempered sequential Monte Carlo, from the importance weights.

The next inverse temperature is the largest at which the effective sample size of the importance weights is still the
wanted share of the population (Jasra et al. 2011, doi:10.1111/j.1467-9469.2010.00723.x). It needs the stored
predictions alone. Where the path scales the log-likelihood L, weights are (t − t′) L, so that precise data, whose L are
huge, lose no digits; the first level may be as low as `LOWEST`. With a thresholded target, the jump from the soft
likelihood to the exact one is made as soon as it keeps the effective sample size, whole or in parts.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.scipy.special import logsumexp
from jaxtyping import Array, Float

from latentinv.inference.core import effective_size
from latentinv.inference.moves import SHARPEST
from latentinv.posterior import Posterior, each
from latentinv.pytrees import Scalar

from ._smc_state import TEMPERING, SMCState

LOWEST, FIRST_MOST = 1e-30, 1.2
"""Least and largest inverse temperature of the first level."""
BRIDGE_FROM = 3.0
"""Inverse temperature from which on the jump to the exact likelihood may be made in parts: what becomes sharper with it
is sharp by then."""
LEAST_PART = 0.02
"""Smallest part of the jump made at one level; where the effective sample size allows only less, the soft ladder goes
on instead."""
USUAL_END, USUAL_START = 3.0, 1e-2
"""Where the soft ladder of a thresholded target usually ends, and the inverse temperature from which on it grows by a
nearly constant factor a level."""
SLOWEST, FASTER = 1.7, 2.5
"""By what the inverse temperature grows in a level at least, and the share of particles that meet all data usually."""
PARTS = 6.0
"""Levels that a jump in parts usually takes."""


class Level(NamedTuple):
    """A level and the weights that lead to it."""

    inverse_temperature: Scalar
    log_weights: Float[Array, "particle"]
    gain: Scalar
    """Of log-evidence."""
    bridge: Scalar
    """Part of the jump to the exact likelihood that is then complete."""


def next_level(posterior: Posterior, state: SMCState, *, wanted: float, max_levels: int, bridges: bool) -> Level:
    """Choose the next level.

    Parameters
    ----------
    posterior
        What is sampled.
    state
        After the last level.
    wanted
        Effective sample size to keep.
    max_levels
        Levels after which particles that meet all data are taken, however few.
    bridges
        Whether the jump may be made in parts.
    """
    predictions, now = state.population.predictions, state.inverse_temperature
    count = len(state.population.z)
    base = each(lambda p: posterior.tempered_log_likelihood(p, now), predictions, count)
    possible = jnp.isfinite(base)  # not where a simulation failed, which occurs only in the first population

    def weights(t: Array) -> Array:
        change = each(lambda p: posterior.tempered_change(p, now, t), predictions, count)
        return jnp.where(possible, change, -jnp.inf)

    def enough(log_weights: Array) -> Array:
        return effective_size(log_weights) >= wanted

    def level(t: Array, log_weights: Array, bridge: Array) -> Level:
        return Level(t, log_weights, logsumexp(log_weights) - jnp.log(jnp.sum(possible)), bridge)

    low = jnp.log(jnp.maximum(now, LOWEST))
    # Once the data speak, t at most triples: sharper than needed for the jump would only stiffen the final moves.
    tripled = jnp.where(now > 0, low + jnp.log(3.0), jnp.log(FIRST_MOST))
    high = tripled if posterior.target == "thresholded" else jnp.float32(0.0)
    t = jnp.exp(_furthest(lambda log_t: enough(weights(jnp.exp(log_t))), low, high))
    if posterior.target == "soft":
        return level(t, weights(t), state.bridge)
    jump = jnp.where(possible, each(posterior.exact_log_likelihood, predictions, count) - base, -jnp.inf)

    def part(bridge: Array | float) -> Array:
        return (bridge - state.bridge) * jump

    # At the last level a few particles that meet all data are better than none.
    ends = jnp.where(state.bridge > 0, state.level >= max_levels, ladder_ends(state, max_levels))
    last = ends & jnp.isfinite(jump).any()
    further = _furthest(lambda bridge: enough(part(bridge)), state.bridge, jnp.float32(1.0))
    in_parts = (now >= BRIDGE_FROM) & (further - state.bridge >= LEAST_PART) & bridges
    bridge = jnp.where(in_parts | (state.bridge > 0), further, 0.0)
    bridge = jnp.where(enough(part(1.0)) | last, 1.0, bridge)
    chosen = jnp.where(bridge > 0, part(bridge), weights(t))
    return level(jnp.where(bridge > 0, now, t), chosen, bridge)


def ladder_ends(state: SMCState, max_levels: int) -> Array:
    """Whether the ladder must end."""
    return (state.level >= max_levels) | (state.inverse_temperature >= SHARPEST)


def levels_left(
    state: SMCState, exact_share: float | None, *, target: str, wanted: float, most: tuple[int, int]
) -> float:
    """Estimate how many levels are left, which all cost about the same.

    Parameters
    ----------
    state
        After a level.
    exact_share
        Share of the particles that meet all data; None where that does not tell when the jump will be made.
    target
        The target of record.
    wanted
        Effective sample size to keep, as a share of the particles.
    most
        Levels of the ladder, and those on the final target.
    """
    max_levels, final_rounds = most
    level, t, bridge = int(state.level), float(state.inverse_temperature), float(state.bridge)
    final = final_rounds - int(state.final_rounds)
    if int(state.stage) != TEMPERING:
        return final + PARTS * (1 - bridge) if target == "thresholded" else final
    end = USUAL_END if target == "thresholded" else 1.0
    climbed, whole = math.log1p(t / USUAL_START), math.log1p(end / USUAL_START)
    left = max(0.0, whole - climbed)
    ladder = min(level * left / climbed, math.log(max(1.0, end / t)) / math.log(SLOWEST), max_levels - level)
    if target == "thresholded" and exact_share:  # the jump may come long before the usual end
        ladder = min(ladder, math.log(max(1.0, wanted / exact_share)) / math.log(FASTER))
    return max(0.0, ladder) + final


def _furthest(enough: Callable[[Array], Array], low: Array, high: Array) -> Array:
    """The largest number from `low` to `high` for which `enough` holds, if it does at `low` and fails beyond."""

    def bisect(_: int, edges: tuple[Array, Array]) -> tuple[Array, Array]:
        middle = 0.5 * (edges[0] + edges[1])
        good = enough(middle)
        return jnp.where(good, middle, edges[0]), jnp.where(good, edges[1], middle)

    found, _ = jax.lax.fori_loop(0, 30, bisect, (low, high))
    return jnp.where(enough(high), high, found)
