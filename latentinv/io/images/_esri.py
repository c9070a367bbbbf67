"""Images as Esri ASCII grids: a header of names and numbers, then rows of cells from the north.

The header states ``ncols``, ``nrows``, the place of the lower left corner or cell, ``cellsize``, and ``nodata_value``
(-9999 if left out), in any case and order.
"""

from pathlib import Path
from typing import final

import numpy as np

from latentinv.errors import InputError, StorageError

from ._format import IMAGE_FORMATS, AbstractImageFormat, Content

NAMES = ("ncols", "nrows", "xllcorner", "yllcorner", "xllcenter", "yllcenter", "cellsize", "dx", "dy", "nodata_value")
NO_DATA = -9999.0


@final
@IMAGE_FORMATS.register("esri")
class EsriASCII(AbstractImageFormat):
    """One band of numbers."""

    endings = (".asc",)
    first_row = "north"

    def read(self, path: Path, key: str | None, usual: str | None) -> Content:
        """Read the cells; NaN where there is no data."""
        del key, usual
        words = path.read_text(encoding="utf-8-sig", errors="replace").split()
        header: dict[str, str] = {}
        while len(words) > 2 * len(header) + 1 and (name := words[2 * len(header)].lower()) in NAMES:
            header[name] = words[2 * len(header) + 1]
        try:
            columns, rows = (int(header[name]) for name in ("ncols", "nrows"))
            nothing = float(header.get("nodata_value", NO_DATA))
            values = np.array(words[2 * len(header) :], float)
        except KeyError as error:
            raise InputError(
                f"{path.name} is no Esri ASCII grid: its header does not state {error.args[0]}; expected 'ncols', "
                "'nrows' and 'cellsize', each before its number, then the values."
            ) from None
        except ValueError as error:
            raise InputError(f"{path.name} holds something that is not a number ({error}); correct it.") from None
        if columns < 1 or rows < 1 or columns * rows != len(values):
            raise StorageError(
                f"{path.name} states {columns} columns and {rows} rows but holds {len(values)} values; the file may be "
                "truncated, or the sizes wrong."
            )
        array = values.reshape(rows, columns)
        return Content(np.where(array == nothing, np.nan, array) if np.any(array == nothing) else array)
