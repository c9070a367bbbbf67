"""Images as GSLIB or SGeMS text (Deutsch and Journel 1998, *GSLIB*): a header, then a line of numbers per cell.

The first line states the sizes ``nx ny nz``: alone, before spacing and origin (geone), or within a title, such as
``TI_1 (60x40x1)``. Or the first line is any title, and the second states the number of variables and the sizes, as
GSLIB's programs write it. Then come the number of variables and their names, a line each, and cells with x fastest,
then y, then z, each from its least coordinate, so the first row lies in the south. Axes of a single cell are left out:
one row of cells along y makes a section ``[z, x]``.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, final

import numpy as np

from latentinv.errors import InputError, StorageError

from ._format import IMAGE_FORMATS, AbstractImageFormat, Content

Sizes = tuple[int, int, int]
"""Cells along x, y and z."""
APART = r"\s*[x×*,;\s]\s*"
THREE = re.compile(rf"(?=(?<![\w.×*])(\d+){APART}(\d+){APART}(\d+)(?![\w.×*]))", re.IGNORECASE)
"""Three numbers beside each other, not the end or the beginning of a word or of a decimal number."""


class Header(NamedTuple):
    """What stands before the values."""

    possible: tuple[Sizes, ...]
    names: tuple[str, ...]
    """Of the variables."""
    body: str


@final
@IMAGE_FORMATS.register("gslib")
class GSLIB(AbstractImageFormat):
    """Text of GSLIB, SGeMS and similar programs."""

    endings = (".gslib", ".dat", ".txt")
    first_row = "south"
    named_arrays = True

    def read(self, path: Path, key: str | None, usual: str | None) -> Content:
        """Read a variable."""
        header = _header(path)
        try:
            values = np.array(header.body.split(), dtype=float)
        except ValueError as error:
            raise InputError(
                f"{path.name} holds a value that is not a number after the header ({error}); correct it."
            ) from None
        variable = chosen_variable(header.names, key, usual, path)
        nx, ny, nz = _sizes(header, len(values) / len(header.names), path)
        array = values.reshape(-1, len(header.names))[:, variable].reshape(nz, ny, nx)
        return Content(array if array.ndim - array.shape.count(1) < 2 else array.squeeze())


def _header(path: Path) -> Header:
    """Split a file into its header and the text of its values."""
    title, second, *rest = [*path.read_text(encoding="utf-8-sig", errors="replace").split("\n", 2), "", ""][:3]
    numbers = [int(word) for word in re.findall(r"(?<![\w.+-])\d+(?![\w.])", second)]
    count = numbers[0] if re.match(r"\s*[1-9]\d*\b(?!\.)", second) else None
    if count is None:
        raise InputError(
            f"{path.name} has no GSLIB header; expected the sizes 'nx ny nz', the number of variables, their names, "
            "each on its own line, then the values."
        )
    *names, body = [*rest[0].split("\n", count), ""][: count + 1]
    stated = tuple(numbers[1:4])
    possible = (stated,) if len(stated) == 3 else _possible(title)
    if not possible:
        raise InputError(
            f"Neither the first line of {path.name} ({title.strip()!r}) nor the second states the sizes; write "
            "'nx ny nz' in the first."
        )
    return Header(possible, tuple(name.strip() for name in names), body)


def _possible(title: str) -> tuple[Sizes, ...]:
    """Sizes that a title can mean: numbers alone begin with them, in other words any three side by side are."""
    words = title.split()
    if len(words) in (3, 6, 9) and all(_is_number(word) for word in words):
        return (_three(words),) if all(word.isdecimal() for word in words[:3]) else ()
    return tuple(dict.fromkeys(_three(match.groups()) for match in THREE.finditer(title)))


def _three(words: list[str] | tuple[str, ...]) -> Sizes:
    nx, ny, nz = map(int, words[:3])
    return nx, ny, nz


def _is_number(word: str) -> bool:
    return re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", word, re.IGNORECASE) is not None


def chosen_variable(names: tuple[str, ...], key: str | None, usual: str | None, path: Path) -> int:
    """Which variable is wanted: the only one, that of the usual name, or the one that the key names."""
    if key is None and len(names) == 1:
        return 0
    wanted = [n for n, name in enumerate(names) if name.lower() == (key or usual or "").lower()]
    if len(wanted) == 1:
        return wanted[0]
    asked = "no key was given" if key is None else f"not one {key!r}"
    raise InputError(f"{path.name} holds the variables {', '.join(names)}, and {asked}; name the one to use with key.")


def _sizes(header: Header, cells: float, path: Path) -> Sizes:
    """Those of the possible sizes that agree with the number of cells found."""
    fitting: Iterator[Sizes] = (sizes for sizes in header.possible if min(sizes) > 0 and np.prod(sizes) == cells)
    match list(fitting):
        case [sizes]:
            return sizes
        case []:
            nx, ny, nz = header.possible[0]
            raise StorageError(
                f"{path.name} states {nx} × {ny} × {nz} = {nx * ny * nz} cells in its header but holds values for "
                f"{cells:g}; the file may be truncated, or the sizes wrong."
            )
        case several:
            choices = " or ".join(" × ".join(map(str, sizes)) for sizes in several)
            raise InputError(
                f"The first line of {path.name} can mean {choices} cells along x, y and z; write only 'nx ny nz' there."
            )
