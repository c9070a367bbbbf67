"""Numbers in the text files that programs write."""

import csv
import re
from pathlib import Path

import numpy as np
from jaxtyping import Float

BETWEEN = re.compile(r"[\s,;]+")


def read_numbers(place: Path, file: str, column: str | None = None) -> Float[np.ndarray, "datum"]:
    """Read the numbers of a text file.

    Parameters
    ----------
    place
        The folder of a finished run.
    file
        The file's name in it.
    column
        The name of a column in the file's first line, of a table whose cells stand apart by commas, semicolons, tabs
        or blanks; all numbers of the file unless given, row by row, where what follows a ``#`` is a comment.

    Raises
    ------
    ValueError
        If it holds something else.
    """
    lines = (place / file).read_text(encoding="utf-8-sig").splitlines()
    if column is None:
        words = [word for line in lines for word in BETWEEN.split(line.split("#")[0]) if word]
        return np.array([float(word) for word in words])
    rows = _rows([line for line in lines if line.strip()])
    names = [name.strip().lower() for name in rows[0]] if rows else []
    if column.strip().lower() not in names:
        raise ValueError(f"{file} has no column {column}, but {', '.join(names) or 'is empty'}")
    at = names.index(column.strip().lower())
    return np.array([float(row[at]) for row in rows[1:]])


def _rows(lines: list[str]) -> list[list[str]]:
    separator = next((mark for mark in ",;\t" if lines and mark in lines[0]), None)
    return [line.split() for line in lines] if separator is None else list(csv.reader(lines, delimiter=separator))
