"""Gaussian noise with a full covariance, r ~ N(0, C + diag(sd²)).

The inverse Cholesky factor W of the covariance, W (C + diag(sd²)) Wᵀ = I, is made once on the host: as a matrix product
it runs in batches on any machine and loses no more digits than a solve does. Cost: O(data²) per residual, O(data³)
once.
"""

from typing import final

import jax
import jax.numpy as jnp
import numpy as np
import scipy.linalg
from jaxtyping import Array, Float

from latentinv.errors import InputError
from latentinv.pytrees import pytree

from ._abstract import NOISES, AbstractNoise, per_datum, positive


@final
@NOISES.register("correlated")
@pytree("covariance", "sd", "total", "_factor", "_whitening", "_log_constant")
class CorrelatedNoise(AbstractNoise):
    """Gaussian noise with a full covariance, such as errors of a simplified forward model.

    Parameters
    ----------
    covariance
        Covariance of the data, in their unit squared.
    sd
        Standard deviation of an uncorrelated part, which is added; one number or one for each datum. A covariance
        estimated from fewer samples than data is rank-deficient and needs it.

    Raises
    ------
    InputError
        If the covariance is not a symmetric matrix of finite numbers, or the sum is not positive definite.
    """

    kind = "correlated"
    gaussian = True

    def __init__(
        self, covariance: Float[np.ndarray, "datum datum"], sd: float | Float[np.ndarray, "datum"] | None = None
    ) -> None:
        matrix = np.asarray(covariance)
        _check_symmetric(matrix)
        self.covariance = np.array(matrix, dtype=float)
        self.sd = None if sd is None else positive(sd, "standard deviation")
        independent = 0.0 if self.sd is None else np.diag(per_datum(self.sd, len(matrix), "the uncorrelated sd") ** 2)
        self.total: Float[np.ndarray, "datum datum"] = self.covariance + independent
        precision = np.finfo(matrix.dtype).eps if matrix.dtype.kind == "f" else np.finfo(float).eps
        _check_definite(self.total, precision, stated=self.sd is not None)
        self._factor = scipy.linalg.cholesky(self.total, lower=True)
        self._whitening = scipy.linalg.solve_triangular(self._factor, np.eye(len(matrix)), lower=True)
        self._log_constant = -np.sum(np.log(np.diag(self._factor))) - 0.5 * len(matrix) * np.log(2 * np.pi)

    @classmethod
    def from_model_errors(
        cls, errors: Float[np.ndarray, "sample datum"], sd: float | Float[np.ndarray, "datum"]
    ) -> "CorrelatedNoise":
        """Add the errors of a simplified forward model to measurement noise.

        Their covariance is taken about zero, not about their mean: a bias that is not subtracted from the data is an
        error too (Hansen et al. 2014, doi:10.1190/geo2013-0215.1, subtract it).

        Parameters
        ----------
        errors
            Data of an exact model less those of the simplified one, for fields drawn from the prior.
        sd
            Standard deviation of the measurements, which also makes up for samples fewer than data.

        Raises
        ------
        InputError
            If the errors are not a table of finite numbers, or the sd is not positive.
        """
        table = np.asarray(errors, dtype=float)
        if table.ndim != 2 or not table.size or not np.all(np.isfinite(table)):
            raise InputError(
                f"The model errors have shape {table.shape}, or are not all finite; give one row of numbers per sample."
            )
        return cls(table.T @ table / len(table), sd)

    def spread(self, count: int) -> Float[np.ndarray, "datum"]:
        """Standard deviation of each datum by itself."""
        if count != len(self.total):
            raise InputError(
                f"The covariance of the noise is for {len(self.total)} data, but there are {count}; "
                "give one row and column per datum."
            )
        return np.sqrt(np.diag(np.asarray(self.total, float)))

    def log_likelihood(self, residual: Float[Array, "datum"]) -> Float[Array, ""]:
        """Log N(r; 0, C + diag(sd²))."""
        return jnp.asarray(self._log_constant, residual.dtype) - 0.5 * jnp.sum(self.whiten(residual) ** 2)

    def whiten(self, residual: Float[Array, "datum"]) -> Float[Array, "datum"]:
        """W r, W the inverse Cholesky factor."""
        # By default accelerators round the factors of a product to ten bits.
        return jnp.matmul(jnp.asarray(self._whitening, residual.dtype), residual, precision="highest")

    def simulate(self, key_noise: Array, count: int) -> Float[Array, "datum"]:
        """Draw the noise of the data, whose number must be the covariance's."""
        white = jax.random.normal(key_noise, (count,))
        return jnp.matmul(jnp.asarray(self._factor, white.dtype), white, precision="highest")

    def to_arrays(self) -> dict[str, np.ndarray]:
        """The covariance, and the uncorrelated part if one was stated."""
        arrays = {"covariance": np.asarray(self.covariance)}
        return arrays if self.sd is None else {**arrays, "sd": np.asarray(self.sd)}


def _check_symmetric(matrix: np.ndarray) -> None:
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or not matrix.size:
        raise InputError(f"The covariance of the noise has shape {matrix.shape}; give one row and column per datum.")
    if not np.all(np.isfinite(matrix)):
        raise InputError("The covariance of the noise has numbers that are not finite; correct them.")
    transposed = matrix.T.astype(float)
    if not np.allclose(matrix, transposed, rtol=1e-5, atol=1e-6 * np.abs(transposed).max()):
        raise InputError("The covariance of the noise is not symmetric; give the covariance of i and j at both places.")


def _check_definite(total: np.ndarray, precision: float, *, stated: bool) -> None:
    """Refuse a covariance whose smallest eigenvalue cannot be distinguished from zero.

    Eigenvalues are known to the rounding of the numbers given. Below 1e-10 of the largest, whitening in float32 would
    turn its rounding, 6e-8, into errors of 1e-2 standard deviations.
    """
    eigenvalues = np.linalg.eigvalsh(total)
    smallest, largest = eigenvalues[0], eigenvalues[-1]
    if smallest > max(len(total) * precision, 1e-10) * largest:
        return
    remedy = "a larger sd" if stated else "the sd"
    raise InputError(
        f"The covariance of the noise has the smallest eigenvalue {smallest:.3g} beside the largest {largest:.3g}, so "
        f"it does not have full rank; state {remedy} of an uncorrelated part, which is added."
    )
