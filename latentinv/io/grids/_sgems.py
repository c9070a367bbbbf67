"""The grid of a binary file of SGeMS, whose origin is the centre of its first cell, in single precision.

An axis of one cell is left out: without z there is a map, without y or x a vertical section. Spacings and origin are
given back with the seven digits that single precision has.
"""

from pathlib import Path
from typing import final

from latentinv.errors import InputError
from latentinv.grid import Grid
from latentinv.io.images import read_sgems

from ._format import GRID_FORMATS, AbstractGridFormat


@final
@GRID_FORMATS.register("sgems")
class SGeMSGrid(AbstractGridFormat):
    """A grid without rotation, z up."""

    endings = (".sgems",)

    def read(self, path: Path) -> Grid:
        """Read the header."""
        found = read_sgems(path)
        axes = "".join(axis for axis, count in zip("xyz", found.counts, strict=True) if count > 1)
        if axes not in ("xy", "xz", "yz", "xyz"):
            raise InputError(f"{path.name} has a single row of cells; expected cells along two or three axes.")
        kept = ["xyz".index(axis) for axis in axes]
        spacing = tuple(float(f"{found.spacing[n]:.7g}") for n in kept)
        centre = [float(f"{found.centre[n]:.7g}") for n in kept]
        origin = tuple(middle - edge / 2 for middle, edge in zip(centre, spacing, strict=True))
        return Grid(tuple(found.counts[n] for n in reversed(kept)), spacing, origin, axes=axes)
