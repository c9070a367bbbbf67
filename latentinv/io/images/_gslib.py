"""Images as GSLIB or SGeMS text (Deutsch and Journel 1998, *GSLIB*): a header, then a line of numbers per cell.

The first line states the sizes ``nx ny nz``, alone or within a title; then come the number of variables and their
names, a line each. Cells follow with x fastest, then y, then z, each from its least coordinate, so the first row lies
in the south. The first variable is used.
"""

import re
from pathlib import Path
from typing import final

import numpy as np

from latentinv.errors import InputError, StorageError

from ._format import IMAGE_FORMATS, AbstractImageFormat


@final
@IMAGE_FORMATS.register("gslib")
class GSLIB(AbstractImageFormat):
    """Text of GSLIB, SGeMS and similar programs."""

    endings = (".gslib", ".sgems", ".dat", ".txt")
    first_row = "south"

    def read(self, path: Path, key: str | None, usual: str | None) -> np.ndarray:
        """Read the first variable."""
        del key, usual
        lines = path.read_text(encoding="utf-8", errors="replace").split("\n", 2)
        count = int(lines[1].split()[0]) if len(lines) == 3 and re.match(r"\s*[1-9]\d*\b", lines[1]) else None
        if count is None:
            raise InputError(
                f"{path.name} has no GSLIB header; expected the sizes 'nx ny nz', the number of variables, their "
                "names, each on its own line, then the values."
            )
        body = lines[2].split("\n", count)
        try:
            values = np.array(body[count].split() if len(body) > count else [], dtype=float)
        except ValueError as error:
            raise InputError(
                f"{path.name} holds a value that is not a number after the header ({error}); correct it."
            ) from None
        nx, ny, nz = _sizes(lines[0].strip(), len(values) / count, path)
        array = values.reshape(-1, count)[:, 0].reshape(nz, ny, nx)
        return array[0] if nz == 1 else array


def _sizes(title: str, cells: float, path: Path) -> tuple[int, int, int]:
    """Find ``nx, ny, nz`` in the first line, and check them against the number of cells found."""
    numbers = [int(word) for word in re.findall(r"(?<![\d.])\d+(?![\d.])", title)]
    triples = list(zip(numbers, numbers[1:], numbers[2:], strict=False))
    if not triples:
        raise InputError(f"The first line of {path.name} ({title!r}) does not state the sizes; write 'nx ny nz' there.")
    fitting = [triple for triple in triples if min(triple) > 0 and np.prod(triple) == cells]
    if not fitting:
        nx, ny, nz = triples[0]
        raise StorageError(
            f"{path.name} states {nx} × {ny} × {nz} = {nx * ny * nz} cells in its first line but holds "
            f"values for {cells:g}; the file may be truncated, or the sizes wrong."
        )
    return fitting[0]
