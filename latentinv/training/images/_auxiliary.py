"""Auxiliary maps of a training image: numbers over its cells, by which its geology differs from place to place."""

import dataclasses
import functools
import hashlib
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Shaped

from latentinv.errors import InputError
from latentinv.io import missing_cells
from latentinv.priors.learned import AZIMUTH, MapRange


@dataclass(frozen=True, eq=False)
class AuxiliaryMap:
    """A map beside a training image."""

    name: str
    """`azimuth` for a direction in degrees clockwise from north, the same after half a turn."""
    values: Float[np.ndarray, "*grid"]
    """NaN where there is none."""
    sha256: str
    """Digest of the bytes of the array it was made from; a coarsened map keeps that of its source."""

    @classmethod
    def from_array(cls, array: Shaped[np.ndarray, "*grid"], name: str) -> "AuxiliaryMap":
        """Make a map from an array.

        Raises
        ------
        InputError
            If it holds no numbers, or one value everywhere.
        """
        array = np.ascontiguousarray(array)
        if array.dtype.kind not in "iuf":
            raise InputError(f"The map {name} holds values of type {array.dtype}; expected numbers.")
        values = np.where(missing_cells(array), np.nan, array.astype(float))
        MapRange.of(name, values)
        values.setflags(write=False)
        return cls(name, values, hashlib.sha256(array.tobytes()).hexdigest())

    @functools.cached_property
    def range(self) -> MapRange:
        """What it has of its number."""
        return MapRange.of(self.name, self.values)

    def coarsened(self, factor: int) -> "AuxiliaryMap":
        """Means over blocks of cells, of directions those of twice the angle; a block with a missing cell has none."""
        shape = tuple(n // factor for n in self.values.shape)
        whole = self.values[tuple(slice(0, n * factor) for n in shape)]
        split = whole.reshape([size for n in shape for size in (n, factor)])
        over = tuple(range(1, 2 * len(shape), 2))
        if self.name == AZIMUTH:
            twice = np.mean(np.exp(2j * np.radians(split)), axis=over)
            means = np.mod(np.degrees(np.angle(twice)) / 2, 180)
        else:
            means = split.mean(axis=over)
        return dataclasses.replace(self, values=means)
