"""Maps as GSLIB text with a long header, as geone reads it: sizes, spacing and origin on the first line.

Then come the number of layers, their names and a line of numbers for each cell, x fastest, then y, then z, each from
the least. The origin is the outer corner, as geone has it. A section along x has one row of cells along y.
"""

import io
from pathlib import Path
from typing import final

import numpy as np

from latentinv.storage import atomic_file

from ._format import MAP_FORMATS, AbstractMapFormat, Maps, check_unrotated


@final
@MAP_FORMATS.register("gslib")
class GSLIBMaps(AbstractMapFormat):
    """A variable for each layer."""

    endings = (".gslib", ".sgems", ".dat")

    def write(self, path: Path, maps: Maps) -> None:
        """Write all layers side by side."""
        check_unrotated(maps, "GSLIB text")
        grid, layers = maps.grid, maps.all_layers()
        parts = {
            axis: (n, spacing, origin)
            for axis, n, spacing, origin in zip(
                grid.axes, grid.shape[::-1], np.ravel(grid.spacing), np.ravel(grid.origin), strict=True
            )
        }
        each = [parts.get(axis, (1, 1.0, 0.0)) for axis in "xyz"]
        first = [f"{part[k]:.12g}" for k in range(3) for part in each]
        forms = ["%d" if layer.dtype.kind in "biu" else "%.9g" for layer in layers.values()]
        text = io.StringIO()
        columns = [np.asarray(layer).ravel() for layer in layers.values()]
        table = np.empty(grid.size, [(str(n), column.dtype) for n, column in enumerate(columns)])
        for n, column in enumerate(columns):
            table[str(n)] = column
        header = "\n".join([" ".join(first), str(len(layers)), *layers])
        np.savetxt(text, table, fmt=" ".join(forms), header=header, comments="")
        with atomic_file(path) as file:
            file.write(text.getvalue().encode())
