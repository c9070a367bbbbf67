"""Auxiliary maps: numbers known everywhere, by which the geology of an image differs from place to place.

Such as the direction or the width of bodies, the depth, or an attribute of a seismic survey. Networks that were shown
the maps of an image beside it (`latentinv.networks`) draw fields for other maps (Chugunova and Hu 2008,
doi:10.1007/s11004-008-9142-4). They know no more of a number than the image has of it, so that one beyond is refused.

A map called `azimuth` is a direction in degrees clockwise from north, the same after half a turn, and networks see the
cosine and the sine of twice the angle; of any other number they see its place between the least and the most of the
image. A number behind these is 1 where the map is known, else all are 0.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Float32, Int

from latentinv.errors import InputError
from latentinv.grid import Grid
from latentinv.networks import Span
from latentinv.priors.core import as_map, check_cells

AZIMUTH = "azimuth"
"""Name of a map of directions."""
BIN, BINS = 5.0, 36
"""Degrees by which directions are told apart, and how many there are."""
SLACK = 1e-3
"""By which a number may lie beyond those of the image, over their range, as rounded ones do."""


@dataclass(frozen=True)
class MapRange:
    """What an image has of an auxiliary map."""

    name: str
    least: float
    most: float
    """Of its numbers."""
    directions: tuple[bool, ...] = ()
    """Of a direction, which of all directions there are, in steps of `BIN` degrees from north; else nothing."""

    @classmethod
    def of(cls, name: str, values: Float[np.ndarray, "*grid"]) -> "MapRange":
        """From the map of an image, NaN where it is not known; `InputError` if it says nothing."""
        known = values[np.isfinite(values)]
        if not known.size or known.min() == known.max():
            raise InputError(
                f"The map {name} has one value everywhere, or none, so that it says nothing; leave it out."
            )
        directions: tuple[bool, ...] = ()
        if name == AZIMUTH:
            directions = tuple((np.bincount(_bins(known), minlength=BINS) > 0).tolist())
        return cls(name, float(known.min()), float(known.max()), directions)

    @property
    def channels(self) -> int:
        """Numbers that networks see."""
        return 3 if self.directions else 2

    @property
    def turning(self) -> tuple[int, ...]:
        """Which of these change their sign in a mirror image along a horizontal axis."""
        return (1,) if self.directions else ()

    @property
    def described(self) -> str:
        """What an image has of it, for people."""
        if self.directions:
            return f"{self.name}, directions {_listed(self.directions)}° clockwise from north"
        return f"{self.name}, {self.least:.4g} to {self.most:.4g}"

    @property
    def words(self) -> str:
        """For people."""
        where = "a number, a curve along the first axis or a map over the grid"
        if self.directions:
            return f"direction in degrees clockwise from north: {where}"
        return f"auxiliary map, from {self.least:.4g} to {self.most:.4g} in the training image: {where}"

    def encode(self, values: Float[np.ndarray, "*grid"]) -> Float32[np.ndarray, "*grid channel"]:
        """As networks see it, from numbers, NaN where they are not known."""
        known = np.isfinite(values)
        filled = np.where(known, values, self.least)
        if self.directions:
            twice = np.radians(2 * filled)
            each = [np.cos(twice), np.sin(twice)]
        else:
            each = [2 * (filled - self.least) / (self.most - self.least) - 1]
        return np.stack([*(known * one for one in each), known], axis=-1).astype(np.float32)

    def read(self, values: Any, ndim: int) -> Float32[np.ndarray, "*#grid channel"]:
        """As networks see it, from numbers that a user gives.

        Raises
        ------
        InputError
            If these have other axes, or are none or of other geology than the image's.
        """
        array = as_map(values, ndim, f"values of {self.name}")
        if not np.all(np.isfinite(array)):
            raise InputError(f"The map {self.name} lacks values in some cells; fill them.")
        if self.directions:
            near = np.asarray(self.directions)
            near = near | np.roll(near, 1) | np.roll(near, -1)
            if np.any(away := ~near[_bins(array)]):
                raise InputError(
                    f"The map {self.name} has the direction {array[away][0] % 180:.4g}°, which no place of the "
                    f"training image is near to; give some of {_listed(self.directions)}, in degrees clockwise from "
                    "north."
                )
        else:
            slack = SLACK * (self.most - self.least)
            if array.min() < self.least - slack or array.max() > self.most + slack:
                raise InputError(
                    f"The map {self.name} has values from {array.min():.4g} to {array.max():.4g}, that of the training "
                    f"image from {self.least:.4g} to {self.most:.4g}; give numbers in this range, in the same units."
                )
        return self.encode(array)


class SeenMaps(NamedTuple):
    """Auxiliary maps over a grid, as networks see them."""

    given: dict[str, Float[Array, "*#grid channel"]]
    """Those that are known, by name."""
    corner: Int[Array, "axis"]
    """The cell of a map that is the first of the field."""

    def around(self, ranges: Sequence[MapRange], span: Span, rotation: float) -> Float[Array, "1 *part channel"]:
        """In a part of the plane; beyond the grid, what is at its border.

        Parameters
        ----------
        ranges
            Of all maps.
        span
            The part.
        rotation
            Of the grid, in degrees counterclockwise.
        """
        shape = tuple(end - first for first, end in span)
        each = [self._one(one, span, shape, rotation) for one in ranges]
        return jnp.concatenate(each, axis=-1)[None]

    def _one(self, one: MapRange, span: Span, shape: tuple[int, ...], rotation: float) -> Float[Array, "*part channel"]:
        if one.name not in self.given:
            return jnp.zeros((*shape, one.channels))
        values = self.given[one.name]
        for axis, (first, end) in enumerate(span):
            cells = np.arange(first, end) + self.corner[axis]
            values = jnp.take(values, jnp.clip(cells, 0, values.shape[axis] - 1), axis=axis)
        if one.directions and rotation:
            cos, sin = np.cos(np.radians(2 * rotation)), np.sin(np.radians(2 * rotation))
            turn = jnp.asarray([[cos, sin, 0.0], [-sin, cos, 0.0], [0.0, 0.0, 1.0]], values.dtype)
            values = values @ turn
        return values

    def check(self, grid: Grid) -> None:
        """Raise `InputError` if a map is not of the grid."""
        for name, values in self.given.items():
            check_cells(values.shape[:-1], grid, f"values of {name}")


def seen_maps(given: Mapping[str, Float[Any, "*#grid channel"]], ndim: int) -> SeenMaps:
    """Maps over a grid whose first cell is theirs."""
    return SeenMaps({name: jnp.asarray(one) for name, one in given.items()}, jnp.zeros(ndim, int))


def split_maps(
    ranges: Sequence[MapRange], channels: Float[Array, "*grid channel"]
) -> dict[str, Float[Array, "*grid own_channel"]]:
    """Each map of all channels that networks see."""
    ends = np.cumsum([one.channels for one in ranges])
    return {one.name: channels[..., end - one.channels : end] for one, end in zip(ranges, ends, strict=True)}


def _bins(degrees: Float[np.ndarray, "*cell"]) -> Int[np.ndarray, "*cell"]:
    found: np.ndarray = np.floor(np.mod(degrees, 180) / BIN).astype(int) % BINS
    return found


def _listed(directions: Sequence[bool]) -> str:
    """Such as 0–45, 90–180."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], np.asarray(directions, int), [0]])))
    return ", ".join(f"{a * BIN:g}–{b * BIN:g}" for a, b in edges.reshape(-1, 2).tolist())
