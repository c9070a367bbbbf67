"""Patches cut from a training image at random; the cost is that of copying them."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Int, Shaped, UInt8

from latentinv.errors import InputError

from ._training_image import TrainingImage


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
        If the patch does not fit the image, or an axis to flip does not exist.
    """
    full = image.facies.shape
    if len(shape) != len(full) or any(not 1 <= n <= m for n, m in zip(shape, full, strict=True)):
        raise InputError(
            f"A patch of {times(shape)} cells cannot be cut from the training image of {times(full)} "
            "cells; give a smaller patch with as many axes."
        )
    if any(axis not in range(len(full)) for axis in flips):
        raise InputError(f"The axes to flip {flips} are not axes of the image; give numbers from 0 to {len(full) - 1}.")
    corners = rng.integers(0, [m - n + 1 for n, m in zip(shape, full, strict=True)], size=(count, len(full)))
    mirrored = np.zeros((count, len(full)), bool)
    mirrored[:, list(flips)] = rng.random((count, len(flips))) < 0.5
    return Places(corners, mirrored, shape)


def sample_patches(
    rng: np.random.Generator, image: TrainingImage, shape: tuple[int, ...], count: int, *, flips: tuple[int, ...] = ()
) -> UInt8[np.ndarray, "patch *shape"]:
    """Cut patches of facies at uniformly random places; parameters and errors are those of `choose_places`."""
    return choose_places(rng, image, shape, count, flips=flips).cut(image.facies)


def times(shape: tuple[int, ...]) -> str:
    """Write a shape for messages: ``6 × 9``."""
    return " × ".join(str(n) for n in shape)
