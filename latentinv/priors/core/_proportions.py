"""Local proportions as users give them: shares of facies that vary over a grid, such as a trend of sand."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from jaxtyping import Float

from latentinv.errors import InputError

from ._facies_model import AbstractFaciesModel
from ._maps import as_map

LEAST_SHARE = 1e-6
"""The share that stands for none; a facies of this share is met in one cell of a million."""
SLACK = 1e-3
"""By which shares may miss a sum of 1, as rounded ones do."""
PROPORTIONS = "proportions"
"""Name of the condition."""
PROPORTIONS_IN_WORDS = (
    "share of each facies, by code or name: numbers, curves along the first axis or maps over the grid"
)


def local_proportions(
    model: AbstractFaciesModel, usual: Mapping[int, float], given: Any, ndim: int
) -> Float[np.ndarray, "facies *#grid"]:
    """Read local proportions as users give them.

    Parameters
    ----------
    model
        The facies.
    usual
        Their usual shares, by code, in which those that are not given share the rest.
    given
        By code or name of facies, or an array ``[facies, *grid]`` of all. Each is a share, a curve along the first axis
        (layers from the least z up), in three dimensions a map ``[row, column]`` for all layers, or given cell by cell.
    ndim
        Axes of the fields.

    Returns
    -------
    The share of each facies, with axes of length 1 along which it does not vary.

    Raises
    ------
    InputError
        If a facies is unknown, a share is none, or shares do not sum to 1.
    """
    named = (
        dict(given) if isinstance(given, Mapping) else dict(zip(model.categories, _whole(given, model), strict=True))
    )
    maps = {model.code(facies): _map(values, ndim, model.label(model.code(facies))) for facies, values in named.items()}
    if len(maps) < len(named) or not maps:
        raise InputError(f"The local proportions are of {list(named)}; give each facies once, and at least one.")
    try:
        total = np.sum(np.broadcast_arrays(*maps.values()), axis=0)
    except ValueError:
        shapes = ", ".join(str(one.shape) for one in maps.values())
        raise InputError(f"The local proportions have the shapes {shapes}; give all on one grid.") from None
    whole = len(maps) == len(model.categories)
    if np.any(total > 1 + SLACK) or (whole and np.any(total < 1 - SLACK)):
        worst = total.max() if np.any(total > 1 + SLACK) else total.min()
        raise InputError(f"The local proportions sum to {worst:.4g} in a cell; correct them, so that they sum to 1.")
    others = math.fsum(share for code, share in usual.items() if code not in maps)
    shares = [maps[code] if code in maps else (1 - total) * (usual[code] / others) for code in model.categories]
    shares = np.maximum(np.stack(np.broadcast_arrays(*shares)), LEAST_SHARE)
    return shares / shares.sum(axis=0)


def _whole(given: Any, model: AbstractFaciesModel) -> np.ndarray:
    array = np.asarray(given, float)
    if array.ndim < 1 or len(array) != len(model.categories):
        raise InputError(
            f"The local proportions have shape {array.shape}; give an array [facies, *grid] of {model.listed()}, or a "
            "map by facies."
        )
    return array


def _map(values: Any, ndim: int, facies: str) -> Float[np.ndarray, "*#grid"]:
    """Shares of one facies with `ndim` axes."""
    array = as_map(values, ndim, f"local proportions of {facies}")
    if not np.all((array >= 0) & (array <= 1)):  # also where a value is missing
        raise InputError(
            f"The local proportions of {facies} go from {array.min():.4g} to {array.max():.4g}; give shares from 0 to "
            "1 in every cell, 0.3 for 30 %."
        )
    return array
