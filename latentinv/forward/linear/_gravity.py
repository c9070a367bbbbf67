"""Gravity of cells of different density, in vertical sections and in three dimensions.

The attraction of a cell of uniform density is known in closed form: a rectangular prism's in three dimensions (Nagy
1966, doi:10.1190/1.1439779), in a section that of a rectangle extending infinitely across it. Sums over cells are
linear in density, so the model is a `LinearForward`, dense, made once in float64 on the host: O(stations × cells).
"""

import numpy as np
from jaxtyping import Float

from latentinv.errors import InputError
from latentinv.grid import Grid

from ._linear import LinearForward

GRAVITATIONAL_CONSTANT = 6.67430e-11
"""m³ / (kg s²), CODATA 2018."""
MILLIGAL = 1e5
"""Milligals in 1 m/s²."""


def gravity(grid: Grid, stations: Float[np.ndarray, "datum axis"]) -> LinearForward:
    """Vertical gravity in milligals, downward, from density contrasts in kg/m³.

    Parameters
    ----------
    grid
        The cells: a vertical section (``axes="xz"``) or three dimensions; whether z is an elevation or a depth is the
        grid's to say.
    stations
        Coordinates x(, y), z in metres where gravity is measured: above the grid, on its top, or inside.

    Raises
    ------
    InputError
        If the grid is a map, the stations are not finite, or have another number of coordinates than the grid.
    """
    if not grid.vertical:
        raise InputError(
            f"Given a map of {grid.shape} cells for gravity; give a vertical section, Grid(..., axes='xz'), or a "
            "grid of three axes."
        )
    stations = np.atleast_2d(np.asarray(stations, float))
    if stations.ndim != 2 or stations.shape[1] != grid.ndim or not len(stations) or not np.all(np.isfinite(stations)):
        raise InputError(
            f"The gravity stations have shape {stations.shape}; give finite metres, "
            f"{grid.ndim} coordinates per station."
        )
    edges = [
        spacing * np.arange(count + 1)
        for spacing, count in zip(np.asarray(grid.spacing), grid.shape[::-1], strict=True)
    ]
    potential = _rectangle if grid.ndim == 2 else _prism
    towards_z = np.stack([_differences(potential(*_corners(edges, place))).ravel() for place in grid.local(stations)])
    downward = towards_z if grid.depth else -towards_z
    return LinearForward(MILLIGAL * GRAVITATIONAL_CONSTANT * downward, grid, unit="mGal")


def _corners(edges: list[np.ndarray], station: np.ndarray) -> list[np.ndarray]:
    """Distances x(, y), z from a station to all corners of cells, over the corners in array order."""
    relative = [line - position for line, position in zip(edges, station, strict=True)]
    return list(np.meshgrid(*relative[::-1], indexing="ij"))[::-1]


def _differences(corners: Float[np.ndarray, "*corner"]) -> Float[np.ndarray, "*grid"]:
    """Sum over each cell's corners, with the sign of each."""
    for axis in range(corners.ndim):
        corners = np.diff(corners, axis=axis)
    return corners


def _rectangle(x: np.ndarray, z: np.ndarray) -> np.ndarray:
    return 2 * (_times_log(x, x**2 + z**2) / 2 + _times_angle(z, x, 1.0))


def _prism(x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
    r = np.sqrt(x**2 + y**2 + z**2)
    logs = _times_log(x, _sum(y, r, x, z)) + _times_log(y, _sum(x, r, y, z))
    return _times_angle(z, x * y, r) - logs


def _times_angle(z: np.ndarray, opposite: np.ndarray, scale: np.ndarray | float) -> np.ndarray:
    """Product of z and arctan(opposite / (z · scale)), even in z, so that cells above a station pull it up."""
    return np.abs(z) * np.arctan2(opposite, np.abs(z) * scale)


def _sum(side: np.ndarray, r: np.ndarray, *others: np.ndarray) -> np.ndarray:
    """Side + r, without cancellation where the side is negative."""
    square = sum(other**2 for other in others)
    return np.where(side < 0, square / np.where(side < 0, r - side, 1), side + r)


def _times_log(factor: np.ndarray, value: np.ndarray) -> np.ndarray:
    """Factor · log value, and its limit 0 where both vanish."""
    return factor * np.log(np.where(value > 0, value, 1))
