"""Whether importance weights can be trusted: the shape k of their upper tail.

The largest weights are fitted by a generalised Pareto distribution (Pareto smoothed importance sampling, Vehtari et al.
2024, arXiv:1507.02646), by ArviZ (`arviz_stats`). Weights with k below 0.5 have a variance; above 0.7 no sample of a
feasible size makes up for the tail. Cost: a sort.
"""

import numpy as np
from jaxtyping import Float

RELIABLE = 0.7
"""Largest k for which weights are useful."""
FEWEST = 25
"""Least number of weights for which the tail has the five values that a fit needs."""
NO_TAIL = 1e-6
"""Relative spread of weights below which they count as constant."""


def tail_shape(log_weights: Float[np.ndarray, "draw"]) -> float:
    """Shape k of the upper tail of importance weights.

    Parameters
    ----------
    log_weights
        Logarithms of the weights, which need no normalisation.

    Returns
    -------
    The shape; infinite if some are NaN or infinite, or they are too few to tell, and 0 if all are alike.
    """
    from arviz_stats.base import array_stats

    log_weights = np.asarray(log_weights, float)
    if not np.isfinite(log_weights.max()) or log_weights.size < FEWEST:
        return float("inf")
    largest = np.sort(np.exp(log_weights - log_weights.max()))[-max(6, log_weights.size // 5) :]
    if np.ptp(largest) < NO_TAIL:
        return 0.0
    finite = np.where(np.isfinite(log_weights), log_weights, log_weights[np.isfinite(log_weights)].min() - 700.0)
    # ArviZ takes log-likelihoods, whose negatives are the log-weights of leaving a datum out.
    return float(array_stats.psislw(-finite)[1])
