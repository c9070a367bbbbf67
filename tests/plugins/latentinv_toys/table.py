"""An export format: a table with one row per cell, the coordinates of its centre and its value in each field."""

from typing import final

import numpy as np

from latentinv.io.fields import FIELD_FORMATS, AbstractFieldFormat
from latentinv.storage import atomic_file


@final
@FIELD_FORMATS.register("toy_table")
class Table(AbstractFieldFormat):
    """Comma-separated values."""

    endings = (".csv",)

    def write(self, path, fields):
        cells = np.stack(np.unravel_index(np.arange(fields.grid.size), fields.grid.shape), axis=1)
        values = [fields.whole(n).ravel() for n in range(fields.count)]
        names = [*fields.grid.axes, *(f"{fields.name}_{n + 1}" for n in range(fields.count))]
        with atomic_file(path) as file:
            table = np.column_stack([fields.grid.centres(cells), *values])
            np.savetxt(file, table, delimiter=",", header=",".join(names), comments="")
