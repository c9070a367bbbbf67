"""What a format of maps is, and the registry of them.

A new format is one file with a class that is registered here, in this package or, by an entry point in the group
``latentinv.map_format``, in another:

    @MAP_FORMATS.register("surfer")
    class Surfer(AbstractMapFormat):
        endings = (".grd",)

        def write(self, path, maps): ...
"""

import io
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import numpy as np
from jaxtyping import Shaped

from latentinv.errors import InputError
from latentinv.grid import Grid
from latentinv.registration import Registry, format_by_ending


@dataclass(frozen=True)
class Maps:
    """Numbers on the cells of a grid, by name."""

    grid: Grid
    layers: Mapping[str, Shaped[np.ndarray, "*grid"]]
    """Row 0 has the least y, layer 0 the least z."""
    realizations: Shaped[np.ndarray, "draw *grid"] | None = None
    """Draws of the same cells."""
    origin: Mapping[str, str] = field(default_factory=dict)
    """Where they come from, by name."""
    names: Mapping[int, str] = field(default_factory=dict)
    """What facies are called, by code; empty where they have no names, or the layers hold no codes."""

    def holds_codes(self, layer: Shaped[np.ndarray, "*grid"]) -> bool:
        """Whether a layer holds facies codes that have names."""
        return bool(self.names) and layer.dtype.kind in "biu"

    def all_layers(self) -> dict[str, Shaped[np.ndarray, "*grid"]]:
        """The layers, and each realization as one of them."""
        draws = () if self.realizations is None else self.realizations
        return {**self.layers, **{f"realization {n}": draw for n, draw in enumerate(draws, 1)}}


class AbstractMapFormat(ABC):
    """One kind of file that holds maps."""

    endings: ClassVar[tuple[str, ...]]
    """File extensions, in lower case."""

    @abstractmethod
    def write(self, path: Path, maps: Maps) -> None:
        """Write the maps to a file, whole or not at all (`latentinv.storage.atomic_file`).

        Raises
        ------
        InputError
            If the format cannot hold such maps, or the library that writes it is not installed.
        StorageError
            If the file cannot be written.
        """


MAP_FORMATS = Registry[type[AbstractMapFormat]]("map format", rooms=("latentinv.io.maps",))


def write_maps(path: str | Path, maps: Maps) -> None:
    """Write maps to a file of a registered format, known by its ending.

    Raises
    ------
    InputError
        If the ending is unknown, or the format cannot hold such maps.
    StorageError
        If the file cannot be written.
    """
    format_by_ending(path, MAP_FORMATS)().write(Path(path), maps)


def table_text(layers: Sequence[np.ndarray], forms: Sequence[str], separator: str, header: str) -> bytes:
    """A header, and a line for each cell with what each layer has there, as its form writes it."""
    columns = [np.ravel(layer) for layer in layers]
    table = np.empty(len(columns[0]), [(str(n), column.dtype) for n, column in enumerate(columns)])
    for n, column in enumerate(columns):
        table[str(n)] = column
    text = io.StringIO()
    np.savetxt(text, table, fmt=separator.join(forms), header=header, comments="")
    return text.getvalue().encode()


def form_of(layer: np.ndarray) -> str:
    """How numbers of a layer are written."""
    return "%d" if layer.dtype.kind in "biu" else "%.9g"


def check_unrotated(maps: Maps, what: str) -> None:
    """Refuse a rotated grid, which a format cannot hold.

    Raises
    ------
    InputError
        If the grid is rotated.
    """
    if maps.grid.rotation:
        raise InputError(f"{what} cannot hold a rotated grid; write .csv, .nc, .tif or .vts instead.")
