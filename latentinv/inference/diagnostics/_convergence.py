"""R-hat and effective sample sizes: whether chains agree, and how many independent draws theirs equal.

R-hat compares the spread over all chains with that within them: near 1 they tell the same, above they do not yet. The
effective sample size is the number of independent draws whose mean would be as certain. Both are taken of ranks, of
chains cut in two halves, so that neither heavy tails nor a common drift hides anything; R-hat is the worse of that of
ranks and of that of ranks of distances from the median, the tail's size the less of those of the 5 % and 95 %
quantiles (Vehtari et al. 2021, doi:10.1214/20-BA1221).

ArviZ computes them (its part for arrays, `arviz_stats`, whose import is put off for it takes a second). What it leaves
open is settled here: quantities that never change, and chains that stand still apart. Cost: about 1 ms a quantity of
1000 draws.
"""

from typing import Any

import numpy as np
from jaxtyping import Float

from latentinv.errors import InputError

LEAST_DRAWS = 4
"""Fewer draws per chain are not informative."""
KINDS = ("bulk", "tail")


def rhat(draws: Float[np.ndarray, "chain draw *numbers"]) -> Float[np.ndarray, "*numbers"]:
    """Rank-normalised split R-hat of quantities.

    Parameters
    ----------
    draws
        Of each chain; the quarters of a single chain are compared with each other.

    Returns
    -------
    For each quantity; infinite where chains stand still apart from each other, NaN where all draws are one number, one
    is not finite, or a chain has fewer than four.

    Raises
    ------
    InputError
        If the draws are not those of chains, ``[chain, draw, …]``.
    """
    table, numbers = _table(draws)
    if len(table) == 1:
        half = table.shape[1] // 2
        table = np.concatenate([table[:, :half], table[:, half : 2 * half]])

    def of_moving(moving: np.ndarray, stats: Any) -> np.ndarray:
        return stats.rhat(moving, chain_axis=0, draw_axis=1)

    return _by_quantity(table, of_moving, apart=np.inf).reshape(numbers)


def effective_sample_size(
    draws: Float[np.ndarray, "chain draw *numbers"], kind: str = "bulk"
) -> Float[np.ndarray, "*numbers"]:
    """Effective sample size of quantities, over all chains together.

    Parameters
    ----------
    draws
        Of each chain.
    kind
        ``bulk``, for means and medians, or ``tail``, for the 5 % and 95 % quantiles.

    Returns
    -------
    For each quantity; the number of chains where these stand still apart from each other, NaN where all draws are one
    number, one is not finite, or a chain has fewer than four.

    Raises
    ------
    InputError
        If there is no such kind.
    """
    if kind not in KINDS:
        raise InputError(f"The kind of effective sample size is '{kind}'; expected one of {', '.join(KINDS)}.")
    table, numbers = _table(draws)
    quantiles = {"prob": (0.05, 0.95)} if kind == "tail" else {}

    def of_moving(moving: np.ndarray, stats: Any) -> np.ndarray:
        return stats.ess(moving, chain_axis=0, draw_axis=1, method=kind, **quantiles)

    return _by_quantity(table, of_moving, apart=float(len(table))).reshape(numbers)


def _table(draws: np.ndarray) -> tuple[Float[np.ndarray, "chain draw number"], tuple[int, ...]]:
    draws = np.asarray(draws, float)
    if draws.ndim < 2:
        raise InputError(f"Given draws of shape {draws.shape}; expected [chain, draw, …].")
    return draws.reshape(*draws.shape[:2], -1), draws.shape[2:]


def _by_quantity(
    table: Float[np.ndarray, "chain draw number"], of_moving: Any, *, apart: float
) -> Float[np.ndarray, "number"]:
    """The statistic of quantities that vary within chains; `apart` where they vary only between chains; else NaN."""
    result = np.full(table.shape[2], np.nan)
    if table.shape[1] < LEAST_DRAWS:
        return result
    finite = np.isfinite(table).all(axis=(0, 1))
    still = (table == table[:, :1]).all(axis=(0, 1))
    constant = still & (table[:, 0] == table[0, 0]).all(axis=0)
    result[finite & still & ~constant] = apart
    moving = finite & ~still
    if moving.any():
        from arviz_stats.base import array_stats

        with np.errstate(divide="ignore", invalid="ignore"):  # halves of a chain in which a quantity does not change
            result[moving] = of_moving(table[..., moving], array_stats)
    return result
