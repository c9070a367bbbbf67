"""Two-point statistics: variogram and two-point probability, for lags of any direction.

Matheron 1963, doi:10.2113/gsecongeo.58.8.1246; Torquato 2002, doi:10.1007/978-1-4757-6355-3. Cost: O(cells) per lag.
"""

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
    stack = as_stack(images)
    vectors = lag_vectors(vectors, stack.shape[1:])
    counts, windows = _counts(stack.shape[1:], vectors), pairs(stack.shape[1:], vectors)

    def measure(image: np.ndarray) -> tuple[list[float], np.ndarray]:
        values = image.astype(float)
        differences = (values[end] - values[start] for start, end in windows)
        return [0.5 * float(np.square(d, out=d).sum()) for d in differences], counts

    return each(stack, measure)


def two_point_probability(
    facies: Integer[np.ndarray, "image *grid"], index: int, vectors: Integer[np.ndarray, "lag axis"]
) -> PerImage:
    """Probability that two cells a lag vector apart are both of a facies (given by its category index).

    Raises
    ------
    InputError
        If a lag vector does not fit the images.
    """
    stack = as_stack(facies)
    vectors = lag_vectors(vectors, stack.shape[1:])
    counts, windows = _counts(stack.shape[1:], vectors), pairs(stack.shape[1:], vectors)

    def measure(image: np.ndarray) -> tuple[list[int], np.ndarray]:
        inside = image == index
        return [int(np.count_nonzero(inside[start] & inside[end])) for start, end in windows], counts

    return each(stack, measure)


def _counts(shape: tuple[int, ...], vectors: np.ndarray) -> np.ndarray:
    return np.prod(np.asarray(shape) - np.abs(vectors), axis=1)
