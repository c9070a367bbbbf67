"""Expected coverage with random points (TARP): whether credible balls contain the truth as often as they should.

For a reference point drawn from the prior, the draws nearer to it than the truth make a ball about the reference; its
share of the draws is its credibility, and the truth is on its border. Over replicates, the share of balls with a
credibility up to α, the *expected coverage*, must be α at every α, and if it is for reference points anywhere the
posterior is exact (Lemos et al. 2023, arXiv:2302.03026). Distances are between whole fields, so it detects errors that
single numbers do not show. Several reference points per replicate make the curve smoother; the band allows for their
common truth, as it comes from members in place of the truths (`_pools`).
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Real

from ._pools import share_as_extreme, uniform_ranks, with_truths_exchanged

LEVELS = np.linspace(0.02, 0.98, 49)
BAND = 0.99


class ExpectedCoverage(NamedTuple):
    """Expected coverage over credibility."""

    levels: Float[np.ndarray, "level"]
    coverage: Float[np.ndarray, "level"]
    max_deviation: float
    """Largest distance from the diagonal."""
    band: float
    """The largest distance that 99 of 100 calibrated samplers stay within."""
    p_value: float
    edges: Float[np.ndarray, "2 level"]
    """Quantiles of 0.5 % and 99.5 % of the coverage of calibrated samplers, at each level separately."""


def expected_coverage(
    rng: np.random.Generator, distances: Real[np.ndarray, "replicate member reference"]
) -> ExpectedCoverage:
    """Compare expected coverage with credibility.

    Parameters
    ----------
    rng
        Breaks ties and chooses the members that stand for truths.
    distances
        From the truth, then from the draws, to reference points that do not depend on the truth.

    Raises
    ------
    InputError
        If there is no replicate, a pool has no draw, or a distance is not a number.
    """
    ranks = uniform_ranks(rng, distances)

    def curve(ranks: Float[np.ndarray, "replicate reference"]) -> Float[np.ndarray, "level"]:
        return np.searchsorted(np.sort(ranks, axis=None), LEVELS, side="right") / ranks.size

    observed, simulated = with_truths_exchanged(rng, ranks, curve)
    deviation = float(np.max(np.abs(observed - LEVELS)))
    deviations = np.max(np.abs(simulated - LEVELS), axis=1)
    return ExpectedCoverage(
        levels=LEVELS,
        coverage=observed,
        max_deviation=deviation,
        band=float(np.quantile(deviations, BAND, method="higher")),
        p_value=share_as_extreme(deviation, deviations),
        edges=np.quantile(simulated, [0.005, 0.995], axis=0),
    )
