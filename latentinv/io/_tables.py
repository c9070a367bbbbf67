"""Tables of numbers as users write them: a text file in, named columns of floats out.

How lines are split and columns are named is the matter of `_table_rows` and `_column_names`. Columns that are not
requested may hold anything. Each value is checked here, so that all later code can trust it to be a finite number that
is no code for a missing value; what cannot be read is named by file, line and column.
"""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from latentinv.errors import InputError

from ._column_names import find_columns
from ._missing import missing_cells
from ._table_rows import Row, split_table


class Words(NamedTuple):
    """Words that stand for numbers in a column."""

    numbers: Mapping[str, int]
    """By word, in lower case."""
    advice: str
    """What a sentence says of any other word: ``the prior has the facies 0 (clay), 1 (sand)``."""


class Table(NamedTuple):
    """Columns of numbers and where they came from."""

    file: str
    """The file's name, for messages."""
    lines: tuple[int, ...]
    """The line of the file that each row stands on, counted from 1."""
    columns: dict[str, np.ndarray]
    """The values of each column."""
    unused: tuple[str, ...]
    """Names of columns that were not requested."""
    texts: dict[str, tuple[str, ...]]
    """The words of each column of words."""

    def points(self, names: Sequence[str]) -> Float[np.ndarray, "row axis"]:
        """Put columns of coordinates beside each other."""
        return np.stack([self.columns[name] for name in names], axis=1)

    def labels(self, datum: str) -> list[str]:
        """Label each row by what it is and where it stands: ``the well on line 3 of wells.csv``."""
        return [f"the {datum} on line {line} of {self.file}" for line in self.lines]


def read_unit(path: str | Path, unit: str) -> str:
    """The unit of a CSV file's values: from its column ``unit``, or `unit` if it has none.

    Parameters
    ----------
    path
        The file.
    unit
        The unit that is expected; empty if any is.

    Raises
    ------
    StorageError
        If the file cannot be opened.
    InputError
        If a line has another unit than expected, or than the lines before it; the sentence names the file and the line.
    """
    path = Path(path)
    header, *rows = split_table(path)
    names = [cell.strip().lower() for cell in header.cells]
    if "unit" not in names:
        return unit
    for row in rows:
        cells = dict(zip(names, row.cells, strict=False))
        found = cells.get("unit", "").strip()
        unit = unit or found
        if found != unit:
            raise InputError(
                f"{path.name}, line {row.line}, column unit holds '{found}', but the data are in '{unit}'; convert the "
                "value or correct the unit."
            )
    return unit


class Header(NamedTuple):
    """What the columns of a table are called."""

    file: str
    names: tuple[str, ...]

    def has(self, name: str) -> bool:
        """Whether there is a column of a name, or of a synonym."""
        return name in find_columns(self.file, self.names, (name,))


def table_header(path: str | Path) -> Header:
    """Read the names of a table's columns; errors are those of `read_table`."""
    path = Path(path)
    return Header(path.name, tuple(cell.strip() for cell in split_table(path)[0].cells))


def unused_columns(path: str | Path, names: Sequence[str]) -> tuple[str, ...]:
    """Columns of a table besides those of some names; errors are those of `read_table`."""
    path = Path(path)
    cells = split_table(path)[0].cells
    used = find_columns(path.name, cells, names).values()
    plain = [cell.strip().lower() for cell in cells]
    return tuple(name for place, name in enumerate(plain) if place not in used and name != "unit")


def read_table(
    path: str | Path,
    required: Sequence[str],
    optional: Sequence[str] = (),
    hints: Mapping[str, str] | None = None,
    texts: Sequence[str] = (),
    words: Mapping[str, Words] | None = None,
) -> Table:
    """Read the named columns of a CSV file.

    Parameters
    ----------
    path
        The file.
    required
        Columns that must be there, by these names or their synonyms; upper and lower case are the same.
    optional
        Columns that are read if they are there.
    hints
        Advice for a missing required column: a sentence by its name.
    texts
        Columns of words that must be there.
    words
        Words that may stand for numbers, by column; upper and lower case are the same.

    Raises
    ------
    StorageError
        If the file cannot be opened.
    InputError
        If it is not such a table; the sentence names the file, the line and the column.
    """
    path = Path(path)
    header, *rows = split_table(path)
    names = [cell.strip().lower() for cell in header.cells]
    found = find_columns(path.name, header.cells, (*texts, *required, *optional))
    _check_header(path.name, names, found, (*texts, *required), optional, hints or {})
    if not rows:
        raise InputError(f"{path.name} has a header but no data; expected one line per datum below it.")
    for row in rows:
        if len(row.cells) != len(names):
            raise InputError(
                f"{path.name}, line {row.line} has {len(row.cells)} cells, but the header has {len(names)} "
                "columns; complete or correct the line."
            )
    told = {name: tuple(_word(path.name, row, name, found[name]) for row in rows) for name in texts}
    columns = {
        name: np.asarray([_number(path.name, row, name, place, (words or {}).get(name)) for row in rows])
        for name, place in found.items()
        if name not in texts
    }
    unused = tuple(name for place, name in enumerate(names) if place not in found.values() and name != "unit")
    return Table(path.name, tuple(row.line for row in rows), columns, unused, told)


def _check_header(
    file: str,
    names: list[str],
    found: Mapping[str, int],
    required: Sequence[str],
    optional: Sequence[str],
    hints: Mapping[str, str],
) -> None:
    missing = [name for name in required if name not in found]
    if missing:
        expected = ", ".join(required) + (f" and if wanted {', '.join(optional)}" if optional else "")
        hint = "".join([f" {hints[name]}" for name in missing if name in hints][:1])
        raise InputError(
            f"{file} has no column {', '.join(missing)}; its columns are {', '.join(names)}; expected {expected}.{hint}"
        )


def _word(file: str, row: Row, column: str, position: int) -> str:
    """Read a word, or name the cell that has none."""
    if not (word := row.cells[position].strip()):
        raise InputError(f"{file}, line {row.line}, column {column} is empty; complete or remove the line.")
    return word


def _number(file: str, row: Row, column: str, position: int, words: Words | None) -> float:
    """Read a finite number, or a word that stands for one, or name the cell that has none."""
    cell = row.cells[position].strip()
    where = f"{file}, line {row.line}, column {column}"
    if not cell:
        raise InputError(f"{where} is empty; give a number or remove the line.")
    if words is not None and cell.casefold() in words.numbers:
        return float(words.numbers[cell.casefold()])
    try:
        # Python reads 1_000 as a number; in a table it is a typing error.
        value = float(cell.replace("_", "?"))
    except ValueError:
        what = "which is not a number; write it like 12.5" if words is None else f"but {words.advice}"
        raise InputError(f"{where} holds '{cell}', {what}.") from None
    if not math.isfinite(value):
        raise InputError(f"{where} holds '{cell}', which is not finite; give a number or remove the line.")
    if missing_cells(np.array([value]))[0]:
        raise InputError(
            f"{where} holds '{cell}', which usually stands for a missing value; remove the line, or, if it was "
            "measured, write it a little differently."
        )
    return value
