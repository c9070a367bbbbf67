"""The grid: the only place that turns coordinates into cells, that knows which way is up, and that has tolerances.

Coordinates are tables with columns ``x, y(, z)`` in metres: x points east, y north, z up, or down where the grid says
that its z is a depth. Arrays are ``[row, column]`` (``[y, x]``), in three dimensions ``[layer, row, column]``
(``[z, y, x]``): row 0 has the least y, layer 0 the least z. The two orders are each other's reverse, and every
conversion between them is made here, so that no other module needs to remember which is which.

A plane grid is a map (``axes="xy"``) or a vertical section (``"xz"`` or ``"yz"``, whose rows count along z). The whole
agreement stands, with a figure, in ``docs/space.md``.
"""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float, Int

from .errors import InputError
from .html import representation

AXIS_NAMES = ("x", "y", "z")
AXES = {2: ("xy", "xz", "yz"), 3: ("xyz",)}
"""Coordinates of a grid, by its number of axes; the first are taken unless others are given."""
KINDS = {
    "xy": "a map, x east and y north",
    "xz": "a vertical section along x",
    "yz": "a vertical section along y",
    "xyz": "three dimensions, x east and y north",
}
MOST_CELLS = 2**31 - 1
"""Most cells of an array that JAX can index with 32-bit integers."""

# Decimal coordinates rarely divide exactly: a point this share of a cell from a face counts as lying on it.
FACE_TOLERANCE = 1e-6
# So does a point that the rounding of its coordinates can put there: this many units in the last place away.
ROUNDING = 8 * np.finfo(float).eps


@dataclass(frozen=True)
class Grid:
    """A regular grid of cells.

    Parameters
    ----------
    shape
        Cells along each array axis, ``(rows, columns)`` or ``(layers, rows, columns)``.
    spacing
        Edge lengths of a cell along ``x, y(, z)``, in metres; one number serves all axes.
    origin
        The outer corner of cell ``[0, 0]``: the least ``x, y(, z)`` of a grid without rotation, in metres.
    rotation
        Turn of the grid about its origin, in degrees from x towards y (anticlockwise on a map).
    axes
        The coordinates: ``"xy"`` for a map, ``"xz"`` or ``"yz"`` for a vertical section, ``"xyz"``. Chosen from the
        number of axes if omitted: a plane grid is a map.
    z_axis
        Whether z is an elevation (``"up"``) or a ``"depth"``.

    Raises
    ------
    InputError
        If the numbers of axes differ, a count is not a whole positive number, a length is not positive, the
        origin or the rotation is not finite, or a section is rotated.
    """

    shape: tuple[int, ...]
    spacing: tuple[float, ...] | float = 1.0
    origin: tuple[float, ...] | float = 0.0
    rotation: float = 0.0
    axes: str = ""
    z_axis: Literal["up", "depth"] = "up"

    def __post_init__(self) -> None:
        shape = tuple(int(n) for n in self.shape)
        if shape != tuple(self.shape):
            raise InputError(f"The grid's shape {self.shape} has fractions of cells; give whole numbers.")
        if len(shape) not in (2, 3):
            raise InputError(
                f"The grid's shape {self.shape} has a length of {len(shape)}; expected (rows, columns) or "
                "(layers, rows, columns)."
            )
        if min(shape) < 1:
            raise InputError(f"The grid's shape {self.shape} has an axis without cells; give counts of at least 1.")
        spacing = _per_axis(self.spacing, len(shape), "spacing")
        if not all(np.isfinite(spacing)) or min(spacing) <= 0:
            raise InputError(f"The grid's spacing {self.spacing} is not positive; give edge lengths in metres.")
        origin = _per_axis(self.origin, len(shape), "origin")
        if not all(np.isfinite(origin)):
            raise InputError(f"The grid's origin {self.origin} is not finite; give coordinates in metres.")
        object.__setattr__(self, "shape", shape)
        object.__setattr__(self, "spacing", spacing)
        object.__setattr__(self, "origin", origin)
        object.__setattr__(self, "rotation", float(self.rotation))
        object.__setattr__(self, "axes", self.axes or AXES[len(shape)][0])
        self._check_orientation()

    def _check_orientation(self) -> None:
        if self.axes not in AXES[self.ndim]:
            known = " or ".join(repr(axes) for axes in AXES[self.ndim])
            raise InputError(f"The grid of {self.ndim} axes has axes {self.axes!r}; give {known}.")
        if self.z_axis not in ("up", "depth"):
            raise InputError(f"The grid has z_axis {self.z_axis!r}; give 'up' for elevations or 'depth' for depths.")
        if self.z_axis == "depth" and "z" not in self.axes:
            raise InputError("The grid is a map, which has no depth; give axes='xz' for a vertical section.")
        if not math.isfinite(self.rotation):
            raise InputError(f"The grid's rotation {self.rotation} is not finite; give degrees from x towards y.")
        if self.rotation and not self.axes.startswith("xy"):
            raise InputError(
                f"The grid is a vertical section and has a rotation of {self.rotation:g} degrees; leave it out and "
                "count x along the section."
            )

    @property
    def ndim(self) -> int:
        """Number of axes, 2 or 3."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Number of cells."""
        return math.prod(self.shape)

    @property
    def vertical(self) -> bool:
        """Whether the first array axis is vertical: in sections and in three dimensions."""
        return self.axes.endswith("z")

    @property
    def depth(self) -> bool:
        """Whether z counts downwards, so that the first layer (of a section the first row) is on top."""
        return self.z_axis == "depth"

    @property
    def lower(self) -> Float[np.ndarray, "axis"]:
        """The least coordinates ``x, y(, z)`` of any point in the grid, in metres."""
        return self._corners().min(axis=0)

    @property
    def upper(self) -> Float[np.ndarray, "axis"]:
        """The greatest coordinates ``x, y(, z)`` of any point in the grid, in metres."""
        return self._corners().max(axis=0)

    @property
    def extent(self) -> Float[np.ndarray, "axis"]:
        """Lengths of the grid's edges along its own ``x, y(, z)``, in metres."""
        return np.asarray(self.spacing) * np.asarray(self.shape[::-1])

    def describe(self) -> str:
        """Say the extent in words, for messages: ``x 0–125 m, y 0–60 m``."""
        if self.rotation:
            edges = " × ".join(f"{length:.10g}" for length in self.extent)
            return f"{edges} m, rotated by {self.rotation:g}° about {_tuple(np.asarray(self.origin))}"
        names = ("depth" if name == "z" and self.depth else name for name in self.axes)
        pairs = zip(names, self.lower, self.upper, strict=True)
        return ", ".join(f"{name} {low:.10g}–{high:.10g} m" for name, low, high in pairs)

    def words(self) -> dict[str, str]:
        """All that there is to say of the grid, by name."""
        names = ("layers", "rows", "columns")[-self.ndim :]
        cells = " × ".join(f"{count} {name}" for count, name in zip(self.shape, names, strict=True))
        upright = f", z is {'a depth' if self.depth else 'up'}" if self.vertical else ""
        sizes = zip(self.axes, np.array(self.spacing), np.array(self.origin), strict=True)
        spacing, origin = zip(
            *((f"{axis} {edge:.6g} m", f"{axis} {at:.10g} m") for axis, edge, at in sizes), strict=True
        )
        extent = " × ".join(f"{length:.10g} m" for length in self.extent)
        return {
            "Grid": f"{cells}, {self.size:,} cells: {KINDS[self.axes]}{upright}",
            "Cell": ", ".join(spacing),
            "Origin": f"{', '.join(origin)} (outer corner of the first cell)",
            "Rotation": f"{self.rotation:g}° from x towards y" if self.rotation else "none",
            "Extent": f"{extent}: {self.describe()}",
        }

    def _repr_html_(self) -> str:
        return representation("Grid", self.words())

    def check_whole(self) -> None:
        """Check that a field on this grid can be one array, as it must to be compared with data.

        Raises
        ------
        InputError
            If it has more cells than can be counted in 32 bits.
        """
        if self.size > MOST_CELLS:
            raise InputError(
                f"The grid has {self.size} cells; one array holds at most {MOST_CELLS}; give a smaller grid."
            )

    def local(self, coordinates: Float[np.ndarray, "point axis"]) -> Float[np.ndarray, "point axis"]:
        """Distances of points from the origin along the grid's own ``x, y(, z)``, in metres; they may lie outside.

        Raises
        ------
        InputError
            If a point is not finite or has another number of coordinates.
        """
        offsets = self._points(coordinates) - np.asarray(self.origin)
        offsets[:, :2] = offsets[:, :2] @ self._turn()  # the transpose of the turn, which turns back
        return offsets

    def world(self, local: Float[np.ndarray, "point axis"]) -> Float[np.ndarray, "point axis"]:
        """Coordinates ``x, y(, z)`` of points given by their distances along the grid's own axes, in metres."""
        offsets = np.array(local, float, ndmin=2)
        offsets[:, :2] = offsets[:, :2] @ self._turn().T
        return np.asarray(self.origin) + offsets

    def inside(self, coordinates: Float[np.ndarray, "point axis"]) -> np.ndarray:
        """Say which points lie in the grid, its outer faces included."""
        places = self._snapped(coordinates)
        return np.all((places >= 0) & (places <= self.shape[::-1]), axis=1)

    def positions(self, coordinates: Float[np.ndarray, "point axis"]) -> Float[np.ndarray, "point axis"]:
        """Positions of points in cells: distances from the origin along the grid's own ``x, y(, z)`` over the spacing.

        A point on a face to rounding has the face's whole number; so all that is made from positions, such as cells,
        rays and boxes, agrees on which points lie in the grid and in which cell.

        Raises
        ------
        InputError
            If a point is not finite or lies outside the grid.
        """
        places = self._snapped(coordinates)
        outside = np.flatnonzero(~np.all((places >= 0) & (places <= self.shape[::-1]), axis=1))
        if outside.size:
            raise InputError(
                f"Point {outside[0] + 1} at {_tuple(self._points(coordinates)[outside[0]])} lies outside the grid "
                f"({self.describe()}); move or remove it."
            )
        return places

    def cells(self, coordinates: Float[np.ndarray, "point axis"]) -> Int[np.ndarray, "point axis"]:
        """Find the cells that hold points.

        Parameters
        ----------
        coordinates
            Points, columns ``x, y(, z)`` in metres. A point on a face between two cells belongs to the cell
            of the higher index; a point on the grid's far face to the last cell.

        Returns
        -------
        Array indices, columns ``row, column`` or ``layer, row, column``.

        Raises
        ------
        InputError
            If a point is not finite or lies outside the grid.
        """
        return self.cells_at(self.positions(coordinates))

    def cells_at(self, positions: Float[np.ndarray, "*point axis"]) -> Int[np.ndarray, "*point axis"]:
        """Array indices of the cells that hold `positions`, as `cells` gives them of coordinates."""
        index = np.clip(np.floor(positions).astype(int), 0, np.asarray(self.shape[::-1]) - 1)
        return index[..., ::-1]

    def centres(self, cells: Int[np.ndarray, "point axis"]) -> Float[np.ndarray, "point axis"]:
        """Give the coordinates ``x, y(, z)`` in metres of the centres of cells given by array index."""
        index = np.atleast_2d(np.asarray(cells))[:, ::-1]
        return self.world((index + 0.5) * np.asarray(self.spacing))

    def box_weights(self, lower: Float[np.ndarray, "axis"], upper: Float[np.ndarray, "axis"]) -> np.ndarray:
        """Share of a box that falls in each cell; cells cut by the box count by the area (volume) inside.

        Parameters
        ----------
        lower, upper
            Opposite corners of the box, ``x, y(, z)`` in metres.

        Returns
        -------
        Weights of the grid's shape; they sum to one.

        Raises
        ------
        InputError
            If the box has no area, or reaches outside the grid, or the grid is rotated.
        """
        low, high = self._points(np.asarray(lower))[0], self._points(np.asarray(upper))[0]
        box = f"The box from {_tuple(low)} to {_tuple(high)}"
        if self.rotation:
            raise InputError(
                f"{box} runs along x and y, but the grid is rotated by {self.rotation:g} degrees, and cells cut at "
                "an angle are not weighed; give a grid without rotation."
            )
        first, last = self._snapped(low)[0], self._snapped(high)[0]
        if not np.all(last - first > FACE_TOLERANCE):
            raise InputError(f"{box} has no area; each maximum must exceed its minimum.")
        if np.any(first < 0) or np.any(last > self.shape[::-1]):
            raise InputError(f"{box} reaches outside the grid ({self.describe()}); clip or remove it.")
        weights = np.ones(())
        for begin, end, count in zip(first[::-1], last[::-1], self.shape, strict=True):  # in array order
            faces = np.arange(count + 1)
            overlap = np.minimum(faces[1:], end) - np.maximum(faces[:-1], begin)
            weights = np.multiply.outer(weights, np.maximum(overlap, 0.0))
        return weights / weights.sum()

    def _turn(self) -> Float[np.ndarray, "2 2"]:
        """The matrix that turns the grid's own x and y into those of the map."""
        angle = math.radians(self.rotation)
        cosine, sine = (1.0, 0.0) if self.rotation == 0 else (math.cos(angle), math.sin(angle))
        return np.array([[cosine, -sine], [sine, cosine]])

    def _corners(self) -> Float[np.ndarray, "corner axis"]:
        sides = np.stack(np.meshgrid(*[(0.0, length) for length in self.extent], indexing="ij"), axis=-1)
        return self.world(sides.reshape(-1, self.ndim))

    def _snapped(self, coordinates: np.ndarray) -> np.ndarray:
        """Positions in cells, those on a face to rounding put on it; some may lie outside."""
        points, spacing = self._points(coordinates), np.asarray(self.spacing)
        places = self.local(points) / spacing
        largest = np.maximum(np.abs(points).max(axis=1), np.abs(self.origin).max())[:, None]
        faces = np.rint(places)
        return np.where(
            np.abs(places - faces) <= np.maximum(FACE_TOLERANCE, ROUNDING * largest / spacing), faces, places
        )

    def _points(self, coordinates: np.ndarray) -> np.ndarray:
        points = np.atleast_2d(np.asarray(coordinates, dtype=float))
        if points.shape[1] != self.ndim:
            raise InputError(
                f"Given points with {points.shape[1]} coordinates on a grid of {self.ndim} axes; expected "
                f"columns {', '.join(self.axes)}."
            )
        if not np.all(np.isfinite(points)):
            row = int(np.flatnonzero(~np.all(np.isfinite(points), axis=1))[0])
            raise InputError(f"Point {row + 1} has a coordinate that is not a finite number; correct or remove it.")
        return points


def _per_axis(value: tuple[float, ...] | float, ndim: int, name: str) -> tuple[float, ...]:
    values = (float(value),) * ndim if np.ndim(value) == 0 else tuple(float(v) for v in value)  # type: ignore
    if len(values) != ndim:
        raise InputError(f"The grid's {name} has {len(values)} numbers; expected one, or one for each of {ndim} axes.")
    return values


def _tuple(values: np.ndarray) -> str:
    return "(" + ", ".join(f"{value:.10g}" for value in values) + ")"
