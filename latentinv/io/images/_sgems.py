"""Grids of SGeMS (Remy, Boucher and Wu 2009, *Applied Geostatistics with SGeMS*): its own binary files, or its text.

A binary file is big-endian and begins with a magic number, the kind of object (``Cgrid``), its name and a version. Then
come cells along x, y and z (32 bits each), edges of a cell and the centre of the first cell (single precision), the
number of properties and their names, and all values of one property after the other (single precision), x fastest, then
y, then z, each from its least. A text is preceded by its length with the zero at its end. Missing values are -9966699.
Files without the magic number are text as GSLIB's.
"""

import struct
from pathlib import Path
from typing import NamedTuple, final

import numpy as np
from jaxtyping import Float32

from latentinv.errors import InputError, StorageError

from ._format import IMAGE_FORMATS, AbstractImageFormat, Content
from ._gslib import GSLIB, chosen_variable

MAGIC = b"\xb2\x11\x17\x5d"


class SGeMSGrid(NamedTuple):
    """A grid of SGeMS."""

    counts: tuple[int, int, int]
    """Cells along x, y and z."""
    spacing: tuple[float, float, float]
    centre: tuple[float, float, float]
    """Of the first cell."""
    values: dict[str, Float32[np.ndarray, "layer row column"]]
    """By the name of a property."""


@final
@IMAGE_FORMATS.register("sgems")
class SGeMSImage(AbstractImageFormat):
    """A property of a grid."""

    endings = (".sgems",)
    first_row = "south"
    named_arrays = True

    def read(self, path: Path, key: str | None, usual: str | None) -> Content:
        """Read a property."""
        with path.open("rb") as file:
            if file.read(len(MAGIC)) != MAGIC:
                return GSLIB().read(path, key, usual)
        found = read_sgems(path).values
        array = list(found.values())[chosen_variable(tuple(found), key, usual, path)]
        return Content(array if array.ndim - array.shape.count(1) < 2 else array.squeeze())


def read_sgems(path: Path) -> SGeMSGrid:
    """Read a binary file of SGeMS.

    Raises
    ------
    InputError
        If it holds no grid of regular cells.
    StorageError
        If it is truncated.
    """
    content = path.read_bytes()
    if not content.startswith(MAGIC):
        raise InputError(f"{path.name} is no binary file of SGeMS, which states its grid; save the grid in SGeMS.")
    try:
        kind, place = _text(content, len(MAGIC))
        if kind != "Cgrid":
            raise InputError(f"{path.name} holds an object of kind {kind}; expected a Cartesian grid of SGeMS.")
        _, place = _text(content, place)
        _, nx, ny, nz, *numbers, count = struct.unpack_from(">i3I6fI", content, place)
        place += struct.calcsize(">i3I6fI")
        values: dict[str, np.ndarray] = {}
        names = []
        for _ in range(min(count, len(content))):
            name, place = _text(content, place)
            names.append(name)
        for name in names:
            values[name] = np.frombuffer(content, ">f4", nx * ny * nz, place).reshape(nz, ny, nx).astype(np.float32)
            place += 4 * nx * ny * nz
    except InputError:
        raise
    except (struct.error, ValueError) as error:
        raise StorageError(f"{path.name} ends early; it may be truncated.") from error
    if not values:
        raise InputError(f"{path.name} holds a grid without a property; save one with it.")
    x, y, z, *centre = numbers
    return SGeMSGrid((nx, ny, nz), (x, y, z), (centre[0], centre[1], centre[2]), values)


def _text(content: bytes, place: int) -> tuple[str, int]:
    """A text and the place behind it."""
    (length,) = struct.unpack_from(">I", content, place)
    end = place + 4 + length
    if end > len(content):
        raise struct.error
    return content[place + 4 : end].rstrip(b"\0").decode("utf-8", "replace"), end
