"""What a forward model is: from a property on a grid to data, with gradients."""

import abc
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
from jaxtyping import Array, Bool, Float
from scipy import sparse

from latentinv.grid import Grid
from latentinv.registration import Registry

from ._extents import Extents, whole_extents
from ._marks import Mark


class GivenAgain(NamedTuple):
    """Why a file does not hold a forward model, and how to give it to a run that needs it."""

    what: str
    """What it is, in words: ``a Python function``."""
    example: str
    """What to give in its place, as source text."""
    otherwise: str = ""
    """Another way to give it, in words."""

    def sentence(self, name: str) -> str:
        """The request for the forward model of the data of this name."""
        return (
            f"The forward model of the data '{name}' is {self.what}, which a run file cannot hold; give it again, as "
            f"in resume(path, forwards={{{name!r}: {self.example}}}){self.otherwise}."
        )


class AbstractForward(abc.ABC):
    """A map from a property of the ground to what would be measured.

    It is pure, jittable and vmappable, and has gradients unless it says otherwise, so that samplers can call it in
    batches. It is a frozen pytree: its operators and other numbers are leaves.
    """

    kind: str
    """The registered kind (``linear``, ``steady_flow`` …), written into run files."""
    grid: Grid
    """Grid of the property."""
    has_gradient: bool = True
    """Whether predictions have gradients; False for a user's simulator without them."""
    external: bool = False
    """Whether predictions come from a simulator outside JAX."""
    linear: bool = False
    """Whether predictions are linear in the property."""
    unit: str = ""
    """Unit of the predictions; empty if it follows from that of the property, or is not known."""
    missing: str | None = None
    """Request for a forward model that no file can hold and that was not given again; None otherwise."""
    given_again: ClassVar[GivenAgain | None] = None
    """Why a file cannot hold this kind; None if it can."""
    known_by_sample: ClassVar[bool] = False
    """Whether a file keeps predictions for one field, so that a wrong model is recognised when it is given again."""

    @property
    @abc.abstractmethod
    def count(self) -> int:
        """Number of data."""

    @abc.abstractmethod
    def predict(self, property: Float[Array, "*grid"]) -> Float[Array, "datum"]:
        """Predict the data from the property of every cell."""

    @abc.abstractmethod
    def to_arrays(self) -> dict[str, np.ndarray]:
        """The model as named arrays of numbers, from which `from_arrays` restores it."""

    @classmethod
    @abc.abstractmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray], grid: Grid) -> "AbstractForward":
        """Restore the model from `to_arrays`."""

    @classmethod
    def from_user(cls, given: Any, arrays: dict[str, np.ndarray], grid: Grid, name: str) -> Self:
        """Check what a user gives again for a model that no file can hold.

        Parameters
        ----------
        given
            What the user gives.
        arrays
            What `to_arrays` gave when the data of this name were stored.
        grid, name
            The data's.

        Raises
        ------
        InputError
            If it is not the model that was stored.
        """
        raise NotImplementedError(f"A {cls.kind} forward model is made from its file.")

    def marks(self, data: Float[np.ndarray, "datum"]) -> tuple[Mark, ...]:
        """What maps show of data that this model predicts; nothing, if they have no place."""
        del data
        return ()

    def seen(self) -> Bool[np.ndarray, "*grid"]:
        """The cells that the predictions depend on; by default all."""
        return np.ones(self.grid.shape, bool)

    def extents(self) -> Extents:
        """The box of cells that each datum depends on; by default the whole grid. It may be called within programs."""
        return whole_extents(self.count, self.grid.shape)

    def weights(self) -> sparse.csr_array | None:
        """The weights ``[datum, cell]`` of a linear model, cells in array order; None for other models.

        Of a property with several numbers per cell ``[datum, cell · number]``, those of a cell one after the other.
        """
        return None


FORWARDS = Registry[type[AbstractForward]]("forward model", rooms=("latentinv.forward",))
"""The kinds of forward model: run files name a kind, and this finds the class that reads it back."""
