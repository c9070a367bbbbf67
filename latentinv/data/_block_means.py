"""Block means: the share of a facies, or the mean of a property, in boxes.

The mean over a box is linear in what is averaged: row d of the weights W holds the share of box d in each
cell (cells cut by the box count by the area inside), so

    prediction = W p

for a facies prior, where p is the probability of the facies in each cell, soft (ordered logit) or exact
(0 or 1), and ``W field`` for a continuous one. The data have Gaussian noise of a stated standard
deviation, which for shares is an approximation: it does not stop at 0 and 1. The path from no information
scales the whole log-likelihood, its constant included, by the inverse temperature, and stays at the stated
model from 1 on.

Cost: one product of the weights, boxes × cells in float32, with the field; store and time grow with both.
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
    decimals,
    field_on,
    per_datum,
    say_box,
    sentence,
)
from latentinv.errors import InputError
from latentinv.grid import Grid
from latentinv.io import read_table
from latentinv.priors.core import AbstractFaciesModel, AbstractPrior


class _Blocks(NamedTuple):
    """Blocks as the user gave them; facies is None for the mean of a continuous property."""

    lower: np.ndarray
    upper: np.ndarray
    mean: np.ndarray
    sd: np.ndarray
    facies: np.ndarray | None
    labels: Sequence[str]


@final
class BlockMeans(AbstractObservation):
    """Means over boxes, with Gaussian noise.

    Parameters
    ----------
    grid
        The grid to place the boxes on.
    lower, upper
        Opposite corners of each box, columns ``x, y(, z)`` in metres.
    mean
        The observed means: shares between 0 and 1, or in the unit of the field.
    sd
        Their standard deviations; one number or one for each box.
    facies_model
        The prior's reading of a field as facies; None for the mean of the field itself.
    facies
        The facies code whose share is meant, one or one for each box; the highest category unless given.
    slope
        Slope of the soft reading of facies, per unit of the field.
    name
        What to call these data.
    labels
        What messages call each block; ``block 1``, ``block 2`` … unless given.

    Raises
    ------
    InputError
        If a box has no area or reaches outside the grid, a standard deviation is not positive, a share is
        not in [0, 1], a facies is not one of the prior's, or the grid has too many cells.
    """

    kind = "block_means"

    def __init__(
        self,
        grid: Grid,
        lower: Float[np.ndarray, "block axis"],
        upper: Float[np.ndarray, "block axis"],
        mean: Float[np.ndarray, "block"],
        sd: float | Float[np.ndarray, "block"],
        facies_model: AbstractFaciesModel | None,
        *,
        facies: int | Int[np.ndarray, "block"] | None = None,
        slope: float = 20.0,
        name: str = "blocks",
        labels: Sequence[str] | None = None,
    ) -> None:
        grid.check_whole()
        mean = np.atleast_1d(np.asarray(mean, dtype=float))
        count = mean.size
        if not count:
            raise InputError(f"The block means '{name}' hold no block; give at least one.")
        blocks = _Blocks(
            np.atleast_2d(np.asarray(lower, dtype=float)),
            np.atleast_2d(np.asarray(upper, dtype=float)),
            mean,
            per_datum(sd, count, "the standard deviation"),
            _facies_of_blocks(facies, facies_model, count, name),
            check_labels(labels, count, "block"),
        )
        _check_blocks(blocks, facies_model)
        self.grid, self.name, self.facies_model = grid, name, facies_model
        self.slope = check_slope(slope, name)
        self.lower, self.upper = blocks.lower, blocks.upper
        self.mean, self.sd = blocks.mean, blocks.sd
        self.facies = None if blocks.facies is None else blocks.facies.astype(int)
        self.weights: Float[np.ndarray, "datum cells"] = _weights(blocks, grid)

    @classmethod
    def from_csv(cls, path: str | Path, grid: Grid, prior: AbstractPrior, *, name: str | None = None) -> "BlockMeans":
        """Read blocks from a CSV file with columns x_min, y_min, x_max, y_max, mean, sd and perhaps facies.

        Parameters
        ----------
        path
            The file; corners in metres, in three dimensions with z_min and z_max too.
        grid
            The grid to place the boxes on.
        prior
            The prior, which knows the facies.
        name
            What to call these data; the file's name without its ending unless given.

        Raises
        ------
        StorageError
            If the file cannot be opened.
        InputError
            If the table or a block in it cannot be used; the sentence names the line.
        """
        lower = [f"{axis}_min" for axis in grid.axes]
        upper = [f"{axis}_max" for axis in grid.axes]
        table = read_table(path, (*lower, *upper, "mean", "sd"), ("facies",))
        return cls(
            grid,
            table.points(lower),
            table.points(upper),
            table.columns["mean"],
            table.columns["sd"],
            prior.facies_model,
            facies=table.columns.get("facies"),
            name=Path(path).stem if name is None else name,
            labels=table.labels("block"),
        )

    @property
    def count(self) -> int:
        """Number of blocks."""
        return len(self.mean)

    @property
    def observed(self) -> Float[np.ndarray, "datum"]:
        """The observed means."""
        return self.mean

    def with_data(self, data: Any) -> "BlockMeans":
        """The same blocks with other means."""
        other = copy.copy(self)
        other.mean = data
        return other

    def simulate(self, key_noise: Array, field: Float[Array, "*grid"], *, exact: bool) -> Float[Array, "datum"]:
        """Draw the means that would be observed; their Gaussian error does not stop at 0 and 1."""
        prediction = self.predict_exact(field) if exact else self.predict(field)
        noise = jax.random.normal(key_noise, prediction.shape, prediction.dtype)
        return prediction + jnp.asarray(self.sd, prediction.dtype) * noise

    def check(self, prior: AbstractPrior, grid: Grid) -> None:
        """Raise `InputError` unless the boxes were placed on this grid, for this prior's facies."""
        check_fit(self.name, (self.grid, self.facies_model), grid, prior)

    def predict(self, field: Float[Array, "*grid"], sharpness: float | Float[Array, ""] = 1.0) -> Float[Array, "datum"]:
        """Soft share of the facies in each box, or the mean of a continuous field."""
        values = self._values(field)
        if self.facies_model is None:
            return self._average(values)
        return self._shares(jnp.exp(self.facies_model.log_probability(values, sharpness * self.slope)))

    def predict_exact(self, field: Float[Array, "*grid"]) -> Float[Array, "datum"]:
        """Share of the facies in each box by the thresholds, or the mean of a continuous field."""
        values = self._values(field)
        if self.facies_model is None:
            return self._average(values)
        facies = jax.nn.one_hot(self.facies_model.index(values), len(self.facies_model.categories), dtype=values.dtype)
        return self._shares(jnp.where(self.facies_model.undefined(values)[:, None], jnp.nan, facies))

    def tempered_log_likelihood(
        self, prediction: Float[Array, "datum"], inverse_temperature: float | Float[Array, ""]
    ) -> Float[Array, ""]:
        """Gaussian log-likelihood times the inverse temperature, and from 1 on as it is."""
        return jnp.minimum(inverse_temperature, 1.0) * self.exact_log_likelihood(prediction)

    def exact_log_likelihood(self, prediction: Float[Array, "datum"]) -> Float[Array, ""]:
        """Gaussian log-density of the observed means about the predicted ones."""
        mean = jnp.asarray(self.mean, prediction.dtype)
        sd = jnp.asarray(self.sd, prediction.dtype)
        return jnp.sum(jax.scipy.stats.norm.logpdf(mean, prediction, sd))

    def report(self, field: Float[Array, "*grid"]) -> Report:
        """Say how many block means lie within one and two standard deviations of the data; two fulfil."""
        misfit = np.abs(np.asarray(self.predict_exact(field)) - self.mean) / self.sd
        one, two = int(np.sum(misfit <= 1)), int(np.sum(misfit <= 2))
        text = f"{one} of {self.count} block means within one sd, {two} of {self.count} within two"
        return Report(self.name, text, two, self.count)

    def failures(self, predictions: Float[np.ndarray, "draw datum"]) -> list[str]:
        """From exact predictions of many draws, name the blocks off by over three sd, worst first."""
        drawn = np.mean(np.asarray(predictions, dtype=float), axis=0)
        misfit = np.abs(drawn - self.mean) / self.sd
        # Written so that a misfit that is not a number counts as a failure.
        return [self._failure(i, drawn[i]) for i in np.argsort(-misfit, kind="stable") if not misfit[i] <= 3]

    def to_arrays(self) -> dict[str, np.ndarray]:
        """The data as named arrays of numbers, from which `from_arrays` makes them again."""
        arrays = {
            "lower": self.lower,
            "upper": self.upper,
            "mean": self.mean,
            "sd": self.sd,
            "slope": np.asarray(self.slope),
        }
        return arrays if self.facies is None else {**arrays, "facies": self.facies}

    @classmethod
    def from_arrays(cls, name: str, arrays: dict[str, np.ndarray], grid: Grid, prior: AbstractPrior) -> "BlockMeans":
        """Make the observation again from what `to_arrays` gave."""
        return cls(
            grid,
            arrays["lower"],
            arrays["upper"],
            arrays["mean"],
            arrays["sd"],
            prior.facies_model,
            facies=arrays.get("facies"),
            slope=float(arrays["slope"]),
            name=name,
        )

    def _values(self, field: Float[Array, "*field"]) -> Float[Array, "cell *component"]:
        values = field_on(self.grid, field, self.facies_model)
        return values.reshape(-1, *values.shape[self.grid.ndim :])

    def _average(self, values: Float[Array, "cells *rest"]) -> Float[Array, "datum *rest"]:
        # Accelerators round the factors of a product to ten bits unless asked; data may be more precise.
        return jnp.matmul(jnp.asarray(self.weights), values, precision="highest")

    def _shares(self, probability: Float[Array, "cells facies"]) -> Float[Array, "datum"]:
        assert self.facies_model is not None
        assert self.facies is not None
        index = [self.facies_model.categories.index(code) for code in self.facies]
        return self._average(probability)[jnp.arange(self.count), jnp.asarray(index)]

    def _failure(self, block: int, drawn: float) -> str:
        digits = decimals(self.sd[block])
        return (
            f"block {block + 1} ({say_box(self.lower[block], self.upper[block])}): data "
            f"{self.mean[block]:.{digits}f} ± {self.sd[block]:.{digits}f}, draws {drawn:.{digits}f}"
        )


def _facies_of_blocks(
    facies: float | np.ndarray | None, facies_model: AbstractFaciesModel | None, count: int, name: str
) -> np.ndarray | None:
    if facies_model is None:
        if facies is not None:
            raise InputError(
                f"The block means '{name}' name a facies, but the prior is of a continuous property; leave it out."
            )
        return None
    return per_datum(facies_model.categories[-1] if facies is None else facies, count, "the facies")


def _check_blocks(blocks: _Blocks, facies_model: AbstractFaciesModel | None) -> None:
    """Raise `InputError` for the first block whose datum cannot be used, by its label."""
    if not len(blocks.lower) == len(blocks.upper) == len(blocks.mean):
        raise InputError(
            f"Given {len(blocks.lower)} lower corners, {len(blocks.upper)} upper corners and "
            f"{len(blocks.mean)} means; expected as many."
        )
    for i, label in enumerate(blocks.labels):
        who, mean, sd = sentence(label), blocks.mean[i], blocks.sd[i]
        if not (np.isfinite(sd) and sd > 0):
            raise InputError(f"{who} has sd {sd:g}; expected a standard deviation above 0.")
        if not np.isfinite(mean):
            raise InputError(f"{who} has mean {mean:g}; expected a finite number.")
        if facies_model is None or blocks.facies is None:
            continue
        check_facies(who, blocks.facies[i], facies_model)
        if not 0 <= mean <= 1:
            raise InputError(f"{who} has mean {mean:g}; expected the share of a facies, between 0 and 1.")


def _weights(blocks: _Blocks, grid: Grid) -> Float[np.ndarray, "datum cells"]:
    """The share of each box that falls in each cell, cells in the array's order."""
    rows = np.empty((len(blocks.mean), grid.size), dtype=np.float32)
    for i, label in enumerate(blocks.labels):
        try:
            rows[i] = grid.box_weights(blocks.lower[i], blocks.upper[i]).ravel()
        except InputError as error:
            text = str(error)
            raise InputError(f"{sentence(label)}: {text[0].lower()}{text[1:]}") from None
    return rows
