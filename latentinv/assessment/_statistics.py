"""Statistics of fields: to compare a prior with its training image, and posterior fields with the prior.

Facies arrays are ``[image, *grid]`` of category indices, pictures ``[image, *grid]`` of values in [0, 1]; the
grid has two or three axes unless stated. One image is an array with a first axis of length one. The
statistics of order one and two (share, total variation) are cheap enough to follow a training; connectivity
labels clusters; local binary patterns (Ojala et al. 2002, doi:10.1109/TPAMI.2002.1017623) and multiple-point
histograms on several scales (Tan et al. 2014, doi:10.1007/s11004-013-9482-1) see shapes.

Distances between samples of images depend on the sample size: report them beside the distance between two
samples of the training image of the same size. Cost: O(cells) each, except the pattern histogram, which sorts
one code a cell and level.
"""

import itertools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import scipy.ndimage
from jaxtyping import Float, Integer, Real, UInt64

from latentinv.errors import InputError


class PatternHistogram(NamedTuple):
    """The patterns that occur on one level, and how often."""

    codes: UInt64[np.ndarray, "pattern"]
    """Facies of the cells of each pattern, packed in 64 bits; ascending."""
    shares: Float[np.ndarray, "pattern"]
    """Relative frequency of each pattern; they sum to one."""


def facies_share(facies: Integer[np.ndarray, "image *grid"], index: int) -> float:
    """Share of cells, over all images, that hold a facies (given by its category index)."""
    return float(np.mean(np.asarray(facies) == index))


def total_variation(images: Real[np.ndarray, "image *grid"]) -> float:
    """Isotropic total variation, mean per pixel: boundary length per unit of area, for images in [0, 1].

    The gradient at a corner where 2 × 2 (or 2 × 2 × 2) cells meet is taken by one-sided differences from each
    of these cells, and the mean is over these cells and all inner corners: sqrt(dx² + dy²), averaged over
    forward and backward differences. So a mirrored image has the same total variation, and cutting an image
    does not change it on average, since no difference is invented at the border. The channel image of Laloy
    et al. 2018 (doi:10.1002/2017WR022148) has 5.37e-2.

    Raises
    ------
    InputError
        If the images have not two or three axes, or fewer than two cells along one.
    """
    pictures = _stack(images)
    if min(pictures.shape[1:]) < 2:
        raise InputError(
            f"Images of {pictures.shape[1:]} cells have no gradient; give at least two cells along each axis."
        )
    pictures = pictures.astype(np.float32)
    axes = range(1, pictures.ndim)
    squares = [np.diff(pictures, axis=axis) ** 2 for axis in axes]
    sides = (slice(None, -1), slice(1, None))
    total = 0.0
    for corner in itertools.product(sides, repeat=len(axes)):
        # A difference along its own axis is centred between cells; along the others it is taken at the
        # corner's cell.
        at = [(slice(None), *(slice(None) if a == axis else corner[a - 1] for a in axes)) for axis in axes]
        gradient = sum(square[where] for square, where in zip(squares, at, strict=True))
        total += float(np.mean(np.sqrt(gradient), dtype=np.float64))
    return total / 2 ** len(axes)


def local_binary_pattern_histogram(
    images: Real[np.ndarray, "image row column"], radius: int, neighbours: int = 8
) -> Float[np.ndarray, "code"]:
    """Frequency of local binary patterns over all images, normalised to sum one.

    Each cell is coded by which of its neighbours on a circle are at least as bright: bit k belongs to the
    direction k · 360° / neighbours from the x axis towards lower rows. These are scikit-image's ``default``
    codes, which keep the direction (the ``uniform`` ones are blind to it, and geology is not). Cells nearer
    to the border than the radius, whose circle leaves the image, are left out.

    Parameters
    ----------
    images
        Values in [0, 1].
    radius
        Of the circle, in cells.
    neighbours
        Points on the circle, at most 16; there are ``2**neighbours`` codes.

    Raises
    ------
    InputError
        If the images are not two-dimensional or too small for the radius, or the neighbours too many.
    """
    from skimage.feature import local_binary_pattern  # a slow import that only this function needs

    pictures = _stack(images)
    if pictures.ndim != 3 or min(pictures.shape[1:]) <= 2 * radius or radius < 1 or not 1 <= neighbours <= 16:
        raise InputError(
            f"Local binary patterns of radius {radius} with {neighbours} neighbours were asked of images of "
            f"shape {pictures.shape[1:]}; expected two axes longer than twice the radius, a radius of at "
            "least 1 and at most 16 neighbours."
        )
    levels = np.rint(np.clip(pictures, 0, 1) * 255).astype(np.uint8)
    inner = slice(radius, -radius)
    histogram = np.zeros(2**neighbours)
    for picture in levels:
        codes = local_binary_pattern(picture, neighbours, radius, method="default")[inner, inner]
        histogram += np.bincount(codes.astype(np.intp).ravel(), minlength=histogram.size)
    return histogram / histogram.sum()


def chi_square(p: Float[np.ndarray, "*batch bin"], q: Float[np.ndarray, "*batch bin"]) -> float:
    """Distance ½ Σ (p − q)² / (p + q) of normalised histograms, batch mean: 0 if equal, 1 if disjoint.

    Raises
    ------
    InputError
        If the histograms have different bins.
    """
    p, q = np.asarray(p, float), np.asarray(q, float)
    if p.shape != q.shape:
        raise InputError(
            f"Histograms of shapes {p.shape} and {q.shape} cannot be compared; give the same bins to both."
        )
    total = p + q
    terms = np.divide((p - q) ** 2, total, out=np.zeros_like(total), where=total > 0)
    return float(np.mean(0.5 * terms.sum(axis=-1)))


def pattern_histogram(
    facies: Integer[np.ndarray, "image *grid"], size: int = 4, levels: int = 3
) -> tuple[PatternHistogram, ...]:
    """Multiple-point histograms: how often each pattern of ``size`` cells an axis occurs, by scale.

    On level l the cells of a pattern lie 2**l cells apart: that is the pattern of the image subsampled by
    2**l, taken over all ways to place the subsampled grid.

    Raises
    ------
    InputError
        If an image is smaller than the widest pattern, or a pattern has more facies than 64 bits can tell
        apart (4 × 4 cells hold 16 facies, 4 × 4 × 4 cells two).
    """
    indices = _stack(facies)
    shape, ndim = indices.shape[1:], indices.ndim - 1
    if size < 1 or levels < 1 or (size - 1) * 2 ** (levels - 1) >= min(shape):
        raise InputError(
            f"Patterns of {size} cells on {levels} levels were asked of images of {shape} cells; give a "
            f"positive size and number of levels, so that {size} cells {2 ** (levels - 1)} apart fit the "
            "image."
        )
    bits = min(64 // size**ndim, 8)
    if int(indices.max()) >= 2**bits or int(indices.min()) < 0:
        raise InputError(
            f"Patterns of {size} cells an axis can tell {2**bits} facies apart, with indices from 0; given "
            f"were indices from {int(indices.min())} to {int(indices.max())}, so give category indices or a "
            "smaller size."
        )
    return tuple(_patterns(indices.astype(np.uint64), size, 2**level, bits) for level in range(levels))


def jensen_shannon(p: PatternHistogram, q: PatternHistogram) -> float:
    """Jensen–Shannon divergence of pattern histograms, in bits: 0 if equal, 1 if no pattern is shared.

    Lin 1991, doi:10.1109/18.61115.
    """
    codes = np.union1d(p.codes, q.codes)
    shares = np.zeros((2, len(codes)))
    for row, histogram in zip(shares, (p, q), strict=True):
        row[np.searchsorted(codes, histogram.codes)] = histogram.shares
    return max(0.0, _entropy(shares.mean(axis=0)) - 0.5 * (_entropy(shares[0]) + _entropy(shares[1])))


def pattern_distance(a: Integer[np.ndarray, "image *grid"], b: Integer[np.ndarray, "image2 *grid2"]) -> float:
    """Mean over levels of the Jensen–Shannon divergence of two samples' `pattern_histogram`, in bits."""
    pairs = zip(pattern_histogram(a), pattern_histogram(b), strict=True)
    return float(np.mean([jensen_shannon(p, q) for p, q in pairs]))


def connectivity(
    facies: Integer[np.ndarray, "image *grid"],
    index: int,
    axis: int,
    lags: Sequence[int] | Integer[np.ndarray, "lag"],
) -> Float[np.ndarray, "lag"]:
    """Connectivity function: probability that two cells of a facies, a lag apart, are in one cluster.

    Given that both cells are of the facies, and pooled over all images (the pairs of all images are counted
    together); 0 where there is no such pair. Cells are connected through shared edges (in 3-D, faces). Renard
    and Allard 2013, doi:10.1016/j.advwatres.2011.12.001.

    Parameters
    ----------
    facies
        Category indices.
    index
        The facies.
    axis
        Axis of the grid along which the pairs lie: 0 is the first axis of an image (rows in 2-D, layers in
        3-D).
    lags
        Distances in cells.

    Raises
    ------
    InputError
        If the axis does not exist, or a lag is negative or not shorter than the image.
    """
    indices = _stack(facies)
    ndim = indices.ndim - 1
    if not 0 <= axis < ndim:
        raise InputError(f"Connectivity along axis {axis} was asked of images of {ndim} axes; give 0 to {ndim - 1}.")
    length = indices.shape[axis + 1]
    if any(not 0 <= lag < length for lag in lags):
        raise InputError(
            f"The lags {tuple(lags)} do not all fit the {length} cells along axis {axis}; give 0 to {length - 1}."
        )
    within = np.zeros((3,) * (ndim + 1), bool)
    within[1] = scipy.ndimage.generate_binary_structure(ndim, 1)  # no link between images
    labels = np.moveaxis(scipy.ndimage.label(indices == index, within)[0], axis + 1, 0)
    return np.array([_connected_share(labels[: length - lag], labels[lag:]) for lag in lags])


def _connected_share(start: np.ndarray, end: np.ndarray) -> float:
    pairs = (start > 0) & (end > 0)
    return float(np.count_nonzero(pairs & (start == end)) / max(1, int(np.count_nonzero(pairs))))


def _patterns(indices: UInt64[np.ndarray, "image *grid"], size: int, spacing: int, bits: int) -> PatternHistogram:
    """Histogram of the patterns whose cells lie a spacing apart."""
    counts = [n - (size - 1) * spacing for n in indices.shape[1:]]
    codes = np.zeros((indices.shape[0], *counts), np.uint64)
    for offset in itertools.product(range(size), repeat=len(counts)):
        window = tuple(slice(k * spacing, k * spacing + n) for k, n in zip(offset, counts, strict=True))
        codes = (codes << np.uint64(bits)) | indices[(slice(None), *window)]
    patterns, number = np.unique(codes, return_counts=True)
    return PatternHistogram(patterns, number / number.sum())


def _entropy(shares: Float[np.ndarray, "bin"]) -> float:
    positive = shares[shares > 0]
    return float(-np.sum(positive * np.log2(positive)))


def _stack(images: np.ndarray) -> np.ndarray:
    """Check that an array is a stack of 2-D or 3-D images."""
    array = np.asarray(images)
    if array.ndim not in (3, 4) or array.size == 0:
        raise InputError(
            f"An array of shape {array.shape} was given; expected [image, row, column] or [image, layer, "
            "row, column] (for one image, images[None])."
        )
    return array
