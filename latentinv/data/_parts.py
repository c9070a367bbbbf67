"""The parts of indirect data in files: noise, property and forward model, each with its kind and its own arrays."""

from typing import Any, Protocol

import numpy as np

from latentinv.errors import InputError, StorageError
from latentinv.forward.core import FORWARDS, AbsentForward, AbstractForward
from latentinv.grid import Grid
from latentinv.registration import Registry

NOTES = ("kind", "note", "sample")
"""What files say about a part besides its own arrays."""


class Part(Protocol):
    """A part that can be written."""

    kind: str

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Its arrays."""
        ...


def part_arrays(name: str, part: Part) -> dict[str, np.ndarray]:
    """The kind of a part and its arrays, under its name."""
    own = {f"{name} {key}": array for key, array in part.to_arrays().items()}
    return {f"{name} kind": np.asarray(part.kind), **own}


def read_part(name: str, arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The arrays of one part under its own names."""
    start = f"{name} "
    own = {key.removeprefix(start): array for key, array in arrays.items() if key.startswith(start)}
    return {key: array for key, array in own.items() if key not in NOTES}


def kind_of(name: str, arrays: dict[str, np.ndarray], registry: Registry[Any], data: str) -> Any:
    """The class of a part of these data.

    Raises
    ------
    StorageError
        If this version does not know it.
    """
    kind = str(arrays[f"{name} kind"])
    if kind not in registry:
        raise StorageError(
            f"The {name} of the data '{data}' is of kind '{kind}', which this version does not know; update latentinv."
        )
    return registry[kind]


def forward_of(arrays: dict[str, np.ndarray], given: Any, grid: Grid, data: str) -> AbstractForward:
    """The forward model of these data, from the file or from the user.

    Parameters
    ----------
    arrays
        Of the data.
    given
        A forward model that no file can hold; None for one that stands for it but predicts nothing.
    grid, data
        The grid and the name of the data.

    Raises
    ------
    InputError
        If a model is given though the file holds it, or it is another one.
    StorageError
        If this version does not know the kind.
    """
    kind: type[AbstractForward] = kind_of("forward", arrays, FORWARDS, data)
    own = read_part("forward", arrays)
    if kind.given_again is None:
        if given is not None:
            raise InputError(f"The forward model of the data '{data}' is in the run file; give no function for it.")
        return kind.from_arrays(own, grid)
    if given is None:
        kept = {key.removeprefix("forward "): a for key, a in arrays.items() if key.startswith("forward ")}
        del kept["kind"]
        return AbsentForward(kind.kind, grid, arrays["data"].size, kept, kind.given_again.sentence(data))
    return kind.from_user(given, own, grid, data)
