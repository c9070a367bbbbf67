"""What a forward model is: from a property on a grid to data, with gradients."""

import abc

import numpy as np
from jaxtyping import Array, Float

from latentinv.grid import Grid


class AbstractForward(abc.ABC):
    """A map from a property of the ground to what would be measured.

    It is pure, jittable and vmappable, and has gradients unless it says otherwise, so that samplers can call it in
    batches.
    """

    kind: str
    """The registered kind (``linear``, ``groundwater_flow`` …), written into run files."""
    grid: Grid
    """Where the property lives."""
    has_gradient: bool = True
    """Whether predictions have gradients; not those of a simulator of the user's that knows none."""
    external: bool = False
    """Whether a simulator outside JAX predicts."""

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
