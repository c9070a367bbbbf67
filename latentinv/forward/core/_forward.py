"""What a forward model is: from a property on a grid to data, with gradients."""

import abc
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
from jaxtyping import Array, Bool, Float
from scipy import sparse

from latentinv.grid import Grid
from latentinv.registration import Registry

from ._marks import Mark


class GivenAgain(NamedTuple):
    """Why a file does not hold a forward model, and how a run that needs it gets it."""

    what: str
    """What it is: ``a Python function``."""
    example: str
    """What to give for it, as source text."""

    def sentence(self, name: str) -> str:
        """Ask for the forward model of the data of this name."""
        return (
            f"The forward model of the data '{name}' is {self.what}, which a run file cannot hold; give it again, as "
            f"in resume(path, forwards={{{name!r}: {self.example}}})."
        )


class AbstractForward(abc.ABC):
    """A map from a property of the ground to what would be measured.

    It is pure, jittable and vmappable, and has gradients unless it says otherwise, so that samplers can call it in
    batches. It is a frozen pytree: its operators and other numbers are leaves.
    """

    kind: str
    """The registered kind (``linear``, ``steady_flow`` …), written into run files."""
    grid: Grid
    """Where the property lives."""
    has_gradient: bool = True
    """Whether predictions have gradients; not those of a simulator of the user's that has none."""
    external: bool = False
    """Whether a simulator outside JAX predicts."""
    linear: bool = False
    """Whether predictions are linear in the property."""
    missing: str | None = None
    """For a forward model that no file can hold and that was not given again: the sentence that asks for it."""
    given_again: ClassVar[GivenAgain | None] = None
    """Why a file cannot hold this kind, if it cannot."""
    known_by_sample: ClassVar[bool] = False
    """Whether a file keeps what the model predicts for one field, so that a mistaken one is recognised."""

    @property
    @abc.abstractmethod
    def count(self) -> int:
        """Number of data."""

    @abc.abstractmethod
    def predict(self, property: Float[Array, "*grid"]) -> Float[Array, "datum"]:
        """Predict the data from the property of every cell."""

    @abc.abstractmethod
    def to_arrays(self) -> dict[str, np.ndarray]:
        """The model as named arrays of numbers, from which `from_arrays` makes it again."""

    @classmethod
    @abc.abstractmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray], grid: Grid) -> "AbstractForward":
        """Make the model again from what `to_arrays` gave."""

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
        """What a map shows of data that this model predicts; nothing, if they have no place."""
        del data
        return ()

    def seen(self) -> Bool[np.ndarray, "*grid"]:
        """Which cells the predictions depend on; all, as far as is known."""
        return np.ones(self.grid.shape, bool)

    def weights(self) -> sparse.csr_array | None:
        """Of a linear model the weights ``[datum, cell]``, cells in array order; None for other models.

        Of a property with several numbers per cell ``[datum, cell · number]``, those of a cell one after the other.
        """
        return None


FORWARDS = Registry[type[AbstractForward]]("forward model", rooms=("latentinv.forward",))
"""The kinds of forward model: run files name a kind, and this finds the class that reads it back."""
