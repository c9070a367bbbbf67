"""What Gaussian priors share: mean, marginal law and facies, read from a standard normal field.

A Gaussian prior makes a field of *scores*, each N(0, 1), correlated as its covariance says. `GaussianReading` turns
scores into the property: mean + standard deviation · score, or any other marginal law by an anamorphosis (a table
from score to value; Chilès and Delfiner 2012, chapter 6, doi:10.1002/9781118136188). Cut by thresholds the same field
is a truncated Gaussian simulation of facies (Matheron et al. 1987, doi:10.2118/16753-MS). Everything applies cell by
cell.
"""

import itertools
import math
from dataclasses import asdict, dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from scipy import stats

from latentinv.errors import InputError
from latentinv.grid import Grid
from latentinv.priors.core import FaciesModel

from ._covariance import Covariance

TAIL = 1e-4
"""Probability beyond the first and the last node of a table made from data."""


@dataclass(frozen=True)
class Anamorphosis:
    """A marginal law, as a table from scores to values; linear between nodes, and beyond them as at the ends.

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

    scores: tuple[float, ...]
    values: tuple[float, ...]

    def __post_init__(self) -> None:
        for name in ("scores", "values"):
            object.__setattr__(self, name, tuple(float(number) for number in getattr(self, name)))
        if len(self.scores) < 2 or len(self.scores) != len(self.values):
            raise InputError(
                f"The anamorphosis has {len(self.scores)} scores and {len(self.values)} values; give as many of each, "
                "two at least."
            )
        if not all(map(math.isfinite, self.scores)) or any(a >= b for a, b in itertools.pairwise(self.scores)):
            raise InputError("The anamorphosis' scores do not grow from node to node; sort them and leave out ties.")
        values = self.values
        if (
            not all(map(math.isfinite, values))
            or any(a > b for a, b in itertools.pairwise(values))
            or len({*values}) < 2
        ):
            raise InputError(
                "The anamorphosis' values fall from a node to the next, or are all equal; sort them beside the scores."
            )

    @classmethod
    def from_sample(cls, values: Float[np.ndarray, "datum"], nodes: int = 101) -> "Anamorphosis":
        """Take the law of a sample: its quantiles at evenly spaced probabilities.

        Raises
        ------
        InputError
            If the values are not finite or all equal.
        """
        values = np.asarray(values, float).ravel()
        if not len(values) or not np.all(np.isfinite(values)) or np.ptp(values) == 0:
            raise InputError("A marginal law needs finite values that are not all equal; correct the sample.")
        probabilities = np.linspace(TAIL, 1 - TAIL, nodes)
        return cls(tuple(stats.norm.ppf(probabilities)), tuple(np.quantile(values, probabilities)))

    @classmethod
    def log_normal(cls, median: float, log_standard_deviation: float) -> "Anamorphosis":
        """The law of median · exp(log_standard_deviation · score), tabulated to five standard deviations.

        Raises
        ------
        InputError
            If a number is not positive.
        """
        if not (0 < median < math.inf and 0 < log_standard_deviation < math.inf):
            raise InputError(
                f"A log-normal law was given median {median} and log standard deviation {log_standard_deviation}; "
                "both must be above 0."
            )
        scores = np.linspace(-5, 5, 401)
        return cls(tuple(scores), tuple(median * np.exp(log_standard_deviation * scores)))

    def __call__(self, scores: Float[Array, "*grid"]) -> Float[Array, "*grid"]:
        """Turn scores into values."""
        nodes, values = (jnp.asarray(x, scores.dtype) for x in (self.scores, self.values))
        interval = jnp.clip(jnp.searchsorted(nodes, scores) - 1, 0, len(self.scores) - 2)
        slope = jnp.asarray(np.diff(self.values) / np.diff(self.scores), scores.dtype)
        return values[interval] + slope[interval] * (scores - nodes[interval])


@dataclass(frozen=True)
class GaussianReading:
    """How a field of scores becomes the property.

    Parameters
    ----------
    standard_deviation
        Of the property where there is no anamorphosis.
    mean
        Of the property where there is no anamorphosis.
    anamorphosis
        Its marginal law, in place of mean and standard deviation.
    facies_model
        Thresholds on the property, for a prior of facies.
    """

    standard_deviation: float
    mean: float = 0.0
    anamorphosis: Anamorphosis | None = None
    facies_model: FaciesModel | None = None

    def __post_init__(self) -> None:
        if not math.isfinite(self.mean):
            raise InputError(f"The prior's mean is {self.mean}; give a finite number.")
        if self.anamorphosis is not None and (self.mean != 0 or self.standard_deviation != 1):
            raise InputError(
                f"An anamorphosis states the whole marginal law, but a mean of {self.mean} and a standard deviation of "
                f"{self.standard_deviation} were given too; leave them at 0 and 1."
            )

    def property(self, scores: Float[Array, "*grid"]) -> Float[Array, "*grid"]:
        """Turn scores into the property."""
        if self.anamorphosis is not None:
            return self.anamorphosis(scores)
        return self.mean + self.standard_deviation * scores

    def describe(self) -> dict[str, Any]:
        """The marginal law and the facies, for people."""
        law = f"Gaussian, mean {self.mean:g}, standard deviation {self.standard_deviation:g}"
        words: dict[str, Any] = {"marginal law": law if self.anamorphosis is None else "stated by an anamorphosis"}
        return words if self.facies_model is None else {**words, "facies": list(self.facies_model.categories)}

    def to_metadata(self) -> dict[str, Any]:
        """Give what `from_metadata` makes the same reading from."""
        return asdict(self)

    @classmethod
    def from_metadata(cls, metadata: dict[str, Any]) -> "GaussianReading":
        """Make the reading from `to_metadata`."""
        table, model = metadata["anamorphosis"], metadata["facies_model"]
        return cls(
            metadata["standard_deviation"],
            metadata["mean"],
            None if table is None else Anamorphosis(tuple(table["scores"]), tuple(table["values"])),
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
        If the latent's length is not `size`, or the grid has not `ndim` axes.
    """
    if grid.ndim != ndim:
        raise InputError(f"The prior is of {ndim} axes, the grid has {grid.ndim}; give one that suits the other.")
    if z.shape != (size,):
        raise InputError(f"The latent has shape {z.shape}; this prior needs ({size},) on a grid of {grid.shape}.")
