"""Two-point statistics: variogram and two-point probability, for lags of any direction.

Matheron 1963, doi:10.2113/gsecongeo.58.8.1246; Torquato 2002, doi:10.1007/978-1-4757-6355-3. Cost: O(cells) per lag.
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Integer, Real

from ._lags import lag_vectors, pairs
from ._per_image import PerImage, as_stack, each


def variogram(images: Real[np.ndarray, "image *grid"], vectors: Integer[np.ndarray, "lag axis"]) -> PerImage:
    """Variogram ½ E (x(u + h) − x(u))², for each lag vector h.

    Of a continuous property, or of a facies as its indicator: ``variogram(facies == index, vectors)``, which for two
    facies is half the probability of a change of facies. In squared units of the property.

    Raises
    ------
    InputError
        If a lag vector does not fit the images.
    """

    def half_squares(start: np.ndarray, end: np.ndarray) -> float:
        difference = end - start
        return 0.5 * float(np.square(difference, out=difference).sum())

    return _over_pairs(images, vectors, lambda image: image.astype(float), half_squares)


def two_point_probability(
    facies: Integer[np.ndarray, "image *grid"], index: int, vectors: Integer[np.ndarray, "lag axis"]
) -> PerImage:
    """Probability that two cells a lag vector apart are both of a facies (given by its category index).

    Raises
    ------
    InputError
        If a lag vector does not fit the images.
    """

    def both(start: np.ndarray, end: np.ndarray) -> int:
        return int(np.count_nonzero(start & end))

    return _over_pairs(facies, vectors, lambda image: image == index, both)


def _over_pairs(
    images: Real[np.ndarray, "image *grid"],
    vectors: Integer[np.ndarray, "lag axis"],
    read: Callable[[np.ndarray], np.ndarray],
    total: Callable[[np.ndarray, np.ndarray], float],
) -> PerImage:
    """Totals over all pairs of cells a lag vector apart, of each image as it is read."""
    stack = as_stack(images)
    shape = stack.shape[1:]
    vectors = lag_vectors(vectors, shape)
    counts, windows = np.prod(np.asarray(shape) - np.abs(vectors), axis=1), pairs(shape, vectors)

    def measure(image: np.ndarray) -> tuple[list[float], np.ndarray]:
        values = read(image)
        return [total(values[start], values[end]) for start, end in windows], counts

    return each(stack, measure)
