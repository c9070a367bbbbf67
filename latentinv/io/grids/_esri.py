"""The grid of an Esri ASCII grid: the header states sizes, the lower left corner or cell, and the edge of a cell."""

from pathlib import Path
from typing import final

from latentinv.errors import InputError
from latentinv.grid import Grid

from ._format import GRID_FORMATS, AbstractGridFormat

LINES = 12
"""Lines among which the header is."""


@final
@GRID_FORMATS.register("esri")
class EsriGrid(AbstractGridFormat):
    """A map without rotation, in metres."""

    endings = (".asc",)

    def read(self, path: Path) -> Grid:
        """Read the header."""
        with path.open(encoding="utf-8-sig", errors="replace") as file:
            lines = [file.readline(200).split() for _ in range(LINES)]
        header = {line[0].lower(): line[1] for line in lines if len(line) == 2 and line[0][0].isalpha()}
        edges = [float(header.get(name, header.get("cellsize", "nan"))) for name in ("dx", "dy")]
        if not {"ncols", "nrows"} <= set(header) or not all(edge > 0 for edge in edges):
            raise InputError(f"{path.name} does not state ncols, nrows and cellsize, as an Esri ASCII grid does.")
        origin = []
        for axis, edge in zip("xy", edges, strict=True):
            place = header.get(f"{axis}llcorner", header.get(f"{axis}llcenter"))
            if place is None:
                raise InputError(f"{path.name} does not state {axis}llcorner; add it, with metres.")
            origin.append(float(place) - (0.0 if f"{axis}llcorner" in header else edge / 2))
        return Grid((int(header["nrows"]), int(header["ncols"])), tuple(edges), tuple(origin))
