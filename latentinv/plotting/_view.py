"""The plane of a grid that a picture shows, and which way up: north for maps, the top for sections.

A plane grid is shown whole; of a grid in three dimensions a layer is shown as a map, or, if it has only one row or one
column of cells, the section. Coordinates are those of the map; only a section across a rotated grid is drawn in metres
along the section. All that pictures need to know of coordinates and axes is here, and comes from `Grid`.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped

from latentinv.grid import Grid

FLATTEST = 0.25
"""Sections with a smaller ratio of height to width are drawn with vertical exaggeration."""


class View(NamedTuple):
    """A plane of a grid."""

    grid: Grid
    across: int
    """Coordinate, among x, y(, z), that runs to the right."""
    up: int
    """Coordinate that runs upwards, or downwards if it is a depth."""
    layer: int | None
    """In three dimensions, which cells are shown along the third coordinate."""

    @property
    def section(self) -> bool:
        """Whether the plane is vertical."""
        return self.grid.axes[self.up] == "z"

    @property
    def downward(self) -> bool:
        """Whether the least coordinate is on top, as for depths."""
        return self.section and self.grid.depth

    @property
    def rotation(self) -> float:
        """Rotation of the cells on the page, in degrees."""
        return 0.0 if self.section else self.grid.rotation

    @property
    def labels(self) -> tuple[str, str]:
        """What runs to the right and what runs upwards."""
        upwards = "depth" if self.downward else self.grid.axes[self.up]
        along = "along the section" if self.section and self.grid.rotation else self.grid.axes[self.across]
        return f"{along} (m)", f"{upwards} (m)"

    @property
    def origin(self) -> Float[np.ndarray, "2"]:
        """Where the first cell's outer corner is drawn."""
        origin = np.asarray(self.grid.origin)[[self.across, self.up]]
        return origin * [0.0, 1.0] if self.section and self.grid.rotation else origin

    @property
    def lengths(self) -> Float[np.ndarray, "2"]:
        """Edges of what is drawn, along the cells' own axes."""
        return self.grid.extent[[self.across, self.up]]

    @property
    def bounds(self) -> tuple[Float[np.ndarray, "2"], Float[np.ndarray, "2"]]:
        """The least and the greatest coordinates on the paper."""
        if self.rotation:
            return self.grid.lower[:2], self.grid.upper[:2]
        return self.origin, self.origin + self.lengths

    @property
    def exaggeration(self) -> float:
        """Vertical exaggeration; 1 except for flat sections."""
        low, high = self.bounds
        width, height = high - low
        return max(1.0, float(FLATTEST * width / height)) if self.section else 1.0

    @property
    def aspect(self) -> float:
        """Height over width on the paper."""
        low, high = self.bounds
        width, height = high - low
        return float(height * self.exaggeration / width)

    @property
    def hidden(self) -> int:
        """In three dimensions, the coordinate that is not shown."""
        return ({0, 1, 2} - {self.across, self.up}).pop()

    def plane(self, field: Shaped[np.ndarray, "*grid"]) -> Shaped[np.ndarray, "up across"]:
        """The cells that are shown, those of the least coordinates first."""
        if self.layer is None:
            return field
        return np.take(field, self.layer, axis=2 - self.hidden)

    def places(self, points: Float[np.ndarray, "point axis"]) -> Float[np.ndarray, "point 2"]:
        """Where points are drawn."""
        if self.section and self.grid.rotation:
            return self.grid.local(points)[:, [self.across, self.up]] + self.origin
        return np.asarray(points, float)[:, [self.across, self.up]]

    def shows(
        self, lower: Float[np.ndarray, "box axis"], upper: Float[np.ndarray, "box axis"]
    ) -> Bool[np.ndarray, "box"]:
        """Which boxes, or points as boxes without extent, reach into the layer that is shown."""
        if self.layer is None:
            return np.full(len(lower), True)
        if self.section:
            along = np.stack([self.grid.local(ends)[:, self.hidden] for ends in (lower, upper)])
            first, last = along / np.asarray(self.grid.spacing)[self.hidden]
            return np.asarray((first < self.layer + 1) & (last >= self.layer))
        steps = np.array([[0, 0, self.layer], [0, 0, self.layer + 1]])
        low, high = self.grid.world(steps * np.asarray(self.grid.spacing))[:, 2]
        on_top = (self.layer == self.grid.shape[0] - 1) & (lower[:, 2] <= high)
        shown: np.ndarray = (upper[:, 2] >= low) & ((lower[:, 2] < high) | on_top)
        return shown

    def words(self) -> str:
        """What a title says about the plane: which layer it is, and its vertical exaggeration."""
        words = []
        if self.layer is not None and not self.section:
            height = self.grid.centres(np.array([[self.layer, 0, 0]]))[0, 2]
            name = "depth" if self.grid.depth else "z"
            words.append(f"layer {self.layer + 1} of {self.grid.shape[0]}, {name} {height:.6g} m")
        elif self.layer is not None and self.grid.shape[2 - self.hidden] > 1:
            name, count = self.grid.axes[self.hidden], self.grid.shape[2 - self.hidden]
            place = (self.layer + 0.5) * np.asarray(self.grid.spacing)[self.hidden]
            where = f"{place:.6g} m from the origin" if self.grid.rotation else f"{name} {self._middle():.6g} m"
            words.append(f"section {self.layer + 1} of {count} along {name}, {where}")
        if self.exaggeration > 1:
            words.append(f"vertical exaggeration {self.exaggeration:.3g}")
        return ", ".join(words)

    def _middle(self) -> float:
        """Coordinate of the plane along the axis that is not shown, of a grid without rotation."""
        cell = np.zeros((1, 3), int)
        cell[0, 2 - self.hidden] = self.layer
        return float(self.grid.centres(cell)[0, self.hidden])


def views_of(grid: Grid, through: Int[np.ndarray, "cell axis"] | None = None) -> tuple[View, ...]:
    """Choose the planes that show a grid: of three dimensions a layer and two sections across it, else one.

    Parameters
    ----------
    grid
        The grid.
    through
        Cells, array indices ``layer, row, column``, that as many as possible of the planes should hold; the middle if
        there are none.
    """
    whole = view_of(grid)
    if grid.ndim == 2 or whole.section or grid.shape[0] == 1:
        return (whole,)
    if through is None or not len(through):
        layer, row, column = (n // 2 for n in grid.shape)
    else:
        layer, row, column = (int(np.bincount(cells).argmax()) for cells in through.T)
    return (View(grid, 0, 1, layer), View(grid, 0, 2, row), View(grid, 1, 2, column))


def view_of(grid: Grid, layer: int | None = None) -> View:
    """Choose what is shown of a grid.

    Parameters
    ----------
    grid
        The grid.
    layer
        Of a map in three dimensions, which layer; the middle one if omitted.
    """
    if grid.ndim == 2:
        return View(grid, 0, 1, None)
    layers, rows, columns = grid.shape
    if layers > 1 and rows == 1:
        return View(grid, 0, 2, 0)
    if layers > 1 and columns == 1:
        return View(grid, 1, 2, 0)
    return View(grid, 0, 1, layers // 2 if layer is None else layer)
