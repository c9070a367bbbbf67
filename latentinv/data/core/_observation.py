"""What an observation is: one part of the likelihood, with its data, noise and a report in the user's words.

A field is read in two ways. The *soft* prediction is differentiable and depends on the field alone; the
*exact* one reads the thresholded facies. Both are small (one number per datum), so samplers store them and
need not generate a field again to try another temperature. Every observation states its own path from no
information to full:

* at inverse temperature 0 its likelihood is constant, at 1 it is the stated soft model;
* beyond 1, observations that end in an exact statement (hard data) become sharper still, the others stay as
  at 1.

An observation is a frozen pytree: its data, noise and operators are leaves. It has attributes for all that samplers,
diagnosis and pictures need to know, so nothing outside this package depends on its class.
"""

import abc
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Self

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, Shaped

from latentinv.data.noise import AbstractNoise
from latentinv.errors import InputError
from latentinv.forward.core import Extents, Mark, whole_extents
from latentinv.forward.external import ExternalForward
from latentinv.grid import Grid
from latentinv.priors.core import AbstractPrior
from latentinv.pytrees import replace
from latentinv.registration import Registry

MOST_QUANTITIES = 500
"""Most data of an observation that are watched; of more data an evenly spread selection."""


@dataclass(frozen=True)
class Report:
    """How well one field agrees with one observation, in the user's words.

    Parameters
    ----------
    name
        The observation's name.
    sentence
        In words: ``49 of 49 observed cells honoured``.
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


class GaussianView(NamedTuple):
    """Data as numbers with Gaussian noise, for algorithms that require it."""

    predict: Callable[[Float[Array, "*grid"], Float[Array, "datum"]], Float[Array, "datum"]]
    """Prediction from a field and its soft predictions."""
    observed: Float[Array, "datum"]
    noise: AbstractNoise
    surrogate: bool
    """Whether this replaces the stated likelihood by another one."""


class CertainFacies(NamedTuple):
    """Facies that are known for certain, cell by cell."""

    cells: Int[np.ndarray, "cell axis"]
    """Array indices."""
    codes: Int[np.ndarray, "cell"]
    """Facies of each cell."""
    names: tuple[str, ...]
    """Name of the data that each comes from."""


class AbstractObservation(abc.ABC):
    """Data about a field, with their noise."""

    name: str
    """The user's name for these data; unique within a posterior."""
    grid: Grid
    """The grid the data were placed on."""
    kind: str
    """The registered kind (``hard_data``, ``indirect_data`` …), written into run files."""
    fulfilled: str = "data fulfilled"
    """What a report counts, in words: ``observed cells honoured``."""
    hard: bool = False
    """Whether exact predictions are 1 where a datum is honoured, or more than 1 if `by_prior`, and 0 where it is
    missed."""
    by_prior: bool = False
    """Whether the prior is made to honour the data, so that what counts is the weight with which it did."""
    certain: bool = False
    """Whether some datum is certain, so that the exact likelihood excludes fields that miss it."""
    linear: bool = False
    """Whether predictions are linear in the field, as far as is known."""
    unit: str = ""
    """Of measured numbers, where it is stated."""
    labels: tuple[str, ...] = ()
    """What each datum is called; empty where data have no names."""
    noise: AbstractNoise | None = None
    """The noise of measured numbers; None for other data."""
    observed: Shaped[np.ndarray, "datum"]
    """What was observed: numbers in their unit, or positions of facies among the prior's categories."""
    cells: Int[np.ndarray, "datum axis"] | None = None
    """The one cell that each datum is about, as array indices; None if data depend on more cells."""
    sharpens: bool = False
    """Whether the soft likelihood becomes sharper by itself beyond inverse temperature 1."""

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
        return self.simulator is not None

    @property
    def from_function(self) -> bool:
        """Whether a JAX function that a user wrote predicts these data."""
        return False

    @property
    def simulator(self) -> ExternalForward | None:
        """The simulator outside JAX that predicts these data from `readings`; None if there is none."""
        return None

    @property
    def missing(self) -> str | None:
        """Request for a forward model that no file can hold; None if nothing is missing."""
        return None

    @property
    def gaussian_noise(self) -> AbstractNoise | None:
        """The noise of the data where it is Gaussian."""
        return None

    @property
    def reliability(self) -> Float[np.ndarray, "datum"] | None:
        """1 − 2e for hard data, e being the probability that a datum is wrong; None for other data."""
        return None

    @abc.abstractmethod
    def check(self, prior: AbstractPrior, grid: Grid) -> None:
        """Raise `InputError` unless the data fit this prior and grid."""

    def honoured_by_prior(self, margin: Sequence[int]) -> Self | None:
        """The same data if a prior is made to honour them, each with a margin of cells along each axis on which its
        weight may depend too; None if it cannot be.
        """
        del margin
        return None

    def certain_facies(self) -> CertainFacies | None:
        """The facies that these data state as certain, if any."""
        return None

    def check_agreement(self, known: CertainFacies) -> None:
        """Check that the data are possible where facies are known for certain.

        Raises
        ------
        InputError
            If they are not, saying by how much.
        """
        del known

    @abc.abstractmethod
    def predict(self, field: Float[Array, "*grid"], sharpness: float | Float[Array, ""] = 1.0) -> Float[Array, "datum"]:
        """Soft prediction of each datum, differentiable in the field.

        Where facies are read by a slope, `sharpness` times the stated slope is used.
        """

    @abc.abstractmethod
    def predict_exact(self, field: Float[Array, "*grid"]) -> Float[Array, "datum"]:
        """Prediction of each datum from the thresholded field (the same as `predict` if nothing is thresholded)."""

    def predict_both(self, field: Float[Array, "*grid"]) -> tuple[Float[Array, "datum"], Float[Array, "datum"]]:
        """Predict each datum softly and exactly."""
        return self.predict(field), self.predict_exact(field)

    def readings(self, field: Float[Array, "*grid"]) -> Float[Array, "reading *grid"]:
        """The properties that the simulator is run on: softly and exactly, or one that stands for both."""
        raise InputError(f"The data '{self.name}' are predicted without a simulator.")

    @abc.abstractmethod
    def tempered_log_likelihood(
        self, prediction: Float[Array, "datum"], inverse_temperature: float | Float[Array, ""]
    ) -> Float[Array, ""]:
        """Log-likelihood of soft predictions, from no information (0) to the stated model (1) and on."""

    @abc.abstractmethod
    def exact_log_likelihood(self, prediction: Float[Array, "datum"]) -> Float[Array, ""]:
        """Log-likelihood of exact predictions; minus infinity where a certain datum is missed."""

    def log_likelihood(self, field: Float[Array, "*grid"]) -> Float[Array, ""]:
        """Log-likelihood of a field under the stated soft model."""
        return self.tempered_log_likelihood(self.predict(field), 1.0)

    def as_gaussian(self, facies_sd: float | Float[Array, ""]) -> GaussianView:
        """Read the data as numbers with Gaussian noise: as they are, if their noise is Gaussian.

        Parameters
        ----------
        facies_sd
            Standard deviation of the surrogate of facies, in positions among the prior's categories.

        Raises
        ------
        InputError
            If the noise is neither Gaussian nor has a surrogate.
        """
        del facies_sd
        if self.gaussian_noise is None:
            raise InputError(
                f"The noise of the data '{self.name}' is not Gaussian, as this algorithm requires; use 'smc'."
            )
        observed = jnp.asarray(self.observed, jnp.float32)
        return GaussianView(lambda _, soft: soft, observed, self.gaussian_noise, surrogate=False)

    def with_data(self, data: Any) -> Self:
        """The same observation with other data, an array like `observed`, which may be traced and is not checked."""
        other: Self = replace(self, observed=data)
        return other

    @abc.abstractmethod
    def simulate(self, key_noise: Array, field: Float[Array, "*grid"], *, exact: bool) -> Shaped[Array, "datum"]:
        """Draw what would be observed in a field, by the exact model or the stated soft one.

        Raises
        ------
        InputError
            If the soft model does not define a distribution of the data.
        """

    def seen(self) -> Bool[np.ndarray, "*grid"]:
        """The cells that the data depend on; by default all."""
        return np.ones(self.grid.shape, bool)

    def extents(self) -> Extents:
        """The box of cells that each datum depends on; by default the cell that it is about, or the whole grid."""
        if self.cells is None:
            return whole_extents(self.count, self.grid.shape)
        return Extents(jnp.asarray(self.cells), jnp.asarray(self.cells))

    def marks(self) -> tuple[Mark, ...]:
        """What maps show of the data; nothing, if they have no place."""
        return ()

    @abc.abstractmethod
    def report(self, exact: Float[np.ndarray, "datum"]) -> Report:
        """Report how well a field agrees, from its exact predictions."""

    @abc.abstractmethod
    def misfits(self, exact: Float[np.ndarray, "draw datum"]) -> list[str]:
        """Data that draws miss and by how much, worst first, from exact predictions of many draws."""

    def beside(self, exact: Float[np.ndarray, "draw datum"], noun: str = "draws") -> list[tuple[str, str]]:
        """Label of each datum, with a comparison with the draws' predictions; nothing if reports suffice."""
        del exact, noun
        return []

    def summary(self, reports: Sequence[Report]) -> str:
        """Addition to the counts in the reports on all draws, such as the range of errors; may be empty."""
        del reports
        return ""

    def quantities(self, exact: Float[np.ndarray, "draw datum"]) -> dict[str, Float[np.ndarray, "draw"]]:
        """Quantities to watch, by name: each predicted datum, evenly thinned above `MOST_QUANTITIES`."""
        shown = np.unique(np.linspace(0, self.count - 1, MOST_QUANTITIES).astype(int))
        return {f"{self.name} {i + 1}": exact[:, i] for i in shown}

    def compared(
        self, realizations: Shaped[np.ndarray, "draw *grid"], exact: Float[np.ndarray, "draw datum"]
    ) -> tuple[Shaped[np.ndarray, "draw datum"], Shaped[np.ndarray, "datum"]]:
        """Draws and observations in the same form, for comparison."""
        del realizations
        return exact, np.asarray(self.observed)

    @abc.abstractmethod
    def to_arrays(self) -> dict[str, np.ndarray]:
        """The data as named arrays of numbers and texts, from which `from_arrays` restores them."""

    @classmethod
    @abc.abstractmethod
    def from_arrays(
        cls, name: str, arrays: dict[str, np.ndarray], grid: Grid, prior: AbstractPrior, *, forward: Any = None
    ) -> "AbstractObservation":
        """Restore the observation from `to_arrays`.

        Parameters
        ----------
        name, arrays, grid, prior
            As they were stored.
        forward
            A forward model that no file can hold, given again. Without it the observation is read all the same, but
            predicts nothing, and says so by `missing`.

        Raises
        ------
        InputError
            If a forward model is given for data that need none, or another one than was stored.
        """


OBSERVATIONS = Registry[type[AbstractObservation]]("observation", rooms=("latentinv.data",))
"""The kinds of observation: run files name a kind, and this finds the class that reads it back."""
