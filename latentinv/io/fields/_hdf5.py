"""Fields as HDF5, tile by tile, so that they may be larger than the memory.

========================  ======================================================================================
``/`` attributes          ``format`` = ``latentinv-fields``; ``format_version`` = 1; where the fields come from,
                          as ``prior`` (its digest) and ``seed``; ``facies_names`` where there are such: texts
                          ``code name``
``facies`` or ``field``   ``[field, *grid]``, gzip; row 0 has the least y, layer 0 the least z
``latents``               ``[field, latent]``
========================  ======================================================================================
"""

from pathlib import Path
from typing import final

import numpy as np

from latentinv.storage import atomic_hdf5

from ._format import FIELD_FORMATS, AbstractFieldFormat, Fields

CHUNK = {2: 512, 3: 64}
"""Edge of a chunk in cells, by the number of axes."""


@final
@FIELD_FORMATS.register("h5")
class HDF5Fields(AbstractFieldFormat):
    """Read by any HDF5 tool."""

    endings = (".h5",)
    tiled = True

    def write(self, path: Path, fields: Fields) -> None:
        """Write the fields tile by tile, and their latents."""
        shape = fields.grid.shape
        chunks = (1, *(min(CHUNK[len(shape)], n) for n in shape))
        with atomic_hdf5(path) as file:
            file.attrs["format"], file.attrs["format_version"] = "latentinv-fields", 1
            file.attrs.update(fields.origin)
            if fields.names:
                file.attrs["facies_names"] = [f"{code} {name}" for code, name in fields.names.items()]
            compression = {"chunks": chunks, "compression": "gzip", "compression_opts": 1}
            table = file.create_dataset(fields.name, (fields.count, *shape), fields.dtype, **compression)
            for n in range(fields.count):
                latents = fields.latents(n)
                file.require_dataset("latents", (fields.count, len(latents)), np.float32)[n] = latents
                for place, tile in fields.tiles(n):
                    table[(n, *place)] = tile
