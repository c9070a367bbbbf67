"""Fields as HDF5, tile by tile, so that they may be larger than the memory.

========================  ======================================================================================
``/`` attributes          ``format`` = ``latentinv-fields``; ``format_version`` = 1; where the fields come from,
                          as ``prior`` (its digest) and ``seed``; ``facies_names`` where there are such: texts
                          ``code name``
``facies`` or ``field``   ``[field, *grid]``, gzip; row 0 has the least y, layer 0 the least z
``latents``               ``[field, latent]``; left out where a field has more than 2²⁶ of them, 0.25 GB: they are
                          ``DrawnLatents(numbered(from_seed(seed, "generate"), field), size)``, which
                          ``latentinv.priors`` and ``latentinv.keys`` have, and ``latents_drawn`` is their number
========================  ======================================================================================
"""

from pathlib import Path
from typing import final

import h5py
import numpy as np

from latentinv.storage import atomic_hdf5

from ._format import FIELD_FORMATS, AbstractFieldFormat, Fields

CHUNK = {2: 512, 3: 64}
"""Edge of a chunk in cells, by the number of axes."""
MOST_LATENTS, LATENTS_AT_ONCE = 2**26, 2**22
"""Latents of a field above which they are not stored, and how many are held in memory on their way to the file."""


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
                _write_latents(file, fields, n)
                for place, tile in fields.tiles(n):
                    table[(n, *place)] = tile


def _write_latents(file: h5py.File, fields: Fields, number: int) -> None:
    latents = fields.latents(number)
    size = len(latents)
    if size > MOST_LATENTS:
        file.attrs["latents_drawn"] = size
        return
    table = file.require_dataset("latents", (fields.count, size), np.float32)
    for begin in range(0, size, LATENTS_AT_ONCE):
        table[number, begin : begin + LATENTS_AT_ONCE] = latents[begin : begin + LATENTS_AT_ONCE]
