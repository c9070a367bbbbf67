"""Patches that may reach over the border of a training image, each cell with the weight at which it counts.

A patch that had to lie in the image would show the middle of a small one more often than its border. So patches reach
over it by as much as `OVER` cells, or, where they are larger than the image, hold it whole; what lies outside, or is
missing, has zeros and the weight 0. A known cell weighs one over the number of places at which a patch contains it, so
on average all count the same.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float32

from ._training_image import TrainingImage

OVER = 64
"""Most cells by which a patch reaches over the border, unless it is larger than the image."""


class OpenPatches(NamedTuple):
    """A training image with zeros around it, from which patches of a shape are cut."""

    around: Float32[np.ndarray, "*grid channel"]
    """Levels, auxiliary maps if networks see any, and as the last channel weights."""
    shape: tuple[int, ...]
    """Of a patch."""
    turning: tuple[int, ...] = ()
    """Channels that change their sign in a mirror image along a horizontal axis, one of the last two."""

    @classmethod
    def of(
        cls,
        levels: Float32[np.ndarray, "*grid channel"],
        image: TrainingImage,
        shape: tuple[int, ...],
        turning: tuple[int, ...] = (),
    ) -> "OpenPatches":
        """Put zeros around an image."""
        over = [p - n if p > n else min(p // 2, OVER) for p, n in zip(shape, image.facies.shape, strict=True)]
        weights = np.ones(image.facies.shape, np.float32)
        for axis, (p, n, beyond) in enumerate(zip(shape, image.facies.shape, over, strict=True)):
            cells = np.arange(n)
            places = np.minimum(n - p + beyond, cells) - np.maximum(-beyond, cells - p + 1) + 1
            weights = weights / places.reshape(-1, *(1,) * (weights.ndim - axis - 1))
        known = np.ones(weights.shape, bool) if image.known is None else image.known
        weights = np.where(known, weights / weights[known].mean(), 0.0)
        both = np.concatenate([np.where(known[..., None], levels, 0.0), weights[..., None]], axis=-1)
        return cls(np.pad(both.astype(np.float32), [*((n, n) for n in over), (0, 0)]), shape, turning)

    def cut(
        self, rng: np.random.Generator, count: int, flips: tuple[int, ...] = ()
    ) -> Float32[np.ndarray, "patch *shape channel"]:
        """Cut patches at random places, mirrored along some axes with probability one half."""
        most = [m - n + 1 for m, n in zip(self.around.shape, self.shape, strict=False)]
        corners = rng.integers(0, most, size=(count, len(most)))
        mirrored = rng.random((count, len(flips))) < 0.5
        patches = np.empty((count, *self.shape, self.around.shape[-1]), np.float32)
        for patch, corner, mirror in zip(patches, corners.tolist(), mirrored, strict=True):
            window = self.around[tuple(slice(a, a + n) for a, n in zip(corner, self.shape, strict=True))]
            turned = [axis for axis, turn in zip(flips, mirror, strict=True) if turn]
            patch[...] = np.flip(window, tuple(turned))
            if sum(axis >= len(self.shape) - 2 for axis in turned) % 2:
                patch[..., list(self.turning)] *= -1
        return patches
