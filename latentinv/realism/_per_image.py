"""Sums and counts of a statistic, image by image, so that it can be pooled, compared between images and resampled.

Nearly all statistics of a sample of fields are ratios of sums: squared differences over pairs of cells, connected pairs
over pairs, edges over cells. Each such statistic gives its two sums per image; `PerImage.pooled` divides them once they
are added over images. A bootstrap over images (Efron 1979, doi:10.1214/aos/1176344552) then does not need the fields
again: draw how often each image is taken, and pool with these weights, many draws at once.

Cost: one matrix product per pooling.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Real

from latentinv.errors import InputError


class PerImage(NamedTuple):
    """A statistic as sums and counts of each image; `curve` is none, one or more axes (lags, bins, codes)."""

    sums: Float[np.ndarray, "image *curve"]
    """Sum over an image of what is averaged."""
    counts: Float[np.ndarray, "image *curve"]
    """Number of cells, pairs or similar that were summed."""

    def pooled(self, weights: Real[np.ndarray, "*batch image"] | None = None) -> Float[np.ndarray, "*batch_curve"]:
        """Mean over all images, each in proportion to its count; 0 where nothing was counted.

        Parameters
        ----------
        weights
            How often each image is taken (once, unless given). ``rng.multinomial(n, np.full(n, 1 / n), size=1000)``
            gives a thousand bootstrap samples of n images.
        """
        weights = self._weights(weights)
        return ratio(np.tensordot(weights, self.sums, 1), np.tensordot(weights, self.counts, 1))

    def values(self) -> Float[np.ndarray, "image *curve"]:
        """The statistic of each image alone; 0 where nothing was counted."""
        return ratio(self.sums, self.counts)

    def _weights(self, weights: Real[np.ndarray, "*batch image"] | None) -> np.ndarray:
        return np.ones(len(self.sums)) if weights is None else np.asarray(weights, float)


def each(images: np.ndarray, measure: Callable[[np.ndarray], tuple[object, object]]) -> PerImage:
    """Measure the sum and the count of every image of a stack. One image at a time stays in the cache."""
    measured = [measure(image) for image in as_stack(images)]
    total, count = (np.array(part, float) for part in zip(*measured, strict=True))
    return PerImage(total, np.broadcast_to(count.reshape(count.shape + (1,) * (total.ndim - count.ndim)), total.shape))


def ratio(total: np.ndarray, count: np.ndarray) -> np.ndarray:
    """Divide, with 0 where nothing was counted."""
    return np.divide(total, count, out=np.zeros(np.shape(total)), where=np.asarray(count) > 0)[()]


def as_stack(images: np.ndarray) -> np.ndarray:
    """Check that an array is a stack of 2-D or 3-D images of finite numbers.

    Raises
    ------
    InputError
        If it is not.
    """
    array = np.asarray(images)
    if array.ndim not in (3, 4) or array.size == 0:
        raise InputError(
            f"An array of shape {array.shape} was given; expected [image, row, column] or [image, layer, "
            "row, column] (for one image, images[None])."
        )
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise InputError(
            f"The images hold {int(np.count_nonzero(~np.isfinite(array)))} values that are not finite numbers; "
            "leave those images out or fill their gaps."
        )
    return array
