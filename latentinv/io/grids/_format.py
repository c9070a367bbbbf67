"""What a file that states a grid is, and the registry of such formats.

A new format is one file with a class that is registered here, in this package or, by an entry point in the group
``latentinv.grid_format``, in another:

    @GRID_FORMATS.register("surfer")
    class SurferGrid(AbstractGridFormat):
        endings = (".grd",)

        def read(self, path): ...
"""

import math
from abc import ABC, abstractmethod
from pathlib import Path
from typing import ClassVar

from latentinv.errors import InputError, StorageError
from latentinv.grid import Grid
from latentinv.registration import Registry, format_by_ending

MOST_DIGITS = 9
"""Of sizes of cells that are said."""


class AbstractGridFormat(ABC):
    """One kind of file that states a grid."""

    endings: ClassVar[tuple[str, ...]]
    """File extensions, in lower case."""

    @abstractmethod
    def read(self, path: Path) -> Grid:
        """Read the grid of a file that is there.

        Raises
        ------
        InputError
            If the file states no grid, or one that a `Grid` cannot be, or the library that reads it is not installed.
            What else is raised by a damaged file (`OSError`, `ValueError`, `KeyError`) is put into words by the caller.
        """


GRID_FORMATS = Registry[type[AbstractGridFormat]]("grid format", rooms=("latentinv.io.grids",))


def read_grid(path: str | Path) -> Grid:
    """Read the grid that a file of a registered format, known by its ending, states.

    Raises
    ------
    InputError
        If the ending is unknown, or the file states no grid, or one that is mirrored, sheared or not in metres or feet.
    StorageError
        If the file is missing or damaged.
    """
    path = Path(path)
    form = format_by_ending(path, GRID_FORMATS)
    if not path.is_file():
        raise StorageError(f"There is no file {path}; check the path.")
    try:
        return form().read(path)
    except (InputError, StorageError):
        raise
    except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
        detail = str(error).splitlines()[0].rstrip(".") if str(error) else type(error).__name__
        raise StorageError(f"The grid of {path.name} cannot be read ({detail}); the file may be damaged.") from error


def cell_size(path: str | Path) -> tuple[float, ...] | None:
    """Edges of a cell in metres along x, y(, z), where a file states them; None where it does not."""
    known = {ending for form in GRID_FORMATS.values() for ending in form.endings}
    if Path(path).suffix.lower() not in known:
        return None
    try:
        spacing = read_grid(path).spacing
    except (InputError, StorageError):
        return None
    edges = tuple(float(f"{edge:.{MOST_DIGITS}g}") for edge in spacing)  # type: ignore[union-attr]
    return edges if all(map(math.isfinite, edges)) else None
