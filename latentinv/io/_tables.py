"""Tables of numbers as users write them: a CSV file in, named columns of floats out.

The file is text in UTF-8 (with or without a byte order mark): a header line, then one line per datum,
separated by commas, semicolons or tabs. Blank lines and lines that start with ``#`` are skipped. Columns
that are not requested may hold anything. Each value is checked here, so that all later code can trust it to
be a finite number; what cannot be read is named by file, line and column.
"""

import csv
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from latentinv.errors import InputError, StorageError


class Table(NamedTuple):
    """Columns of numbers and where they came from."""

    file: str
    """The file's name, for messages."""
    lines: tuple[int, ...]
    """The line of the file that each row stands on, counted from 1."""
    columns: dict[str, np.ndarray]
    """The values of each column."""

    def points(self, names: Sequence[str]) -> Float[np.ndarray, "row axis"]:
        """Put columns of coordinates beside each other."""
        return np.stack([self.columns[name] for name in names], axis=1)

    def labels(self, datum: str) -> list[str]:
        """Label each row by what it is and where it stands: ``the well on line 3 of wells.csv``."""
        return [f"the {datum} on line {line} of {self.file}" for line in self.lines]


class _Row(NamedTuple):
    line: int
    cells: list[str]


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
    header, *rows = _rows(path)
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


def read_table(
    path: str | Path,
    required: Sequence[str],
    optional: Sequence[str] = (),
    hints: Mapping[str, str] | None = None,
) -> Table:
    """Read the named columns of a CSV file.

    Parameters
    ----------
    path
        The file.
    required
        Columns that must be there; upper and lower case are the same.
    optional
        Columns that are read if they are there.
    hints
        Advice for a missing required column: a sentence by its name.

    Raises
    ------
    StorageError
        If the file cannot be opened.
    InputError
        If it is not such a table; the sentence names the file, the line and the column.
    """
    path = Path(path)
    rows = _rows(path)
    header = [cell.strip().lower() for cell in rows[0].cells]
    _check_header(path.name, header, required, optional, hints or {})
    if len(rows) == 1:
        raise InputError(f"{path.name} has a header but no data; expected one line per datum below it.")
    for row in rows[1:]:
        if len(row.cells) != len(header):
            raise InputError(
                f"{path.name}, line {row.line} has {len(row.cells)} cells, but the header has {len(header)} "
                "columns; complete or correct the line."
            )
    names = [name for name in (*required, *optional) if name in header]
    columns = {
        name: np.asarray([_number(path.name, row, name, header.index(name)) for row in rows[1:]]) for name in names
    }
    return Table(path.name, tuple(row.line for row in rows[1:]), columns)


def _rows(path: Path) -> list[_Row]:
    """Split a file into the cells of its header and data lines."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise StorageError(f"There is no file {path}; check the path.") from None
    except OSError as error:
        raise StorageError(f"{path} cannot be read ({error.strerror}); check the path and its rights.") from error
    except UnicodeDecodeError:
        raise InputError(f"{path.name} is not text in UTF-8; save it as CSV (UTF-8).") from None
    lines = [(number, line) for number, line in enumerate(text.split("\n"), 1) if _has_data(line)]
    if not lines:
        raise InputError(f"{path.name} is empty; expected a header line and one line per datum.")
    separator = max(",;\t", key=lines[0][1].count)
    return [_Row(number, next(csv.reader([line], delimiter=separator))) for number, line in lines]


def _has_data(line: str) -> bool:
    return bool(line.strip()) and not line.lstrip().startswith("#")


def _check_header(
    file: str, header: list[str], required: Sequence[str], optional: Sequence[str], hints: Mapping[str, str]
) -> None:
    missing = [name for name in required if name not in header]
    if missing:
        expected = ", ".join(required) + (f" and if wanted {', '.join(optional)}" if optional else "")
        hint = "".join([f" {hints[name]}" for name in missing if name in hints][:1])
        columns = ", ".join(header)
        raise InputError(
            f"{file} has no column {', '.join(missing)}; its columns are {columns}; expected {expected}.{hint}"
        )
    repeated = [name for name in (*required, *optional) if header.count(name) > 1]
    if repeated:
        raise InputError(f"{file} has the column {repeated[0]} more than once; keep one of them.")


def _number(file: str, row: _Row, column: str, position: int) -> float:
    """Read a finite number, or name the cell that has none."""
    cell = row.cells[position].strip()
    where = f"{file}, line {row.line}, column {column}"
    if not cell:
        raise InputError(f"{where} is empty; give a number or remove the line.")
    try:
        # Python reads 1_000 as a number; in a table it is a typing error.
        value = float(cell.replace("_", "?"))
    except ValueError:
        raise InputError(f"{where} holds '{cell}', which is not a number; write it like 12.5.") from None
    if not math.isfinite(value):
        raise InputError(f"{where} holds '{cell}', which is not finite; give a number or remove the line.")
    return value
