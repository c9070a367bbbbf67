"""Simulation-based calibration: whether the truths' ranks among their draws are uniform, for all quantities at once.

For one quantity the empirical distribution function of N ranks is compared with the diagonal at K places z. There the
count of ranks up to z is binomial, so each place has a two-sided binomial p-value; γ is the smallest of them (Säilynoja
et al. 2022, doi:10.1007/s11222-022-10090-6). The simultaneous band is made of the binomial quantiles at the level of γ
that only 5 % of calibrated samplers fall below.

One p-value judges all quantities: the smallest γ of any, against the smallest γ with other members in the truths' place
(`_pools`). That corrects for how many quantities there are, and, since members keep the dependence of the
quantities, loses nothing where they are redundant (Westfall and Young 1993, the min-p method).
"""

from typing import NamedTuple

import numpy as np
import scipy.stats
from jaxtyping import Float, Real

from ._pools import share_as_extreme, uniform_ranks, with_truths_exchanged

PLACES = 50
"""Most places at which distribution functions are compared."""
BAND = 0.95
"""Share of calibrated samplers whose distribution function stays within the band of one quantity."""


class RankTest(NamedTuple):
    """Test results from the ranks of the truths."""

    names: tuple[str, ...]
    ranks: Float[np.ndarray, "replicate quantity"]
    """Ranks of the truths, spread over (0, 1)."""
    p_value: float
    """p-value of all quantities together, corrected for their number."""
    p_values: Float[np.ndarray, "quantity"]
    """p-value of each quantity, corrected too: the chance that any quantity of a calibrated sampler looks as bad."""
    places: Float[np.ndarray, "place"]
    difference: Float[np.ndarray, "quantity place"]
    """Distribution function minus the diagonal."""
    band: Float[np.ndarray, "2 place"]
    """Band that holds it at all places for 95 of 100 calibrated samplers, for a single quantity."""

    @property
    def worst(self) -> int:
        """The quantity with the smallest p-value."""
        return int(np.argmin(self.p_values))

    def flaw(self, quantity: int) -> str:
        """Describe how the truths of a quantity lie among the draws."""
        ranks = self.ranks[:, quantity]
        bias = (ranks.mean() - 0.5) * np.sqrt(12 * len(ranks))
        spread = (np.mean(np.abs(2 * ranks - 1)) - 0.5) * np.sqrt(12 * len(ranks))
        if abs(bias) >= abs(spread):
            return f"the truth lies too often {'above' if bias > 0 else 'below'} the draws"
        return f"the draws are too {'narrow' if spread > 0 else 'wide'}"


def rank_test(
    rng: np.random.Generator, pools: Real[np.ndarray, "replicate member quantity"], names: tuple[str, ...]
) -> RankTest:
    """Test whether truths are members like any other of their pools.

    Parameters
    ----------
    rng
        Breaks ties and chooses the members that stand for truths.
    pools
        Each quantity of the truth, then of the draws.
    names
        Of the quantities.

    Raises
    ------
    InputError
        If there is no replicate, a pool has no draw, or a number is not one.
    """
    ranks = uniform_ranks(rng, pools)
    count = len(ranks)
    places = np.arange(1, min(PLACES, count + 1)) / min(PLACES, count + 1)
    table = _two_sided(count, places)
    rows = np.arange(len(places))

    def misfit(ranks: Float[np.ndarray, "replicate quantity"]) -> Float[np.ndarray, "quantity"]:
        counts = np.sum(ranks[:, None] <= places[:, None], axis=0)
        return -np.min(table[counts, rows[:, None]], axis=0)

    observed, simulated = with_truths_exchanged(rng, ranks, misfit)
    largest = simulated.max(axis=1)
    level = -float(np.quantile(simulated[:, 0], BAND, method="higher"))
    edges = scipy.stats.binom.ppf([[level / 2], [1 - level / 2]], count, places) / count
    return RankTest(
        names=names,
        ranks=ranks[:, 0],
        p_value=share_as_extreme(float(observed.max()), largest),
        p_values=np.array([share_as_extreme(one, largest) for one in observed]),
        places=places,
        difference=np.mean(ranks[:, 0, :, None] <= places, axis=0) - places,
        band=edges - places,
    )


def _two_sided(count: int, places: Float[np.ndarray, "place"]) -> Float[np.ndarray, "hits place"]:
    """Two-sided binomial p-value of the number of ranks up to each place."""
    hits = np.arange(count + 1)[:, None]
    below, above = scipy.stats.binom.cdf(hits, count, places), scipy.stats.binom.sf(hits - 1, count, places)
    return np.minimum(1.0, 2 * np.minimum(below, above))
