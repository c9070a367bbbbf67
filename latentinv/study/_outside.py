"""What was observed of data that something outside latentinv predicts, in the order in which it predicts them."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from latentinv.data import IndirectData
from latentinv.errors import InputError
from latentinv.forward import ExternalForward
from latentinv.io import read_table, read_unit
from latentinv.units import unit_factor

from ._kind import NAMES, PROPERTY, Given, Place, needed, property_of, values_of

OF_DATA = {*NAMES, *PROPERTY, "values", "sd", "unit", "count"}
"""Keys of a table that say nothing about the simulator."""


class Observed(NamedTuple):
    """Values with their standard deviations."""

    values: np.ndarray
    sd: Any
    labels: list[str] | None
    given: bool
    """Whether the study tells them; else they are zeros."""


def observed(kind: str, table: Mapping[str, Any], folder: Path, count: int | None) -> Observed:
    """What the study's table says was observed.

    Parameters
    ----------
    kind, table
        The kind's name, and its table.
    folder
        Of the study.
    count
        Number of data where the table has none; None if it is not known.

    Raises
    ------
    InputError
        If the values are missing and so is their number, they are given twice, or a standard deviation is not above 0.
    StorageError
        If a file cannot be read.
    """
    if "file" in table:
        for key in ("values", "sd", "count"):
            if key in table:
                raise InputError(f"The study's [[{kind}]] have a file and '{key}', which is in it; leave it out.")
        return _from_file(folder / table["file"], table.get("unit", ""))
    if "values" not in table and count is None:
        raise InputError(
            f"The study's [[{kind}]] have neither a file nor values; give one of them, or count, the number of data "
            "that the program predicts, where nothing was observed."
        )
    values, given = values_of(table, len(table.get("values", ())) if count is None else count, kind)
    return Observed(values, needed(kind, table, "sd"), None, given)


def predicted_by(
    forward: ExternalForward, kind: str, table: Mapping[str, Any], place: Place, data: Observed, name: str
) -> Given:
    """Data with the forward model that predicts them; `name` is that of data to which the study gives none."""
    observation = IndirectData(
        place.grid,
        _shared(forward, kind, table, place),
        data.values,
        data.sd,
        property=property_of(kind, table, place.prior, "property"),
        name=table.get("name", name),
        unit=table.get("unit", ""),
        labels=data.labels,
    )
    return Given(observation, data.given)


def _shared(forward: ExternalForward, kind: str, table: Mapping[str, Any], place: Place) -> ExternalForward:
    """The forward model of a study read before that calls the same in the same way; if there is none, this one."""
    if place.simulators is None:
        return forward
    call = json.dumps({key: value for key, value in table.items() if key not in OF_DATA}, sort_keys=True)
    key = (kind, call, place.folder.resolve(), forward.identity, forward.count, place.grid)
    return place.simulators.setdefault(key, forward)


def _from_file(path: Path, unit: str) -> Observed:
    read = read_table(path, ("value", "sd"))
    for label, sd in zip(read.labels("datum"), read.columns["sd"], strict=True):
        if not sd > 0:
            raise InputError(f"{label[0].upper()}{label[1:]} has sd {sd:g}; expected a standard deviation above 0.")
    factor = unit_factor(read_unit(path, ""), unit, f"The data in {path.name}")
    values, sd = (factor * read.columns[name] for name in ("value", "sd"))
    return Observed(values, sd, read.labels("datum"), True)
