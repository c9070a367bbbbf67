"""What an observation is: one part of the likelihood, with its data, noise and a report in the user's words.

A field is read in two ways. The *soft* prediction is differentiable and depends on the field alone; the
*exact* one reads the thresholded facies. Both are small (one number a datum), so samplers store them and
never regenerate a field to try another temperature. Every observation states its own path from no
information to full:

* at inverse temperature 0 its likelihood is constant, at 1 it is the stated soft model;
* beyond 1, observations that end in an exact statement (hard data) become sharper still, the others stay as
  at 1.
"""

import abc
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from jaxtyping import Array, Float, Shaped

from latentinv.forward.core import Mark
from latentinv.grid import Grid
from latentinv.priors.core import AbstractPrior


@dataclass(frozen=True)
class Report:
    """How well one field agrees with one observation, in the user's words.

    Parameters
    ----------
    name
        The observation's name.
    sentence
        For people: ``49 of 49 pixels honoured``.
    fulfilled, total
        How many data agree with the field, of how many.
    rmse
        Root mean square of the differences in the unit of the data; None where these are no measured numbers.
    """

    name: str
    sentence: str
    fulfilled: int
    total: int
    rmse: float | None = None


class AbstractObservation(abc.ABC):
    """Data about a field, with their noise."""

    name: str
    """How the user calls these data; unique within a posterior."""
    grid: Grid
    """The grid the data were placed on."""
    kind: str
    """The registered kind (``hard_data``, ``block_means`` …), written into run files."""

    @property
    @abc.abstractmethod
    def count(self) -> int:
        """Number of data."""

    @property
    def has_gradient(self) -> bool:
        """Whether soft predictions have gradients in the field."""
        return True

    @property
    def external(self) -> bool:
        """Whether a simulator outside JAX predicts these data."""
        return False

    @abc.abstractmethod
    def check(self, prior: AbstractPrior, grid: Grid) -> None:
        """Raise `InputError` unless the data fit this prior and grid."""

    @abc.abstractmethod
    def predict(self, field: Float[Array, "*grid"], sharpness: float | Float[Array, ""] = 1.0) -> Float[Array, "datum"]:
        """Soft prediction of each datum, differentiable in the field.

        Where it reads facies by a slope, `sharpness` times the stated one is taken.
        """

    @abc.abstractmethod
    def predict_exact(self, field: Float[Array, "*grid"]) -> Float[Array, "datum"]:
        """Prediction of each datum from the thresholded field (`predict` itself if none is)."""

    def predict_both(self, field: Float[Array, "*grid"]) -> tuple[Float[Array, "datum"], Float[Array, "datum"]]:
        """Predict each datum softly and exactly."""
        return self.predict(field), self.predict_exact(field)

    @abc.abstractmethod
    def tempered_log_likelihood(
        self, prediction: Float[Array, "datum"], inverse_temperature: float | Float[Array, ""]
    ) -> Float[Array, ""]:
        """Log-likelihood of soft predictions, from no information (0) to the stated model (1) and on."""

    @abc.abstractmethod
    def exact_log_likelihood(self, prediction: Float[Array, "datum"]) -> Float[Array, ""]:
        """Log-likelihood of exact predictions; minus infinity where an exact datum is missed."""

    def log_likelihood(self, field: Float[Array, "*grid"]) -> Float[Array, ""]:
        """Log-likelihood of a field under the stated soft model."""
        return self.tempered_log_likelihood(self.predict(field), 1.0)

    @property
    @abc.abstractmethod
    def observed(self) -> Shaped[np.ndarray, "datum"]:
        """What was observed: numbers in their unit, or positions of facies among the prior's categories."""

    @abc.abstractmethod
    def with_data(self, data: Any) -> Self:
        """The same observation of other data, an array like `observed`, which under `jit` is traced and not checked."""

    @abc.abstractmethod
    def simulate(self, key_noise: Array, field: Float[Array, "*grid"], *, exact: bool) -> Shaped[Array, "datum"]:
        """Draw what would be observed in a field, by the exact model or the stated soft one.

        Raises
        ------
        InputError
            If the soft model is no law of what is observed.
        """

    def marks(self) -> tuple[Mark, ...]:
        """What a map shows of the data."""
        return ()

    @abc.abstractmethod
    def report(self, field: Float[Array, "*grid"]) -> Report:
        """Say how well a field agrees, read exactly."""

    @abc.abstractmethod
    def failures(self, predictions: Float[np.ndarray, "draw datum"]) -> list[str]:
        """From exact predictions of many draws, say which data they miss and by how much, worst first."""

    @abc.abstractmethod
    def to_arrays(self) -> dict[str, np.ndarray]:
        """The data as named arrays of numbers and texts, from which `from_arrays` makes them again."""

    @classmethod
    @abc.abstractmethod
    def from_arrays(
        cls, name: str, arrays: dict[str, np.ndarray], grid: Grid, prior: AbstractPrior
    ) -> "AbstractObservation":
        """Make the observation again from what `to_arrays` gave."""
