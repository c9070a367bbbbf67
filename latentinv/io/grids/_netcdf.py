"""The grid of netCDF maps that `latentinv export` wrote: its attributes state all but the numbers of cells."""

from pathlib import Path
from typing import Any, final

import numpy as np

from latentinv.errors import InputError
from latentinv.grid import Grid

from ._format import GRID_FORMATS, AbstractGridFormat

STATED = ("spacing", "origin", "rotation", "axes", "z_axis")


@final
@GRID_FORMATS.register("netcdf")
class NetCDFGrid(AbstractGridFormat):
    """Any grid."""

    endings = (".nc",)

    def read(self, path: Path) -> Grid:
        """Read the attributes."""
        from scipy.io import netcdf_file

        with path.open("rb") as file:
            if file.read(3) != b"CDF":
                raise InputError(f"{path.name} was not written by 'latentinv export'; give a grid, or a GeoTIFF.")
        with netcdf_file(path, "r", mmap=False) as data:
            stated: dict[str, Any] = {name: getattr(data, name, None) for name in STATED}
            sizes = dict(data.dimensions)
        if any(value is None for value in stated.values()):
            raise InputError(f"{path.name} was not written by 'latentinv export'; give a grid, or a GeoTIFF.")
        axes, z_axis = (stated[name].decode() for name in ("axes", "z_axis"))
        return Grid(
            tuple(int(sizes[axis]) for axis in reversed(axes)),
            tuple(np.ravel(stated["spacing"]).tolist()),
            tuple(np.ravel(stated["origin"]).tolist()),
            float(np.ravel(stated["rotation"])[0]),
            axes=axes,
            z_axis=z_axis,
        )
