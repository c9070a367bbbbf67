"""Maps as a GeoTIFF by rasterio (optional): a band for each layer, with its place, cells and rotation.

Names of facies are tags of the bands that hold codes: ``facies_1`` is ``sand``. Geographic information systems take
them from the file ``NAME.tif.aux.xml`` beside it, which lists them as GDAL does, by code from 0 on.
"""

import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import final

import numpy as np

from latentinv.errors import InputError
from latentinv.storage import atomic_file

from ._format import MAP_FORMATS, AbstractMapFormat, Maps

LARGEST_CODE = 255
"""Beyond it a list by code would be mostly empty."""


@final
@MAP_FORMATS.register("geotiff")
class GeoTIFF(AbstractMapFormat):
    """Bands in single precision, or of integers if all layers are; the first row lies in the grid's north."""

    endings = (".tif", ".tiff")

    def write(self, path: Path, maps: Maps) -> None:
        """Write all bands."""
        try:
            from rasterio import Affine
            from rasterio.io import MemoryFile
        except ImportError:
            raise InputError("GeoTIFF is written by rasterio, which is not installed: pip install rasterio.") from None
        grid, layers = maps.grid, maps.all_layers()
        if grid.axes != "xy":
            raise InputError("A GeoTIFF holds a map, not a section or layers; write .csv, .nc or .vts instead.")
        whole = all(layer.dtype.kind in "biu" for layer in layers.values())
        bands = np.stack([np.flipud(layer) for layer in layers.values()]).astype(np.int32 if whole else np.float32)
        (x, y), (dx, dy) = np.ravel(grid.origin), np.ravel(grid.spacing)
        cosine, sine = np.cos(np.radians(grid.rotation)), np.sin(np.radians(grid.rotation))
        north = dy * grid.shape[0]  # of the first row's outer edge along the grid's own y
        transform = Affine(cosine * dx, sine * dy, x - sine * north, sine * dx, -cosine * dy, y + cosine * north)
        count, height, width = bands.shape
        settings = {"driver": "GTiff", "count": count, "height": height, "width": width, "dtype": bands.dtype}
        with MemoryFile() as memory:
            with memory.open(**settings, transform=transform, compress="deflate") as data:
                data.write(bands)
                data.descriptions = tuple(layers)
                data.update_tags(**maps.origin)
                for band, layer in enumerate(layers.values(), 1):
                    if maps.holds_codes(layer):
                        data.update_tags(band, **{f"facies_{code}": name for code, name in maps.names.items()})
            content = memory.read()
        with atomic_file(path) as file:
            file.write(content)
        coded = [band for band, layer in enumerate(layers.values(), 1) if maps.holds_codes(layer)]
        if coded and all(0 <= code <= LARGEST_CODE for code in maps.names):
            with atomic_file(path.with_name(f"{path.name}.aux.xml")) as file:
                file.write(_category_file(coded, maps.names))


def _category_file(bands: Sequence[int], names: Mapping[int, str]) -> bytes:
    """What GDAL keeps beside a file whose bands hold categories."""
    root = ET.Element("PAMDataset")
    for band in bands:
        listed = ET.SubElement(ET.SubElement(root, "PAMRasterBand", band=str(band)), "CategoryNames")
        for code in range(max(names) + 1):
            ET.SubElement(listed, "Category").text = names.get(code, "")
    return ET.tostring(root, encoding="utf-8")
