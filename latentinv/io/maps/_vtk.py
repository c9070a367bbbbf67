"""Maps for ParaView and other programs of the VTK family by pyevtk (optional): a structured grid with cell data.

Corners of cells have their true coordinates, so rotations are kept; where z is a depth it is negated, for these
programs count upwards. A plane grid is a sheet one cell thick. Names of facies are field data: ``code of sand`` is 1.
"""

import tempfile
from pathlib import Path
from typing import final

import numpy as np

from latentinv.errors import InputError
from latentinv.grid import Grid
from latentinv.storage import atomic_file

from ._format import MAP_FORMATS, AbstractMapFormat, Maps


@final
@MAP_FORMATS.register("vtk")
class VTK(AbstractMapFormat):
    """A structured grid in XML (``.vts``)."""

    endings = (".vts",)

    def write(self, path: Path, maps: Maps) -> None:
        """Write all layers as cell data."""
        try:
            from pyevtk.hl import gridToVTK
        except ImportError:
            raise InputError("VTK files are written by pyevtk, which is not installed: pip install pyevtk.") from None
        corners = _corners(maps.grid)
        cells = {name: _by_axes(np.asarray(layer), maps.grid) for name, layer in maps.all_layers().items()}
        names = {f"code of {name}": np.array([code], np.int32) for code, name in maps.names.items()}
        with tempfile.TemporaryDirectory() as folder:
            written = gridToVTK(str(Path(folder) / "maps"), *corners, cellData=cells, fieldData=names or None)
            content = Path(written).read_bytes()
        with atomic_file(path) as file:
            file.write(content)


def _corners(grid: Grid) -> list[np.ndarray]:
    """Coordinates x, y and z of the corners of all cells, ``[x, y, z]``."""
    sizes = dict(zip(grid.axes, grid.shape[::-1], strict=True))
    counts = [sizes.get(axis, 1) + 1 for axis in "xyz"]
    steps = dict(zip(grid.axes, np.ravel(grid.spacing), strict=True))
    index = np.indices(counts).reshape(3, -1)
    own = [index["xyz".index(axis)] * steps[axis] for axis in grid.axes]
    world = dict(zip(grid.axes, grid.world(np.stack(own, axis=1)).T, strict=True))
    if grid.depth:
        world["z"] = -world["z"]
    each = [world.get(axis, index[n].astype(float)) for n, axis in enumerate("xyz")]
    return [np.ascontiguousarray(values.reshape(counts)) for values in each]


def _by_axes(layer: np.ndarray, grid: Grid) -> np.ndarray:
    """A layer as ``[x, y, z]``."""
    values = layer.astype(np.int32) if layer.dtype.kind in "biu" else layer
    by_axis = values.transpose()  # in the order of the grid's axes
    missing = tuple(n for n, axis in enumerate("xyz") if axis not in grid.axes)
    return np.ascontiguousarray(np.expand_dims(by_axis, missing))
