"""Hard data: the facies seen in boreholes, pixel by pixel.

The soft prediction of a datum is the *margin*: how far the field value of its cell lies inside the interval
of the seen facies. With error probability e (the chance that a label is wrong) and inverse temperature t, a
datum's likelihood is

    e + (1 − 2e) σ(slope · t · margin),

a constant 1/2 at t = 0, the stated soft model at 1, and the thresholded model, 1 − e for a hit and e for a
miss, as t grows without bound. Samplers thus walk from no information to exactly honoured wells along one
path.

Algorithms that need Gaussian noise use a surrogate, the *soft facies index*: the mean position of a cell's
facies among the prior's categories under the stated ordered logit,

    index = Σ_k k P(facies k | field value),        observed: the position of the seen facies,

with variance ``facies_sd² + e (1 − e)``. It grows steadily with the field value, where the margin rises and
falls, so a linear regression can follow it. It is not the stated likelihood.

Cost: one gather of as many values as there are wells. The likelihood of mislabelled facies is the usual
contamination model; with e = 0 it is the logistic one.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, final

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, Shaped

from latentinv.data.core import (
    OBSERVATIONS,
    AbstractObservation,
    CertainFacies,
    GaussianView,
    Report,
    check_fit,
    check_labels,
    check_no_forward,
    facies_words,
    field_on,
    say_point,
)
from latentinv.data.noise import GaussianNoise, per_datum
from latentinv.data.properties import check_slope
from latentinv.errors import InputError
from latentinv.forward.core import Extents, Points
from latentinv.grid import Grid
from latentinv.io import read_table
from latentinv.keys import named
from latentinv.priors.core import AbstractFaciesModel, AbstractPrior, log_weight_of_field
from latentinv.pytrees import pytree, replace

from ._wells import Wells, check_wells, merge


@final
@OBSERVATIONS.register("hard_data")
@pytree("cells", "observed", "error_probability", "slope", words=("name",))
class HardData(AbstractObservation):
    """Facies observed in cells of the grid.

    Wells that fall in one cell and agree become one pixel, with the smallest of their error probabilities:
    two logs of one place are seldom independent, so they are not counted twice.

    Parameters
    ----------
    grid
        The grid to place the wells on.
    coordinates
        Their places, columns ``x, y(, z)`` in metres.
    facies
        The facies codes seen there.
    facies_model
        The prior's reading of a field as facies.
    error_probability
        Chance that a seen facies is wrong, at least 0 and below 0.5; one number or one for each well.
    slope
        Slope of the soft model at inverse temperature 1, per unit of the field.
    name
        What to call these data.
    labels
        What messages call each well; ``well 1``, ``well 2`` … unless given.

    Raises
    ------
    InputError
        If a well lies outside the grid, a facies is not one of the prior's, an error probability is not in
        [0, 0.5), or two certain wells in one cell disagree.
    """

    kind = "hard_data"
    fulfilled = "observed cells honoured"
    hard = True
    sharpens = True
    cells: Int[np.ndarray, "datum axis"]
    """Array indices of the pixels, columns ``row, column`` or ``layer, row, column``."""

    def __init__(
        self,
        grid: Grid,
        coordinates: Float[np.ndarray, "well axis"],
        facies: Int[np.ndarray, "well"],
        facies_model: AbstractFaciesModel,
        *,
        error_probability: float | Float[np.ndarray, "well"] = 0.0,
        slope: float = 20.0,
        name: str = "wells",
        labels: Sequence[str] | None = None,
    ) -> None:
        facies = np.atleast_1d(np.asarray(facies, dtype=float))
        count = facies.size
        if not count:
            raise InputError(f"The hard data '{name}' contain no well; give at least one.")
        wells = Wells(
            np.atleast_2d(np.asarray(coordinates, dtype=float)),
            facies,
            per_datum(error_probability, count, "the error probability"),
            check_labels(labels, count, "well"),
        )
        check_wells(wells, grid, facies_model)
        cells = grid.cells(wells.coordinates)
        kept, errors = merge(wells, cells, grid.axes, facies_model.label)
        self.grid, self.name, self.facies_model = grid, name, facies_model
        self.slope = check_slope(slope, name)
        self.error_probability: Float[np.ndarray, "datum"] = errors
        self.certain = bool(np.any(errors == 0))
        self.by_prior = False
        self.margin: tuple[int, ...] = ()
        self.cells = cells[kept]
        self.observed = np.asarray([facies_model.categories.index(code) for code in facies[kept].astype(int)])

    @classmethod
    def from_csv(cls, path: str | Path, grid: Grid, prior: AbstractPrior, *, name: str | None = None) -> "HardData":
        """Read wells from a CSV file with columns x, y(, z), facies and optionally error_probability.

        Parameters
        ----------
        path
            The file; coordinates in metres.
        grid
            The grid to place the wells on.
        prior
            The prior, which has the facies.
        name
            What to call these data; the file's name without its ending unless given.

        Raises
        ------
        StorageError
            If the file cannot be opened.
        InputError
            If the table or a well in it cannot be used; the sentence names the line.
        """
        axes = grid.axes
        table = read_table(path, (*axes, "facies"), ("error_probability",), words=facies_words(prior.facies_model))
        return cls(
            grid,
            table.points(axes),
            table.columns["facies"],
            _facies_model(prior, table.file),
            error_probability=table.columns.get("error_probability", 0.0),
            name=Path(path).stem if name is None else name,
            labels=table.labels("well"),
        )

    @property
    def count(self) -> int:
        """Number of pixels with data, wells in one cell merged."""
        return len(self.cells)

    @property
    def codes(self) -> Int[np.ndarray, "datum"]:
        """Facies code of each pixel."""
        return np.asarray(self.facies_model.categories)[np.asarray(self.observed)]

    @property
    def reliability(self) -> Float[np.ndarray, "datum"]:
        """1 − 2e of each pixel, e being its error probability."""
        return 1 - 2 * self.error_probability

    @property
    def coordinates(self) -> Float[np.ndarray, "datum axis"]:
        """Centres of the pixels, columns ``x, y(, z)`` in metres."""
        return self.grid.centres(np.asarray(self.cells))

    def check(self, prior: AbstractPrior, grid: Grid) -> None:
        """Raise `InputError` unless the wells were placed on this grid, for this prior's facies."""
        check_fit(self.name, (self.grid, self.facies_model), grid, prior)

    def honoured_by_prior(self, margin: Sequence[int]) -> "HardData | None":
        """The same data, for a prior made to honour them, if all are certain; see `AbstractObservation`."""
        if np.any(np.asarray(self.error_probability) > 0):
            return None
        other: HardData = replace(self, by_prior=True, margin=tuple(margin))
        return other

    def extents(self) -> Extents:
        """The cell of each datum, and a margin around it if a prior honours them."""
        cells, most = jnp.asarray(self.cells), jnp.asarray(self.grid.shape) - 1
        around = jnp.asarray(self.margin or (0,) * self.grid.ndim)
        return Extents(jnp.maximum(cells - around, 0), jnp.minimum(cells + around, most))

    def certain_facies(self) -> CertainFacies | None:
        """The pixels without error probability."""
        sure = np.asarray(self.error_probability) == 0
        if not self.certain:
            return None
        return CertainFacies(np.asarray(self.cells)[sure], self.codes[sure], (self.name,) * int(np.sum(sure)))

    def predict(self, field: Float[Array, "*grid"], sharpness: float | Float[Array, ""] = 1.0) -> Float[Array, "datum"]:
        """How far each pixel's field value lies inside the interval of its facies; negative outside.

        Multiplying the margins by `sharpness` multiplies the likelihood's slope. Of a prior that is made to
        honour the data, the logarithm of a datum's weight.
        """
        if self.by_prior:
            return log_weight_of_field(self._own_values(field))
        return sharpness * self.facies_model.margin(self._values(field), jnp.asarray(self.observed))

    def predict_exact(self, field: Float[Array, "*grid"]) -> Float[Array, "datum"]:
        """1 where the thresholded field shows the seen facies, else 0; of a prior that is made to honour the data,
        1 + 1/v, which tells the datum's weight (`log_weight_in_field`).
        """
        values = self._values(field)
        honoured = (self.facies_model.index(values) == self.observed) & ~self.facies_model.undefined(values)
        if self.by_prior:
            return jnp.where(honoured, 1 + 1 / jnp.abs(self._own_values(field)), 0.0)
        return honoured.astype(values.dtype)

    def tempered_log_likelihood(
        self, prediction: Float[Array, "datum"], inverse_temperature: float | Float[Array, ""]
    ) -> Float[Array, ""]:
        """Sum of log(e' + (1 − e − e') σ(slope · t · margin)), e error probability, e' = e / (facies − 1), t inverse
        temperature: a wrong code is any of the others alike. Of a prior that is made to honour the data, that
        of the logarithms of their weights, which are whole from inverse temperature 1 on.
        """
        if self.by_prior:
            return jnp.minimum(inverse_temperature, 1.0) * jnp.sum(prediction)
        errors, other = self._errors(prediction)
        log_seen = jax.nn.log_sigmoid(self.slope * inverse_temperature * prediction)
        return jnp.sum(jnp.logaddexp(jnp.log(other), jnp.log1p(-errors - other) + log_seen))

    def exact_log_likelihood(self, prediction: Float[Array, "datum"]) -> Float[Array, ""]:
        """Sum of log(1 − e) for hits and log(e / (facies − 1)) for misses; −∞ if a certain datum is missed.

        Of a prior that is made to honour the data, that of the logarithms of their weights.
        """
        errors, other = self._errors(prediction)
        met = prediction > 0.5
        if self.by_prior:
            inverse = jnp.where(met, prediction, 2.0) - 1
            return jnp.sum(jnp.where(met, 1 / inverse - inverse, -jnp.inf))
        return jnp.sum(jnp.where(met, jnp.log1p(-errors), jnp.log(other)))

    def as_gaussian(self, facies_sd: float | Float[Array, ""]) -> GaussianView:
        """The soft facies index, a surrogate."""
        errors = jnp.asarray(self.error_probability, jnp.float32)
        noise = replace(GaussianNoise(1.0), sd=jnp.sqrt(facies_sd**2 + errors * (1 - errors)))
        positions = jnp.arange(len(self.facies_model.categories), dtype=jnp.float32)

        def predict(field: Float[Array, "*grid"], soft: Float[Array, "datum"]) -> Float[Array, "datum"]:
            del soft
            # There are so few positions that the rounding of accelerators does not matter.
            shares = jnp.exp(self.facies_model.log_probability(self._values(field), self.slope))
            return jnp.sum(shares * positions, axis=-1)

        return GaussianView(predict, jnp.asarray(self.observed, jnp.float32), noise, surrogate=True)

    def simulate(self, key_noise: Array, field: Float[Array, "*grid"], *, exact: bool) -> Int[Array, "datum"]:
        """Draw the facies that would be seen; with the error probability a wrong one, all others being equally likely.

        Raises
        ------
        InputError
            If `exact` is false and the soft likelihoods do not sum to one: with more than two facies, or a truncation
            rule.
        """
        categories, values = len(self.facies_model.categories), self._values(field)
        if not exact and (categories > 2 or self.facies_model.components is not None):
            raise InputError(
                f"The soft model of '{self.name}' does not define a probability for each of {categories} facies, so "
                "nothing can be simulated from it; use target 'thresholded'."
            )
        key_facies, key_error, key_other = named(key_noise, "facies", "error", "other facies")
        shown = self.facies_model.index(values)
        if not exact:
            high = jax.nn.sigmoid(self.slope * self.facies_model.margin(values, jnp.ones(shown.shape, int)))
            shown = (jax.random.uniform(key_facies, shown.shape) < high).astype(shown.dtype)
        wrong = jax.random.uniform(key_error, shown.shape) < jnp.asarray(self.error_probability, values.dtype)
        other = (shown + jax.random.randint(key_other, shown.shape, 1, categories)) % categories
        return jnp.where(wrong, other, shown)

    def seen(self) -> Bool[np.ndarray, "*grid"]:
        """The pixels."""
        seen = np.zeros(self.grid.shape, bool)
        seen[tuple(np.asarray(self.cells).T)] = True
        return seen

    def marks(self) -> tuple[Points]:
        """The pixels with their facies."""
        return (Points(self.coordinates, codes=self.codes),)

    def report(self, exact: Float[np.ndarray, "datum"]) -> Report:
        """Say how many pixels a field honours."""
        honoured = int(np.sum(np.asarray(exact) > 0.5))
        return Report(self.name, f"{honoured} of {self.count} {self.fulfilled}", honoured, self.count)

    def misfits(self, exact: Float[np.ndarray, "draw datum"]) -> list[str]:
        """List the wells that most draws miss, from exact predictions of many draws; the worst comes first."""
        share = np.mean(np.asarray(exact) > 0.5, axis=0)
        coordinates, codes = self.coordinates, self.codes
        missed = [i for i in np.argsort(share, kind="stable") if share[i] < 0.5]
        label = self.facies_model.label
        wells = [f"well at {say_point(coordinates[i], self.grid.axes)} ({label(codes[i])})" for i in missed]
        return [f"{well}: honoured in {100 * share[i]:.2g} % of draws" for well, i in zip(wells, missed, strict=True)]

    def quantities(self, exact: Float[np.ndarray, "draw datum"]) -> dict[str, Float[np.ndarray, "draw"]]:
        """The share of observed cells honoured."""
        return {f"{self.name}, share honoured": np.mean(np.asarray(exact) > 0.5, axis=1)}

    def compared(
        self, realizations: Shaped[np.ndarray, "draw *grid"], exact: Float[np.ndarray, "draw datum"]
    ) -> tuple[Shaped[np.ndarray, "draw datum"], Shaped[np.ndarray, "datum"]]:
        """The facies codes of the pixels."""
        del exact
        return realizations[(slice(None), *np.asarray(self.cells).T)], self.codes

    def to_arrays(self) -> dict[str, np.ndarray]:
        """The data as named arrays of numbers, from which `from_arrays` restores them."""
        return {
            "cells": np.asarray(self.cells),
            "facies": self.codes,
            "error_probability": np.asarray(self.error_probability),
            "slope": np.asarray(self.slope),
        }

    @classmethod
    def from_arrays(
        cls, name: str, arrays: dict[str, np.ndarray], grid: Grid, prior: AbstractPrior, *, forward: Any = None
    ) -> "HardData":
        """Restore the observation from `to_arrays`; hard data have no forward model.

        Raises
        ------
        InputError
            If a forward model is given.
        """
        check_no_forward(name, forward)
        return cls(
            grid,
            grid.centres(arrays["cells"]),
            arrays["facies"],
            _facies_model(prior, name),
            error_probability=arrays["error_probability"],
            slope=float(arrays["slope"]),
            name=name,
        )

    def _errors(self, prediction: Float[Array, "datum"]) -> tuple[Float[Array, "datum"], Float[Array, "datum"]]:
        """Probability that a code is wrong, and that it is wrong in a given way."""
        errors = jnp.asarray(self.error_probability, prediction.dtype)
        return errors, errors / (len(self.facies_model.categories) - 1)

    def _own_values(self, field: Float[Array, "*field"]) -> Float[Array, "datum"]:
        """The field in the cells, or the scores of their facies."""
        values = self._values(field)
        if not self.facies_model.components:
            return values
        return jnp.take_along_axis(values, jnp.asarray(self.observed)[:, None], axis=-1)[:, 0]

    def _values(self, field: Float[Array, "*field"]) -> Float[Array, "datum *component"]:
        return field_on(self.grid, field, self.facies_model)[tuple(self.cells.T)]


def _facies_model(prior: AbstractPrior, source: str) -> AbstractFaciesModel:
    if prior.facies_model is None:
        raise InputError(
            f"The hard data in '{source}' are facies, but the prior has a continuous property; use a facies prior."
        )
    return prior.facies_model
