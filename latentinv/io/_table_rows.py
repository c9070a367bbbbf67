"""Splitting a table's text into the cells of its header and of its lines, however people write tables.

Cells stand apart by commas, semicolons, tabs or blanks; a first line ``sep=;`` names the separator, as spreadsheets
write it. Where it is not a comma, numbers may have decimal commas. GSLIB point sets (GEO-EAS) are known by their second
line, the number of columns: the names follow, one a line, then cells apart by blanks. Blank lines and lines that start
with ``#`` are skipped.
"""

import csv
import re
from pathlib import Path
from typing import NamedTuple

from latentinv.errors import InputError, StorageError

DECIMAL_COMMA = re.compile(r"[+-]?\d*,\d+")
THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}")
"""Numbers that may also be thousands, as English has them."""


class Row(NamedTuple):
    """A line of a table."""

    line: int
    """Counted from 1."""
    cells: list[str]


def split_table(path: Path) -> list[Row]:
    """Split a file into its header and the rows below it.

    Raises
    ------
    StorageError
        If the file cannot be opened.
    InputError
        If it is no text in UTF-8, empty, has decimal points and decimal commas, or commas that may mark thousands.
    """
    lines = [(number, line) for number, line in enumerate(_text(path).split("\n"), 1) if _has_data(line)]
    stated = re.fullmatch(r'"?sep=(.)"?', lines[0][1].strip(), re.IGNORECASE) if lines else None
    lines = lines[1:] if stated else lines
    if not lines:
        raise InputError(f"{path.name} is empty; expected a header line and one line per datum.")
    if (names := _point_set(lines)) is not None:
        rows = [Row(lines[1][0], names), *(Row(n, line.split()) for n, line in lines[2 + len(names) :])]
        return rows
    separator = stated[1] if stated else max(",;\t", key=lines[0][1].count)
    if separator not in lines[0][1]:
        return [Row(number, line.split()) for number, line in lines]
    rows = [Row(number, next(csv.reader([line], delimiter=separator))) for number, line in lines]
    return rows if separator == "," else _with_points(rows, path)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise StorageError(f"There is no file {path}; check the path.") from None
    except OSError as error:
        raise StorageError(f"{path} cannot be read ({error.strerror}); check the path and its rights.") from error
    except UnicodeDecodeError:
        raise InputError(f"{path.name} is not text in UTF-8; save it as CSV (UTF-8).") from None


def _has_data(line: str) -> bool:
    return bool(line.strip()) and not line.lstrip().startswith("#")


def _point_set(lines: list[tuple[int, str]]) -> list[str] | None:
    """Names of the columns of a point set of GSLIB; None if the lines are none."""
    if len(lines) < 3 or not re.fullmatch(r"[1-9]\d{0,3}", lines[1][1].strip()):
        return None
    count = int(lines[1][1])
    names = [line.strip() for _, line in lines[2 : 2 + count]]
    first = lines[2 + count][1].split() if len(lines) > 2 + count else []
    return names if len(names) == len(first) == count else None


def _with_points(rows: list[Row], path: Path) -> list[Row]:
    """Rows with decimal points in place of decimal commas."""
    commas = [row.line for row in rows[1:] if any(DECIMAL_COMMA.fullmatch(cell.strip()) for cell in row.cells)]
    points = [row.line for row in rows[1:] if any(re.fullmatch(r"[+-]?\d*\.\d+", cell.strip()) for cell in row.cells)]
    if commas and points:
        raise InputError(
            f"{path.name} has numbers with a decimal comma (line {commas[0]}) and with a decimal point (line "
            f"{points[0]}); write all of them with a point."
        )

    cells = [(row.line, cell.strip()) for row in rows[1:] for cell in row.cells]
    decimal = [(line, cell) for line, cell in cells if DECIMAL_COMMA.fullmatch(cell)]
    if decimal and all(THOUSANDS.fullmatch(cell) for _, cell in decimal):
        line, cell = decimal[0]
        raise InputError(
            f"{path.name}, line {line} holds '{cell}', which can mean {cell.replace(',', '.')} or "
            f"{cell.replace(',', '')}; write numbers with a decimal point, and thousands without a comma."
        )

    def with_point(cell: str) -> str:
        return cell.replace(",", ".") if DECIMAL_COMMA.fullmatch(cell.strip()) else cell

    return [rows[0], *(Row(row.line, [with_point(cell) for cell in row.cells]) for row in rows[1:])]
