"""Maps for SGeMS in its own binary format (see `latentinv.io.images`), opened there by *Load object*.

A grid without rotation is a Cartesian grid, whose origin is the centre of the first cell; a rotated one is a set of
points, the cells' centres. SGeMS counts z upwards, so a depth is negated and the lowest layer comes first. All numbers
are in single precision; where that would move a cell, as it does coordinates of millions of metres, the file is
refused.
"""

import struct
from pathlib import Path
from typing import final

import numpy as np

from latentinv.errors import InputError
from latentinv.storage import atomic_file

from ._format import MAP_FORMATS, AbstractMapFormat, Maps

MAGIC, VERSION = 0xB211175D, 100
MOST_MOVED = 0.005
"""Of a cell, by which rounding may move it."""
LARGEST = 2**24
"""Up to which single precision holds all whole numbers."""


@final
@MAP_FORMATS.register("sgems")
class SGeMS(AbstractMapFormat):
    """A property for each layer."""

    endings = (".sgems",)

    def write(self, path: Path, maps: Maps) -> None:
        """Write the grid, or the points."""
        grid = maps.grid
        centres = grid.centres(np.indices(grid.shape).reshape(grid.ndim, -1).T)
        layers = {name: np.asarray(layer).ravel() for name, layer in maps.all_layers().items()}
        if grid.depth:
            centres[:, -1] *= -1
            order = np.arange(grid.size).reshape(grid.shape)[::-1].ravel()
            centres, layers = centres[order], {name: layer[order] for name, layer in layers.items()}
        moved = np.abs(centres - centres.astype(np.float32)) / np.ravel(grid.spacing)
        codes = [layer for layer in layers.values() if layer.dtype.kind in "biu"]
        if moved.max() > MOST_MOVED or any(np.abs(layer).max(initial=0) > LARGEST for layer in codes):
            raise InputError(
                "SGeMS keeps numbers in single precision, which is too coarse for these coordinates or codes; write "
                ".gslib or .csv, or count coordinates from a nearer origin."
            )
        kind, head = ("Point_set", _points(maps, centres)) if grid.rotation else ("Cgrid", _cells(maps, centres))
        names = b"".join(_text(name) for name in layers)
        counted = struct.pack(">I", len(layers)) + names
        # Points have their coordinates between the names and the values.
        parts = [head[0], counted, head[1], *(layer.astype(">f4").tobytes() for layer in layers.values())]
        begin = struct.pack(">I", MAGIC) + _text(kind) + _text(path.stem) + struct.pack(">i", VERSION)
        with atomic_file(path) as file:
            file.write(begin + b"".join(parts))


def _cells(maps: Maps, centres: np.ndarray) -> tuple[bytes, bytes]:
    """Cells, edges and first centre along x, y and z; nothing comes between names and values."""
    grid = maps.grid
    own = zip(grid.axes, grid.shape[::-1], np.ravel(grid.spacing), centres[0], strict=True)
    parts = {axis: (count, edge, first) for axis, count, edge, first in own}
    counts, edges, first = zip(*(parts.get(axis, (1, 1.0, 0.0)) for axis in "xyz"), strict=True)
    return struct.pack(">3I6f", *counts, *edges, *first), b""


def _points(maps: Maps, centres: np.ndarray) -> tuple[bytes, bytes]:
    """The number of points, and their coordinates."""
    axes = maps.grid.axes
    columns = [centres[:, axes.index(axis)] if axis in axes else np.zeros(len(centres)) for axis in "xyz"]
    return struct.pack(">I", len(centres)), np.stack(columns, axis=1).astype(">f4").tobytes()


def _text(text: str) -> bytes:
    """A text as Qt streams it: its length with a zero at its end, then itself."""
    content = text.encode() + b"\0"
    return struct.pack(">I", len(content)) + content
