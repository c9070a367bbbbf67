"""Maps as GSLIB text with a long header, as geone reads it: sizes, spacing and origin on the first line.

Then come the number of layers, their names and a line of numbers for each cell, x fastest, then y, then z, each from
the least. The origin is the outer corner, as geone has it. A section along x has one row of cells along y. These
programs count z upwards, so where it is a depth, it is negated and the lowest layer is written first.
"""

from pathlib import Path
from typing import final

import numpy as np

from latentinv.storage import atomic_file

from ._format import MAP_FORMATS, AbstractMapFormat, Maps, check_unrotated, form_of, table_text


@final
@MAP_FORMATS.register("gslib")
class GSLIBMaps(AbstractMapFormat):
    """A variable for each layer."""

    endings = (".gslib", ".dat")

    def write(self, path: Path, maps: Maps) -> None:
        """Write all layers side by side."""
        check_unrotated(maps, "GSLIB text")
        grid, layers = maps.grid, maps.all_layers()
        origin = np.array(grid.origin, float, ndmin=1)
        if grid.depth:
            origin[-1] = -(origin[-1] + grid.extent[-1])
            layers = {name: layer[::-1] for name, layer in layers.items()}
        parts = dict(zip(grid.axes, zip(grid.shape[::-1], np.ravel(grid.spacing), origin, strict=True), strict=True))
        each = [parts.get(axis, (1, 1.0, 0.0)) for axis in "xyz"]
        first = " ".join(f"{part[k]:.12g}" for k in range(3) for part in each)
        header = "\n".join([first, str(len(layers)), *layers])
        forms = [form_of(layer) for layer in layers.values()]
        with atomic_file(path) as file:
            file.write(table_text(list(layers.values()), forms, " ", header))
