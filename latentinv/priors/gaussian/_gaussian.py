"""Shared by Gaussian priors: mean, marginal distribution and facies, read from a standard normal field.

A Gaussian prior makes a field of *scores*, each N(0, 1), correlated as its covariance says. `GaussianReading` turns
scores into the property: mean + standard deviation · score, or any other marginal distribution by an anamorphosis (a
table from score to value; Chilès and Delfiner 2012, chapter 6, doi:10.1002/9781118136188). Cut by thresholds the same
field is a truncated Gaussian simulation of facies (Matheron et al. 1987, doi:10.2118/16753-MS). Everything applies cell
by cell.
"""

import math
from collections.abc import Sequence
from typing import Any, final

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from scipy import special

from latentinv.errors import InputError
from latentinv.grid import Grid
from latentinv.priors.core import FaciesModel
from latentinv.pytrees import pytree

from ._covariance import Covariance

TAIL = 1e-4
"""Probability beyond the first and the last node of a table made from data."""


@final
@pytree("scores", "values", "slopes")
class Anamorphosis:
    """A marginal distribution, as a table from scores to values; linear between nodes, extrapolated linearly beyond
    them.

    Parameters
    ----------
    scores
        Standard normal scores, growing.
    values
        The property at these scores, in its own unit, nowhere falling; level where a value has a share of its own.

    Raises
    ------
    InputError
        If there are fewer than two nodes, their numbers differ, scores do not grow, or values fall or are all equal.
    """

    def __init__(
        self,
        scores: Sequence[float] | Float[np.ndarray, "node"],
        values: Sequence[float] | Float[np.ndarray, "node"],
    ) -> None:
        self.scores, self.values = np.array(scores, float), np.array(values, float)
        if self.scores.ndim != 1 or len(self.scores) < 2 or self.scores.shape != self.values.shape:
            raise InputError(
                f"The anamorphosis has {self.scores.size} scores and {self.values.size} values; give equally many, "
                "at least two."
            )
        if not np.all(np.isfinite(self.scores)) or np.any(np.diff(self.scores) <= 0):
            raise InputError(
                "The anamorphosis' scores do not increase from node to node; sort them and leave out ties."
            )
        if not np.all(np.isfinite(self.values)) or np.any(np.diff(self.values) < 0) or np.ptp(self.values) == 0:
            raise InputError(
                "The anamorphosis' values decrease from one node to the next, or are all equal; sort them like the "
                "scores."
            )
        # in float64, so that differences of close nodes keep their digits
        self.slopes = np.diff(self.values) / np.diff(self.scores)

    @classmethod
    def from_sample(cls, values: Float[np.ndarray, "datum"], nodes: int = 101) -> "Anamorphosis":
        """Take the distribution of a sample: its quantiles at evenly spaced probabilities.

        Raises
        ------
        InputError
            If the values are not finite or all equal.
        """
        values = np.asarray(values, float).ravel()
        if not len(values) or not np.all(np.isfinite(values)) or np.ptp(values) == 0:
            raise InputError("A marginal distribution needs finite values that are not all equal; correct the sample.")
        probabilities = np.linspace(TAIL, 1 - TAIL, nodes)
        return cls(special.ndtri(probabilities), np.quantile(values, probabilities))

    @classmethod
    def log_normal(cls, median: float, log_standard_deviation: float) -> "Anamorphosis":
        """The distribution of median · exp(log_standard_deviation · score), tabulated to five standard deviations.

        Raises
        ------
        InputError
            If a number is not positive.
        """
        if not (0 < median < math.inf and 0 < log_standard_deviation < math.inf):
            raise InputError(
                f"A log-normal distribution was given median {median} and log standard deviation "
                f"{log_standard_deviation}; both must be above 0."
            )
        scores = np.linspace(-5, 5, 401)
        return cls(scores, median * np.exp(log_standard_deviation * scores))

    def __call__(self, scores: Float[Array, "*grid"]) -> Float[Array, "*grid"]:
        """Turn scores into values."""
        nodes, values, slopes = (jnp.asarray(x, scores.dtype) for x in (self.scores, self.values, self.slopes))
        interval = jnp.clip(jnp.searchsorted(nodes, scores) - 1, 0, len(slopes) - 1)
        return values[interval] + slopes[interval] * (scores - nodes[interval])

    def to_metadata(self) -> dict[str, list[float]]:
        """The table for a file, from which ``Anamorphosis(**content)`` restores it."""
        return {"scores": self.scores.tolist(), "values": self.values.tolist()}


@final
@pytree("standard_deviation", "mean", "anamorphosis")
class GaussianReading:
    """How a field of scores becomes the property.

    Parameters
    ----------
    standard_deviation
        Of the property where there is no anamorphosis.
    mean
        Of the property where there is no anamorphosis.
    anamorphosis
        Its marginal distribution, in place of mean and standard deviation.
    facies_model
        Thresholds on the property, for a prior of facies.

    Raises
    ------
    InputError
        If a number is not finite, or both an anamorphosis and a mean or standard deviation are given.
    """

    def __init__(
        self,
        standard_deviation: float = 1.0,
        mean: float = 0.0,
        anamorphosis: Anamorphosis | None = None,
        facies_model: FaciesModel | None = None,
    ) -> None:
        if not math.isfinite(mean):
            raise InputError(f"The prior's mean is {mean}; give a finite number.")
        stated = mean == 0 and standard_deviation == 1
        if anamorphosis is not None and not stated:
            raise InputError(
                f"An anamorphosis states the whole marginal distribution, but a mean of {mean} and a standard "
                f"deviation of {standard_deviation} were given too; leave them at 0 and 1."
            )
        self.standard_deviation, self.mean, self.anamorphosis = standard_deviation, mean, anamorphosis
        self.facies_model = facies_model
        self.is_score = stated and anamorphosis is None and facies_model is None
        """Whether the property is the scores themselves."""

    def property(self, scores: Float[Array, "*grid"]) -> Float[Array, "*grid"]:
        """Turn scores into the property."""
        if self.anamorphosis is not None:
            return self.anamorphosis(scores)
        return self.mean + self.standard_deviation * scores

    def describe(self) -> dict[str, Any]:
        """A readable description of the marginal distribution and the facies."""
        mean = f"from {np.min(self.mean):g} to {np.max(self.mean):g}" if np.ndim(self.mean) else f"{self.mean:g}"
        normal = f"Gaussian, mean {mean}, standard deviation {self.standard_deviation:g}"
        marginal = normal if self.anamorphosis is None else "stated by an anamorphosis"
        words: dict[str, Any] = {"marginal distribution": marginal}
        return words if self.facies_model is None else {**words, "facies": self.facies_model.listed()}

    def to_metadata(self) -> dict[str, Any]:
        """The metadata from which `from_metadata` restores the reading."""
        table, model = self.anamorphosis, self.facies_model
        return {
            "standard_deviation": self.standard_deviation,
            "mean": 0.0 if np.ndim(self.mean) else self.mean,  # a local mean is an array of the file
            "anamorphosis": None if table is None else table.to_metadata(),
            "facies_model": None if model is None else {"categories": model.categories, "thresholds": model.thresholds},
        }

    @classmethod
    def from_metadata(cls, metadata: dict[str, Any]) -> "GaussianReading":
        """Make the reading from `to_metadata`."""
        table, model = metadata["anamorphosis"], metadata["facies_model"]
        return cls(
            metadata["standard_deviation"],
            metadata["mean"],
            None if table is None else Anamorphosis(**table),
            None if model is None else FaciesModel(tuple(model["categories"]), tuple(model["thresholds"])),
        )


def covariance_from(metadata: dict[str, Any]) -> Covariance:
    """Make a covariance from its own fields, as a file holds them."""
    return Covariance(**{**metadata, "ranges": tuple(metadata["ranges"])})


def check_latent(z: Float[Array, "latent"], size: int, ndim: int, grid: Grid) -> None:
    """Check that a latent and a grid belong to a prior.

    Raises
    ------
    InputError
        If the latent's length is not `size`, or the grid does not have `ndim` axes.
    """
    if grid.ndim != ndim:
        raise InputError(f"The prior has {ndim} axes, but the grid {grid.ndim}; change one of them.")
    if z.shape != (size,):
        raise InputError(f"The latent has shape {z.shape}; this prior needs ({size},) on a grid of {grid.shape}.")
