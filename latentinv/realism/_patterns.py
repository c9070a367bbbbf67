"""Multiple-point histograms: which small patterns of facies occur, on several scales, and how often.

On level l the cells of a pattern lie 2**l cells apart: that is the pattern of the image subsampled by 2**l, taken over
all ways to place the subsampled grid. Histograms are compared by the divergence of Lin (1991, doi:10.1109/18.61115),
which stays finite where a pattern is missing. The analysis of distance of Tan, Tahmasebi and Caers (2014,
doi:10.1007/s11004-013-9482-1) compares how far realizations differ from each other with how far they are
from their training image; here all levels have the same weight, whereas there each has half that of the finer one.

Distances of histograms grow as samples shrink: report them together with the distance between two samples
of the training image of the same size. Cost: one sort of the cells per level and image; a distance O(patterns).
"""

import itertools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import scipy.sparse
import scipy.special
from jaxtyping import Float, Integer, Real, UInt64

from latentinv.errors import InputError

from ._per_image import as_stack


class PatternHistogram(NamedTuple):
    """The patterns that occur on one level, and how often they do in each image."""

    codes: UInt64[np.ndarray, "pattern"]
    """Facies of the cells of each pattern, packed in 64 bits; ascending."""
    counts: scipy.sparse.csr_array
    """Counts, ``[image, pattern]``."""

    def shares(self, weights: Real[np.ndarray, "*batch image"] | None = None) -> Float[np.ndarray, "*batch pattern"]:
        """Relative frequency of each pattern over all images, weighted by `weights` (by default equally)."""
        counts = self.counts.T @ np.ones(self.counts.shape[0]) if weights is None else np.asarray(weights) @ self.counts
        return counts / counts.sum(axis=-1, keepdims=True)


PATTERN_BITS = 64
"""Bits in which the facies of a pattern are coded."""


class DistanceAnalysis(NamedTuple):
    """Distances of realizations from each other and from the training image, in bits."""

    between: Float[np.ndarray, "realization realization"]
    within: Float[np.ndarray, "realization"]

    def ratio(self) -> float:
        """Mean distance between two realizations over the mean distance to the image: larger is better.

        Diverse realizations that all keep the image's patterns have a large ratio; those of a generator that repeats
        itself a small one.
        """
        count = len(self.between)
        return float(self.between.sum() / (count * (count - 1)) / self.within.mean())


def pattern_size(facies: int, shape: tuple[int, ...]) -> dict[str, int]:
    """The largest patterns of up to 4 cells per axis, on up to 3 levels, that tell facies apart and fit the images."""
    bits = max(1, int(facies - 1).bit_length())
    size = next(size for size in (4, 3, 2, 1) if bits * size ** len(shape) <= PATTERN_BITS)
    levels = max((level for level in (1, 2, 3) if (size - 1) * 2 ** (level - 1) < min(shape)), default=1)
    return {"size": size, "levels": levels}


def pattern_histogram(
    facies: Integer[np.ndarray, "image *grid"], size: int = 4, levels: int = 3
) -> tuple[PatternHistogram, ...]:
    """Multiple-point histograms: how often each pattern of ``size`` cells per axis occurs, by level.

    Raises
    ------
    InputError
        If an image is smaller than the widest pattern, or a pattern has more facies than 64 bits can tell
        apart (4 × 4 cells hold 16 facies, 4 × 4 × 4 cells two).
    """
    indices = as_stack(facies)
    shape, ndim = indices.shape[1:], indices.ndim - 1
    if size < 1 or levels < 1 or (size - 1) * 2 ** (levels - 1) >= min(shape):
        raise InputError(
            f"Patterns of {size} cells on {levels} levels were requested for images of {shape} cells; give a "
            f"positive size and number of levels, so that {size} cells {2 ** (levels - 1)} apart fit the "
            "image."
        )
    bits = min(64 // size**ndim, 8)
    if int(indices.max()) >= 2**bits or int(indices.min()) < 0:
        raise InputError(
            f"Patterns of {size} cells per axis can tell {2**bits} facies apart, with indices from 0; given "
            f"were indices from {int(indices.min())} to {int(indices.max())}, so give category indices or a "
            "smaller size."
        )
    return tuple(_count(indices, size, 2**level, bits) for level in range(levels))


def jensen_shannon(
    p: Float[np.ndarray, "*batch bin"], q: Float[np.ndarray, "*batch bin"]
) -> Float[np.ndarray, "*batch"]:
    """Jensen–Shannon divergence of two distributions on the same bins, in bits: 0 if equal, 1 if no bin is shared."""
    return np.maximum(0.0, _entropy((p + q) / 2) - (_entropy(p) + _entropy(q)) / 2)


def pattern_distance(
    a: Sequence[PatternHistogram],
    b: Sequence[PatternHistogram],
    weights: Real[np.ndarray, "*batch image"] | None = None,
) -> Float[np.ndarray, "*batch"]:
    """Mean over levels of the Jensen–Shannon divergence of two samples' patterns, in bits.

    Parameters
    ----------
    a, b
        From `pattern_histogram`, with the same size and levels.
    weights
        How often each image of the first sample is taken (once, unless given).
    """
    distances = []
    for p, q in zip(a, b, strict=True):
        codes = np.union1d(p.codes, q.codes)
        distances.append(jensen_shannon(_spread(codes, p, p.shares(weights)), _spread(codes, q, q.shares())))
    return np.mean(distances, axis=0)


def analyse_distances(realizations: Sequence[PatternHistogram], image: Sequence[PatternHistogram]) -> DistanceAnalysis:
    """Analysis of distance (ANODI): each realization against each other and against the training image.

    Cost: O(realizations² · patterns), a second or two for a hundred fields of 128 × 128 cells; a hundred are enough.

    Parameters
    ----------
    realizations
        Patterns of at least two fields, each an image of the stack.
    image
        Patterns of the training image, in one piece or in patches.

    Raises
    ------
    InputError
        If there are fewer than two realizations.
    """
    count = realizations[0].counts.shape[0]
    if count < 2:
        raise InputError("An analysis of distance was requested for one realization; give at least two.")
    between, within = np.zeros((count, count)), np.zeros(count)
    for ours, theirs in zip(realizations, image, strict=True):
        codes = np.union1d(ours.codes, theirs.codes)
        shares = _spread(codes, ours, ours.shares(np.eye(count)))
        entropies = _entropy(shares)
        for n in range(count - 1):
            mixture = _entropy((shares[n] + shares[n + 1 :]) / 2)
            between[n, n + 1 :] += mixture - (entropies[n] + entropies[n + 1 :]) / 2
        within += jensen_shannon(shares, _spread(codes, theirs, theirs.shares()))
    return DistanceAnalysis((between + between.T) / len(realizations), within / len(realizations))


def _count(indices: Integer[np.ndarray, "image *grid"], size: int, spacing: int, bits: int) -> PatternHistogram:
    """Count the patterns whose cells lie a spacing apart."""
    found = [np.unique(_codes(image, size, spacing, bits), return_counts=True) for image in indices]
    codes = np.unique(np.concatenate([patterns for patterns, _ in found]))
    columns = np.concatenate([np.searchsorted(codes, patterns) for patterns, _ in found])
    starts = np.cumsum([0, *(len(patterns) for patterns, _ in found)])
    numbers = np.concatenate([number for _, number in found])
    return PatternHistogram(codes, scipy.sparse.csr_array((numbers, columns, starts), shape=(len(found), len(codes))))


def _codes(image: Integer[np.ndarray, "*grid"], size: int, spacing: int, bits: int) -> UInt64[np.ndarray, "*place"]:
    cells, places = image.astype(np.uint64), [n - (size - 1) * spacing for n in image.shape]
    codes = np.zeros(places, np.uint64)
    for offset in itertools.product(range(size), repeat=image.ndim):
        window = tuple(slice(k * spacing, k * spacing + n) for k, n in zip(offset, places, strict=True))
        codes = (codes << np.uint64(bits)) | cells[window]
    return codes


def _spread(codes: np.ndarray, histogram: PatternHistogram, shares: np.ndarray) -> np.ndarray:
    """Shares of a histogram's patterns, expanded to a longer list of codes."""
    spread = np.zeros((*shares.shape[:-1], len(codes)))
    spread[..., np.searchsorted(codes, histogram.codes)] = shares
    return spread


def _entropy(shares: Float[np.ndarray, "*batch bin"]) -> Float[np.ndarray, "*batch"]:
    return scipy.special.entr(shares).sum(axis=-1) / np.log(2)
