"""Fields as GSLIB text, which SGeMS and similar programs read: a header, then a line of numbers per cell.

The first line states the sizes ``nx ny nz``; then come the number of fields and their names, a line each. Cells follow
with x fastest, then y, then z, each from its least coordinate; where z is a depth, the file's layers count downwards.
"""

from pathlib import Path
from typing import final

import numpy as np

from latentinv.storage import atomic_file

from ._format import FIELD_FORMATS, AbstractFieldFormat, Fields


@final
@FIELD_FORMATS.register("gslib")
class GSLIBFields(AbstractFieldFormat):
    """One variable per field; a section is written with one row of cells along y."""

    endings = (".gslib", ".sgems", ".dat")

    def write(self, path: Path, fields: Fields) -> None:
        """Write all fields side by side."""
        sizes = dict(zip(fields.grid.axes, fields.grid.shape[::-1], strict=True))
        header = [" ".join(str(sizes.get(axis, 1)) for axis in "xyz"), str(fields.count)]
        names = [f"{fields.name} {n + 1}" for n in range(fields.count)]
        columns = np.stack([fields.whole(n).ravel() for n in range(fields.count)], axis=1)
        written = "%d" if fields.dtype.kind in "iu" else "%.9g"
        with atomic_file(path) as file:
            np.savetxt(file, columns, fmt=written, header="\n".join([*header, *names]), comments="")
