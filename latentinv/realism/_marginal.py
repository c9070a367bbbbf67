"""Marginal distribution: shares of facies, and the first four moments of a continuous property.

Cost: O(cells).
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Integer, Real

from latentinv.errors import InputError

from ._per_image import PerImage, each


class Moments(NamedTuple):
    """The first four moments of a distribution; each a number, or an array over a batch."""

    mean: Float[np.ndarray, "*batch"]
    sd: Float[np.ndarray, "*batch"]
    """Standard deviation, over n."""
    skewness: Float[np.ndarray, "*batch"]
    """Third central moment over sd³: 0 for a symmetric distribution."""
    kurtosis: Float[np.ndarray, "*batch"]
    """Fourth central moment over sd⁴, less 3: 0 for a Gaussian distribution."""


def facies_share(facies: Integer[np.ndarray, "image *grid"], index: int) -> PerImage:
    """Share of cells that hold a facies, given by its category index."""
    return each(facies, lambda image: (np.count_nonzero(image == index), image.size))


def power_means(images: Real[np.ndarray, "image *grid"]) -> PerImage:
    """Means of the first four powers of a picture's values, from which `moments` computes moments."""

    def measure(image: np.ndarray) -> tuple[list[float], int]:
        values = image.astype(float)
        squares = values * values
        return [values.sum(), squares.sum(), (squares * values).sum(), (squares * squares).sum()], image.size

    return each(images, measure)


def moments(powers: Float[np.ndarray, "*batch power"]) -> Moments:
    """Mean, standard deviation, skewness and excess kurtosis, from pooled `power_means`.

    Their relative error is 1e-16 · (mean / sd)⁴, from the cancellation of powers.

    Raises
    ------
    InputError
        If the values do not vary, or so little beside their mean that the powers cannot tell.
    """
    mean, second, third, fourth = np.moveaxis(np.asarray(powers, float), -1, 0)
    variance = second - mean**2
    if np.any(variance <= 1e-5 * second):
        raise InputError(
            "The values do not vary, or by less than 3e-3 of their mean, so they have no skewness or kurtosis; "
            "subtract their mean from all images first."
        )
    central3 = third - 3 * mean * second + 2 * mean**3
    central4 = fourth - 4 * mean * third + 6 * mean**2 * second - 3 * mean**4
    return Moments(mean, np.sqrt(variance), central3 / variance**1.5, central4 / variance**2 - 3)
