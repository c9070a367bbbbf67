"""Bodies of connected cells: whether two places are joined, and how large the body is that a well reaches.

Cells are joined through shared edges (in 3-D, faces), as in the connectivity function (Renard and Allard 2013,
doi:10.1016/j.advwatres.2011.12.001). Cost: O(cells) a draw.
"""

from collections.abc import Sequence

import numpy as np
import scipy.ndimage
from jaxtyping import Bool, Float

from latentinv.grid import Grid

from ._volumes import cell_volume


def connection_probability(
    grid: Grid,
    found: Bool[np.ndarray, "draw *grid"],
    one: Float[np.ndarray, "axis"],
    other: Float[np.ndarray, "axis"],
) -> float:
    """Share of draws in which two places lie in one body.

    Parameters
    ----------
    grid
        The grid.
    found
        Where each draw has the facies (see `inside`).
    one, other
        Coordinates x, y(, z) in metres.

    Raises
    ------
    InputError
        If a place lies outside the grid.
    """
    return float(connection_table(grid, found, [one, other])[0, 1])


def connection_table(
    grid: Grid, found: Bool[np.ndarray, "draw *grid"], wells: Sequence[Float[np.ndarray, "*place axis"]]
) -> Float[np.ndarray, "well well"]:
    """Share of draws in which each two wells reach one body.

    Parameters
    ----------
    grid, found
        As for `connection_probability`.
    wells
        The places of each: coordinates x, y(, z) in metres, one row or several.

    Raises
    ------
    InputError
        If a place lies outside the grid.
    """
    cells = [tuple(grid.cells(np.atleast_2d(np.asarray(well, float))).T) for well in wells]
    joined = np.zeros((len(wells), len(wells)))
    for draw in found:
        bodies, count = scipy.ndimage.label(draw)
        reached = np.zeros((len(wells), count + 1))
        for row, of_well in zip(reached, cells, strict=True):
            row[bodies[of_well]] = 1
        joined += reached[:, 1:] @ reached[:, 1:].T > 0
    return joined / len(found)


def connected_volume(
    grid: Grid, found: Bool[np.ndarray, "draw *grid"], place: Float[np.ndarray, "axis"]
) -> Float[np.ndarray, "draw"]:
    """Volume in cubic metres (area in square metres on a plane grid) of the body that holds a place; 0 if none does.

    Raises
    ------
    InputError
        If the place lies outside the grid.
    """
    cell = tuple(grid.cells(np.atleast_2d(place))[0].tolist())
    cells = []
    for draw in found:
        bodies = scipy.ndimage.label(draw)[0]
        cells.append(np.count_nonzero(bodies == bodies[cell]) if bodies[cell] else 0)
    return cell_volume(grid) * np.asarray(cells, float)
