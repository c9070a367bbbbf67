"""Maps as a table: a line for each cell, its centre and what each layer has there."""

import io
from pathlib import Path
from typing import final

import numpy as np

from latentinv.storage import atomic_file

from ._format import MAP_FORMATS, AbstractMapFormat, Maps


@final
@MAP_FORMATS.register("csv")
class TableOfCells(AbstractMapFormat):
    """Text with a header, separated by commas; x fastest, then y, then z."""

    endings = (".csv",)

    def write(self, path: Path, maps: Maps) -> None:
        """Write a line for each cell."""
        grid, layers = maps.grid, maps.all_layers()
        centres = grid.centres(np.indices(grid.shape).reshape(grid.ndim, -1).T)
        columns = [*centres.T, *(np.asarray(layer).ravel() for layer in layers.values())]
        forms = ["%.12g"] * grid.ndim + ["%d" if layer.dtype.kind in "biu" else "%.9g" for layer in layers.values()]
        text = io.StringIO()
        np.savetxt(text, _rows(columns), fmt=",".join(forms), header=",".join([*grid.axes, *layers]), comments="")
        with atomic_file(path) as file:
            file.write(text.getvalue().encode())


def _rows(columns: list[np.ndarray]) -> np.ndarray:
    """Columns side by side, each with its own type."""
    table = np.empty(len(columns[0]), [(str(n), column.dtype) for n, column in enumerate(columns)])
    for n, column in enumerate(columns):
        table[str(n)] = column
    return table
