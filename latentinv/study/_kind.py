"""What a kind of data in a study is, and the registry of them.

A new kind is one file with a class that is registered here, in this package or, by an entry point in the group
``latentinv.study_data``, in another. Its name is that of its tables: ``[[wells]]``, ``[[heads]]`` …
"""

import abc
from collections.abc import Callable, Hashable, Mapping
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np
from jaxtyping import Float

from latentinv.data import AbstractObservation, AbstractProperty, ContinuousProperty, FaciesProperty, IndirectData
from latentinv.data.core import say_point
from latentinv.errors import InputError
from latentinv.forward import AbstractForward, ExternalForward
from latentinv.grid import Grid
from latentinv.io import FLAG, Rule, number, several, words
from latentinv.priors.core import AbstractPrior
from latentinv.registration import Registry

FINITE = number(lambda value: True, "a finite number")
POSITIVE = number(lambda value: value > 0, "a finite number above 0")
PLACES = Rule(lambda value: _is_table_of_numbers(value), "a list of places such as [[4.5, 8.5], [20.5, 12.5]]")
VALUES = several(FINITE, tuple(range(1, 10_001)), "a list of numbers such as [1.5, 2.0]")
NAMES = {"name": words("a name"), "file": words("a file's name")}
OF_FACIES = several(FINITE, tuple(range(2, 17)), "a list of numbers, one for each facies")
PROPERTY = {"of_facies": OF_FACIES, "logarithm": FLAG}
"""How fields are read as what a forward model takes."""


Simulators = dict[Hashable, ExternalForward]
"""Forward models outside JAX, by what they call and how."""


class Place(NamedTuple):
    """What data are placed on."""

    prior: AbstractPrior
    grid: Grid
    folder: Path
    """Of the study, from which files are found."""
    simulators: Simulators | None = None
    """Those of studies read before, to be used again; None if they are not kept."""


class Given(NamedTuple):
    """Data of a study."""

    observation: AbstractObservation
    observed: bool
    """Whether the study gives what was observed; else the observation's values stand for nothing."""


class AbstractStudyData(abc.ABC):
    """A kind of data in a study."""

    rules: ClassVar[Mapping[str, Rule]]
    """Of the keys of its table."""

    @staticmethod
    @abc.abstractmethod
    def read(table: Mapping[str, Any], place: Place) -> Given:
        """Make the observation that a table states; its values are checked by the rules already.

        Raises
        ------
        InputError, StorageError
            If keys are missing or contradict each other, or a file cannot be used.
        """


STUDY_DATA = Registry[type[AbstractStudyData]]("study data", rooms=("latentinv.study",))


def needed(kind: str, table: Mapping[str, Any], key: str) -> Any:
    """A value that must be there.

    Raises
    ------
    InputError
        If it is not.
    """
    if key not in table:
        raise InputError(f"The study's [{kind}] lacks '{key}'; give it.")
    return table[key]


def has_file(kind: str, table: Mapping[str, Any], places: str, *, beside: tuple[str, ...] = ()) -> bool:
    """Whether the places of data are in a file rather than in the study; `beside` may stand beside a file.

    Raises
    ------
    InputError
        If they are in both, or in none.
    """
    if ("file" in table) == (places in table):
        raise InputError(f"The study's [[{kind}]] need either a file or {places}; give exactly one of them.")
    others = set(table) - {*NAMES, *beside}
    if "file" in table and others:
        raise InputError(f"The study's [[{kind}]] have a file and '{min(others)}', which is in the file; leave it out.")
    return "file" in table


def property_of(kind: str, table: Mapping[str, Any], prior: AbstractPrior, what: str) -> AbstractProperty:
    """How fields are read as a property, `what` in words.

    Raises
    ------
    InputError
        If the prior has facies and the table no value for each, or the other way round.
    """
    if prior.facies_model is None:
        if "of_facies" in table:
            raise InputError(f"The study's [[{kind}]] have of_facies, but its prior has a property; leave it out.")
        return ContinuousProperty("exp") if table.get("logarithm") else ContinuousProperty()
    if "logarithm" in table:
        raise InputError(f"The study's [[{kind}]] have logarithm, but its prior has facies; leave it out.")
    if "of_facies" not in table:
        raise InputError(f"The study's [[{kind}]] lack 'of_facies', the {what} of each facies; give it.")
    given, codes = table["of_facies"], prior.facies_model.categories
    if len(given) != len(codes):
        raise InputError(
            f"The study's [[{kind}]] have of_facies with {len(given)} values for the {len(codes)} facies "
            f"{prior.facies_model.listed()}; give the {what} of each, in this order."
        )
    return FaciesProperty(prior.facies_model, given)


def values_of(table: Mapping[str, Any], count: int, kind: str) -> tuple[np.ndarray, bool]:
    """The observed values in a table, or zeros, and whether there are any.

    Raises
    ------
    InputError
        If there are fewer or more than data.
    """
    if "values" not in table:
        return np.zeros(count), False
    values = np.asarray(table["values"], float)
    if len(values) != count:
        raise InputError(f"The study's [[{kind}]] have {len(values)} values for {count} places; give one for each.")
    return values, True


def measured(
    kind: str,
    table: Mapping[str, Any],
    place: Place,
    forward_at: Callable[[Float[np.ndarray, "datum column"]], AbstractForward],
    *,
    what: str,
    points: tuple[str, ...] = ("points",),
    columns: tuple[str, ...] | None = None,
    beside: tuple[str, ...] = (),
) -> Given:
    """Data that a forward model predicts, from a file or from the study itself.

    Parameters
    ----------
    kind, table, place
        The kind's name, its table, and what the data are placed on.
    forward_at
        Makes the forward model of places.
    what
        The property that the forward model takes, in words.
    points
        Keys of the places in the study, which are put beside each other.
    columns
        Columns of the places in a file; those of the grid's axes, within it, if omitted.
    beside
        Keys that may stand beside a file.
    """
    name, reading = table.get("name", kind), property_of(kind, table, place.prior, what)
    if has_file(kind, table, points[0], beside=(*PROPERTY, *beside)):
        path = place.folder / table["file"]
        data = IndirectData.from_csv(path, place.grid, forward_at, columns=columns, property=reading, name=name)
        return Given(data, True)
    parts = [np.asarray(needed(kind, table, key), float) for key in points]
    if len({len(part) for part in parts}) > 1:
        counts = " and ".join(f"{len(part)} {key}" for key, part in zip(points, parts, strict=True))
        raise InputError(f"The study's [[{kind}]] have {counts}; give as many of each.")
    model = forward_at(np.concatenate(parts, axis=1))
    values, observed = values_of(table, model.count, kind)
    sd = needed(kind, table, "sd")
    at_points = len(parts) == 1 and len(parts[0]) == model.count
    labels = (
        [f"point {n} at {say_point(at, place.grid.axes)}" for n, at in enumerate(parts[0], 1)] if at_points else None
    )
    return Given(IndirectData(place.grid, model, values, sd, property=reading, name=name, labels=labels), observed)


def _is_table_of_numbers(value: Any) -> bool:
    numeric = type(value) is list and value != [] and all(type(row) is list and row for row in value)
    if not numeric or len({len(row) for row in value}) > 1:
        return False
    return all(type(item) in (int, float) and np.isfinite(item) for row in value for item in row)
