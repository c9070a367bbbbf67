"""From a prior's fields to the properties that forward models take, such as a conductivity."""

import abc

import numpy as np
from jaxtyping import Array, Float

from latentinv.errors import InputError
from latentinv.priors.core import AbstractFaciesModel, AbstractPrior
from latentinv.registration import Registry


class AbstractProperty(abc.ABC):
    """How a field is read as a property of the ground; a frozen pytree whose numbers are leaves."""

    kind: str
    """The registered kind, written into run files."""
    facies_model: AbstractFaciesModel | None
    """The facies model it was made for; None for continuous fields."""
    linear: bool = False
    """Whether the property is linear in the field."""

    @abc.abstractmethod
    def soft(self, field: Float[Array, "*grid"], sharpness: float | Float[Array, ""] = 1.0) -> Float[Array, "*grid"]:
        """Property of each cell, differentiable in the field; facies are read by `sharpness` times the slope.

        Forward models that need several numbers per cell find them along a last axis.
        """

    @abc.abstractmethod
    def exact(self, field: Float[Array, "*grid"]) -> Float[Array, "*grid"]:
        """Property of each cell by the thresholds; the same as `soft` if there are none."""

    def of_facies(self) -> Float[np.ndarray, "facies *number"] | None:
        """The property of each facies, in the order of the categories; None unless it is constant within facies."""
        return None

    @abc.abstractmethod
    def to_arrays(self) -> dict[str, np.ndarray]:
        """The settings as named arrays, from which `from_arrays` restores the property for the same prior."""

    @classmethod
    @abc.abstractmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray], prior: AbstractPrior) -> "AbstractProperty":
        """Restore the property from `to_arrays`."""


PROPERTIES = Registry[type[AbstractProperty]]("property", rooms=("latentinv.data.properties",))
"""The kinds of property: run files name a kind, and this finds the class that reads it back."""


def check_slope(slope: float, name: str) -> np.float64:
    """Check the slope of the soft reading, and return it as a leaf of a pytree.

    Raises
    ------
    InputError
        If it is not positive and finite.
    """
    if not (np.isfinite(slope) and slope > 0):
        raise InputError(f"The slope {slope:g} of '{name}' is not positive; give a finite number above 0.")
    return np.float64(slope)
