"""Local proportions: shares of facies that vary over the grid, such as a trend of sand or a vertical curve.

The thresholds of a cell follow from its own proportions (Beucher et al. 1993, doi:10.1007/978-94-011-1739-5_25;
Armstrong et al. 2011, chapter 2, doi:10.1007/978-3-642-19607-2). The rule stays as it is, the same everywhere: the
scores of a cell are moved by a growing function, linear between thresholds, that carries the cell's thresholds to those
of the rule. So the probability of each facies is the stated one, contacts stay as the rule has them, and the gradients
are those of straight lines. Cost: O(cells · cuts).

That needs the cuts of a score to stand in one order everywhere, so a score must not be cut in both branches of a cut of
another score.
"""

import itertools
from collections.abc import Iterator

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from scipy import special

from latentinv.errors import InputError

from ._truncation import Cut, TruncationRule


def local_thresholds(
    rule: TruncationRule, shares: Float[np.ndarray, "facies *cells"]
) -> list[list[Float[np.ndarray, "*cells"]]]:
    """The thresholds of each score in every cell, the least first.

    Raises
    ------
    InputError
        If the rule cuts a score in both branches of a cut of another.
    """
    _check_order(rule.cut)
    by_code = dict(zip(rule.categories, shares, strict=True))
    found: list[list[np.ndarray]] = [[] for _ in range(rule.components)]
    sure = (np.zeros(shares.shape[1:]), np.ones(shares.shape[1:]))
    for score, threshold in _thresholds(rule.cut, by_code, dict.fromkeys(range(rule.components), sure)):
        found[score].append(threshold)
    return [sorted(own, key=np.sum) for own in found]


def usual_thresholds(rule: TruncationRule) -> list[list[float]]:
    """The rule's own thresholds of each score, the least first."""
    shares: np.ndarray = np.array([dict(rule.proportions)[code] for code in rule.categories])
    return [[float(one) for one in own] for own in local_thresholds(rule, shares)]


def carried(
    scores: Float[Array, "*grid"], local: list[Float[Array, "*#grid"]], usual: list[float]
) -> Float[Array, "*grid"]:
    """Scores moved so that local thresholds become the usual ones."""
    moved = usual[0] + jnp.minimum(scores - local[0], 0.0) + jnp.maximum(scores - local[-1], 0.0)
    for (low, high), (first, last) in zip(itertools.pairwise(local), itertools.pairwise(usual), strict=True):
        between = jnp.maximum(high - low, 1e-6)
        moved = moved + (last - first) * jnp.clip((scores - low) / between, 0.0, 1.0)
    return moved


def _thresholds(
    cut: Cut, shares: dict[int, np.ndarray], bounds: dict[int, tuple[np.ndarray, np.ndarray]]
) -> Iterator[tuple[int, np.ndarray]]:
    """Each cut's score and threshold, given between which probabilities every score lies so far."""
    below, above = (_sum(part, shares) for part in (cut.below, cut.above))
    low, high = bounds[cut.score]
    middle = low + (high - low) * below / (below + above)
    yield cut.score, special.ndtri(middle)
    for part, inner in ((cut.below, (low, middle)), (cut.above, (middle, high))):
        if isinstance(part, Cut):
            yield from _thresholds(part, shares, bounds | {cut.score: inner})


def _sum(part: "int | Cut", shares: dict[int, np.ndarray]) -> np.ndarray:
    return np.sum([shares[code] for code in (part.facies() if isinstance(part, Cut) else (part,))], axis=0)


def _check_order(part: "int | Cut") -> None:
    if not isinstance(part, Cut):
        return
    below, above = (set(side.scores()) if isinstance(side, Cut) else set() for side in (part.below, part.above))
    if both := (below & above) - {part.score}:
        raise InputError(
            f"The rule cuts score {min(both)} both below and above a cut of score {part.score}, which local "
            "proportions do not allow; give one of these cuts a field of its own."
        )
    _check_order(part.below)
    _check_order(part.above)
