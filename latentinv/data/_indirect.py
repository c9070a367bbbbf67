"""Indirect data: what a forward model predicts from a property of the ground, such as heads, travel times or gravity.

    prediction = F(property(field)),        data = prediction + noise

The forward model is run on the soft property for the soft prediction, and on the property of the thresholded facies for
the exact one; for a continuous prior both are the same, and it runs
once. From no information to the stated model, the log-likelihood is scaled by the inverse temperature, and stays at
the stated model from 1 on. A field for which the forward model
gives no number has likelihood zero at every temperature: a failed simulation is rejected, never turned into a number.

Cost: one run of the forward model for each reading of the property, plus that of the noise model.
"""

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast, final

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Bool, Float

from latentinv.data.core import (
    OBSERVATIONS,
    AbstractObservation,
    CertainFacies,
    Report,
    check_fit,
    check_labels,
    field_on,
    field_shape,
    sentence,
)
from latentinv.data.noise import NOISES, AbstractNoise, GaussianNoise
from latentinv.data.properties import PROPERTIES, AbstractProperty, ContinuousProperty
from latentinv.errors import InputError
from latentinv.forward.core import AbstractForward, Extents, Mark
from latentinv.forward.external import ExternalForward, Function
from latentinv.grid import Grid
from latentinv.priors.core import AbstractPrior
from latentinv.pytrees import pytree
from latentinv.units import unit_factor

from ._bounds import check_possible
from ._indirect_table import as_forward, read_indirect
from ._measured import Measured
from ._parts import forward_of, kind_of, part_arrays, read_part


@final
@OBSERVATIONS.register("indirect_data")
@pytree("forward", "observed", "noise", "property", words=("name", "labels"))
class IndirectData(AbstractObservation):
    """Data that a forward model predicts, with their noise.

    Parameters
    ----------
    grid
        The grid of the fields, and of the forward model.
    forward
        A forward model, or any JAX function ``property [*grid] -> data [datum]``. A function cannot be stored: to
        resume a run with one, give it again.
    data
        What was observed, in the order of the forward model.
    noise
        A noise model, or the standard deviation of independent Gaussian noise: one number, or one for each datum.
    property
        How a field is read as the property that the forward model expects; the field itself unless given.
    name
        What to call these data.
    unit
        Their unit. Data in another unit than the forward model's are converted into that, which reports then use.
    labels
        What messages call each datum; ``datum 1``, ``datum 2`` … unless given.
    noun
        What reports call the data together: ``data``, ``block means``.

    Raises
    ------
    InputError
        If the forward model is of another grid or another number of data, a datum is not finite, the noise does not
        fit, or the unit cannot be converted into the forward model's.
    """

    kind = "indirect_data"
    noise: AbstractNoise

    def __init__(
        self,
        grid: Grid,
        forward: AbstractForward | Function,
        data: Float[np.ndarray, "datum"],
        noise: AbstractNoise | float | Float[np.ndarray, "datum"],
        *,
        property: AbstractProperty | None = None,
        name: str = "indirect",
        unit: str = "",
        labels: Sequence[str] | None = None,
        noun: str = "data",
    ) -> None:
        grid.check_whole()
        self.grid, self.name, self.noun = grid, name, noun
        self.forward = as_forward(forward, grid)
        factor = unit_factor(unit, self.forward.unit, f"The data '{name}'")
        self.unit = self.forward.unit or unit
        self.observed = factor * np.atleast_1d(np.array(data, dtype=float))
        self._check_forward()
        self.labels = check_labels(labels, self.count, "datum")
        for label, value in zip(self.labels, self.observed, strict=True):
            if not np.isfinite(value):
                raise InputError(f"{sentence(label)} of '{name}' is {value:g}; give a finite number or remove it.")
        if factor != 1 and isinstance(noise, AbstractNoise):
            raise InputError(
                f"The data '{name}' are in '{unit}', but the forward model predicts '{self.unit}', and a "
                f"{type(noise).__name__} was given; convert data and noise, and give unit='{self.unit}'."
            )
        if not isinstance(noise, AbstractNoise):
            noise = GaussianNoise(noise if factor == 1 else factor * np.asarray(noise))
        self.noise = noise
        self.noise.spread(self.count)  # refuses noise for a different number of data
        self.property = ContinuousProperty() if property is None else property
        if not isinstance(self.property, AbstractProperty):
            raise InputError(
                f"The property of '{name}' is a {type(property).__name__}; expected how fields are read, such as "
                "FaciesProperty(prior.facies_model, (1e-4, 1e-2))."
            )
        self._check_parts()
        self.fulfilled = f"{noun} within two {self.noise.spread_name}"
        self.linear = self.property.linear and self.forward.linear

    @classmethod
    def from_csv(
        cls,
        path: str | Path,
        grid: Grid,
        forward_at: Callable[[Float[np.ndarray, "datum column"]], AbstractForward | Function],
        *,
        columns: Sequence[str] | None = None,
        property: AbstractProperty | None = None,
        name: str | None = None,
        unit: str = "",
    ) -> "IndirectData":
        """Read data from a CSV file with columns of places, value and sd, and optionally unit.

        Parameters
        ----------
        path
            The file; coordinates in metres, values and their standard deviations in one unit.
        grid
            The grid of the fields.
        forward_at
            Makes the forward model of the file's places, such as ``lambda wells: SteadyFlow(aquifer, wells)``, so that
            model and data cannot differ in them.
        columns
            What says where, and if need be when, a datum was measured, in the order that `forward_at` takes: ``("x",
            "y", "time")`` for `TransientFlow.at`, or ``("source_x", "source_y", "receiver_x", "receiver_y")`` for rays.
            Unless given they are x, y(, z), and every place must lie in the grid; else that is for the forward model to
            say.
        property
            How a field is read as the property that the forward model expects; the field itself unless given.
        name
            What to call these data; the file's name without its ending unless given.
        unit
            The unit of the values; a column ``unit`` of the file must agree with it. Values in another unit than the
            forward model's are converted.

        Raises
        ------
        StorageError
            If the file cannot be opened.
        InputError
            If a column is missing, a line cannot be used or has another unit, or the forward model predicts another
            number of data; the sentence names the file, and the column or the line.
        """
        table = read_indirect(path, grid, forward_at, columns, unit)
        name = Path(path).stem if name is None else name
        settings: dict[str, Any] = {"property": property, "name": name, "unit": table.unit, "labels": table.labels}
        return cls(grid, table.forward, table.values, table.sd, **settings)

    @property
    def count(self) -> int:
        """Number of data."""
        return self.observed.shape[-1]

    @property
    def has_gradient(self) -> bool:
        """Whether the forward model has gradients."""
        return self.forward.has_gradient

    @property
    def from_function(self) -> bool:
        """Whether the forward model is a JAX function that a user wrote."""
        return self.forward.given_again is not None and not self.forward.external and self.forward.missing is None

    @property
    def simulator(self) -> ExternalForward | None:
        """The simulator outside JAX, if the forward model is one."""
        return cast("ExternalForward", self.forward) if self.forward.external else None

    @property
    def missing(self) -> str | None:
        """Request for a forward model that no file can hold; None if the model is present."""
        return self.forward.missing

    @property
    def gaussian_noise(self) -> AbstractNoise | None:
        """The noise, where it is Gaussian."""
        return self.noise if self.noise.gaussian else None

    def readings(
        self, field: Float[Array, "*grid"], sharpness: float | Float[Array, ""] = 1.0
    ) -> Float[Array, "reading *grid"]:
        """The properties that the forward model is run on: softly and exactly, or one that stands for both.

        The soft reading serves gradients, so a forward model without gradients is given only the exact property.
        """
        field = self._checked(field)
        exact = self.property.exact(field)
        if self.property.facies_model is None or not self.has_gradient:
            return exact[None]
        return jnp.stack([self.property.soft(field, sharpness), exact])

    def check(self, prior: AbstractPrior, grid: Grid) -> None:
        """Raise `InputError` unless the data were placed on this grid, and the property is of this prior's fields."""
        if self.property.facies_model is None and prior.facies_model is not None:
            raise InputError(
                f"The data '{self.name}' use the field as a property, but the prior has facies; say with "
                "FaciesProperty what each facies has."
            )
        check_fit(self.name, (self.grid, self.property.facies_model), grid, prior)

    def check_agreement(self, known: CertainFacies) -> None:
        """Check that each datum is possible where facies are known for certain.

        Raises
        ------
        InputError
            If one is too many standard deviations away from all that is possible.
        """
        weights, of_facies, model = self.forward.weights(), self.property.of_facies(), self.property.facies_model
        if weights is None or of_facies is None or model is None or not self.noise.gaussian:
            return
        check_possible(self._measured, weights, of_facies, model.categories, known, self.grid)

    def predict(self, field: Float[Array, "*grid"], sharpness: float | Float[Array, ""] = 1.0) -> Float[Array, "datum"]:
        """Run the forward model on the soft property, or on the exact one if it has no gradients."""
        return self.forward.predict(self.readings(field, sharpness)[0])

    def predict_exact(self, field: Float[Array, "*grid"]) -> Float[Array, "datum"]:
        """Run the forward model on the property of the thresholded facies, or on the continuous property."""
        return self.forward.predict(self.property.exact(self._checked(field)))

    def predict_both(self, field: Float[Array, "*grid"]) -> tuple[Float[Array, "datum"], Float[Array, "datum"]]:
        """Predict softly and exactly; where nothing is thresholded the forward model runs once.

        Gradients go through the soft prediction alone, so that they cost one adjoint run.
        """
        readings = self.readings(field)
        soft = self.forward.predict(readings[0])
        return soft, soft if len(readings) == 1 else self.forward.predict(lax.stop_gradient(readings[1]))

    def tempered_log_likelihood(
        self, prediction: Float[Array, "datum"], inverse_temperature: float | Float[Array, ""]
    ) -> Float[Array, ""]:
        """Log-likelihood times the inverse temperature, from 1 on as it is; −∞ throughout for a failed simulation."""
        return self._unless_failed(prediction, jnp.minimum(inverse_temperature, 1.0))

    def exact_log_likelihood(self, prediction: Float[Array, "datum"]) -> Float[Array, ""]:
        """Log-density of the data about the predicted ones; −∞ for a failed simulation."""
        return self._unless_failed(prediction, 1.0)

    def simulate(self, key_noise: Array, field: Float[Array, "*grid"], *, exact: bool) -> Float[Array, "datum"]:
        """Draw the data that would be observed: predictions with noise."""
        prediction = self.predict_exact(field) if exact else self.predict(field)
        return prediction + self.noise.simulate(key_noise, self.count)

    def seen(self) -> Bool[np.ndarray, "*grid"]:
        """The cells that the forward model depends on."""
        return self.forward.seen()

    def extents(self) -> Extents:
        """The box of cells that the forward model needs for each datum."""
        return self.forward.extents()

    def marks(self) -> tuple[Mark, ...]:
        """What the forward model shows on maps."""
        return self.forward.marks(np.asarray(self.observed, float))

    def report(self, exact: Float[np.ndarray, "datum"]) -> Report:
        """Report the misfit of exact predictions beside the stated noise; a datum is fulfilled within two sd."""
        return self._measured.report(exact)

    def misfits(self, exact: Float[np.ndarray, "draw datum"]) -> list[str]:
        """List the data that the draws' mean prediction misses by over three sd, worst first.

        An unknown sd is inferred from the residuals of the draws' mean.
        """
        return self._measured.misfits(exact)

    def beside(self, exact: Float[np.ndarray, "draw datum"], noun: str = "draws") -> list[tuple[str, str]]:
        """Label of each datum, and the datum beside the draws' mean and standard deviation."""
        return self._measured.beside(exact, noun)

    def summary(self, reports: Sequence[Report]) -> str:
        """The draws' root mean square errors beside the stated noise."""
        return self._measured.summary(reports)

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Data, unit and labels, and the arrays of noise, property and forward model."""
        arrays = {
            "data": np.asarray(self.observed),
            "unit": np.asarray(self.unit),
            "labels": np.asarray(self.labels),
            "noun": np.asarray(self.noun),
        }
        for name, part in (("noise", self.noise), ("property", self.property), ("forward", self.forward)):
            arrays |= part_arrays(name, part)
        if self.forward.known_by_sample and not self.missing:
            arrays["forward sample"] = self._sample()
        if self.forward.given_again is not None:
            arrays["forward note"] = np.asarray(self.forward.given_again.sentence(self.name))
        return arrays

    @classmethod
    def from_arrays(
        cls, name: str, arrays: dict[str, np.ndarray], grid: Grid, prior: AbstractPrior, *, forward: Any = None
    ) -> "IndirectData":
        """Make the observation again, as `AbstractObservation.from_arrays` says.

        Raises
        ------
        InputError
            If the forward model is given though it was stored, or is another than when the data were stored.
        StorageError
            If this version does not know the forward model or another part.
        """
        noise = kind_of("noise", arrays, NOISES, name)(**read_part("noise", arrays))
        property_ = kind_of("property", arrays, PROPERTIES, name).from_arrays(read_part("property", arrays), prior)
        made = forward_of(arrays, forward, grid, name)
        texts: dict[str, Any] = {"unit": str(arrays["unit"]), "noun": str(arrays["noun"])}
        again = cls(
            grid, made, arrays["data"], noise, property=property_, name=name, labels=arrays["labels"].tolist(), **texts
        )
        if made.known_by_sample:
            again._check_sample(arrays["forward sample"])
        return again

    @property
    def _measured(self) -> Measured:
        data = np.asarray(self.observed, float)
        return Measured(self.name, self.unit, self.labels, self.fulfilled, data, self.noise)

    def _check_forward(self) -> None:
        forward, grid, data = self.forward, self.grid, self.observed
        if forward.grid != grid:
            raise InputError(
                f"The forward model of '{self.name}' is for a grid of {forward.grid.shape} cells "
                f"({forward.grid.describe()}), but the data are placed on one of {grid.shape} cells "
                f"({grid.describe()}); use one grid for both."
            )
        if data.shape != (forward.count,):
            raise InputError(
                f"The forward model of '{self.name}' predicts {forward.count} data, but there are {data.size} in "
                f"an array of shape {data.shape}; give one row of as many as it predicts."
            )

    def _check_parts(self) -> None:
        """Refuse parts that are no pytrees, which JAX would refuse later with an obscure message."""
        for what, part in (("forward model", self.forward), ("noise", self.noise), ("property", self.property)):
            if jax.tree_util.all_leaves([part]):
                raise InputError(
                    f"The {what} of '{self.name}' is a {type(part).__name__}, which is no pytree; decorate the class "
                    "with latentinv.pytrees.pytree, naming the attributes that are arrays."
                )

    def _checked(self, field: Float[Array, "*field"]) -> Float[Array, "*field"]:
        return field_on(self.grid, field, self.property.facies_model)

    def _unless_failed(self, prediction: Float[Array, "datum"], power: Any) -> Float[Array, ""]:
        worked: Bool[Array, ""] = jnp.isfinite(prediction).all()
        residual = jnp.asarray(self.observed, prediction.dtype) - prediction
        # Selected before the density is computed, so that gradients are finite on the other branch too.
        return jnp.where(worked, power * self.noise.log_likelihood(jnp.where(worked, residual, 0.0)), -jnp.inf)

    def _sample(self) -> Float[np.ndarray, "datum"]:
        """Predictions for one arbitrary field, by which a function is recognised."""
        shape = field_shape(self.grid, self.property.facies_model)
        field = np.cos(np.arange(math.prod(shape))).reshape(shape)
        return np.asarray(self.predict_exact(jnp.asarray(field, jnp.float32)))

    def _check_sample(self, stored: Float[np.ndarray, "datum"]) -> None:
        found, spread = self._sample(), self.noise.spread(self.count)
        if not np.all(np.isclose(found, stored, rtol=1e-3, atol=1e-2 * spread, equal_nan=True)):
            raise InputError(
                f"The function given for the data '{self.name}' predicts different data from the one the run was made "
                "with; give the same one."
            )
