"""Volumes and shares of a facies, or of a property between bounds, draw by draw, in all of the grid or in a polygon.

Draws stand for the posterior, so the quantiles of their volumes are those of the volume. Cost: O(draws · cells).
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from latentinv.errors import InputError
from latentinv.grid import Grid
from latentinv.inference.run import Run


class Quantiles(NamedTuple):
    """A number as the draws know it."""

    p10: float
    """A tenth of the draws lie below it. (Where reserves are reported by exceedance, this is called P90.)"""
    p50: float
    p90: float
    mean: float
    sd: float

    def words(self, unit: str = "") -> str:
        """The quantiles in words."""
        low, middle, high = (f"{value:.4g}" for value in self[:3])
        return f"P10 {low}, P50 {middle}, P90 {high} {unit}".rstrip()


def inside(
    run: Run, facies: int | str | None = None, *, between: tuple[float, float] | None = None
) -> Bool[np.ndarray, "draw *grid"]:
    """Where each draw has a facies, or a continuous property between two values.

    Parameters
    ----------
    run
        A run with draws.
    facies
        A facies of the prior, by code or name.
    between
        Least and largest value of a continuous property; infinite for none.

    Raises
    ------
    InputError
        If the run has no draw, the prior no such facies, or not exactly one of the two is given.
    """
    model = run.posterior.prior.facies_model
    if not len(run.realizations):
        raise InputError("The run has no draw, so nothing can be said of the ground; `latentinv show` says why.")
    if (facies is None) == (between is None) or (model is None) != (facies is None):
        has = "a continuous property: give between=(least, largest)" if model is None else "facies: give a facies code"
        raise InputError(f"Given facies={facies!r} and between={between!r}; the prior has {has}.")
    if facies is not None and model is not None:
        return run.realizations == model.code(facies)
    assert between is not None
    return (run.realizations >= between[0]) & (run.realizations <= between[1])


def within_polygon(grid: Grid, corners: Float[np.ndarray, "corner 2"]) -> Bool[np.ndarray, "*grid"]:
    """The cells whose centres lie in a polygon, seen along the axis that the polygon does not have.

    Parameters
    ----------
    grid
        The grid.
    corners
        Corners in metres by the grid's first two axes: x, y of a map and of three dimensions, x, z of a section.

    Raises
    ------
    InputError
        If there are fewer than three corners, one is not finite, or no centre lies inside.
    """
    from matplotlib.path import Path as Polygon

    corners = np.atleast_2d(np.asarray(corners, float))
    if corners.ndim != 2 or corners.shape[0] < 3 or corners.shape[1] != 2 or not np.all(np.isfinite(corners)):
        raise InputError(
            f"The polygon has corners of shape {corners.shape}; give three or more, two finite metres each."
        )
    centres = grid.centres(np.indices(grid.shape).reshape(grid.ndim, -1).T)[:, :2]
    found = Polygon(corners).contains_points(centres).reshape(grid.shape)
    if not found.any():
        raise InputError(f"No cell's centre lies in the polygon; the grid is {grid.describe()}.")
    return found


def share(
    found: Bool[np.ndarray, "draw *grid"], within: Bool[np.ndarray, "*grid"] | None = None
) -> Float[np.ndarray, "draw"]:
    """Share of the cells, of all or of some, that each draw has inside."""
    chosen = found.reshape(len(found), -1) if within is None else found[:, within]
    return chosen.mean(axis=1)


def volume(
    grid: Grid, found: Bool[np.ndarray, "draw *grid"], within: Bool[np.ndarray, "*grid"] | None = None
) -> Float[np.ndarray, "draw"]:
    """Volume in cubic metres (area in square metres on a plane grid) that each draw has inside."""
    cells = grid.size if within is None else int(within.sum())
    return share(found, within) * cells * cell_volume(grid)


def cell_volume(grid: Grid) -> float:
    """Volume of a cell in cubic metres (area in square metres on a plane grid)."""
    return float(np.prod(grid.spacing))


def quantiles(values: Float[np.ndarray, "draw"]) -> Quantiles:
    """Quantiles, mean and standard deviation over draws.

    Raises
    ------
    InputError
        If there are no values, or one is not finite.
    """
    values = np.asarray(values, float)
    if values.ndim != 1 or not values.size or not np.all(np.isfinite(values)):
        raise InputError(f"Given values of shape {values.shape}; expected a finite number for each draw.")
    low, middle, high = np.quantile(values, [0.1, 0.5, 0.9])
    return Quantiles(*map(float, (low, middle, high, values.mean(), values.std())))
