"""Wells as a user gives them: checked one by one, and merged where several fall in one cell."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from latentinv.data.core import check_facies, say_point, sentence
from latentinv.errors import InputError
from latentinv.grid import Grid
from latentinv.priors.core import AbstractFaciesModel


class Wells(NamedTuple):
    """Their columns, one well per row."""

    coordinates: np.ndarray
    facies: np.ndarray
    errors: np.ndarray
    labels: Sequence[str]


def check_wells(wells: Wells, grid: Grid, facies_model: AbstractFaciesModel) -> None:
    """Raise `InputError` for the first well that cannot be used, by its label and coordinates."""
    if len(wells.coordinates) != len(wells.facies):
        raise InputError(
            f"Given coordinates of {len(wells.coordinates)} wells and {len(wells.facies)} facies; "
            "expected equally many."
        )
    inside = grid.inside(wells.coordinates)
    for i, label in enumerate(wells.labels):
        where = sentence(f"{label} at {say_point(wells.coordinates[i], grid.axes)}")
        if not inside[i]:
            raise InputError(f"{where} lies outside the grid ({grid.describe()}); move or remove it.")
        check_facies(where, wells.facies[i], facies_model)
        if not 0 <= wells.errors[i] < 0.5:
            raise InputError(f"{where} has error probability {wells.errors[i]:g}; expected at least 0 and below 0.5.")


def merge(wells: Wells, cells: np.ndarray, axes: str, label: Callable[[int], str]) -> tuple[list[int], np.ndarray]:
    """Which wells to keep, one for each cell and facies, and their error probabilities."""
    first: dict[tuple[int, ...], int] = {}
    certain: dict[tuple[int, ...], int] = {}
    errors = wells.errors.copy()
    for i, cell in enumerate(map(tuple, cells)):
        kept = first.setdefault((*cell, int(wells.facies[i])), i)
        errors[kept] = min(errors[kept], wells.errors[i])
        if wells.errors[i] > 0:
            continue
        other = certain.setdefault(cell, i)
        if wells.facies[other] != wells.facies[i]:
            a, b = (f"{wells.labels[k]} at {say_point(wells.coordinates[k], axes)}" for k in (other, i))
            raise InputError(
                f"{sentence(a)} shows {label(int(wells.facies[other]))}, but {b} shows "
                f"{label(int(wells.facies[i]))} in the same cell; remove one or give them an error probability above 0."
            )
    order = list(first.values())
    return order, errors[order]
