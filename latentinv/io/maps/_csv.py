"""Maps as a table: a line for each cell, its centre and what each layer has there.

Where z is a depth its column is called ``depth``, so that no program takes it for an elevation.
"""

from pathlib import Path
from typing import final

import numpy as np

from latentinv.storage import atomic_file

from ._format import MAP_FORMATS, AbstractMapFormat, Maps, form_of, table_text


@final
@MAP_FORMATS.register("csv")
class TableOfCells(AbstractMapFormat):
    """Text with a header, separated by commas; x fastest, then y, then z."""

    endings = (".csv",)

    def write(self, path: Path, maps: Maps) -> None:
        """Write a line for each cell."""
        grid, layers = maps.grid, maps.all_layers()
        centres = grid.centres(np.indices(grid.shape).reshape(grid.ndim, -1).T)
        names = ["depth" if axis == "z" and grid.depth else axis for axis in grid.axes]
        forms = ["%.12g"] * grid.ndim + [form_of(layer) for layer in layers.values()]
        header = ",".join([*names, *layers])
        with atomic_file(path) as file:
            file.write(table_text([*centres.T, *layers.values()], forms, ",", header))
