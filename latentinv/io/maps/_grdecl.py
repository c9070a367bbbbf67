"""Maps as GRDECL, the grid text of Eclipse and other reservoir simulators, by xtgeo (optional).

The grid is a corner-point grid (SPECGRID, COORD, ZCORN, ACTNUM) with depths. Keywords have at most eight letters, and
the format has no names of codes: both are explained in comments at the head, and in a table beside the file,
``NAME.names.csv``, with the columns ``keyword, code, meaning``.
"""

import re
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import final

from latentinv.storage import atomic_file, require_new

from ._corner_point import box_grid, properties, written
from ._format import MAP_FORMATS, AbstractMapFormat, Maps

SHORT = (
    (r"probability of (facies )?(.*)", r"P_\2"),
    (r"realization (\d+)", r"REAL\1"),
    (r"most probable facies", "FACIES"),
    (r"standard deviation", "SD"),
)
"""Abbreviations of layers' names."""
LETTERS = 8
RESERVED = {"COORD", "ZCORN", "ACTNUM", "SPECGRID", "MAPAXES", "GRIDUNIT", "GDORIENT"}


@final
@MAP_FORMATS.register("grdecl")
class GRDECL(AbstractMapFormat):
    """A corner-point grid with a keyword for each layer."""

    endings = (".grdecl",)

    def write(self, path: Path, maps: Maps) -> None:
        """Write grid, keywords and their table."""
        table = path.with_suffix(".names.csv")
        require_new(table)
        layers = maps.all_layers()
        names = dict(zip(layers, keywords(layers), strict=True))
        coded = {names[layer] for layer, values in layers.items() if maps.holds_codes(values)}
        rows = [(word, "", layer) for layer, word in names.items()]
        rows += [(word, str(code), name) for word in sorted(coded) for code, name in maps.names.items()]
        comments = "".join(f"-- {word} {code}: {meaning}\n".replace(" :", ":") for word, code, meaning in rows)
        with tempfile.TemporaryDirectory() as folder:
            place = Path(folder) / "part.grdecl"
            content = written(box_grid(maps), place, fformat="grdecl")
            for part in properties(maps, names):
                settings = {"dtype": "int32"} if part.isdiscrete else {}
                place.unlink()
                content += written(part, place, fformat="grdecl", name=part.name, **settings)
        with atomic_file(path) as file:
            file.write(comments.encode() + content)
        with atomic_file(table) as file:
            lines = ["keyword,code,meaning", *(",".join(row) for row in rows)]
            file.write(("\n".join(lines) + "\n").encode())


def keywords(layers: Iterable[str]) -> list[str]:
    """A keyword of up to eight letters and digits for each layer, no two alike."""
    found: list[str] = []
    for layer in layers:
        word = layer
        for pattern, short in SHORT:
            if match := re.fullmatch(pattern, layer):
                word = match.expand(short)
                break
        plain = re.sub(r"[^A-Z0-9_]+", "", word.upper().replace(" ", "_")).lstrip("0123456789") or "LAYER"
        candidate, number = plain[:LETTERS], 1
        while candidate in found or candidate in RESERVED:
            number += 1
            candidate = f"{plain[: LETTERS - len(str(number))]}{number}"
        found.append(candidate)
    return found
