"""Connectivity of a facies: whether bodies are really connected, which matters most for flow and transport.

Cells are joined through shared edges (in 3-D, faces) to clusters within their image. Each image is labelled once for
all lags. Renard and Allard 2013, doi:10.1016/j.advwatres.2011.12.001. Cost: O(cells) per lag.
"""

import numpy as np
import scipy.ndimage
from jaxtyping import Integer

from ._lags import lag_vectors, pairs
from ._per_image import PerImage, as_stack, each


def connectivity(
    facies: Integer[np.ndarray, "image *grid"], index: int, vectors: Integer[np.ndarray, "lag axis"]
) -> PerImage:
    """Connectivity function: probability that two cells of a facies, a lag apart, are in one cluster.

    Given that both cells are of the facies; 0 where there is no such pair.

    Parameters
    ----------
    facies
        Category indices.
    index
        The facies.
    vectors
        Displacements in cells, in the order of the array's axes: ``np.outer(range(1, 65), (0, 1))`` for the lags 1 to
        64 along the columns.

    Raises
    ------
    InputError
        If a lag vector does not fit the images.
    """
    stack = as_stack(facies)
    windows = pairs(stack.shape[1:], lag_vectors(vectors, stack.shape[1:]))

    def measure(image: np.ndarray) -> tuple[list[int], list[int]]:
        inside = image == index
        labels = scipy.ndimage.label(inside)[0]
        # Backgrounds of the two ends differ, so that one comparison finds "same cluster".
        ends = np.where(inside, labels, -1)
        both = [int(np.count_nonzero(inside[start] & inside[end])) for start, end in windows]
        return [int(np.count_nonzero(labels[start] == ends[end])) for start, end in windows], both

    return each(stack, measure)


def largest_cluster_share(facies: Integer[np.ndarray, "image *grid"], index: int) -> PerImage:
    """Share of a facies' cells that the largest cluster of their image holds; 0 where the facies is absent.

    It grows with the image, so compare images of one size, and large ones: in a window much smaller than the channels
    are long, one body is cut into many.
    """

    def measure(image: np.ndarray) -> tuple[int, int]:
        labels = scipy.ndimage.label(image == index)[0]
        sizes = np.bincount(labels.ravel(), minlength=2)[1:]
        return sizes.max(), sizes.sum()

    return each(facies, measure)


def percolating_share(facies: Integer[np.ndarray, "image *grid"], index: int) -> PerImage:
    """Share of a facies' cells in clusters that reach from one face of their image to the opposite one.

    A curve of one value for each array axis; 0 where the facies is absent. Like the largest cluster it depends on the
    size of the image.
    """

    def measure(image: np.ndarray) -> tuple[list[int], int]:
        labels, count = scipy.ndimage.label(image == index)
        sizes = np.bincount(labels.ravel(), minlength=count + 1)
        through = []
        for axis in range(image.ndim):
            first, last = (np.unique(np.take(labels, end, axis)) for end in (0, -1))
            both = np.intersect1d(first, last)
            through.append(int(sizes[both[both > 0]].sum()))
        return through, int(sizes[1:].sum())

    return each(facies, measure)
