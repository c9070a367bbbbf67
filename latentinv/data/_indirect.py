"""Indirect data: what a forward model predicts from a property of the ground, such as heads, travel times or gravity.

    prediction = F(property(field)),        data = prediction + noise

The soft prediction hands the forward model the soft property, the exact one the property of the thresholded facies; for
a continuous prior they are one, and the model runs once. The path from no information scales the log-likelihood by the
inverse temperature, and stays at the stated model from 1 on. A field for which the forward model gives no number has
likelihood zero at every temperature: a failed simulation is rejected, never turned into a number.

Cost: one run of the forward model for each reading of the property, and what the noise model costs.
"""

import copy
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, final

import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Bool, Float

from latentinv.data.core import (
    AbstractObservation,
    Report,
    check_fit,
    check_labels,
    decimals,
    field_on,
    field_shape,
    say_point,
    sentence,
)
from latentinv.data.noise import NOISES, AbstractNoise, GaussianNoise, StudentNoise, UnknownNoise
from latentinv.errors import InputError, StorageError
from latentinv.forward import FORWARDS
from latentinv.forward.core import AbstractForward
from latentinv.forward.external import ExternalForward, Function, FunctionForward
from latentinv.grid import AXIS_NAMES, Grid
from latentinv.io import read_table, read_unit
from latentinv.priors.core import AbstractPrior

from ._properties import PROPERTIES, AbstractProperty, ContinuousProperty

GIVEN_AGAIN = {
    FunctionForward.kind: ("a Python function", "function"),
    ExternalForward.kind: ("a simulator", "ExternalForward(simulator, grid, count)"),
}
"""The kinds of forward model that no file can hold, what they are, and what to give for them."""


@final
class IndirectData(AbstractObservation):
    """Data that a forward model predicts, with their noise.

    Parameters
    ----------
    grid
        The grid of the fields, and of the forward model.
    forward
        A forward model, or any JAX function ``property [*grid] -> data [datum]``. A function cannot be stored: whoever
        resumes a run with one gives it again.
    data
        What was observed, in the order of the forward model.
    noise
        A noise model, or the standard deviation of independent Gaussian noise: one number, or one for each datum.
    property
        How a field is read as the property that the forward model expects; the field itself unless given.
    name
        What to call these data.
    unit
        Their unit, for reports.
    labels
        What messages call each datum; ``datum 1``, ``datum 2`` … unless given.

    Raises
    ------
    InputError
        If the forward model is of another grid or another number of data, a datum is not finite, or the noise does not
        fit.
    """

    kind = "indirect_data"

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
    ) -> None:
        grid.check_whole()
        self.forward = _as_forward(forward, grid)
        self.data = np.atleast_1d(np.array(data, dtype=float))
        if self.forward.grid != grid:
            raise InputError(
                f"The forward model of '{name}' is for a grid of {self.forward.grid.shape} cells "
                f"({self.forward.grid.describe()}), but the data are placed on one of {grid.shape} cells "
                f"({grid.describe()}); use one grid for both."
            )
        if self.data.shape != (self.forward.count,):
            raise InputError(
                f"The forward model of '{name}' predicts {self.forward.count} data, but there are {self.data.size} in "
                f"an array of shape {self.data.shape}; give one row of as many as it predicts."
            )
        self.labels = list(check_labels(labels, self.count, "datum"))
        for label, value in zip(self.labels, self.data, strict=True):
            if not np.isfinite(value):
                raise InputError(f"{sentence(label)} of '{name}' is {value:g}; give a finite number or remove it.")
        self.noise = noise if isinstance(noise, AbstractNoise) else GaussianNoise(noise)
        self.spread: Float[np.ndarray, "datum"] = self.noise.spread(self.count)
        self.property = ContinuousProperty() if property is None else property
        if not isinstance(self.property, AbstractProperty):
            raise InputError(
                f"The property of '{name}' is a {type(property).__name__}; expected how fields are read, such as "
                "FaciesProperty(prior.facies_model, (1e-4, 1e-2))."
            )
        self.grid, self.name, self.unit = grid, name, unit

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
        """Read data from a CSV file with columns of places, value and sd, and if wanted unit.

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
            The unit of the values, for reports; a column ``unit`` of the file must agree with it.

        Raises
        ------
        StorageError
            If the file cannot be opened.
        InputError
            If a column is missing, a line cannot be used or has another unit, or the forward model predicts another
            number of data; the sentence names the file, and the column or the line.
        """
        names = grid.axes if columns is None else _named(columns)
        example = "Other names for coordinates go into columns=, as in columns=('east', 'north')."
        table = read_table(path, (*names, "value", "sd"), hints=dict.fromkeys(AXIS_NAMES, example))
        places, labels = table.points(names), table.labels("datum")
        within = grid.inside(places) if columns is None else np.ones(len(places), bool)
        for place, label, inside, sd in zip(places, labels, within, table.columns["sd"], strict=True):
            where = sentence(f"{label} at {say_point(place)}" if columns is None else label)
            if not inside:
                raise InputError(f"{where} lies outside the grid ({grid.describe()}); move or remove it.")
            if not sd > 0:
                raise InputError(f"{where} has sd {sd:g}; expected a standard deviation above 0.")
        name = Path(path).stem if name is None else name
        unit = read_unit(path, unit)
        try:
            forward = _as_forward(forward_at(places), grid)
        except InputError as error:
            raise InputError(
                f"{table.file}, read by its columns {', '.join(names)}, gives no forward model (its row 1 is line "
                f"{table.lines[0]}; comments and blank lines do not count): {error}"
            ) from error
        if forward.count != len(places):
            raise InputError(
                f"{table.file} has {len(places)} data, but the forward model predicts {forward.count}; give one line a "
                "datum."
            )
        settings: dict[str, Any] = {"property": property, "name": name, "unit": unit, "labels": labels}
        return cls(grid, forward, table.columns["value"], table.columns["sd"], **settings)

    @property
    def count(self) -> int:
        """Number of data."""
        return len(self.data)

    @property
    def has_gradient(self) -> bool:
        """Whether the forward model has gradients."""
        return self.forward.has_gradient

    @property
    def observed(self) -> Float[np.ndarray, "datum"]:
        """The data."""
        return self.data

    @property
    def external(self) -> bool:
        """Whether the forward model is a simulator outside JAX."""
        return self.forward.external

    def readings(
        self, field: Float[Array, "*grid"], sharpness: float | Float[Array, ""] = 1.0
    ) -> Float[Array, "reading *grid"]:
        """The properties that the forward model is run on: softly and exactly, or one that stands for both.

        Softness is there for gradients, so a forward model that has none sees the exact property alone.
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
                f"The data '{self.name}' take the field for a property, but the prior is of facies; say with "
                "FaciesProperty what each facies has."
            )
        check_fit(self.name, (self.grid, self.property.facies_model), grid, prior)

    def predict(self, field: Float[Array, "*grid"], sharpness: float | Float[Array, ""] = 1.0) -> Float[Array, "datum"]:
        """Run the forward model on the soft property, or on the exact one if it has no gradients."""
        return self.forward.predict(self.readings(field, sharpness)[0])

    def predict_exact(self, field: Float[Array, "*grid"]) -> Float[Array, "datum"]:
        """Run the forward model on the property of the thresholded facies, or of a continuous field."""
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

    def residual(self, prediction: Float[Array, "datum"]) -> Float[Array, "datum"]:
        """What was observed less what is predicted."""
        return jnp.asarray(self.data, prediction.dtype) - prediction

    def with_data(self, data: Any) -> "IndirectData":
        """The same measurement with other outcomes."""
        other = copy.copy(self)
        other.data = data
        return other

    def simulate(self, key_noise: Array, field: Float[Array, "*grid"], *, exact: bool) -> Float[Array, "datum"]:
        """Draw the data that would be observed: predicted ones with noise."""
        prediction = self.predict_exact(field) if exact else self.predict(field)
        return prediction + self.noise.simulate(key_noise, self.count)

    def report(self, field: Float[Array, "*grid"]) -> Report:
        """Say how far the data are from the exact predictions, beside what the noise says; two sd fulfil a datum."""
        residual = self.data - np.asarray(self.predict_exact(field), dtype=float)
        inferred = self.noise.inferred_spread(residual)
        near = int(np.sum(np.abs(residual) <= 2 * (self.spread if inferred is None else inferred)))
        failed = int(np.sum(~np.isfinite(residual)))
        if failed:
            text = f"the forward model gave no number for {failed} of {self.count} data"
            return Report(self.name, text, near, self.count)
        rmse = float(np.sqrt(np.mean(residual**2)))
        word = "scales" if isinstance(self.noise, StudentNoise) else "sd"
        text = f"rmse {self.say(rmse)}, {self.say_spread(residual)}; {near} of {self.count} within two {word}"
        return Report(self.name, text, near, self.count, rmse)

    def failures(self, predictions: Float[np.ndarray, "draw datum"]) -> list[str]:
        """From exact predictions of many draws, name the data off by over three sd, worst first.

        An sd that is inferred is the one that the draws' mean leaves.
        """
        table = np.asarray(predictions, dtype=float)
        worked = np.isfinite(table).all(axis=1)  # where no simulation did, nothing is drawn
        drawn = np.mean(table[worked], axis=0) if worked.any() else np.full(self.count, np.nan)
        inferred = self.noise.inferred_spread(self.data - drawn)
        misfit = np.abs(drawn - self.data) / (self.spread if inferred is None else inferred)
        # Written so that a misfit that is not a number counts as a failure.
        return [self._failure(i, drawn[i]) for i in np.argsort(-misfit, kind="stable") if not misfit[i] <= 3]

    def say(self, value: float) -> str:
        """Say a number to two digits, with the unit: ``0.0098 m``."""
        return f"{value:.2g} {self.unit}".rstrip()

    def say_spread(self, residual: Float[np.ndarray, "datum"] | None = None) -> str:
        """Say the stated noise, ``stated 0.01 m``, or a guess and what residuals make of it.

        Unequal sds are said by their root mean square, to compare an rmse with.
        """
        unequal = " on average" if np.ptp(self.spread) > 0 else ""
        if isinstance(self.noise, UnknownNoise):
            guess = f"guessed {self._root_mean_square(self.spread)}"
            told = None if residual is None else self.noise.inferred_spread(residual)
            return guess + ("" if told is None else f", inferred {self._root_mean_square(told)}") + unequal
        scale = "" if self.noise.gaussian else "scale "
        return f"stated {scale}{self._root_mean_square(self.spread)}{unequal}"

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Data, unit and labels, and what noise, property and forward model are made of."""
        arrays = {"data": self.data, "unit": np.asarray(self.unit), "labels": np.asarray(self.labels)}
        for part, thing in (("noise", self.noise), ("property", self.property), ("forward", self.forward)):
            arrays |= {f"{part} kind": np.asarray(thing.kind)}
            arrays |= {f"{part} {name}": array for name, array in thing.to_arrays().items()}
        if isinstance(self.forward, FunctionForward):
            arrays["forward sample"] = self._sample()
        if self.forward.kind in GIVEN_AGAIN:
            arrays["forward note"] = np.asarray(_note(self.name, self.forward.kind))
        return arrays

    @classmethod
    def from_arrays(
        cls,
        name: str,
        arrays: dict[str, np.ndarray],
        grid: Grid,
        prior: AbstractPrior,
        *,
        forward: Function | ExternalForward | None = None,
    ) -> "IndirectData":
        """Make the observation again from what `to_arrays` gave.

        Parameters
        ----------
        name, arrays, grid, prior
            As they were stored.
        forward
            The forward model, if it is a function or a simulator, which are not in the arrays.

        Raises
        ------
        InputError
            If it is missing, is given though the forward model was stored, or is another than when the data were
            stored.
        StorageError
            If this version does not know the forward model or another part.
        """
        noise = _known(NOISES, "noise", name, arrays)(**_part("noise", arrays))
        property_ = _known(PROPERTIES, "property", name, arrays).from_arrays(_part("property", arrays), prior)
        kind = _known(FORWARDS, "forward", name, arrays)
        if kind.kind in GIVEN_AGAIN and forward is None:
            raise InputError(_note(name, kind.kind))
        if kind.kind not in GIVEN_AGAIN and forward is not None:
            raise InputError(f"The forward model of the data '{name}' is in the run file; give no function for it.")
        if kind is ExternalForward:
            if not isinstance(forward, ExternalForward):
                raise InputError(_note(name, kind.kind))
            forward.check_same(_part("forward", arrays), name)
        made = forward if forward is not None else kind.from_arrays(_part("forward", arrays), grid)
        settings: dict[str, Any] = {"unit": str(arrays["unit"]), "labels": arrays["labels"].tolist()}
        again = cls(grid, made, arrays["data"], noise, property=property_, name=name, **settings)
        if kind is FunctionForward:
            again._check_sample(arrays["forward sample"])
        return again

    def _checked(self, field: Float[Array, "*field"]) -> Float[Array, "*field"]:
        return field_on(self.grid, field, self.property.facies_model)

    def _unless_failed(self, prediction: Float[Array, "datum"], power: Any) -> Float[Array, ""]:
        worked: Bool[Array, ""] = jnp.isfinite(prediction).all()
        # Chosen before the density is taken, so that gradients of what is not chosen are numbers too.
        residual = jnp.where(worked, self.residual(prediction), 0.0)
        return jnp.where(worked, power * self.noise.log_likelihood(residual), -jnp.inf)

    def _root_mean_square(self, spread: Float[np.ndarray, "datum"]) -> str:
        return self.say(float(np.sqrt(np.mean(spread**2))))

    def _failure(self, i: int, drawn: float) -> str:
        digits = decimals(self.spread[i])
        measured = f"data {self.data[i]:.{digits}f} ± {self.spread[i]:.{digits}f} {self.unit}".rstrip()
        return f"{self.name}, {self.labels[i]}: {measured}, draws {drawn:.{digits}f}"

    def _sample(self) -> Float[np.ndarray, "datum"]:
        """What the forward model predicts for one field that is as good as any, to know a function by."""
        shape = field_shape(self.grid, self.property.facies_model)
        field = np.cos(np.arange(math.prod(shape))).reshape(shape)
        return np.asarray(self.predict_exact(jnp.asarray(field, jnp.float32)))

    def _check_sample(self, stored: Float[np.ndarray, "datum"]) -> None:
        found = self._sample()
        if not np.all(np.isclose(found, stored, rtol=1e-3, atol=1e-2 * self.spread, equal_nan=True)):
            raise InputError(
                f"The function given for the data '{self.name}' predicts other data than the one the run was made "
                "with; give the same one."
            )


def _named(columns: Sequence[str]) -> tuple[str, ...]:
    names = () if isinstance(columns, str) else tuple(column.lower() for column in columns)
    if not names or len({*names, "value", "sd"}) < len(names) + 2:
        raise InputError(
            f"The columns {columns!r} were asked for; give a list of different names, such as ('x', 'y', 'time'), "
            "without value and sd."
        )
    return names


def _as_forward(forward: AbstractForward | Function, grid: Grid) -> AbstractForward:
    if not isinstance(forward, AbstractForward) and (isinstance(forward, type) or not callable(forward)):
        raise InputError(
            f"The forward model is {forward!r}; expected one of latentinv.forward with its settings, a function, or "
            "ExternalForward(simulator, grid, count) around a simulator."
        )
    return forward if isinstance(forward, AbstractForward) else FunctionForward(forward, grid)


def _note(name: str, kind: str) -> str:
    what, example = GIVEN_AGAIN[kind]
    return (
        f"The forward model of the data '{name}' is {what}, which a run file cannot hold; give it again, as in "
        f"resume(path, forwards={{{name!r}: {example}}})."
    )


def _known(registry: dict[str, Any], part: str, name: str, arrays: dict[str, np.ndarray]) -> Any:
    kind = str(arrays[f"{part} kind"])
    if kind not in registry:
        raise StorageError(
            f"The {part} of the data '{name}' is of kind '{kind}', which this version does not know; update latentinv."
        )
    return registry[kind]


def _part(part: str, arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The arrays of one part under its own names."""
    notes = {f"{part} {name}" for name in ("kind", "note", "sample")}
    return {
        name.removeprefix(f"{part} "): a
        for name, a in arrays.items()
        if name.startswith(f"{part} ") and name not in notes
    }
