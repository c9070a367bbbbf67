"""Whether importance weights can be trusted: the shape k of their upper tail.

The largest weights beyond a cut are fitted by a generalised Pareto distribution, by the posterior mean of Zhang and
Stephens (2009, doi:10.1198/tech.2009.08017) with the weak prior of Vehtari et al. (2024, arXiv:1507.02646). Weights
with k below 0.5 have a variance; above 0.7 no sample of a size that can be had makes up for the tail. Cost: a sort.
"""

import numpy as np
from jaxtyping import Float

RELIABLE = 0.7
"""Largest k with which weights are of use."""


def tail_shape(log_weights: Float[np.ndarray, "draw"]) -> float:
    """Shape k of the upper tail of importance weights; infinite if some are not finite, 0 if there is no tail.

    Parameters
    ----------
    log_weights
        Logarithms of the weights, which need no normalisation.
    """
    log_weights = np.sort(np.asarray(log_weights, float))
    if not np.isfinite(log_weights[-1]):
        return float("inf")
    weights = np.exp(log_weights - log_weights[-1])
    tail = int(min(0.2 * weights.size, 3 * np.sqrt(weights.size)))
    excess = weights[-tail:] - weights[-tail - 1] if tail >= 5 else np.zeros(1)
    if excess[-1] < 1e-6:  # as good as constant, or too few to say
        return 0.0 if tail >= 5 else float("inf")
    return generalised_pareto_shape(excess[excess > 0])


def generalised_pareto_shape(excess: Float[np.ndarray, "draw"]) -> float:
    """Shape of a generalised Pareto distribution from sorted positive draws of it."""
    count = len(excess)
    grid = 30 + int(np.sqrt(count))
    quartile = excess[int(count / 4 + 0.5) - 1]
    b = 1 / excess[-1] + (1 - np.sqrt(grid / (np.arange(1, grid + 1) - 0.5))) / (3 * quartile)
    shapes = np.log1p(-b[:, None] * excess).mean(axis=1)
    log_profile = count * (np.log(-b / shapes) - shapes - 1)
    weights = np.exp(log_profile - log_profile.max())
    shape = np.log1p(-np.sum(b * weights) / weights.sum() * excess).mean()
    return float((count * shape + 5) / (count + 10))
