"""Contacts: which facies are neighbours, and how often; what ordered thresholds, or blurred edges, get wrong.

The transition frequencies of Carle and Fogg (1996, doi:10.1007/BF02083656) at lag 1, all directions together. Cost:
O(cells).
"""

import numpy as np
from jaxtyping import Integer

from ._per_image import PerImage, each


def contacts(facies: Integer[np.ndarray, "image *grid"], count: int) -> PerImage:
    """Share of the pairs of neighbours, along all axes, that hold each two facies.

    Parameters
    ----------
    facies
        Category indices.
    count
        Number of facies.

    Returns
    -------
    A curve of count · (count + 1) / 2 shares: facies 0 beside 0, 0 beside 1, …, 1 beside 1, and so on.
    """
    upper = np.triu_indices(count)

    def measure(image: np.ndarray) -> tuple[np.ndarray, int]:
        table = np.zeros((count, count))
        for axis in range(image.ndim):
            along = np.moveaxis(image, axis, 0).astype(np.intp)
            table += np.bincount((along[:-1] * count + along[1:]).ravel(), minlength=count**2).reshape(count, count)
        both = table + table.T - np.diag(np.diag(table))
        return both[upper], int(table.sum())

    return each(facies, measure)
