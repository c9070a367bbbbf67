"""Indirect data in tables: a line per datum, with its place, its value and its standard deviation."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from latentinv.data.core import say_point, sentence
from latentinv.errors import InputError
from latentinv.forward.core import AbstractForward
from latentinv.forward.external import Function, FunctionForward
from latentinv.grid import AXIS_NAMES, Grid
from latentinv.io import read_table, read_unit


class IndirectTable(NamedTuple):
    """What a table says about indirect data."""

    forward: AbstractForward
    values: Float[np.ndarray, "datum"]
    sd: Float[np.ndarray, "datum"]
    labels: Sequence[str]
    unit: str


def as_forward(forward: AbstractForward | Function, grid: Grid) -> AbstractForward:
    """A forward model; a function is turned into one.

    Raises
    ------
    InputError
        If it is neither.
    """
    if not isinstance(forward, AbstractForward) and (isinstance(forward, type) or not callable(forward)):
        raise InputError(
            f"The forward model is {forward!r}; expected one of latentinv.forward with its settings, a function, or "
            "ExternalForward(simulator, grid, count) around a simulator."
        )
    return forward if isinstance(forward, AbstractForward) else FunctionForward(forward, grid)


def read_indirect(
    path: str | Path,
    grid: Grid,
    forward_at: Callable[[Float[np.ndarray, "datum column"]], AbstractForward | Function],
    columns: Sequence[str] | None,
    unit: str,
) -> IndirectTable:
    """Read a table as `IndirectData.from_csv` states it."""
    names = grid.axes if columns is None else _checked_names(columns)
    example = "If coordinates have other names, give them, as in columns=('east', 'north')."
    table = read_table(path, (*names, "value", "sd"), hints=dict.fromkeys(AXIS_NAMES, example))
    places, labels = table.points(names), table.labels("datum")
    within = grid.inside(places) if columns is None else np.ones(len(places), bool)
    for place, label, inside, sd in zip(places, labels, within, table.columns["sd"], strict=True):
        where = sentence(f"{label} at {say_point(place, grid.axes)}" if columns is None else label)
        if not inside:
            raise InputError(f"{where} lies outside the grid ({grid.describe()}); move or remove it.")
        if not sd > 0:
            raise InputError(f"{where} has sd {sd:g}; expected a standard deviation above 0.")
    unit = read_unit(path, unit)
    try:
        forward = as_forward(forward_at(places), grid)
    except InputError as error:
        raise InputError(
            f"{table.file}, read by its columns {', '.join(names)}, gives no forward model (its row 1 is line "
            f"{table.lines[0]}; comments and blank lines do not count): {error}"
        ) from error
    if forward.count != len(places):
        raise InputError(
            f"{table.file} has {len(places)} data, but the forward model predicts {forward.count}; give one line a "
            "datum."
        )
    return IndirectTable(forward, table.columns["value"], table.columns["sd"], labels, unit)


def _checked_names(columns: Sequence[str]) -> tuple[str, ...]:
    names = () if isinstance(columns, str) else tuple(column.lower() for column in columns)
    if not names or len({*names, "value", "sd"}) < len(names) + 2:
        raise InputError(
            f"Given the columns {columns!r}; expected a list of different names, such as ('x', 'y', 'time'), "
            "without value and sd."
        )
    return names
