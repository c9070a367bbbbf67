"""Which statistics an assessment takes, and how images are read for each.

A statistic sees images as *pictures* (values in [0, 1]) or as *facies* (indices). A facies field is used
as it is, and its picture has the facies at equal steps. A continuous property is scaled so that the 0.1 % and 99.9 %
quantiles of the image become 0 and 1, and its facies are where it exceeds the image's median, as is usual for the
connectivity of a property (Renard and Allard 2013, doi:10.1016/j.advwatres.2011.12.001).

Distances: of curves (connectivity, variogram, two-point probability) the mean square difference, of spectra and of
distributions of differences that of the logarithms, of histograms ½ χ², of single numbers the relative or absolute
difference.
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float32, Integer, Real

from latentinv.errors import InputError

from ._connectivity import connectivity, largest_cluster_share, percolating_share
from ._contacts import contacts
from ._differences import edge_step_quantiles, fit_generalised_laplace, neighbour_differences
from ._lineal_path import lineal_path
from ._marginal import Moments, facies_share, moments, power_means
from ._measure import Curve, Statistic
from ._minkowski import minkowski_densities
from ._per_image import PerImage
from ._spectrum import radial_power_spectrum
from ._texture import chi_square, local_binary_pattern_histogram, oriented_gradient_histogram
from ._two_point import two_point_probability, variogram
from ._variation import anisotropic_total_variation, total_variation

LONGEST_LAG = 64
STEPS = (0.1, 0.25, 0.5, 0.75, 0.9)
"""Probabilities of the quantiles of edge steps."""
READ = 256
"""Number of patches from which the scale of a continuous property is found."""

Images = Real[np.ndarray, "image *grid"]
GAUSSIAN_POWERS = (0.0, 1.0, 0.0, 3.0)


@dataclass(frozen=True)
class Reading:
    """How images are read."""

    facies: int
    """Number of categories; 2 for a continuous property, below and above the median."""
    low: float
    high: float
    """Values that become 0 and 1 in a picture."""
    median: float | None
    """Median of a continuous property; None for facies."""

    @classmethod
    def of(cls, patches: Images, facies: int | None) -> "Reading":
        """Choose the reading: facies by their number, or a continuous property by its scale.

        Raises
        ------
        InputError
            If the property does not vary.
        """
        if facies is not None:
            return cls(facies, 0.0, facies - 1.0, None)
        low, median, high = (float(value) for value in np.quantile(patches[:READ], [0.001, 0.5, 0.999]))
        if not low < high:
            raise InputError(f"The image's property is {low:g} nearly everywhere; give one that varies.")
        return cls(2, low, high, median)

    def pictures(self, images: Images) -> Float32[np.ndarray, "image *grid"]:
        """Values in [0, 1]; a few values of a continuous property lie beyond."""
        return (images.astype(np.float32) - np.float32(self.low)) / np.float32(self.high - self.low)

    def indices(self, images: Images) -> Integer[np.ndarray, "image *grid"]:
        """Facies."""
        return images if self.median is None else (images > self.median).astype(np.uint8)

    def picture(self, measure: Callable[..., PerImage], **settings: Any) -> Callable[[Images], PerImage]:
        """A statistic of pictures."""
        return lambda images: measure(self.pictures(images), **settings)

    def of_each(self, measure: Callable[[Any, int], PerImage]) -> Callable[[Images], PerImage]:
        """A statistic of facies: one curve for each facies, one after the other."""
        return lambda images: _joined([measure(self.indices(images), index) for index in range(self.facies)])


def statistics(reading: Reading, shape: tuple[int, ...]) -> list[Statistic]:
    """All statistics of images of a shape that are sums over images."""
    amounts = _facies_amounts(reading) if reading.median is None else _property_amounts(reading)
    differences = [] if reading.median is None else _differences(reading, shape)
    in_space = _in_space(reading, shape) if len(shape) == 3 else []
    return [*amounts, *_edges(reading), *differences, *in_space, *_curves(reading, shape), *_texture(reading)]


def _facies_amounts(reading: Reading) -> list[Statistic]:
    top = reading.facies - 1

    def shares(images: Images) -> PerImage:
        """Powers of the share of the last facies in each image, less its mean over images."""
        values = facies_share(images, top).values()
        return power_means((values - values.mean()).reshape(-1, 1, 1))

    return [
        Statistic(
            "facies share",
            "amounts",
            reading.of_each(lambda facies, index: _as_curve(facies_share(facies, index))),
            _relative,
        ),
        Statistic("spread of facies share", "amounts", shares, _relative, _standard_deviation),
        Statistic("skewness of facies share", "amounts", shares, _absolute, lambda p: _moments(p).skewness[..., None]),
        Statistic("kurtosis of facies share", "amounts", shares, _absolute, lambda p: _moments(p).kurtosis[..., None]),
    ]


def _property_amounts(reading: Reading) -> list[Statistic]:
    powers = reading.picture(power_means)

    def means(images: Images) -> PerImage:
        values = powers(images).values()[:, 0]
        return power_means((values - values.mean()).reshape(-1, 1, 1))

    return [
        Statistic("mean", "amounts", powers, _absolute, lambda p: p[..., :1]),
        Statistic("standard deviation", "amounts", powers, _relative, _standard_deviation),
        Statistic("skewness", "amounts", powers, _absolute, lambda p: _moments(p).skewness[..., None]),
        Statistic("kurtosis", "amounts", powers, _absolute, lambda p: _moments(p).kurtosis[..., None]),
        Statistic("spread of field means", "amounts", means, _relative, _standard_deviation),
    ]


def _edges(reading: Reading) -> list[Statistic]:
    def euler(images: Images) -> PerImage:
        """The last density; the area equals the share, and total variation covers the perimeter."""
        densities = minkowski_densities(reading.indices(images), reading.facies - 1)
        return PerImage(*(part[..., -1] for part in densities))

    found = [
        Statistic("total variation", "edges", reading.picture(total_variation), _relative),
        Statistic("anisotropic variation", "edges", reading.picture(anisotropic_total_variation), _relative),
        Statistic("euler number", "edges", euler, _absolute),
        Statistic(
            "largest body",
            "edges",
            reading.of_each(lambda facies, index: _as_curve(largest_cluster_share(facies, index))),
            _absolute,
        ),
    ]
    if reading.facies == 2:  # their contacts are known from total variation
        return found
    return [*found, Statistic("contacts", "edges", lambda x: contacts(reading.indices(x), reading.facies), chi_square)]


def _in_space(reading: Reading, shape: tuple[int, ...]) -> list[Statistic]:
    """Of volumes, as of porous media: specific surface, bodies that go through, and lineal paths."""

    def surface(images: Images) -> PerImage:
        """Of the last facies; Crofton's formula sees all directions, which total variation does not."""
        densities = minkowski_densities(reading.indices(images), reading.facies - 1)
        return PerImage(*(part[..., 1] for part in densities))

    found = [Statistic("specific surface", "edges", surface, _relative)]
    for axis, name in enumerate(axis_names(shape)):

        def through(facies: Images, index: int, axis: int = axis) -> PerImage:
            """As a curve of one point."""
            return PerImage(*(part[:, axis, None] for part in percolating_share(facies, index)))

        longest = max(2, min(LONGEST_LAG, shape[axis] // 2))
        path = reading.of_each(functools.partial(lineal_path, axis=axis, longest=longest))
        found += [
            Statistic(f"percolating share along {name}", "edges", reading.of_each(through), _absolute),
            Statistic(f"lineal path along {name}", "curves", path, _square),
        ]
    return sorted(found, key=lambda one: one.group != "edges")


def _differences(reading: Reading, shape: tuple[int, ...]) -> list[Statistic]:
    """For a continuous property: the distribution of neighbour differences, and steps where it crosses its median."""

    def fitted(means: Curve) -> Curve:
        return np.stack(fit_generalised_laplace(means), axis=-1)

    def steps(images: Images) -> PerImage:
        """Quantiles of each image that crosses its median, as a mean over images."""
        quantiles = np.zeros((len(images), len(STEPS)))
        indices, pictures = reading.indices(images), reading.pictures(images)
        crossing = np.ptp(indices.reshape(len(indices), -1), axis=1) > 0
        for n in np.flatnonzero(crossing):
            quantiles[n] = edge_step_quantiles(pictures[n : n + 1], indices[n : n + 1], STEPS)
        return PerImage(quantiles, np.repeat(crossing[:, None], len(STEPS), axis=1).astype(float))

    along = [
        Statistic(f"differences along {name}", "edges", reading.picture(neighbour_differences, axis=axis), _log, fitted)
        for axis, name in enumerate(axis_names(shape))
    ]
    return [*along, Statistic("steps at edges", "edges", steps, _relative)]


def _curves(reading: Reading, shape: tuple[int, ...]) -> list[Statistic]:
    found = []
    for axis, name in enumerate(axis_names(shape)):
        lags = np.arange(1, max(2, min(LONGEST_LAG, shape[axis] // 2) + 1))
        vectors = np.outer(lags, np.arange(len(shape)) == axis).astype(int)
        joined = reading.of_each(functools.partial(connectivity, vectors=vectors))
        both = reading.of_each(functools.partial(two_point_probability, vectors=vectors))
        found += [
            Statistic(f"connectivity along {name}", "curves", joined, _square),
            Statistic(f"variogram along {name}", "curves", reading.picture(variogram, vectors=vectors), _square),
            Statistic(f"two-point probability along {name}", "curves", both, _square),
        ]
    return [*found, Statistic("power spectrum", "curves", reading.picture(radial_power_spectrum), _log_power)]


def _texture(reading: Reading) -> list[Statistic]:
    """Histograms of pictures; in three dimensions over all layers."""

    def by_layer(measure: Callable[..., PerImage], **settings: Any) -> Callable[[Images], PerImage]:
        def of_layers(images: Images) -> PerImage:
            layers = reading.pictures(images).reshape(-1, *images.shape[-2:])
            histograms = measure(layers, **settings)
            return PerImage(*(part.reshape(len(images), -1, part.shape[-1]).sum(axis=1) for part in histograms))

        return of_layers

    return [
        *(
            Statistic(
                f"local binary patterns, radius {radius}",
                "texture",
                by_layer(local_binary_pattern_histogram, radius=radius),
                chi_square,
            )
            for radius in (1, 2)
        ),
        Statistic("oriented gradients", "texture", by_layer(oriented_gradient_histogram), chi_square),
    ]


def axis_names(shape: tuple[int, ...]) -> str:
    """The letters of the axes of an array, ``yx`` or ``zyx``."""
    return "zyx"[-len(shape) :]


def _as_curve(numbers: PerImage) -> PerImage:
    """A number for each image as a curve of one point."""
    return PerImage(*(part[:, None] for part in numbers))


def _joined(parts: list[PerImage]) -> PerImage:
    return PerImage(*(np.concatenate(part, axis=-1) for part in zip(*parts, strict=True)))


def _standard_deviation(powers: Curve) -> Curve:
    return np.sqrt(np.maximum(powers[..., 1:2] - powers[..., :1] ** 2, 0))


def _moments(powers: Curve) -> Moments:
    """Moments; those of a Gaussian for values that do not vary, since their spread shows that already."""
    varied = powers[..., 1] - powers[..., 0] ** 2 > 1e-5 * powers[..., 1]
    return moments(np.where(varied[..., None], powers, GAUSSIAN_POWERS))


def _square(a: Curve, b: Curve) -> np.ndarray:
    return np.mean((a - b) ** 2, axis=-1)


def _absolute(a: Curve, b: Curve) -> np.ndarray:
    return np.mean(np.abs(a - b), axis=-1)


def _log(a: Curve, b: Curve) -> np.ndarray:
    """Mean square difference of logarithms, of numbers that are not negative."""
    least = np.finfo(float).tiny
    return np.mean(np.log(np.maximum(a, least) / np.maximum(b, least)) ** 2, axis=-1)


def _log_power(a: Curve, b: Curve) -> np.ndarray:
    """As `_log`; powers below a millionth of the largest are rounding errors, and are set to that."""
    least = 1e-6 * b.max(axis=-1, keepdims=True)
    return _log(np.maximum(a, least), np.maximum(b, least))


def _relative(a: Curve, b: Curve) -> np.ndarray:
    """Root mean square of a / b − 1; where b is 0, as if it were a."""
    return np.sqrt(np.mean(np.divide(a - b, b, out=np.sign(a - b), where=b != 0) ** 2, axis=-1))
