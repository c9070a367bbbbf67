"""The grid of GSLIB text with a long header, as geone and `latentinv export` write it: its first line has nine numbers.

These are cells, edges of a cell and the outer corner along x, y and z. An axis of one cell is left out: without z there
is a map, without y or x a vertical section.
"""

from pathlib import Path
from typing import final

import numpy as np

from latentinv.errors import InputError
from latentinv.grid import Grid

from ._format import GRID_FORMATS, AbstractGridFormat


@final
@GRID_FORMATS.register("gslib")
class GSLIBGrid(AbstractGridFormat):
    """A grid without rotation, z up."""

    endings = (".gslib", ".dat")

    def read(self, path: Path) -> Grid:
        """Read the first line."""
        with path.open(encoding="utf-8-sig", errors="replace") as file:
            words = file.readline(1000).split()
        if len(words) != 9 or not all(word.isdecimal() for word in words[:3]):
            raise InputError(
                f"The first line of {path.name} does not state the grid; expected nx ny nz dx dy dz x0 y0 z0, nine "
                "numbers, x0 y0 z0 being the outer corner in metres."
            )
        counts, edges, corner = np.array(words, float).reshape(3, 3)
        axes = "".join(axis for axis, count in zip("xyz", counts, strict=True) if count > 1)
        if axes not in ("xy", "xz", "yz", "xyz"):
            raise InputError(f"{path.name} has a single row of cells; expected cells along two or three axes.")
        kept = ["xyz".index(axis) for axis in axes]
        shape = tuple(int(n) for n in counts[kept][::-1])
        return Grid(shape, tuple(edges[kept]), tuple(corner[kept]), axes=axes)
