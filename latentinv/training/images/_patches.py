"""Patches cut from a training image at random; the cost is that of copying them."""

import numpy as np
from jaxtyping import Shaped, UInt8

from latentinv.errors import InputError

from ._training_image import TrainingImage


def sample_patches(
    rng: np.random.Generator,
    image: TrainingImage,
    shape: tuple[int, ...],
    count: int,
    *,
    flips: tuple[int, ...] = (),
) -> UInt8[np.ndarray, "patch *shape"]:
    """Cut patches at uniformly random positions.

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
        If the patch does not fit the image, or an axis to flip does not exist.
    """
    return cut_patches(rng, image.facies, shape, count, flips=flips)


def cut_patches(
    rng: np.random.Generator,
    array: Shaped[np.ndarray, "*grid"],
    shape: tuple[int, ...],
    count: int,
    *,
    flips: tuple[int, ...] = (),
) -> Shaped[np.ndarray, "patch *shape"]:
    """Cut patches from an array over the cells of a training image, as `sample_patches` does from its facies."""
    full = array.shape
    if len(shape) != len(full) or any(not 1 <= n <= m for n, m in zip(shape, full, strict=True)):
        raise InputError(
            f"A patch of {times(shape)} cells cannot be cut from the training image of {times(full)} "
            "cells; give a smaller patch with as many axes."
        )
    if any(axis not in range(len(full)) for axis in flips):
        raise InputError(f"The axes to flip {flips} are not axes of the image; give numbers from 0 to {len(full) - 1}.")
    corners = rng.integers(0, [m - n + 1 for n, m in zip(shape, full, strict=True)], size=(count, len(full)))
    mirrored = rng.random((count, len(flips))) < 0.5
    patches = np.empty((count, *shape), array.dtype)
    for patch, corner, mirror in zip(patches, corners.tolist(), mirrored, strict=True):
        cut = array[tuple(slice(start, start + n) for start, n in zip(corner, shape, strict=True))]
        patch[...] = np.flip(cut, tuple(axis for axis, flip in zip(flips, mirror, strict=True) if flip))
    return patches


def times(shape: tuple[int, ...]) -> str:
    """Write a shape for messages: ``6 × 9``."""
    return " × ".join(str(n) for n in shape)
