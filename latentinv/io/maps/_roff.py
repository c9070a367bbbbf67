"""Maps as ROFF, the format of Roxar RMS, by xtgeo (optional): one binary file of the grid and of all properties.

Facies keep their codes, with a table of names. Coordinates are in single precision, so that they are counted from a
round place near the grid, which the file states as a translation.
"""

import tempfile
from pathlib import Path
from typing import Any, final

import numpy as np

from latentinv.storage import atomic_file

from ._corner_point import box_grid, properties, written, xtgeo_library
from ._format import MAP_FORMATS, AbstractMapFormat, Maps

ROUND = 1024.0
"""Places from which coordinates are counted are multiples of this many metres, which single precision has exactly."""


@final
@MAP_FORMATS.register("roff")
class ROFF(AbstractMapFormat):
    """A corner-point grid with a property for each layer."""

    endings = (".roff",)

    def write(self, path: Path, maps: Maps) -> None:
        """Write grid and properties."""
        xtgeo_library()
        import roffio

        axes, low = maps.grid.axes, maps.grid.lower
        shift = [np.floor(low[axes.index(axis)] / ROUND) * ROUND if axis in axes else 0.0 for axis in "xy"]
        with tempfile.TemporaryDirectory() as folder:
            place = Path(folder) / "part.roff"
            box_grid(maps, (shift[0], shift[1])).to_file(place, fformat="roff")
            parts = _tags(roffio, place)
            for name, keys in parts:
                if name == "translate":
                    keys |= {"xoffset": np.float32(shift[0]), "yoffset": np.float32(shift[1])}
            for part in properties(
                maps, {name: name.encode("ascii", "replace").decode() for name in maps.all_layers()}
            ):
                written(part, place, fformat="roff", name=part.name)
                parts += [tag for tag in _tags(roffio, place) if tag[0] == "parameter"]
            roffio.write(place, parts)
            content = place.read_bytes()
        with atomic_file(path) as file:
            file.write(content)


def _tags(roffio: Any, path: Path) -> list[tuple[str, dict[str, Any]]]:
    """The parts of a file, less its end, with texts as they are written again."""
    with roffio.lazy_read(path) as parts:
        tags = [(name, {key: _plain(value) for key, value in keys}) for name, keys in parts]
    return [tag for tag in tags if tag[0] != "eof"]


def _plain(value: Any) -> Any:
    return list(map(str, value)) if isinstance(value, np.ndarray) and value.dtype.kind == "U" else value
