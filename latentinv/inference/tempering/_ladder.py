"""A ladder of inverse temperatures from the prior to the target, and what replicas on neighbouring rungs exchange.

One replica a rung: the lowest at t = 0, which is the prior, the highest at the target. Neighbours k and k + 1 try to
exchange their places with probability

    min(1, L(z_k; t_{k+1}) L(z_{k+1}; t_k) / (L(z_k; t_k) L(z_{k+1}; t_{k+1}))),

which needs only the stored predictions. Even pairs try at even transitions and odd pairs at odd ones. A replica then
keeps moving in one direction until an exchange is rejected, and crosses the ladder in about `rungs` transitions instead
of `rungs`² (Okabe et al. 2001, doi:10.1016/S0009-2614(01)00055-0; Syed et al. 2022, doi:10.1111/rssb.12464). The sum of
the pairs' rejection rates, the *communication barrier*, hardly depends on the number of rungs. A ladder works best when
all pairs share it equally; `respace` places the rungs so, from the observed rates.

The same ratios give the evidence: with geometric bridges between neighbours (Meng and Wong 1996, Statistica Sinica 6,
831–860),

    Z_{k+1} / Z_k = mean over π_k of √(L(z; t_{k+1}) / L(z; t_k)) / mean over π_{k+1} of √(L(z; t_k) / L(z; t_{k+1})),

which is stepping-stone sampling (Xie et al. 2011, doi:10.1093/sysbio/syq085) from both sides. The last step ends at the
target, so the jump from the sharpest soft model to thresholded facies is included. Each mean is unbiased. Its logarithm
is too small by half its relative variance, which falls as one over the number of draws; the biases of the two sides
partly cancel.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from latentinv.inference.moves import EXACT, SHARPEST, TemperedLikelihood
from latentinv.posterior import Predictions
from latentinv.pytrees import Count, Scalar

FLATTEST = 1e-3
"""Inverse temperature below which rungs are spaced evenly, and above which their ratio is constant."""
LEAST_REJECTION = 1e-3
"""Least rate of rejection assumed for a pair, so that rungs stay apart."""


class Neighbours(NamedTuple):
    """Log-likelihoods of each replica at its own inverse temperature and at those of the rungs beside it."""

    own: Float[Array, "*chain rung"]
    above: Float[Array, "*chain pair"]
    """Log-likelihood of the lower replica of each pair, on the upper rung."""
    below: Float[Array, "*chain pair"]
    """Log-likelihood of the upper replica of each pair, on the lower rung."""


class Swaps(NamedTuple):
    """Counts of exchanges."""

    attempts: Int[Array, "pair"]
    acceptance: Float[Array, "chain pair"]
    """Sum of acceptance probabilities."""
    round_trips: Int[Array, "chain"]
    """Round trips of replicas from the prior to the target and back."""


class Bridges(NamedTuple):
    """Logarithms of the sums of √(L'/L), over the lower and over the upper side of each pair."""

    lower: Float[Array, "chain pair"]
    upper: Float[Array, "chain pair"]


def first_ladder(rungs: int, end: float) -> Float[Array, "rung"]:
    """Rungs from 0 to the end, evenly spaced in `_coordinate`."""
    top = SHARPEST if end == EXACT else end
    soft = rungs - 1 if end == EXACT else rungs
    ladder = _temperature(jnp.linspace(0.0, _coordinate(jnp.float32(top)), soft))
    return jnp.append(ladder, EXACT) if end == EXACT else ladder.at[-1].set(end)


def respace(
    ladder: Float[Array, "rung"], rejection: Float[Array, "pair"], step: Float[Array, "rung"]
) -> tuple[Float[Array, "rung"], Float[Array, "rung"]]:
    """Share the barrier equally among the pairs; gives the rungs and what was tuned for them, both interpolated.

    No rung but the target's goes beyond `SHARPEST`: what is rejected between there and the target, where data are not
    read in the same way, no rung could share.
    """
    places = _coordinate(jnp.minimum(ladder, 2 * SHARPEST))
    barrier = jnp.concatenate([jnp.zeros(1), jnp.cumsum(jnp.maximum(rejection, LEAST_REJECTION))])
    most = jnp.interp(_coordinate(jnp.float32(SHARPEST)), places, barrier)
    equal = jnp.minimum(barrier[-1] * (ladder.size - 2) / (ladder.size - 1), most)
    moved = jnp.interp(jnp.linspace(0.0, equal, ladder.size - 1), barrier, places)
    moved = jnp.append(moved, places[-1])
    # the first rung has no tuning
    return jnp.append(_temperature(moved[:-1]), ladder[-1]), jnp.interp(moved, places[1:], step[1:])


def no_swaps(chains: int, rungs: int) -> Swaps:
    """Counts of zero."""
    return Swaps(jnp.zeros(rungs - 1, jnp.int32), jnp.zeros((chains, rungs - 1)), jnp.zeros(chains, jnp.int32))


def swap_rates(swaps: Swaps) -> Float[Array, "pair"]:
    """Mean acceptance of each pair over all ladders; nan without an attempt."""
    return swaps.acceptance.mean(axis=0) / swaps.attempts


def no_bridges(chains: int, rungs: int) -> Bridges:
    """Sums of zero."""
    nothing = jnp.full((chains, rungs - 1), -jnp.inf)
    return Bridges(nothing, nothing)


def neighbours(likelihood: TemperedLikelihood, ladder: Float[Array, "rung"], predictions: Predictions) -> Neighbours:
    """Log-likelihoods of the replicas of one ladder; −∞ where they are not numbers, which no exchange spreads."""

    def value(at: Float[Array, "some"], first: int) -> Array:
        def one(t: Array, predictions: Predictions) -> Array:
            log_likelihood = jnp.where(t == 0, 0.0, likelihood.log_target(predictions, t))
            return jnp.where(jnp.isnan(log_likelihood), -jnp.inf, log_likelihood)

        these = jax.tree.map(lambda x: x[first : first + at.size], predictions)
        return jax.vmap(one, axis_size=at.size)(at, these)

    return Neighbours(value(ladder, 0), value(ladder[1:], 0), value(ladder[:-1], 1))


def swap_probability(near: Neighbours) -> Float[Array, "pair"]:
    """Probability that each pair of a ladder exchanges, if it attempts to.

    A replica that its rung excludes gives way to any that its rung does not exclude.
    """
    change = near.above - near.own[1:] + near.below - near.own[:-1]
    freed = jnp.isneginf(near.own[1:]) & ~jnp.isneginf(near.above)
    return jnp.where(freed, 1.0, jnp.where(jnp.isnan(change), 0.0, jnp.exp(jnp.minimum(change, 0.0))))


def exchange(key: Array, probability: Float[Array, "pair"], number: Count) -> tuple[Array, Bool[Array, "pair"]]:
    """For each rung of a ladder the one whose replica it takes at a transition, and the pairs that tried."""
    pairs = jnp.arange(probability.size)
    tried = pairs % 2 == number % 2
    accepted = tried & (jax.random.uniform(key, probability.shape) < probability)
    none = jnp.zeros(1, bool)
    up, down = jnp.append(accepted, none).astype(int), jnp.append(none, accepted).astype(int)
    return jnp.arange(probability.size + 1) + up - down, tried


def follow_replicas(phase: Int[Array, "rung"]) -> tuple[Int[Array, "rung"], Count]:
    """Follow replicas of a ladder: 1 for those that come from the prior, 2 from the target after that; round trips."""
    back = (phase[0] == 2).astype(jnp.int32)
    phase = phase.at[-1].set(jnp.where(phase[-1] == 1, 2, phase[-1]))
    return phase.at[0].set(1), back


def add_to_bridges(bridges: Bridges, near: Neighbours) -> Bridges:
    """Add one state of all ladders."""
    halves = 0.5 * (near.above - near.own[..., :-1]), 0.5 * (near.below - near.own[..., 1:])
    return Bridges(
        *(
            jnp.logaddexp(old, jnp.where(jnp.isnan(new), -jnp.inf, new))
            for old, new in zip(bridges, halves, strict=True)
        )
    )


def log_evidence(bridges: Bridges) -> tuple[Scalar, Float[Array, "chain"]]:
    """Log-evidence from all ladders together, and from each."""

    def total(lower: Array, upper: Array) -> Array:
        return jnp.sum(lower - upper, axis=-1)

    pooled: Any = [jax.scipy.special.logsumexp(side, axis=0) for side in bridges]
    return total(*pooled), total(*bridges)


def _coordinate(t: Float[Array, "*rung"]) -> Float[Array, "*rung"]:
    return jnp.log1p(t / FLATTEST)


def _temperature(place: Float[Array, "*rung"]) -> Float[Array, "*rung"]:
    return FLATTEST * jnp.expm1(place)
