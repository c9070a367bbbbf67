"""Gaussian fields by the Cholesky factor of their covariance: exact, for small grids.

The field is mean + L z, where L Lᵀ is the covariance between the centres of all cells (Davis 1987,
doi:10.1007/BF00898190). Factorising costs O(n³/3) and n² numbers for n cells, once per grid; a field then costs O(n²).
The factor is a leaf of the prior that `on` gives. The posterior of linear data is known exactly (see `_kriging.py`),
which is what this prior is for.
"""

import functools
from dataclasses import asdict
from typing import Any, final

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from scipy import linalg

from latentinv.errors import InputError
from latentinv.grid import Grid
from latentinv.priors.core import PRIORS, FaciesModel
from latentinv.pytrees import pytree, replace
from latentinv.storage import PriorRecord

from ._abstract import AbstractGaussianPrior, stated_reading
from ._covariance import Covariance
from ._gaussian import Anamorphosis, GaussianReading, covariance_from

MOST_CELLS = 6400
"""Most cells of a grid; the factor then takes 160 MB in float32 and some seconds."""
JITTER = 1e-9
"""Added to the diagonal of the correlations, since very smooth models are singular to float64 rounding."""


@final
@PRIORS.register("cholesky")
@pytree("reading", "factor")
class CholeskyPrior(AbstractGaussianPrior):
    """An exact Gaussian field on a small grid.

    Parameters
    ----------
    covariance
        Its covariance. With an anamorphosis its standard deviation must be 1: it correlates the scores.
    ndim
        Axes of the fields, 2 or 3.
    mean
        Of the property.
    anamorphosis
        The property's marginal distribution, if it is not normal.
    facies_model
        Thresholds on the property, for facies (truncated Gaussian).

    Raises
    ------
    InputError
        If the covariance does not suit the axes, or a setting cannot be used.
    """

    family = "cholesky"

    def __init__(
        self,
        covariance: Covariance,
        *,
        ndim: int = 2,
        mean: float = 0.0,
        anamorphosis: Anamorphosis | None = None,
        facies_model: FaciesModel | None = None,
    ) -> None:
        covariance.scaling(ndim)
        self.covariance, self.ndim, self.facies_model = covariance, ndim, facies_model
        self.reading = GaussianReading(covariance.standard_deviation, mean, anamorphosis, facies_model)
        self.grid: Grid | None = None
        self.factor: Float[Array, "cell cell"] | None = None
        """Lower factor of the correlations between the cells of `grid`."""

    def on(self, grid: Grid) -> "CholeskyPrior":
        """The same prior with the factor on one grid.

        Raises
        ------
        InputError
            If the grid has too many cells.
        """
        self.latent_size(grid)
        other: CholeskyPrior = replace(self, grid=grid, factor=jnp.asarray(_factor(self.covariance, grid)))
        return other

    def latent_size(self, grid: Grid) -> int:
        """One number per cell.

        Raises
        ------
        InputError
            If the grid has too many cells.
        """
        if grid.size > MOST_CELLS:
            raise InputError(
                f"The grid has {grid.size} cells; a Cholesky factor allows at most {MOST_CELLS}. Use SpectralPrior or "
                "SPDEPrior, or a smaller grid."
            )
        return grid.size

    def _scores(self, z: Float[Array, "latent"], grid: Grid) -> Float[Array, "*grid"]:
        kept = self.factor is not None and grid == self.grid
        factor = self.factor if kept else _factor(self.covariance, grid)
        return jnp.matmul(jnp.asarray(factor), z, precision="highest").reshape(grid.shape)

    def describe(self) -> dict[str, Any]:
        """Covariance and marginal distribution."""
        return {"latents": "one for each cell", "covariance": asdict(self.covariance), **self.reading.describe()}

    def to_record(self) -> PriorRecord:
        """Give the content of the prior's file."""
        metadata = {"covariance": asdict(self.covariance), "ndim": self.ndim, "reading": self.reading.to_metadata()}
        return PriorRecord(self.family, metadata, self._own_arrays())

    @classmethod
    def from_record(cls, record: PriorRecord) -> "CholeskyPrior":
        """Make the prior from the content of its file."""
        prior = cls(
            covariance_from(record.metadata["covariance"]),
            ndim=record.metadata["ndim"],
            **stated_reading(record.metadata["reading"]),
        )
        return prior._with_arrays(record)


@functools.lru_cache(maxsize=2)
def _factor(covariance: Covariance, grid: Grid) -> Float[np.ndarray, "cell cell"]:
    """Lower factor of the correlations between cells."""
    points = grid.centres(np.stack(np.unravel_index(np.arange(grid.size), grid.shape), axis=-1))
    correlations = covariance.correlation(points[:, None] - points[None])
    correlations[np.diag_indices(grid.size)] += JITTER
    return linalg.cholesky(correlations, lower=True).astype(np.float32)
