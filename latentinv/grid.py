"""The grid: the only place that turns coordinates into cells.

Arrays are ``[row, column]`` (``[y, x]``), in three dimensions ``[z, y, x]``. Coordinates are tables with
columns ``x, y(, z)`` in metres. The two orders are each other's reverse, and every conversion between them
is made here, so that no other module needs to remember which is which. Rows count along growing ``y``, layers
along growing ``z``.
"""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from .errors import InputError

AXIS_NAMES = ("x", "y", "z")
MOST_CELLS = 2**31 - 1
"""Cells of an array that JAX can count with its integers of 32 bits."""

# Decimal coordinates rarely divide exactly: a point this share of a cell from a face counts as lying on it.
FACE_TOLERANCE = 1e-6


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
        The outer corner of cell ``[0, 0]``: the least ``x, y(, z)`` of the grid, in metres.

    Raises
    ------
    InputError
        If the numbers of axes differ, a count is not a whole positive number, a length is not positive, or
        the origin is not finite.
    """

    shape: tuple[int, ...]
    spacing: tuple[float, ...] | float = 1.0
    origin: tuple[float, ...] | float = 0.0

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

    @property
    def ndim(self) -> int:
        """Number of axes, 2 or 3."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Number of cells."""
        return math.prod(self.shape)

    @property
    def lower(self) -> Float[np.ndarray, "axis"]:
        """The least coordinates ``x, y(, z)``, in metres."""
        return np.asarray(self.origin)

    @property
    def upper(self) -> Float[np.ndarray, "axis"]:
        """The greatest coordinates ``x, y(, z)``, in metres."""
        return self.lower + np.asarray(self.spacing) * np.asarray(self.shape[::-1])

    def describe(self) -> str:
        """Say the extent in words, for messages: ``x 0–125 m, y 0–60 m``."""
        pairs = zip(AXIS_NAMES, self.lower, self.upper, strict=False)
        return ", ".join(f"{name} {low:.10g}–{high:.10g} m" for name, low, high in pairs)

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

    def inside(self, coordinates: Float[np.ndarray, "point axis"]) -> np.ndarray:
        """Tell which points lie in the grid, its outer faces included."""
        points = self._points(coordinates)
        slack = FACE_TOLERANCE * np.asarray(self.spacing)
        return np.all((points >= self.lower - slack) & (points <= self.upper + slack), axis=1)

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
        points = self._points(coordinates)
        outside = np.flatnonzero(~self.inside(points))
        if outside.size:
            raise InputError(
                f"Point {outside[0] + 1} at {_tuple(points[outside[0]])} lies outside the grid "
                f"({self.describe()}); move or remove it."
            )
        index = np.floor((points - self.lower) / np.asarray(self.spacing) + FACE_TOLERANCE).astype(int)
        index = np.clip(index, 0, np.asarray(self.shape[::-1]) - 1)
        return index[:, ::-1]

    def centres(self, cells: Int[np.ndarray, "point axis"]) -> Float[np.ndarray, "point axis"]:
        """Give the coordinates ``x, y(, z)`` in metres of the centres of cells given by array index."""
        index = np.atleast_2d(np.asarray(cells))[:, ::-1]
        return self.lower + (index + 0.5) * np.asarray(self.spacing)

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
            If the box has no area, or reaches outside the grid.
        """
        low, high = self._points(np.asarray(lower))[0], self._points(np.asarray(upper))[0]
        if not np.all(high - low > FACE_TOLERANCE * np.asarray(self.spacing)):
            raise InputError(
                f"The box from {_tuple(low)} to {_tuple(high)} has no area; each maximum must exceed its minimum."
            )
        slack = FACE_TOLERANCE * np.asarray(self.spacing)
        if np.any(low < self.lower - slack) or np.any(high > self.upper + slack):
            raise InputError(
                f"The box from {_tuple(low)} to {_tuple(high)} reaches outside the grid ({self.describe()}); "
                "clip or remove it."
            )
        weights = np.ones(())
        for axis in reversed(range(self.ndim)):  # from the last coordinate to x, that is in array order
            spacing = np.asarray(self.spacing)[axis]
            edges = self.lower[axis] + spacing * np.arange(self.shape[::-1][axis] + 1)
            inside = np.minimum(edges[1:], high[axis]) - np.maximum(edges[:-1], low[axis])
            # Rounded edges leave slivers in the neighbour of a box that ends on a face: no cut, no weight.
            overlap = np.where(inside > 1e-9 * spacing, inside, 0.0)
            weights = np.multiply.outer(weights, overlap)
        return weights / weights.sum()

    def _points(self, coordinates: np.ndarray) -> np.ndarray:
        points = np.atleast_2d(np.asarray(coordinates, dtype=float))
        if points.shape[1] != self.ndim:
            raise InputError(
                f"Given points with {points.shape[1]} coordinates on a grid of {self.ndim} axes; expected "
                f"columns {', '.join(AXIS_NAMES[: self.ndim])}."
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
