"""One statistic of fields compared with that of patches of the image: distance, floor and band.

The floor is the mean distance of one half of the patches from the other over random splits, and the distance that of
the fields from a half, so both compare samples of one size. The band holds 95 % of the distances of fields resampled
with replacement (Efron 1979, doi:10.1214/aos/1176344552). Once a statistic is known for each image, each split and each
resample costs one matrix product.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from ._per_image import PerImage

SPLITS = 32
RESAMPLES = 200
QUANTILES = (0.025, 0.975)

Curve = Float[np.ndarray, "*batch curve"]


class Measure(NamedTuple):
    """One statistic of a prior's fields compared with that of patches of the image."""

    name: str
    group: str
    """Group of the statistic: amounts, edges, curves, texture or variety."""
    distance: float
    floor: float
    """The same distance between samples of the image of the same size as that of the fields."""
    band: tuple[float, float]
    """Band of the distance: 95 %, by a bootstrap over fields."""
    fields: Float[np.ndarray, "curve"]
    """The statistic itself, pooled over the fields: a number, a histogram or a curve; empty for patterns."""
    image: Float[np.ndarray, "curve"]
    """The statistic pooled over the patches."""
    image_band: Float[np.ndarray, "2 curve"]
    """Band that holds 95 % of the halves of the patches."""

    @property
    def times_floor(self) -> float:
        """The distance over the floor; where halves of the image do not differ at all, 1 or infinity."""
        if self.floor > 0:
            return self.distance / self.floor
        return float("inf") if self.distance > 0 else 1.0

    @property
    def told(self) -> str:
        """`times_floor` to three digits, large ones as whole numbers."""
        return f"{self.times_floor:.0f}" if self.times_floor >= 1000 else f"{self.times_floor:.3g}"


class Statistic(NamedTuple):
    """How a statistic is measured and compared."""

    name: str
    group: str
    measure: Callable[[Any], PerImage]
    """From images."""
    distance: Callable[[Curve, Curve], np.ndarray]
    derive: Callable[[Curve], Curve] = np.asarray
    """From the pooled numbers to those that are compared, such as from means of powers to skewness."""


class Sampling(NamedTuple):
    """How often each image is taken."""

    halves: Float[np.ndarray, "split patch"]
    resamples: Float[np.ndarray, "resample field"]

    @classmethod
    def draw(cls, rng: np.random.Generator, count: int) -> "Sampling":
        """Split twice as many patches as there are fields, and resample the fields."""
        halves = np.zeros((SPLITS, 2 * count))
        halves[:, :count] = 1
        resamples = rng.multinomial(count, np.full(count, 1 / count), size=RESAMPLES)
        return cls(rng.permuted(halves, axis=1), resamples.astype(float))


def compare(statistic: Statistic, fields: Any, patches: Any, sampling: Sampling) -> Measure:
    """Compare fields with patches by one statistic.

    Raises
    ------
    InputError
        If the statistic does not apply to such images.
    """
    ours, theirs = (_as_curve(statistic.measure(images)) for images in (fields, patches))
    own, image, half, other, resampled = (
        statistic.derive(part)
        for part in (
            ours.pooled(),
            theirs.pooled(),
            theirs.pooled(sampling.halves),
            theirs.pooled(1 - sampling.halves),
            ours.pooled(sampling.resamples),
        )
    )
    beside = half[np.arange(RESAMPLES) % SPLITS]
    return measured(
        statistic.name,
        statistic.group,
        statistic.distance(np.broadcast_to(own, half.shape), half),
        statistic.distance(half, other),
        statistic.distance(resampled, beside),
        curves=(own, image, np.quantile(half, QUANTILES, axis=0)),
    )


def measured(
    name: str,
    group: str,
    distances: np.ndarray,
    floors: np.ndarray,
    resampled: np.ndarray,
    curves: tuple[np.ndarray, np.ndarray, np.ndarray] | None = None,
) -> Measure:
    """Make a measure from repeated distances, and from the curves if there are any."""
    low, high = np.quantile(resampled, QUANTILES)
    own, image, image_band = curves or (np.zeros(0), np.zeros(0), np.zeros((2, 0)))
    distance, floor = float(np.mean(distances)), float(np.mean(floors))
    return Measure(name, group, distance, floor, (float(low), float(high)), own, image, image_band)


def _as_curve(statistic: PerImage) -> PerImage:
    """A single number as a curve of one point."""
    return PerImage(*(part.reshape(len(part), -1) for part in statistic))
