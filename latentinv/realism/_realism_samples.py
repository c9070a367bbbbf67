"""Measures of a sample of fields as a whole: patterns, clouds of windows, and differences between fields.

They are not sums over images, so floors and bands come from fewer splits, or from redrawing windows and fields.
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Integer, Real

from ._measure import SPLITS, Measure, Sampling, measured
from ._originality import diversity
from ._patterns import pattern_distance, pattern_histogram, pattern_size
from ._windows import maximum_mean_discrepancy, median_distance, random_windows, sliced_wasserstein

WINDOW, WINDOWS, PROJECTIONS, REDRAWS = 8, 2000, 64, 16
"""Edge of a window in cells, windows of a sample, directions, and times that windows or fields are redrawn."""
KERNEL_WINDOWS = 800
"""Number of windows for the discrepancy, whose cost grows with its square."""
ANALYSED = 100
"""Number of fields that are compared in pairs, at a cost that grows with its square."""

Images = Real[np.ndarray, "image *grid"]


def patterns(indices: Integer[np.ndarray, "image *grid"], image: Images, facies: int, sampling: Sampling) -> Measure:
    """Patterns of 4 × 4 cells on three levels; one split, since they are many and their noise is small."""
    first, second = np.split(image, 2)
    settings = pattern_size(facies, indices.shape[1:])
    ours, theirs, others = (pattern_histogram(images, **settings) for images in (indices, first, second))
    resampled = pattern_distance(ours, theirs, sampling.resamples[:SPLITS])
    distance, floor = (pattern_distance(one, theirs) for one in (ours, others))
    return measured("multiple-point patterns", "texture", distance, floor, resampled)


def wasserstein(rng: np.random.Generator, fields: Images, patches: Images) -> Measure:
    """Sliced Wasserstein distance of small windows, all with the same directions."""

    def distance(a: Images, b: Images) -> float:
        return sliced_wasserstein(np.random.default_rng(0), a, b, PROJECTIONS)

    return _windows("windows, sliced Wasserstein", rng, fields, patches, WINDOWS, distance)


def discrepancy(rng: np.random.Generator, fields: Images, patches: Images) -> Measure:
    """Maximum mean discrepancy of small windows: its modulus, since without a difference it scatters around zero.

    Raises
    ------
    InputError
        If all windows of the image are the same.
    """
    bandwidth = median_distance(random_windows(rng, patches, _window(patches), KERNEL_WINDOWS))

    def distance(a: Images, b: Images) -> float:
        return abs(maximum_mean_discrepancy(a, b, bandwidth))

    return _windows("windows, mean discrepancy", rng, fields, patches, KERNEL_WINDOWS, distance)


def variety(rng: np.random.Generator, fields: Images, patches: Images, *, nearest: bool) -> Measure:
    """How much fields differ from each other, or the two most similar of them; small if a generator repeats itself.

    In units of the mean difference between patches, over subsamples of up to 100 fields.
    """
    taken = max(2, min(ANALYSED, len(fields) // 2))
    distances = np.empty((2, REDRAWS))
    for n in range(REDRAWS):
        half, other = np.split(rng.permutation(len(patches)), 2)
        own = rng.permutation(len(fields))[:taken]
        images = fields[own], patches[half[:taken]], patches[other[:taken]]
        ours, theirs, others = (diversity(part) for part in images)
        values = (part.smallest if nearest else part.mean for part in (ours, others))
        target = theirs.smallest if nearest else theirs.mean
        distances[:, n] = [abs(value - target) / theirs.mean for value in values]
    name = "difference of the most alike" if nearest else "difference between fields"
    return measured(name, "variety", distances[0], distances[1], distances[0])


def _windows(
    name: str,
    rng: np.random.Generator,
    fields: Images,
    patches: Images,
    count: int,
    distance: Callable[[Images, Images], float],
) -> Measure:
    """A distance of windows of the fields, and of half of the patches, from those of the other half."""
    first, second = np.split(patches, 2)

    def found(images: Images) -> np.ndarray:
        pairs = ((random_windows(rng, part, _window(part), count) for part in (images, second)) for _ in range(REDRAWS))
        return np.array([distance(*pair) for pair in pairs])

    ours = found(fields)
    return measured(name, "texture", ours, found(first), ours)


def _window(images: Images) -> tuple[int, ...]:
    return tuple(min(WINDOW, n) for n in images.shape[1:])
