"""Hard data: the facies seen in boreholes, pixel by pixel.

The soft prediction of a datum is the *margin*: how far the field value of its cell lies inside the interval
of the seen facies. With error probability e (the chance that a label is wrong) and inverse temperature t, a
datum's likelihood is

    e + (1 − 2e) σ(slope · t · margin),

a constant 1/2 at t = 0, the stated soft model at 1, and the thresholded model, 1 − e for a hit and e for a
miss, as t grows without bound. Samplers thus walk from no information to exactly honoured wells along one
path.

Cost: one gather of as many values as there are wells. The likelihood of mislabelled facies is the usual
contamination model; with e = 0 it is the logistic one.
"""

import copy
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, final

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from latentinv.data.core import (
    AbstractObservation,
    Report,
    check_facies,
    check_fit,
    check_labels,
    check_slope,
    field_on,
    per_datum,
    say_point,
    sentence,
)
from latentinv.errors import InputError
from latentinv.grid import Grid
from latentinv.io import read_table
from latentinv.priors.core import AbstractFaciesModel, AbstractPrior


class _Wells(NamedTuple):
    """Wells as the user gave them, still one for each row."""

    coordinates: np.ndarray
    facies: np.ndarray
    errors: np.ndarray
    labels: Sequence[str]


@final
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
            raise InputError(f"The hard data '{name}' hold no well; give at least one.")
        wells = _Wells(
            np.atleast_2d(np.asarray(coordinates, dtype=float)),
            facies,
            per_datum(error_probability, count, "the error probability"),
            check_labels(labels, count, "well"),
        )
        _check_wells(wells, grid, facies_model)
        cells = grid.cells(wells.coordinates)
        kept, errors = _merge(wells, cells)
        self.grid, self.name, self.facies_model = grid, name, facies_model
        self.slope = check_slope(slope, name)
        self.error_probability = errors
        self._cells = cells[kept]
        self._index = np.asarray([facies_model.categories.index(code) for code in facies[kept].astype(int)])

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
            The prior, which knows the facies.
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
        table = read_table(path, (*axes, "facies"), ("error_probability",))
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
        return len(self._cells)

    @property
    def cells(self) -> Int[np.ndarray, "datum axis"]:
        """Array indices of the pixels, columns ``row, column`` or ``layer, row, column``."""
        return self._cells

    @property
    def codes(self) -> Int[np.ndarray, "datum"]:
        """Facies code of each pixel."""
        return np.asarray(self.facies_model.categories)[self._index]

    @property
    def observed(self) -> Int[np.ndarray, "datum"]:
        """Position of each pixel's facies among the prior's categories."""
        return self._index

    @property
    def coordinates(self) -> Float[np.ndarray, "datum axis"]:
        """Centres of the pixels, columns ``x, y(, z)`` in metres."""
        return self.grid.centres(self._cells)

    def check(self, prior: AbstractPrior, grid: Grid) -> None:
        """Raise `InputError` unless the wells were placed on this grid, for this prior's facies."""
        check_fit(self.name, (self.grid, self.facies_model), grid, prior)

    def predict(self, field: Float[Array, "*grid"], sharpness: float | Float[Array, ""] = 1.0) -> Float[Array, "datum"]:
        """How far each pixel's field value lies inside the interval of its facies; negative outside.

        The likelihood's slope is multiplied by `sharpness`, if the margins are.
        """
        return sharpness * self.facies_model.margin(self._values(field), jnp.asarray(self._index))

    def predict_exact(self, field: Float[Array, "*grid"]) -> Float[Array, "datum"]:
        """1 where the thresholded field shows the seen facies, else 0."""
        values = self._values(field)
        honoured = (self.facies_model.index(values) == self._index) & ~self.facies_model.undefined(values)
        return honoured.astype(values.dtype)

    def tempered_log_likelihood(
        self, prediction: Float[Array, "datum"], inverse_temperature: float | Float[Array, ""]
    ) -> Float[Array, ""]:
        """Sum of log(e' + (1 − e − e') σ(slope · t · margin)), e error probability, e' = e / (facies − 1), t inverse
        temperature: a wrong code is any of the others alike.
        """
        errors, other = self._errors(prediction)
        log_seen = jax.nn.log_sigmoid(self.slope * inverse_temperature * prediction)
        return jnp.sum(jnp.logaddexp(jnp.log(other), jnp.log1p(-errors - other) + log_seen))

    def exact_log_likelihood(self, prediction: Float[Array, "datum"]) -> Float[Array, ""]:
        """Sum of log(1 − e) for hits and log(e / (facies − 1)) for misses; −∞ if a certain datum is missed."""
        errors, other = self._errors(prediction)
        return jnp.sum(jnp.where(prediction > 0.5, jnp.log1p(-errors), jnp.log(other)))

    def with_data(self, data: Any) -> "HardData":
        """The same pixels with other facies seen there."""
        other = copy.copy(self)
        other._index = data
        return other

    def simulate(self, key_noise: Array, field: Float[Array, "*grid"], *, exact: bool) -> Int[Array, "datum"]:
        """Draw the facies seen: a wrong one, any of the others alike, with the error probability; softly, at random.

        Raises
        ------
        InputError
            If the soft likelihoods of more than two facies, or of a rule, are asked for, which do not add up to one.
        """
        categories, values = len(self.facies_model.categories), self._values(field)
        if not exact and (categories > 2 or self.facies_model.components is not None):
            raise InputError(
                f"The soft model of '{self.name}' gives no probability to each of {categories} facies, so nothing can "
                "be simulated from it; use target 'thresholded'."
            )
        key_facies, key_error, key_other = jax.random.split(key_noise, 3)
        shown = self.facies_model.index(values)
        if not exact:
            high = jax.nn.sigmoid(self.slope * self.facies_model.margin(values, jnp.ones(shown.shape, int)))
            shown = (jax.random.uniform(key_facies, shown.shape) < high).astype(shown.dtype)
        wrong = jax.random.uniform(key_error, shown.shape) < jnp.asarray(self.error_probability, values.dtype)
        other = (shown + jax.random.randint(key_other, shown.shape, 1, categories)) % categories
        return jnp.where(wrong, other, shown)

    def report(self, field: Float[Array, "*grid"]) -> Report:
        """Say how many pixels a field honours."""
        honoured = int(np.sum(np.asarray(self.predict_exact(field))))
        return Report(self.name, f"{honoured} of {self.count} pixels honoured", honoured, self.count)

    def failures(self, predictions: Float[np.ndarray, "draw datum"]) -> list[str]:
        """From exact predictions of many draws, name each well that most draws miss, worst first."""
        share = np.mean(np.asarray(predictions, dtype=float), axis=0)
        coordinates, codes = self.coordinates, self.codes
        return [
            f"well at {say_point(coordinates[i])} (facies {codes[i]}): honoured in {100 * share[i]:.2g} % of draws"
            for i in np.argsort(share, kind="stable")
            if share[i] < 0.5
        ]

    def to_arrays(self) -> dict[str, np.ndarray]:
        """The data as named arrays of numbers, from which `from_arrays` makes them again."""
        return {
            "cells": self._cells,
            "facies": self.codes,
            "error_probability": self.error_probability,
            "slope": np.asarray(self.slope),
        }

    @classmethod
    def from_arrays(cls, name: str, arrays: dict[str, np.ndarray], grid: Grid, prior: AbstractPrior) -> "HardData":
        """Make the observation again from what `to_arrays` gave."""
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

    def _values(self, field: Float[Array, "*field"]) -> Float[Array, "datum *component"]:
        return field_on(self.grid, field, self.facies_model)[tuple(self._cells.T)]


def _facies_model(prior: AbstractPrior, source: str) -> AbstractFaciesModel:
    if prior.facies_model is None:
        raise InputError(
            f"The hard data in '{source}' are facies, but the prior is of a continuous property; use a facies prior."
        )
    return prior.facies_model


def _check_wells(wells: _Wells, grid: Grid, facies_model: AbstractFaciesModel) -> None:
    """Raise `InputError` for the first well that cannot be used, by its label and coordinates."""
    if len(wells.coordinates) != len(wells.facies):
        raise InputError(
            f"Given coordinates of {len(wells.coordinates)} wells and {len(wells.facies)} facies; expected as many."
        )
    inside = grid.inside(wells.coordinates)
    for i, label in enumerate(wells.labels):
        where = sentence(f"{label} at {say_point(wells.coordinates[i])}")
        if not inside[i]:
            raise InputError(f"{where} lies outside the grid ({grid.describe()}); move or remove it.")
        check_facies(where, wells.facies[i], facies_model)
        if not 0 <= wells.errors[i] < 0.5:
            raise InputError(f"{where} has error probability {wells.errors[i]:g}; expected at least 0 and below 0.5.")


def _merge(wells: _Wells, cells: np.ndarray) -> tuple[list[int], np.ndarray]:
    """Which wells to keep, one for each cell and facies, and their error probabilities."""
    first: dict[tuple[int, ...], int] = {}
    certain: dict[tuple[int, ...], int] = {}
    errors = wells.errors.copy()
    for i, cell in enumerate(map(tuple, cells)):
        kept = first.setdefault((*cell, int(wells.facies[i])), i)
        errors[kept] = min(errors[kept], wells.errors[i])
        if wells.errors[i] > 0:
            continue
        other = certain.setdefault(cell, i)
        if wells.facies[other] != wells.facies[i]:
            a, b = (f"{wells.labels[k]} at {say_point(wells.coordinates[k])}" for k in (other, i))
            raise InputError(
                f"{sentence(a)} shows facies {wells.facies[other]:g}, but {b} shows facies "
                f"{wells.facies[i]:g} in the same cell; remove one or give them an error probability above 0."
            )
    order = list(first.values())
    return order, errors[order]
