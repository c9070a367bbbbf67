"""Auxiliary maps of a training image: numbers over its cells, by which its geology differs from place to place."""

import dataclasses
import functools
import hashlib
from collections.abc import Sequence
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
    missing: tuple[str, ...] = ()
    """What the file has in cells without a value."""

    @classmethod
    def from_array(
        cls, array: Shaped[np.ndarray, "*grid"], name: str, missing: Sequence[float] | None = None
    ) -> "AuxiliaryMap":
        """Make a map from an array.

        Parameters
        ----------
        array
            Its values.
        name
            What it is called.
        missing
            Codes of missing values; the usual ones if omitted.

        Raises
        ------
        InputError
            If it holds no numbers, or one value everywhere.
        """
        array = np.ascontiguousarray(array)
        if array.dtype.kind not in "iuf":
            raise InputError(f"The map {name} holds values of type {array.dtype}; expected numbers.")
        without = missing_cells(array, missing)
        values = np.where(without, np.nan, array.astype(float))
        MapRange.of(name, values)
        values.setflags(write=False)
        found = tuple(f"{code:g}" for code in np.unique(array[without]))
        return cls(name, values, hashlib.sha256(array.tobytes()).hexdigest(), found)

    @functools.cached_property
    def range(self) -> MapRange:
        """What it has of its number."""
        return MapRange.of(self.name, self.values)

    @property
    def described(self) -> str:
        """For people: what there is of its number, and how many cells lack it."""
        share = np.mean(np.isnan(self.values))
        lacks = f"; {share:.1%} of its cells are missing ({', '.join(self.missing)})" if self.missing else ""
        return f"{self.range.described}{lacks}"

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
