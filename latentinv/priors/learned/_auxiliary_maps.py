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
Directions = tuple[bool, ...]
"""Which of all directions there are, in steps of `BIN` degrees from north; empty where there are no directions."""
SLACK = 1e-3
"""By which a number may lie beyond those of the image, over their range, as rounded ones do."""


@dataclass(frozen=True)
class MapRange:
    """What an image has of an auxiliary map."""

    name: str
    least: float
    most: float
    """Of its numbers."""
    directions: Directions = ()
    """Of a direction."""

    @classmethod
    def of(cls, name: str, values: Float[np.ndarray, "*grid"]) -> "MapRange":
        """From the map of an image, NaN where it is not known; `InputError` if it says nothing."""
        known = values[np.isfinite(values)]
        directions: Directions = ()
        if name == AZIMUTH:
            directions = tuple((np.bincount(_bins(known), minlength=BINS) > 0).tolist())
        if not known.size or (sum(directions) == 1 if directions else known.min() == known.max()):
            raise InputError(
                f"The map {name} has one value everywhere, or none, so that it says nothing; leave it out."
            )
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
        """As networks see it, from numbers that a user gives; whether the image has its directions is for `check`.

        Raises
        ------
        InputError
            If these have other axes, or are none or beyond those of the image.
        """
        array = as_map(values, ndim, f"values of {self.name}")
        if not np.all(np.isfinite(array)):
            raise InputError(f"The map {self.name} lacks values in some cells; fill them.")
        if not self.directions:
            slack = SLACK * (self.most - self.least)
            if array.min() < self.least - slack or array.max() > self.most + slack:
                low, high = f"{array.min():.4g}", f"{array.max():.4g}"
                has = f"the value {low}" if low == high else f"values from {low} to {high}"
                raise InputError(
                    f"The map {self.name} has {has}, that of the training image values from {self.least:.4g} to "
                    f"{self.most:.4g}; give numbers in this range, in the same units."
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

    def windows(
        self, ranges: Sequence[MapRange], span: Span, count: int, cells: int
    ) -> Float[Array, "window *part channel"]:
        """In a part of the plane around each of some fields of `cells` along each axis, which lie anywhere on maps."""
        sizes = np.max([one.shape[:-1] for one in self.given.values()], axis=0)
        corners = np.random.default_rng(0).integers(0, np.maximum(sizes - cells, 0) + 1, (count, len(sizes)))
        each = [self._replace(corner=self.corner + corner).around(ranges, span, 0.0) for corner in corners]
        return jnp.concatenate(each)

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

    def check(self, ranges: Sequence[MapRange], given: Directions, grid: Grid) -> None:
        """Raise `InputError` if a map is not of the grid, or has directions that the image has not.

        Parameters
        ----------
        ranges
            Of all maps.
        given
            Which directions there are; none if they are not to be checked.
        grid
            On which north may be another direction than in the image.
        """
        for name, values in self.given.items():
            check_cells(values.shape[:-1], grid, f"values of {name}")
        if not given:
            return
        if grid.ndim == 2 and grid.axes != "xy":
            raise InputError(
                f"A map {AZIMUTH} was given on a vertical section, which has no directions from north; leave it out."
            )
        image = np.asarray(next(one.directions for one in ranges if one.name == AZIMUTH))
        near = image | np.roll(image, 1) | np.roll(image, -1)
        turn = round(grid.rotation / BIN)
        if np.any(away := np.asarray(given) & ~np.roll(near, -turn)):
            turned = f" on a grid that is turned by {grid.rotation:g}°" if turn else ""
            raise InputError(
                f"The map {AZIMUTH} has directions around {(np.argmax(away) + 0.5) * BIN:g}°{turned}, which no place "
                f"of the training image is near to; give some of {_listed(np.roll(image, -turn).tolist())}, in degrees "
                "clockwise from north."
            )


def directions_of(maps: Mapping[str, Float[Any, "*#grid channel"]]) -> Directions:
    """Which directions a map of them has, of all maps as networks see them; nothing without one."""
    if AZIMUTH not in maps:
        return ()
    cos, sin = np.moveaxis(np.asarray(maps[AZIMUTH], float)[..., :2], -1, 0)
    # A direction on the border of two steps is of both, but for the rounding of numbers.
    found = _bins(np.degrees(np.arctan2(sin, cos)) / 2 + 1e-3)
    return tuple((np.bincount(found.ravel(), minlength=BINS) > 0).tolist())


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
