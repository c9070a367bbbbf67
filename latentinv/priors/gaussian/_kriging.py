"""Simple kriging: the exact posterior of a Gaussian field given linear data with Gaussian noise.

For a field of mean m and covariance C between cells, data d = A x + noise of covariance R:

    K = C Aᵀ (A C Aᵀ + R)⁻¹,   mean = m + K (d − A m),   covariance = C − K A C

(Chilès and Delfiner 2012, chapter 3, doi:10.1002/9781118136188; Tarantola 2005, section 3.2). It is the reference with
which samplers are compared. float64 on the host; O(n² k) for n cells and k data.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy import linalg

from latentinv.errors import InputError
from latentinv.grid import Grid

from ._covariance import Covariance


class Kriging(NamedTuple):
    """The posterior of a Gaussian field."""

    mean: Float[np.ndarray, "*grid"]
    standard_deviation: Float[np.ndarray, "*grid"]
    covariance: Float[np.ndarray, "cell cell"]
    """Covariance between all cells, in array order."""
    log_evidence: float
    """Log-density of the data under the prior."""


def simple_kriging(
    covariance: Covariance | Float[np.ndarray, "cell cell"],
    grid: Grid,
    operator: Float[np.ndarray, "datum *grid"],
    values: Float[np.ndarray, "datum"],
    noise: float | Float[np.ndarray, "datum"] | Float[np.ndarray, "datum datum"],
    *,
    mean: float = 0.0,
) -> Kriging:
    """Condition a Gaussian field to linear data.

    Parameters
    ----------
    covariance
        Of the field: a model, or the matrix between all cells in array order.
    grid
        Where the field lives; small, since all cells' covariance is formed.
    operator
        Weight of each cell in each datum: one at a cell for a borehole, a share of the block for a block mean.
    values
        The data.
    noise
        Their standard deviation, for all or for each, or their covariance.
    mean
        Of the field, everywhere.

    Raises
    ------
    InputError
        If shapes do not agree, or the data's covariance is not positive definite.
    """
    weights = np.asarray(operator, float).reshape(len(operator), -1)
    values = np.asarray(values, float)
    if weights.shape[1] != grid.size or values.shape != (len(weights),):
        raise InputError(
            f"The operator has shape {np.shape(operator)} and there are {values.size} values; expected one row of "
            f"{grid.shape} cells for each value."
        )
    prior = covariance if isinstance(covariance, np.ndarray) else _between_cells(covariance, grid)
    spread = _noise_covariance(np.asarray(noise, float), len(values))
    cross = prior @ weights.T
    try:
        factor = linalg.cho_factor(weights @ cross + spread, lower=True)
    except linalg.LinAlgError as error:
        raise InputError(
            "The data's covariance is not positive definite; give each datum noise, or remove data without noise that "
            "repeat others."
        ) from error
    residual = values - weights.sum(axis=1) * mean
    solved = linalg.cho_solve(factor, residual)
    posterior = prior - cross @ linalg.cho_solve(factor, cross.T)
    deviation = np.sqrt(np.maximum(np.diag(posterior), 0.0))
    log_evidence = -0.5 * (residual @ solved + 2 * np.log(np.diag(factor[0])).sum() + len(values) * np.log(2 * np.pi))
    return Kriging(
        (mean + cross @ solved).reshape(grid.shape), deviation.reshape(grid.shape), posterior, float(log_evidence)
    )


def _between_cells(covariance: Covariance, grid: Grid) -> Float[np.ndarray, "cell cell"]:
    points = grid.centres(np.stack(np.unravel_index(np.arange(grid.size), grid.shape), axis=-1))
    return covariance.matrix(points, points)


def _noise_covariance(noise: np.ndarray, count: int) -> Float[np.ndarray, "datum datum"]:
    if noise.ndim == 2:
        spread = noise
    else:
        spread = np.diag(np.broadcast_to(noise, (count,)) ** 2) if noise.shape in ((), (count,)) else noise
    if spread.shape != (count, count):
        raise InputError(
            f"The noise has shape {noise.shape} for {count} data; give one standard deviation, one for each, or their "
            "covariance."
        )
    return spread
