"""Truths among their draws: the one idea behind every test of calibration here.

A replicate of a study draws a truth from the prior, simulates its data and samples the posterior. If the sampler is
right, truth and draws come from the same distribution, so the truth is a *member* like any other of the pool

    (truth, draw 1, …, draw L),

whatever number is computed for each member, even one that depends on the data (Talts et al. 2018, arXiv:1804.06788;
Modrák et al. 2023, doi:10.1214/23-BA1404). So a statistic of how the truths lie in their pools is compared with the
same statistic of randomly chosen members in place of the truths: an exact randomisation test, which allows for the
dependence of the numbers and needs no formula for the distribution of the statistic. Members must be nearly
independent; thin a chain.

Ranks are made continuous: a member in position r of the L + 1 sorted ones, ties (frequent with facies) broken at
random, gets (r + V) / (L + 1) with V ~ U(0, 1), which is uniform for a calibrated sampler however many draws there are.
Cost: O(replicates · draws · quantities) per simulation at most.
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float, Int, Real

from latentinv.errors import InputError

SIMULATIONS = 2000
"""Number of times that members replace the truths; p-values of 0.01 are then known to ± 0.002."""


def uniform_ranks(
    rng: np.random.Generator, pools: Real[np.ndarray, "replicate member quantity"]
) -> Float[np.ndarray, "replicate member quantity"]:
    """Rank every member within its pool, spread over (0, 1), ties in random order.

    Raises
    ------
    InputError
        If there is no replicate, a pool has no draw, or a value is not a number.
    """
    pools = np.asarray(pools, dtype=float)
    if pools.ndim != 3 or not pools.shape[0] or pools.shape[1] < 2:
        raise InputError(
            f"The pools have shape {pools.shape}; expected replicates of a truth and at least one draw, by quantity."
        )
    if np.isnan(pools).any():
        raise InputError("Some quantities are not numbers; leave those replicates out, and report that.")
    order = np.lexsort((rng.random(pools.shape), pools), axis=1)
    position = np.argsort(order, axis=1)
    return np.clip((position + rng.random(pools.shape)) / pools.shape[1], 1e-12, 1 - 1e-12)


def with_truths_exchanged(
    rng: np.random.Generator,
    ranks: Float[np.ndarray, "replicate member quantity"],
    statistic: Callable[[Float[np.ndarray, "replicate quantity"]], Float[np.ndarray, "number"]],
) -> tuple[Float[np.ndarray, "number"], Float[np.ndarray, "simulation number"]]:
    """A statistic of the truths' ranks, and of the ranks of members chosen at random instead.

    Parameters
    ----------
    rng
        Chooses the members.
    ranks
        Of all members; the truths are the first.
    statistic
        Of the ranks of one member a replicate.
    """
    count, members = ranks.shape[:2]
    replicate = np.arange(count)
    chosen: Int[np.ndarray, "simulation replicate"] = rng.integers(0, members, (SIMULATIONS, count))
    return statistic(ranks[:, 0]), np.stack([statistic(ranks[replicate, one]) for one in chosen])


def share_as_extreme(observed: float, simulated: Float[np.ndarray, "simulation"]) -> float:
    """p-value of a statistic that is large where something is wrong; never 0 (Davison and Hinkley 1997, page 140)."""
    return float((1 + np.sum(simulated >= observed)) / (1 + len(simulated)))
