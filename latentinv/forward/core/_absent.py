"""A placeholder for a forward model that no file can hold, in a run that is opened without it."""

from typing import NoReturn, final

import numpy as np
from jaxtyping import Array, Float

from latentinv.errors import InputError
from latentinv.grid import Grid
from latentinv.pytrees import pytree

from ._forward import AbstractForward
from ._identity import ByIdentity


@final
@pytree()
class AbsentForward(AbstractForward):
    """A forward model that was not given again: data with it are read, compared and drawn, but not predicted.

    Parameters
    ----------
    kind
        The kind of the model it stands for.
    grid, count
        The model's.
    arrays
        What its `to_arrays` gave, which a file of these data keeps.
    missing
        The sentence that asks for the model.
    """

    def __init__(self, kind: str, grid: Grid, count: int, arrays: dict[str, np.ndarray], missing: str) -> None:
        self.kind, self.grid, self._count, self.missing = kind, grid, count, missing
        self._arrays = ByIdentity(arrays)

    @property
    def count(self) -> int:
        """Number of data."""
        return self._count

    def predict(self, property: Float[Array, "*grid"]) -> NoReturn:
        """Raise `InputError`: the model must be given again."""
        assert self.missing is not None
        raise InputError(self.missing)

    def to_arrays(self) -> dict[str, np.ndarray]:
        """The arrays that the model itself gave."""
        return self._arrays.value

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray], grid: Grid) -> NoReturn:
        """Not available: the model that it stands for is made from its own arrays, by its own class."""
        raise NotImplementedError("An absent forward model stands for another one.")
