"""One map as an Esri ASCII grid, which begins in the north."""

from pathlib import Path
from typing import final

import numpy as np

from latentinv.errors import InputError
from latentinv.storage import atomic_file

from ._format import MAP_FORMATS, AbstractMapFormat, Maps, check_unrotated


@final
@MAP_FORMATS.register("esri")
class EsriMap(AbstractMapFormat):
    """A single layer of a map with square cells."""

    endings = (".asc",)

    def write(self, path: Path, maps: Maps) -> None:
        """Write the layer."""
        check_unrotated(maps, "An Esri ASCII grid")
        grid, layers = maps.grid, maps.all_layers()
        edges, origin = np.ravel(grid.spacing), np.ravel(grid.origin)
        if grid.axes != "xy" or len(set(edges.tolist())) > 1:
            raise InputError("An Esri ASCII grid holds a map with square cells; write .csv, .nc or .vts instead.")
        if len(layers) != 1:
            raise InputError(
                f"An Esri ASCII grid holds one layer, and there are {len(layers)}: {', '.join(layers)}; choose one, "
                "with --layer."
            )
        (layer,) = layers.values()
        header = {
            "ncols": grid.shape[1], "nrows": grid.shape[0], "xllcorner": f"{origin[0]:.12g}",
            "yllcorner": f"{origin[1]:.12g}", "cellsize": f"{edges[0]:.12g}", "NODATA_value": -9999,
        }  # fmt: skip
        form = "{:d}" if layer.dtype.kind in "biu" else "{:.9g}"
        lines = [f"{name} {value}" for name, value in header.items()]
        lines += [" ".join(form.format(value) for value in row) for row in np.flipud(layer).tolist()]
        with atomic_file(path) as file:
            file.write(("\n".join(lines) + "\n").encode())
