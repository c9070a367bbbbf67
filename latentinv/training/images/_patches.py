"""Patches cut from what is known of a training image, at random; the cost is that of copying them."""

import functools
import math
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Int, Shaped, UInt8

from latentinv.errors import InputError

from ._training_image import TrainingImage

UNIT, LEAST_WINDOW = 16, 32
"""Of the edges of patches that are compared, in cells, and the least of them."""
ENOUGH = 32_000
"""Cells of a field on average that are enough where many are compared, of volumes."""


class Places(NamedTuple):
    """Where patches lie in an image."""

    corners: Int[np.ndarray, "patch axis"]
    mirrored: Bool[np.ndarray, "patch axis"]
    """Along which axes a patch is mirrored."""
    shape: tuple[int, ...]
    """Cells of a patch along each axis."""

    def cut(self, array: Shaped[np.ndarray, "*grid_and_more"]) -> Shaped[np.ndarray, "patch *shape_and_more"]:
        """Cut the patches from an array over the cells of the image, with any further axes."""
        patches = np.empty((len(self.corners), *self.shape, *array.shape[len(self.shape) :]), array.dtype)
        for patch, corner, mirror in zip(patches, self.corners.tolist(), self.mirrored, strict=True):
            window = array[tuple(slice(start, start + n) for start, n in zip(corner, self.shape, strict=True))]
            patch[...] = np.flip(window, tuple(np.flatnonzero(mirror)))
        return patches


def choose_places(
    rng: np.random.Generator, image: TrainingImage, shape: tuple[int, ...], count: int, *, flips: tuple[int, ...] = ()
) -> Places:
    """Choose uniformly random places of patches.

    Parameters
    ----------
    rng
        Source of randomness.
    image
        Where to cut.
    shape
        Cells of a patch along each axis.
    count
        How many patches.
    flips
        Array axes of a patch (0 is the first) along which it is mirrored with probability one half. Only
        where the geology has no preferred direction: flow, dip and gravity usually give it one.

    Raises
    ------
    InputError
        If the patch does not fit the image, no place of it is known whole, or an axis to flip does not exist.
    """
    full = image.facies.shape
    if len(shape) != len(full) or any(not 1 <= n <= m for n, m in zip(shape, full, strict=True)):
        raise InputError(
            f"A patch of {times(shape)} cells cannot be cut from the training image of {times(full)} "
            "cells; give a smaller patch with as many axes."
        )
    if any(axis not in range(len(full)) for axis in flips):
        raise InputError(f"The axes to flip {flips} are not axes of the image; give numbers from 0 to {len(full) - 1}.")
    if image.known is None:
        corners = rng.integers(0, [m - n + 1 for n, m in zip(shape, full, strict=True)], size=(count, len(full)))
    else:
        whole = complete_places(image, shape)
        if not len(whole):
            share = f"{1 - image.known.mean():.1%}"
            raise InputError(
                f"The training image {image.name!r} lacks {share} of its cells, so that no patch of "
                f"{times(shape)} cells is known whole; give a smaller patch, or fill the missing cells first."
            )
        corners = whole[rng.integers(0, len(whole), size=count)]
    mirrored = np.zeros((count, len(full)), bool)
    mirrored[:, list(flips)] = rng.random((count, len(flips))) < 0.5
    return Places(corners, mirrored, shape)


@functools.lru_cache(maxsize=8)
def complete_places(image: TrainingImage, shape: tuple[int, ...]) -> Int[np.ndarray, "place axis"]:
    """First cells of all patches of a shape in which no cell of an image is missing."""
    known = np.ones(image.facies.shape, bool) if image.known is None else image.known
    counts = (~known).astype(np.int64)
    for axis, n in enumerate(shape):
        sums = np.insert(np.cumsum(counts, axis=axis), 0, 0, axis=axis)
        first, last = (np.take(sums, np.arange(k, sums.shape[axis] - n + k), axis) for k in (0, n))
        counts = last - first
    return np.argwhere(counts == 0)


def comparable_shape(image: TrainingImage, most: tuple[int, ...]) -> tuple[int, ...]:
    """Shape of the fields that can be compared with patches of an image: about a quarter of it along each axis.

    Patches that are larger all show the same places, so their statistics are known to more digits than an image of
    that size tells of its geology: of an image of 250 × 250 cells even other realizations of the simulator that made it
    lie hundreds of times the floor away by patches of 160 × 160, and some ten times by patches of 64 × 64
    (``python -m benchmarks.small_images``).
    """
    quarter = (max(LEAST_WINDOW, UNIT * round(n / (4 * UNIT))) for n in image.facies.shape)
    return tuple(map(min, most, quarter))


def cuttable_shape(image: TrainingImage, most: tuple[int, ...]) -> tuple[int, ...]:
    """The most cells of a patch along each axis, or where no such patch is known whole, those of `comparable_shape`."""
    shape = tuple(map(min, most, image.facies.shape))
    whole = image.known is None or len(complete_places(image, shape)) > 0
    return shape if whole else comparable_shape(image, shape)


def comparable_count(shape: tuple[int, ...], most: int, batch: int) -> int:
    """How many fields of a shape are enough: the most of maps; of volumes, whole batches of about `ENOUGH` cells each.

    A volume has as many bodies as a dozen maps, and takes that much longer to draw.
    """
    enough = most * ENOUGH // (batch * math.prod(shape)) * batch
    return most if len(shape) < 3 else min(most, max(batch, enough))


def sample_patches(
    rng: np.random.Generator, image: TrainingImage, shape: tuple[int, ...], count: int, *, flips: tuple[int, ...] = ()
) -> UInt8[np.ndarray, "patch *shape"]:
    """Cut patches of facies at uniformly random places; parameters and errors are those of `choose_places`."""
    return choose_places(rng, image, shape, count, flips=flips).cut(image.facies)


def times(shape: tuple[int, ...]) -> str:
    """Write a shape for messages: ``6 × 9``."""
    return " × ".join(str(n) for n in shape)
