"""What a prior is given: local proportions, ranges and directions, from map files, curves or numbers, or wells.

In a study they stand in the table [given]:

    [given]
    proportions = {sand = "sand_share.asc"}    # by name or code of the facies: a file, a share or a curve
    azimuth = "direction.tif"                  # a file, or a number
    ranges = ["along.asc", 12.0]               # for each axis a file or a number
    wells = "wells.csv"                        # a table as of [[wells]], which a conditional prior's network sees
    width = 9.5                                # of bodies of a facies, in cells, if its network sees that

A file is an image of any registered format on the study's grid, or, in three dimensions, on its columns; of a file with
several arrays that of the same name is taken (`azimuth`, or `sand` of proportions). A curve is a list of numbers along
the first axis: layers from the least z up, or rows from the least y.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from latentinv.data import HardData
from latentinv.errors import InputError, StorageError
from latentinv.grid import Grid
from latentinv.io import Rule, missing_cells
from latentinv.io.grids import GRID_FORMATS, read_grid
from latentinv.io.images import read_content, read_image
from latentinv.priors.core import AbstractPrior
from latentinv.priors.learned import BLOCKS, WELLS


def _is_value(value: Any) -> bool:
    if type(value) is dict:
        return bool(value) and all(map(_is_value, value.values()))
    if type(value) is list:
        return bool(value) and all(type(one) in (int, float, str) for one in value)
    return type(value) in (int, float) or (type(value) is str and value != "")


GIVEN = Rule(_is_value, 'a number, a list of numbers, a map\'s file, or a table of these such as {sand = "sand.asc"}')


def bind(prior: AbstractPrior, given: Mapping[str, Any], grid: Grid, folder: Path) -> AbstractPrior:
    """The prior under what it is given.

    Parameters
    ----------
    prior
        A prior that takes conditions.
    given
        By the names of the prior's conditions: numbers, lists, names of files, or tables of these.
    grid
        Where the maps lie.
    folder
        From which files are found.

    Raises
    ------
    InputError
        If the prior does not take this, or a value or a map cannot be used.
    StorageError
        If a file is missing or damaged.
    """
    if not given:
        return prior
    if unknown := set(given) - set(prior.conditions):
        known = ", ".join(prior.conditions)
        raise InputError(
            f"The prior was given '{min(unknown)}', but takes {known or 'nothing'}; "
            + ("correct the name." if known else "leave it out.")
        )

    def read(name: str, value: Any) -> Any:
        if name == WELLS:
            return _wells(value, prior, grid, folder)
        return _blocks(value, folder) if name == BLOCKS else _read(value, grid, folder, name)

    return prior.given(**{name: read(name, value) for name, value in given.items()})


def _blocks(value: Any, folder: Path) -> Float[np.ndarray, "*block"]:
    """Codes of blocks from the file of a map, which has a cell for each; NaN where it lacks one."""
    if not isinstance(value, str):
        raise InputError(f"The prior was given blocks = {value}; give the name of a file with a map of blocks.")
    array = np.asarray(read_image(folder / value), float)
    flat = array.reshape(array.shape[1:]) if array.ndim == 3 and len(array) == 1 else array
    return np.where(missing_cells(flat), np.nan, flat)


def _wells(value: Any, prior: AbstractPrior, grid: Grid, folder: Path) -> HardData:
    """Hard data from the file of a table."""
    if not isinstance(value, str):
        raise InputError(f"The prior was given wells = {value}; give the name of a table of wells.")
    return HardData.from_csv(folder / value, grid, prior)


def _read(value: Any, grid: Grid, folder: Path, name: str) -> Any:
    if isinstance(value, Mapping):
        return {_code(key): _read(one, grid, folder, key) for key, one in value.items()}
    if isinstance(value, str):
        return _map(folder / value, grid, name)
    if isinstance(value, list | tuple) and any(isinstance(one, str) for one in value):
        return tuple(_read(one, grid, folder, name) for one in value)
    if isinstance(value, list | tuple) and len(value) > grid.ndim and len(value) != grid.shape[0]:
        raise InputError(
            f"The prior was given a curve of {len(value)} numbers on {grid.shape[0]} "
            f"{'layers' if grid.ndim == 3 else 'rows'}; give one for each."
        )
    return tuple(value) if isinstance(value, list) else value


def _code(name: str) -> int | str:
    return int(name) if name.lstrip("-").isdigit() else name


def _map(path: Path, grid: Grid, name: str) -> Float[np.ndarray, "*grid"]:
    """A map on the grid, or on its columns; of several arrays of a file, that of the name."""
    content = read_content(path, usual=name)
    if content.colours is not None or content.array.dtype.kind not in "buif":
        raise InputError(f"The map {path.name} holds colours or words; give numbers.")
    array = np.asarray(content.array, float)
    flat = array.reshape(array.shape[1:]) if array.ndim == 3 and len(array) == 1 else array
    if flat.shape not in (grid.shape, grid.shape[-2:]):
        shapes = f"{array.shape} cells, the grid {grid.shape}"
        raise InputError(f"The map {path.name} has {shapes}; give a map of this grid.")
    if missing := int(missing_cells(flat).sum()):
        raise InputError(f"The map {path.name} lacks values in {missing} cells; fill them.")
    _check_place(path, grid)
    return flat


def _check_place(path: Path, grid: Grid) -> None:
    """Refuse a map that says that it lies elsewhere."""
    if path.suffix.lower() not in {ending for form in GRID_FORMATS.values() for ending in form.endings}:
        return
    try:
        other = read_grid(path)
    except (InputError, StorageError):  # an image without a place
        return
    cell = float(np.max(np.asarray(grid.spacing)[:2]))
    own, stated = (np.concatenate([one.lower[:2], one.upper[:2]]) for one in (grid, other))
    if np.abs(own - stated).max() > 0.01 * cell or abs(other.rotation - grid.rotation) > 0.01:
        raise InputError(
            f"The map {path.name} says that it lies on {other.describe()}, but the grid is {grid.describe()}; give a "
            "map of this grid, or the map's grid: on the command line by --spacing and --origin, in a study by [grid] "
            "with from."
        )
