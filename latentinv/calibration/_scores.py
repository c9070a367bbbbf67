"""How well draws predict each pixel of the truth: coverage of intervals, and the continuous ranked probability score.

The *coverage* at level α is the share of pixels whose truth lies within the central α of the draws, ranked with ties
(frequent with facies) at random. The *score* (CRPS, Gneiting and Raftery 2007, doi:10.1198/016214506000001437) is

    mean |x_l − y| − ½ mean |x_l − x_k|,

over draws x and the truth y, the second mean over different draws (the fair form, comparable between different numbers
of draws; Ferro 2014, doi:10.1002/qj.2270); for two facies it is Brier's. Lower is better: it rewards accuracy and
confidence. For a calibrated sampler, truths score like its own draws among the others. Cost: sorting the draws.
"""

import numpy as np
from jaxtyping import Float, Real

from ._pools import uniform_ranks

COVERAGE_LEVELS = (0.5, 0.8, 0.95)


def interval_coverage(
    rng: np.random.Generator, members: Real[np.ndarray, "member *grid"]
) -> Float[np.ndarray, "level"]:
    """Share of pixels whose truth lies within the central 50, 80 and 95 % of the draws.

    Parameters
    ----------
    rng
        Breaks ties.
    members
        The truth, then the draws: values, or positions of facies.
    """
    flat = np.reshape(members, (1, len(members), -1))
    ranks = uniform_ranks(rng, flat)[0, 0]
    return np.array([np.mean(np.abs(2 * ranks - 1) <= level) for level in COVERAGE_LEVELS])


def ranked_probability_score(
    truth: Real[np.ndarray, "*grid"], draws: Real[np.ndarray, "draw *grid"]
) -> Float[np.ndarray, "*grid"]:
    """Continuous ranked probability score of each pixel, in the unit of the values; at least two draws."""
    ordered = np.sort(np.asarray(draws, dtype=float), axis=0)
    count = len(ordered)
    miss = np.mean(np.abs(ordered - truth), axis=0)
    # The mean over all ordered pairs of different draws of their distance, from the sorted draws.
    weights = 2.0 * np.arange(1, count + 1) - count - 1
    spread = 2 * np.tensordot(weights, ordered, axes=1) / (count * (count - 1))
    return miss - 0.5 * spread
