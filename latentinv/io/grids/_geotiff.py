"""The grid of a GeoTIFF, by rasterio (optional): the affine transform of its cells, in the unit of its coordinates.

A column of cells goes along u, a row down the picture along v. The grid's x is along u and its y against v, so u and v
must be at right angles, and y must be to the left of x.
"""

import math
import warnings
from pathlib import Path
from typing import Any, final

import numpy as np

from latentinv.errors import InputError
from latentinv.grid import Grid

from ._format import GRID_FORMATS, AbstractGridFormat

SKEW = 1e-6
"""Largest cosine of the angle between rows and columns, which rounding explains."""


@final
@GRID_FORMATS.register("geotiff")
class GeoTIFFGrid(AbstractGridFormat):
    """A map."""

    endings = (".tif", ".tiff")

    def read(self, path: Path) -> Grid:
        """Read transform and coordinate system."""
        try:
            import rasterio
        except ImportError:
            raise InputError("GeoTIFFs are placed by rasterio, which is not installed: pip install rasterio.") from None
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a picture without a place, which is said below
            with rasterio.open(path) as data:
                transform, shape, crs = data.transform, (data.height, data.width), data.crs
        if transform.is_identity:
            raise InputError(f"{path.name} does not say where it lies; give a GeoTIFF with a georeference, or a grid.")
        scale = _metres(path, crs)
        u, v = np.array([transform.a, transform.d]) * scale, np.array([transform.b, transform.e]) * scale
        dx, dy = math.hypot(*u), math.hypot(*v)
        if not (dx > 0 and dy > 0 and abs(u @ v) <= SKEW * dx * dy):
            raise InputError(f"The cells of {path.name} are sheared, no rectangles; resample it to a regular grid.")
        if u[1] * v[0] - u[0] * v[1] < 0:
            raise InputError(
                f"{path.name} is mirrored: its rows do not go from north to south where its columns go from west to "
                "east; turn it over first (gdalwarp does)."
            )
        corner = np.array([transform.c, transform.f]) * scale + v * shape[0]
        rotation = math.degrees(math.atan2(u[1], u[0]))
        return Grid(shape, (dx, dy), tuple(corner.tolist()), 0.0 if abs(rotation) < 1e-9 else rotation)


def _metres(path: Path, crs: Any) -> float:
    """Metres in the unit of a coordinate system; a missing one is taken to be in metres."""
    if not crs:
        return 1.0
    if crs.is_geographic:
        raise InputError(
            f"{path.name} has coordinates in degrees; project it to metres first, such as to its UTM zone (gdalwarp "
            "-t_srs)."
        )
    try:
        _, factor = crs.linear_units_factor
    except Exception as error:  # rasterio's own error where a system has no linear unit
        raise InputError(f"{path.name} has coordinates in an unknown unit; project it to metres first.") from error
    return float(factor)
