"""Where to drill next: how much what is seen at a place would tell of a target, before it is seen.

Draws are grouped by what each has in the place. A target t, one number a draw, has the variance Var t over all draws
and Var(t | k) in the group with facies k, which a hole finds with probability p_k; so the *expected reduction of
variance* is

    Var t − Σ_k p_k Var(t | k),

the preposterior analysis of Howard (1966, doi:10.1109/TSSC.1966.300074) with a squared loss. Variances are the unbiased
ones, so that a place that tells nothing has an expected reduction of 0 however few draws there are; a group of a single
draw counts as told nothing. Of a map the target is the facies of every cell, and the reduction is of entropy: the mean
over cells of the mutual information of place and cell (Cover and Thomas 2006, doi:10.1002/047174882X), less what chance
alone would give (Miller 1955). Cost: O(draws) a place for a target, O(draws · cells) for a map.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int, Shaped

from latentinv.errors import InputError
from latentinv.grid import Grid


class DataWorth(NamedTuple):
    """What each candidate place would tell, on average."""

    places: Float[np.ndarray, "place axis"]
    """Coordinates in metres."""
    reduction: Float[np.ndarray, "place"]
    """Expected reduction, of the target's variance or of the mean entropy of the cells in bits."""
    now: float
    """That variance or entropy as it is."""

    @property
    def relative(self) -> Float[np.ndarray, "place"]:
        """Reductions as shares of what there is."""
        return self.reduction / self.now if self.now > 0 else np.zeros_like(self.reduction)

    @property
    def best(self) -> Float[np.ndarray, "axis"]:
        """The place that tells most."""
        return self.places[int(np.argmax(self.reduction))]


def target_worth(
    grid: Grid,
    facies: Shaped[np.ndarray, "draw *grid"],
    target: Float[np.ndarray, "draw"],
    places: Float[np.ndarray, "place axis"],
) -> DataWorth:
    """Expected reduction of the variance of a target by seeing the facies at each place.

    Parameters
    ----------
    grid
        The grid.
    facies
        Facies codes of each draw.
    target
        What is to be known, one number a draw: a volume, a forecast head, whether two wells are connected (0 or 1).
    places
        Candidates, x, y(, z) in metres.

    Raises
    ------
    InputError
        If a place lies outside the grid, or the target has not one finite number for each of at least two draws.
    """
    target = np.asarray(target, float)
    if target.shape != (len(facies),) or len(target) < 2 or not np.all(np.isfinite(target)):
        raise InputError(
            f"The target has shape {target.shape}, and there are {len(facies)} draws; give a finite number for each, "
            "and two draws or more."
        )
    now = float(np.var(target, ddof=1))
    seen = _seen(grid, facies, places)
    return DataWorth(np.atleast_2d(places), np.array([now - _within(target, codes) for codes in seen]), now)


def _within(target: np.ndarray, codes: np.ndarray) -> float:
    """Expected variance once the code is known."""
    whole = float(np.var(target, ddof=1))
    groups = [target[codes == code] for code in np.unique(codes)]
    each = [float(np.var(group, ddof=1)) if len(group) > 1 else whole for group in groups]
    return float(np.average(each, weights=[len(group) for group in groups]))


def map_worth(
    grid: Grid, facies: Shaped[np.ndarray, "draw *grid"], places: Float[np.ndarray, "place axis"]
) -> DataWorth:
    """Expected reduction of the entropy of the facies of a cell, on average over all cells, by seeing each place.

    Parameters
    ----------
    grid, facies, places
        As for `target_worth`.

    Raises
    ------
    InputError
        If a place lies outside the grid.
    """
    codes, positions = np.unique(facies, return_inverse=True)
    cells = positions.reshape(len(facies), -1)
    of_cells = np.stack([cells == k for k in range(len(codes))]).astype(np.float32)
    alone = _entropy(of_cells.mean(axis=1), axis=0)
    told = [_information(of_cells, alone, seen) for seen in _seen(grid, facies, places)]
    return DataWorth(np.atleast_2d(places), np.array(told), float(alone.mean()))


def _information(of_cells: np.ndarray, alone: np.ndarray, seen: np.ndarray) -> float:
    """Mean mutual information in bits of what is seen with each cell, less its mean where nothing depends."""
    groups = [of_cells[:, seen == code].mean(axis=1) for code in np.unique(seen)]
    shares = np.array([np.mean(seen == code) for code in np.unique(seen)])
    left = sum(share * _entropy(group, axis=0) for share, group in zip(shares, groups, strict=True))
    occurring = np.count_nonzero(of_cells.any(axis=1), axis=0)
    chance = (len(shares) - 1) * (occurring - 1) / (2 * of_cells.shape[1] * np.log(2))
    return float(np.mean(alone - left - chance))


def _entropy(shares: np.ndarray, axis: int) -> np.ndarray:
    return -np.sum(shares * np.log2(np.where(shares > 0, shares, 1.0)), axis=axis)


def _seen(grid: Grid, facies: np.ndarray, places: Float[np.ndarray, "place axis"]) -> Sequence[Int[np.ndarray, "draw"]]:
    cells = grid.cells(np.atleast_2d(np.asarray(places, float)))
    return list(facies[(slice(None), *cells.T)].T)
