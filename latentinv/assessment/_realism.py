"""How like its training image a prior is: each statistic's distance beside the image's distance from itself.

A distance between samples is never zero, and shrinks as samples grow, so alone it says nothing. Twice as many patches
of the image as there are fields are split into two halves at random, many times: the mean distance of one half from the
other is the *floor*, what a perfect prior would reach on average; the mean distance of the fields from a half, over the
floor, is one number that says how many times worse than perfect the prior is. Bands come from a bootstrap over fields
(Efron 1979, doi:10.1214/aos/1176344552) and hold 95 % of the distances of resampled fields; resampling adds noise of
the size of the floor, so a band lies a little high where the prior is near it.

Distances: of curves (connectivity, variogram, spectrum) the mean square difference, of histograms ½ χ², of patterns the
Jensen–Shannon divergence, of windows of 8 cells an edge the sliced Wasserstein distance, of single numbers the relative
difference.

Cost: 1 000 fields of 128 × 128 cells and 2 000 patches take two to three minutes on one core.
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Integer

from latentinv.errors import InputError

from ._connectivity import connectivity
from ._marginal import facies_share
from ._minkowski import minkowski_densities
from ._patterns import analyse_distances, pattern_distance, pattern_histogram
from ._per_image import PerImage, as_stack
from ._spectrum import radial_power_spectrum
from ._texture import chi_square, local_binary_pattern_histogram, oriented_gradient_histogram
from ._two_point import variogram
from ._variation import anisotropic_total_variation, total_variation
from ._windows import random_windows, sliced_wasserstein

SPLITS = 32
RESAMPLES = 200
LONGEST_LAG = 64
WINDOW, WINDOWS, PROJECTIONS, REDRAWS = 8, 2000, 64, 16
"""Cells along a window's edge, windows of a sample, directions, and how often windows are drawn anew."""
ANALYSED = 100
"""Fields that the analysis of distance looks at, whose cost grows with their square."""
GOOD, FAIR = 2.0, 5.0
"""Times the floor up to which a statistic is called good, or fair."""

Images = Integer[np.ndarray, "image *grid"]
Curve = Float[np.ndarray, "*batch curve"]


class Measure(NamedTuple):
    """One statistic of a prior's fields beside that of patches of the image."""

    name: str
    distance: float
    floor: float
    """The same distance between samples of the image, as large as that of the fields."""
    band: tuple[float, float]
    """Of the distance: 95 %, by a bootstrap over fields."""
    fields: Float[np.ndarray, "curve"]
    """The statistic itself, pooled over the fields: a number, a histogram or a curve; empty for patterns."""
    image: Float[np.ndarray, "curve"]
    """Pooled over the patches."""
    image_band: Float[np.ndarray, "2 curve"]
    """Where 95 % of the halves of the patches lie."""

    @property
    def times_floor(self) -> float:
        """The distance over the floor."""
        return self.distance / self.floor if self.floor > 0 else float("inf" if self.distance > 0 else "nan")


@dataclass(frozen=True)
class Realism:
    """A prior's fields against patches of its training image."""

    measures: tuple[Measure, ...]
    anodi: float
    """Analysis of distance: spread between fields over their distance to the image, over the same of patches."""

    def __getitem__(self, name: str) -> Measure:
        """Give a measure by its name."""
        return {measure.name: measure for measure in self.measures}[name]

    def verdict(self) -> str:
        """Say in one sentence how good the prior is, and where it is worst."""
        ranked = sorted(self.measures, key=lambda measure: -measure.times_floor)
        good = sum(measure.times_floor <= GOOD for measure in ranked)
        worst = f"{ranked[0].name} at {ranked[0].times_floor:.3g} times the floor"
        if good == len(ranked):
            return f"Good: all {good} statistics are within {GOOD:g} times the floor, the farthest {worst}."
        word = "Fair" if ranked[0].times_floor <= FAIR else "Poor"
        return f"{word}: {good} of {len(ranked)} statistics are within {GOOD:g} times the floor; the worst is {worst}."


def measure_realism(fields: Images, patches: Images, facies: int, *, seed: int = 0) -> Realism:
    """Compare fields with patches of the training image.

    Parameters
    ----------
    fields
        Category indices, n fields.
    patches
        Category indices, 2n patches of the same shape at independent random places.
    facies
        Number of categories.
    seed
        Of the splits and resamples.

    Raises
    ------
    InputError
        If there are not twice as many patches as fields, of one shape, or fewer than four fields.
    """
    fields, patches = as_stack(fields), as_stack(patches)
    if len(patches) != 2 * len(fields) or patches.shape[1:] != fields.shape[1:] or len(fields) < 4:
        raise InputError(
            f"Fields of shape {fields.shape} and patches of shape {patches.shape} were given; expected at least four "
            "fields, and twice as many patches of the same shape."
        )
    rng = np.random.default_rng(seed)
    sampling = _Sampling.draw(rng, len(fields))
    measures = [
        _measure(name, statistic, distance, fields, patches, sampling)
        for name, (statistic, distance) in _statistics(facies, fields.shape[1:]).items()
    ]
    measures.append(_spread(fields, patches, facies - 1, sampling))
    measures.append(_patterns(fields, patches, sampling))
    measures.append(_windows(rng, fields, patches, facies - 1))
    first, second = patches[: len(fields)], patches[len(fields) :]
    few = min(ANALYSED, len(fields))
    target = pattern_histogram(second)
    ratios = [analyse_distances(pattern_histogram(images[:few]), target).ratio() for images in (fields, first)]
    return Realism(tuple(measures), ratios[0] / ratios[1])


class _Sampling(NamedTuple):
    """Which images are taken how often."""

    halves: Float[np.ndarray, "split patch"]
    resamples: Float[np.ndarray, "resample field"]

    @classmethod
    def draw(cls, rng: np.random.Generator, count: int) -> "_Sampling":
        halves = np.zeros((SPLITS, 2 * count))
        halves[:, :count] = 1
        resamples = rng.multinomial(count, np.full(count, 1 / count), size=RESAMPLES)
        return cls(rng.permuted(halves, axis=1), resamples.astype(float))


def _statistics(
    facies: int, shape: tuple[int, ...]
) -> dict[str, tuple[Callable[[Images], PerImage], Callable[[Curve, Curve], np.ndarray]]]:
    """Statistics by name, and how two of each are compared."""
    top = facies - 1

    def picture(measure: Callable[..., PerImage], **settings: Any) -> Callable[[Images], PerImage]:
        return lambda images: measure(images.astype(np.float32) / top, **settings)

    def of_each(measure: Callable[[Images, int], PerImage]) -> Callable[[Images], PerImage]:
        """One curve after another, a facies each."""
        return lambda images: _joined([measure(images, index) for index in range(facies)])

    statistics: dict[str, tuple[Callable[[Images], PerImage], Callable[[Curve, Curve], np.ndarray]]] = {
        "facies share": (lambda images: facies_share(images, top), _relative),
        "total variation": (picture(total_variation), _relative),
        "anisotropic variation": (picture(anisotropic_total_variation), _relative),
        "euler number": (lambda images: _last(minkowski_densities(images, top)), _absolute),
        "power spectrum": (picture(radial_power_spectrum), _log_square),
    }
    for axis, name in enumerate("zyx"[-len(shape) :]):
        lags = np.arange(1, min(LONGEST_LAG, shape[axis] // 2) + 1)
        vectors = np.outer(lags, np.arange(len(shape)) == axis).astype(int)
        along = functools.partial(connectivity, vectors=vectors)
        statistics[f"connectivity along {name}"] = (of_each(along), _square)
        statistics[f"variogram along {name}"] = (picture(variogram, vectors=vectors), _square)
    if len(shape) == 2:
        statistics["local binary patterns, radius 1"] = (picture(local_binary_pattern_histogram, radius=1), chi_square)
        statistics["local binary patterns, radius 2"] = (picture(local_binary_pattern_histogram, radius=2), chi_square)
        statistics["oriented gradients"] = (picture(oriented_gradient_histogram), chi_square)
    return statistics


def _measure(
    name: str,
    statistic: Callable[[Images], PerImage],
    distance: Callable[[Curve, Curve], np.ndarray],
    fields: Images,
    patches: Images,
    sampling: _Sampling,
) -> Measure:
    ours, theirs = (_as_curve(statistic(images)) for images in (fields, patches))
    half, other = theirs.pooled(sampling.halves), theirs.pooled(1 - sampling.halves)
    resampled = ours.pooled(sampling.resamples)
    beside = half[np.arange(RESAMPLES) % SPLITS]
    low, high = np.quantile(distance(resampled, beside), [0.025, 0.975])
    return Measure(
        name,
        float(np.mean(distance(np.broadcast_to(ours.pooled(), half.shape), half))),
        float(np.mean(distance(half, other))),
        (float(low), float(high)),
        ours.pooled(),
        theirs.pooled(),
        np.quantile(half, [0.025, 0.975], axis=0),
    )


def _spread(fields: Images, patches: Images, top: int, sampling: _Sampling) -> Measure:
    """Standard deviation of the facies share between images: too small where a generator repeats itself."""
    ours, theirs = (facies_share(images, top) for images in (fields, patches))
    half, other = (np.sqrt(theirs.variance(taken))[:, None] for taken in (sampling.halves, 1 - sampling.halves))
    own, image = (np.sqrt(np.atleast_1d(statistic.variance())) for statistic in (ours, theirs))
    resampled = np.sqrt(ours.variance(sampling.resamples))[:, None]
    low, high = np.quantile(_relative(resampled, half[np.arange(RESAMPLES) % SPLITS]), [0.025, 0.975])
    return Measure(
        "spread of facies share",
        float(np.mean(_relative(np.broadcast_to(own, half.shape), half))),
        float(np.mean(_relative(half, other))),
        (float(low), float(high)),
        own,
        image,
        np.quantile(half, [0.025, 0.975], axis=0),
    )


def _windows(rng: np.random.Generator, fields: Images, patches: Images, top: int) -> Measure:
    """Sliced Wasserstein distance of small windows, all with the same directions; the band by drawing windows anew."""
    first, second = patches[: len(fields)], patches[len(fields) :]
    shape = (WINDOW,) * (fields.ndim - 1)

    def distance(images: Images) -> float:
        a, b = (random_windows(rng, part, shape, WINDOWS) / top for part in (images, second))
        return sliced_wasserstein(np.random.default_rng(0), a, b, PROJECTIONS)

    ours, floors = (np.array([distance(images) for _ in range(REDRAWS)]) for images in (fields, first))
    low, high = np.quantile(ours, [0.025, 0.975])
    none = np.zeros(0)
    return Measure(
        "windows, sliced Wasserstein",
        float(ours.mean()),
        float(floors.mean()),
        (float(low), float(high)),
        none,
        none,
        np.zeros((2, 0)),
    )


def _patterns(fields: Images, patches: Images, sampling: _Sampling) -> Measure:
    """Patterns of 4 × 4 cells on three levels; one split, since they are many and their noise is small."""
    first, second = patches[: len(fields)], patches[len(fields) :]
    ours, theirs, others = (pattern_histogram(images) for images in (fields, first, second))
    low, high = np.quantile(pattern_distance(ours, theirs, sampling.resamples[:SPLITS]), [0.025, 0.975])
    distance, floor = (float(pattern_distance(one, theirs)) for one in (ours, others))
    none = np.zeros(0)
    return Measure("multiple-point patterns", distance, floor, (float(low), float(high)), none, none, np.zeros((2, 0)))


def _as_curve(statistic: PerImage) -> PerImage:
    """A single number as a curve of one point."""
    if statistic.sums.ndim > 1:
        return PerImage(*(part.reshape(len(part), -1) for part in statistic))
    return PerImage(statistic.sums[:, None], statistic.counts[:, None])


def _last(statistic: PerImage) -> PerImage:
    """The last number of a curve: area and perimeter say what share and total variation say."""
    return PerImage(*(part[..., -1] for part in statistic))


def _joined(statistics: list[PerImage]) -> PerImage:
    return PerImage(*(np.concatenate(parts, axis=-1) for parts in zip(*statistics, strict=True)))


def _square(a: Curve, b: Curve) -> np.ndarray:
    return np.mean((a - b) ** 2, axis=-1)


def _absolute(a: Curve, b: Curve) -> np.ndarray:
    return np.mean(np.abs(a - b), axis=-1)


def _log_square(a: Curve, b: Curve) -> np.ndarray:
    return np.mean(np.log(a / b) ** 2, axis=-1)


def _relative(a: Curve, b: Curve) -> np.ndarray:
    return np.sqrt(np.mean((a / b - 1) ** 2, axis=-1))
