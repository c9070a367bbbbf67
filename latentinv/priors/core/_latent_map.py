"""Where latents lie relative to the cells of a field, and which cells they can change.

The latent vector of a prior is one or several maps, one after the other, each of its own resolution. Along an axis the
place ``i`` of a map owns the block of cells from ``i · spacing`` to ``(i + 1) · spacing``, and can change the cells
from ``before`` cells ahead of its block to ``after`` cells behind it. Tiles, walks and local moves need no more.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple, TypeVar

import numpy as np
from jaxtyping import Array, Float

Latents = TypeVar("Latents", np.ndarray, Array)
"""A latent vector on the host or the device."""


class LatentMap(NamedTuple):
    """One map of latents: Gaussian numbers at places that run with the field's axes.

    Parameters
    ----------
    shape
        Places along each array axis of the field, then numbers at a place.
    spacing
        Cells from one place to the next along each axis; None where latents have no place, as each changes all cells.
    reach
        For each axis, how many cells ahead of its own block, and behind it, a place can change; negative where it
        leaves some cells of its block alone. None where latents have no place.
    """

    shape: tuple[int, ...]
    spacing: tuple[int, ...] | None = None
    reach: tuple[tuple[int, int], ...] | None = None

    @property
    def size(self) -> int:
        """Latents of the map."""
        return math.prod(self.shape)

    def cells_of(self, place: Sequence[int], shape: Sequence[int]) -> tuple[slice, ...]:
        """The cells of a field of a shape that a place can change; all where latents have no place."""
        if self.spacing is None or self.reach is None:
            return tuple(slice(0, n) for n in shape)
        each = zip(place, self.spacing, self.reach, shape, strict=True)
        bounds = ((i * step - before, (i + 1) * step + after, n) for i, step, (before, after), n in each)
        return tuple(slice(min(max(0, low), n), min(max(0, high), n)) for low, high, n in bounds)

    def places_of(self, cells: Sequence[slice]) -> tuple[slice, ...]:
        """The places that can change a window of cells, also beyond the map; all where latents have no place."""
        if self.spacing is None or self.reach is None:
            return tuple(slice(0, n) for n in self.shape[:-1])
        each = zip(cells, self.spacing, self.reach, strict=True)
        return tuple(
            slice((window.start - after) // step, math.ceil((window.stop + before) / step))
            for window, step, (before, after) in each
        )


def without_place(ndim: int, size: int) -> tuple[LatentMap]:
    """A map of latents each of which can change every cell."""
    return (LatentMap((*(1,) * ndim, size)),)


def split_latents(
    z: Float[Latents, "latent"], maps: Sequence[LatentMap]
) -> tuple[Float[Latents, "*place number"], ...]:
    """The latent vector as its maps."""
    edges = np.cumsum([0, *(one.size for one in maps)]).tolist()
    return tuple(z[start:stop].reshape(one.shape) for start, stop, one in zip(edges, edges[1:], maps, strict=False))
