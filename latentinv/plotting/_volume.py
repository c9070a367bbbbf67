"""A volume seen from outside: bodies of facies in a glass box, or the outer faces of a continuous property.

Rays run from each pixel, parallel to each other, through the cells until they meet something: a facies other than the
matrix, which is left transparent (the most frequent one, unless stated), or a face of the box. Surfaces of bodies are
shaded by the slope of their smoothed indicators, and paler the farther away they are; where the box cuts a body, its
face is flat. The box is seen from the south-east and above, in the grid's own axes, with its top up whatever the sense
of z. Cost: O(pixels · cells along a ray), about a second.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import scipy.ndimage
from jaxtyping import Bool, Float, Int, Shaped

from latentinv.forward.core import Mark, Points
from latentinv.grid import Grid

from ._style import facies_colours

PIXELS = 420
MOST_CELLS = 128
"""Along an axis; larger volumes are drawn from every second or n-th cell."""
SMOOTHED = 0.9
"""Standard deviation in cells of what is drawn as a surface."""
AZIMUTH, RISE = np.radians(-32.0), np.radians(27.0)
"""Direction in which one looks, from north, and angle from above."""
LOWEST = 0.3
"""Volumes that are flatter, as height over width, are exaggerated."""
LIGHT = np.array([-0.45, -0.55, 0.7])
AHEAD = np.array([np.sin(AZIMUTH) * np.cos(RISE), np.cos(AZIMUTH) * np.cos(RISE), -np.sin(RISE)])
RIGHT = np.array([np.cos(AZIMUTH), -np.sin(AZIMUTH), 0.0])
UP = np.cross(RIGHT, AHEAD)
EDGES = [(a, b) for a in range(8) for b in range(a) if (a ^ b) in (1, 2, 4)]


class _Rays(NamedTuple):
    """Where parallel rays enter and leave a box."""

    start: Float[np.ndarray, "ray xyz"]
    near: Float[np.ndarray, "ray"]
    far: Float[np.ndarray, "ray"]
    face: Int[np.ndarray, "ray"]
    """The axis across which a ray enters."""


def is_volume(grid: Grid) -> bool:
    """Whether a grid has several cells along each of three axes."""
    return grid.ndim == 3 and min(grid.shape) > 1


def exaggeration(grid: Grid) -> float:
    """How much higher than in nature a volume is drawn."""
    extent = np.asarray(grid.extent, float)
    return max(1.0, float(LOWEST * extent[:2].max() / extent[2]))


def show_volume(
    axes: Any,
    field: Shaped[np.ndarray, "layer row column"],
    grid: Grid,
    categories: Sequence[int] = (),
    limits: tuple[float, float] | None = None,
    marks: Sequence[Mark] = (),
    *,
    matrix: int | None = None,
    named: bool = True,
) -> None:
    """Draw a volume.

    Parameters
    ----------
    axes
        Of matplotlib.
    field
        Facies codes, or values of a continuous property.
    grid
        Where it lies.
    categories
        The facies codes in the prior's order; empty for a continuous property.
    limits
        Ends of the colour bar for values.
    marks
        Of data; of these the places where facies were seen are drawn, in front of everything.
    matrix
        The facies that is left transparent; the most frequent one of the field if omitted.
    named
        Whether edges say what runs along them.
    """
    step = max(1, -(-max(field.shape) // MOST_CELLS))
    cells = np.asarray(field)[::step, ::step, ::step]
    cells = cells[::-1] if grid.depth else cells  # the top up
    size = np.asarray(grid.extent, float) * [1, 1, exaggeration(grid)]
    size = size / size.max()
    corners = size * np.array([[corner & 1, corner >> 1 & 1, corner >> 2] for corner in range(8)])
    flat = np.stack([corners @ RIGHT, corners @ UP], axis=1)
    low, high = flat.min(axis=0), flat.max(axis=0)
    across, upward = np.meshgrid(*(np.linspace(a, b, PIXELS) for a, b in zip(low, high, strict=True)))
    rays = _rays(across.ravel(), upward.ravel(), size)
    if len(categories):
        image = _bodies(cells, rays, size, categories, most_frequent(cells, categories) if matrix is None else matrix)
    else:
        image = _faces(cells, rays, size, limits)
    hidden = int(np.argmax(corners @ AHEAD))
    for a, b in EDGES:
        order = 0 if hidden in (a, b) else 2
        axes.plot(*flat[[a, b]].T, color="#777777", linewidth=0.8, zorder=order)
    axes.imshow(
        image.reshape(PIXELS, PIXELS, 4), extent=(low[0], high[0], low[1], high[1]), origin="lower", zorder=1,
        interpolation="antialiased",
    )  # fmt: skip
    for mark in marks:
        if isinstance(mark, Points) and mark.codes is not None and len(categories):
            _show_wells(axes, mark, grid, size, categories)
    if named:
        _name_edges(axes, flat, grid)
    axes.set_aspect("equal")
    width, height = high - low
    axes.set_xlim(low[0] - 0.09 * width, high[0] + 0.04 * width)  # with room for names at the left and below
    axes.set_ylim(low[1] - 0.06 * height, high[1] + 0.03 * height)
    axes.set_axis_off()


def _show_wells(axes: Any, mark: Points, grid: Grid, size: np.ndarray, categories: Sequence[int]) -> None:
    """Draw the places where facies were seen, in the facies' colours."""
    share = grid.local(np.asarray(mark.coordinates, float)) / np.asarray(grid.extent)
    if grid.depth:
        share[:, 2] = 1 - share[:, 2]
    places = share * size
    palette = facies_colours(len(categories))
    colours = [palette[list(categories).index(code)] for code in np.asarray(mark.codes).tolist()]
    axes.scatter(places @ RIGHT, places @ UP, s=16, c=colours, edgecolors="#111111", linewidths=0.7, zorder=3)


def _name_edges(axes: Any, flat: Float[np.ndarray, "corner 2"], grid: Grid) -> None:
    """Say along the lower edges in front, and the nearest upright one, what runs there and how far."""
    names = ("x", "y", "depth" if grid.depth else "z")
    places = (((0, 1), "center", "top"), ((1, 3), "left", "top"), ((0, 4), "right", "center"))
    for name, length, (ends, beside, below) in zip(names, np.asarray(grid.extent), places, strict=True):
        x, y = flat[list(ends)].mean(axis=0)
        shift = 0.02 * np.array([(beside == "left") - (beside == "right"), -(below == "top")])
        text = f"{name}, {length:.4g} m"
        turned = 90 if beside == "right" else 0
        axes.text(*(np.array([x, y]) + shift), text, ha=beside, va=below, fontsize=9, color="#444444", rotation=turned)


def _rays(across: np.ndarray, upward: np.ndarray, size: Float[np.ndarray, "3"]) -> _Rays:
    """Rays through pixels, and where they cross the box from 0 to `size`."""
    start = across[:, None] * RIGHT + upward[:, None] * UP - 10 * AHEAD
    crossings = np.stack([(edge - start) / AHEAD for edge in (np.zeros(3), size)])
    nearer, farther = crossings.min(axis=0), crossings.max(axis=0)
    return _Rays(start, nearer.max(axis=1), farther.min(axis=1), nearer.argmax(axis=1))


def _at(points: np.ndarray, size: np.ndarray, shape: tuple[int, ...]) -> tuple[np.ndarray, ...]:
    """Indices [layer, row, column] of points."""
    place = np.clip((points / size * shape[::-1]).astype(int), 0, np.array(shape[::-1]) - 1)
    return place[:, 2], place[:, 1], place[:, 0]


def _faces(
    cells: np.ndarray, rays: _Rays, size: np.ndarray, limits: tuple[float, float] | None
) -> Float[np.ndarray, "ray 4"]:
    """The outer faces, shaded by their direction."""
    import matplotlib

    image = np.zeros((len(rays.start), 4))
    hit = rays.near < rays.far
    points = rays.start[hit] + (rays.near[hit, None] + 1e-6) * AHEAD
    low, high = limits or (float(cells.min()), float(cells.max()))
    values = (cells[_at(points, size, cells.shape)] - low) / max(high - low, np.finfo(float).tiny)
    image[hit] = matplotlib.colormaps["viridis"](values)
    image[hit, :3] *= np.array([0.78, 0.9, 1.0])[rays.face[hit], None]
    return image


def most_frequent(cells: Shaped[np.ndarray, "..."], categories: Sequence[int]) -> int:
    """The facies that most cells have."""
    return max(categories, key=lambda code: np.count_nonzero(cells == code))


def _bodies(
    cells: np.ndarray, rays: _Rays, size: np.ndarray, categories: Sequence[int], matrix: int
) -> Float[np.ndarray, "ray 4"]:
    """All facies but the matrix, shaded as surfaces."""
    from matplotlib.colors import to_rgb

    indicator = (cells != matrix).astype(np.float32)
    smooth = scipy.ndimage.gaussian_filter(np.pad(indicator, 3, mode="edge"), SMOOTHED)
    slopes = np.stack(np.gradient(smooth), axis=-1)[3:-3, 3:-3, 3:-3, ::-1]
    slopes *= np.asarray(cells.shape)[::-1] / size  # per unit of length, x, y, z
    hit, distance = _first(indicator > 0, rays, size)
    points = rays.start[hit] + distance[hit, None] * AHEAD
    where = _at(points, size, cells.shape)
    normals = -slopes[where]
    normals /= np.maximum(np.linalg.norm(normals, axis=1), 1e-9)[:, None]
    cut = distance[hit] < rays.near[hit] + 1e-3
    normals[cut] = -np.sign(AHEAD)[None] * np.eye(3)[rays.face[hit][cut]]
    bright = 0.42 + 0.58 * np.clip(normals @ (LIGHT / np.linalg.norm(LIGHT)), 0, 1)
    far = (distance[hit] - rays.near.min()) / np.ptp(np.append(rays.far, rays.near.min()))
    colours = np.array([to_rgb(colour) for colour in facies_colours(len(categories))])
    found = np.array([list(categories).index(code) for code in cells[where]], int)
    pale = 0.35 * np.clip(far, 0, 1)[:, None]
    image = np.zeros((len(rays.start), 4))
    image[hit, :3] = (1 - pale) * colours[found] * bright[:, None] + pale
    image[hit, 3] = 1
    return image


def _first(
    solid: Bool[np.ndarray, "layer row column"], rays: _Rays, size: np.ndarray
) -> tuple[Bool[np.ndarray, "ray"], Float[np.ndarray, "ray"]]:
    """Which rays meet something solid, and how far from their start."""
    step = 0.4 * float(np.min(size / solid.shape[::-1]))
    distance = rays.near + 1e-6
    hit = np.zeros(len(distance), bool)
    going = np.flatnonzero(rays.near < rays.far)
    while len(going):
        points = rays.start[going] + distance[going, None] * AHEAD
        inside = solid[_at(points, size, solid.shape)]
        hit[going[inside]] = True
        going = going[~inside]
        distance[going] += step
        going = going[distance[going] < rays.far[going]]
    return hit, distance
