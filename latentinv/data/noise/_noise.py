"""Noise models: how far data stray from what a field predicts for them.

    GaussianNoise      r_i ~ N(0, sd_i²), each by itself
    CorrelatedNoise    r ~ N(0, C + diag(sd²)), C full
    StudentNoise       r_i ~ scale_i · t(degrees of freedom), each by itself: forgives single gross errors
    UnknownNoise       r_i ~ N(0, k sd_i²), k unknown: the sd is known up to a factor that all data share

A residual r is what was observed less what was predicted, in the unit of the data. *Whitened* noise has the same law
for every datum and none depends on another: standard normal, or Student's t of scale one. What enters is checked in
float64 on the host; what is compiled runs in the residual's own precision. The inverse Cholesky factor W of a
covariance, W (C + diag(sd²)) Wᵀ = I, is made once on the host: as a matrix product it runs in batches on any machine
and loses no more digits than a solve does. Cost: O(data), with a full covariance O(data²) a residual and O(data³) once.

An unknown factor k has the scaled inverse χ² law, k ~ ν / χ²_ν, of median near 1, and is integrated out, which leaves
the n residuals the law of Student's t in n dimensions (Gelman et al. 2013, *Bayesian Data Analysis*, section 3.2),

    log p(r) = log Γ((ν + n)/2) − log Γ(ν/2) − n/2 log(νπ) − Σ log sd_i − (ν + n)/2 log(1 + Σ (r_i / sd_i)² / ν).

So samplers need no further unknown, and given residuals k is known exactly: (ν + Σ (r_i / sd_i)²) / χ²_{ν+n}.

Student's t as a measurement error: Lange, Little & Taylor 1989, doi:10.1080/01621459.1989.10478852.
"""

import abc
from dataclasses import dataclass
from functools import cached_property
from typing import final

import jax
import jax.numpy as jnp
import numpy as np
import scipy.linalg
import scipy.special
from jaxtyping import Array, Float

from latentinv.data.core import per_datum
from latentinv.errors import InputError


class AbstractNoise(abc.ABC):
    """The law of the residuals of one set of data."""

    kind: str
    """The registered kind, written into run files."""
    gaussian: bool
    """Whether whitened residuals are standard normal."""

    @abc.abstractmethod
    def spread(self, count: int) -> Float[np.ndarray, "datum"]:
        """How far each datum strays by itself, in its unit: standard deviation, or scale where there may be none.

        Raises
        ------
        InputError
            If the noise was stated for another number of data.
        """

    @abc.abstractmethod
    def log_likelihood(self, residual: Float[Array, "datum"]) -> Float[Array, ""]:
        """Log-density of residuals, normalised."""

    @abc.abstractmethod
    def whiten(self, residual: Float[Array, "datum"]) -> Float[Array, "datum"]:
        """Residuals such that noise of this law becomes independent and of scale one; linear in them."""

    @abc.abstractmethod
    def simulate(self, key_noise: Array, count: int) -> Float[Array, "datum"]:
        """Draw the noise of `count` data."""

    @abc.abstractmethod
    def to_arrays(self) -> dict[str, np.ndarray]:
        """What was stated, as named arrays; the arguments that make the noise again."""

    def inferred_spread(self, residual: Float[np.ndarray, "datum"]) -> Float[np.ndarray, "datum"] | None:
        """How far each datum strays, told by the residuals; None where it was stated."""
        del residual
        return None


@final
@dataclass(frozen=True, eq=False)
class GaussianNoise(AbstractNoise):
    """Independent Gaussian noise.

    Parameters
    ----------
    sd
        Standard deviation in the unit of the data; one number or one for each datum.

    Raises
    ------
    InputError
        If it is not positive and finite.
    """

    sd: float | Float[np.ndarray, "datum"]

    kind = "gaussian"
    gaussian = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "sd", _positive(self.sd, "standard deviation"))

    def spread(self, count: int) -> Float[np.ndarray, "datum"]:
        """Standard deviation of each datum."""
        return per_datum(self.sd, count, "the noise's standard deviation")

    def log_likelihood(self, residual: Float[Array, "datum"]) -> Float[Array, ""]:
        """Sum of log N(r_i; 0, sd_i²)."""
        return jnp.sum(jax.scipy.stats.norm.logpdf(residual, 0.0, jnp.asarray(self.sd, residual.dtype)))

    def whiten(self, residual: Float[Array, "datum"]) -> Float[Array, "datum"]:
        """Residuals in standard deviations."""
        return residual / jnp.asarray(self.sd, residual.dtype)

    def simulate(self, key_noise: Array, count: int) -> Float[Array, "datum"]:
        """Draw the noise of `count` data."""
        return jnp.asarray(self.spread(count), jnp.float32) * jax.random.normal(key_noise, (count,))

    def to_arrays(self) -> dict[str, np.ndarray]:
        """The standard deviation as it was stated."""
        return {"sd": np.asarray(self.sd)}


@final
@dataclass(frozen=True, eq=False)
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

    covariance: Float[np.ndarray, "datum datum"]
    sd: float | Float[np.ndarray, "datum"] | None = None

    kind = "correlated"
    gaussian = True

    def __post_init__(self) -> None:
        matrix = np.asarray(self.covariance)
        _check_symmetric(matrix)
        object.__setattr__(self, "covariance", np.array(matrix, dtype=float))
        if self.sd is not None:
            object.__setattr__(self, "sd", _positive(self.sd, "standard deviation"))
        precision = np.finfo(matrix.dtype).eps if matrix.dtype.kind == "f" else np.finfo(float).eps
        _check_definite(self.total, precision, stated=self.sd is not None)

    @classmethod
    def from_model_errors(
        cls, errors: Float[np.ndarray, "sample datum"], sd: float | Float[np.ndarray, "datum"]
    ) -> "CorrelatedNoise":
        """Add the errors of a simplified forward model to measurement noise.

        Their covariance is taken about zero, not about their mean: a bias that is not taken off the data is an error
        too (Hansen et al. 2014, doi:10.1190/geo2013-0215.1, take it off).

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
                f"The model errors have shape {table.shape}, or are not all finite; give a row of numbers a sample."
            )
        return cls(table.T @ table / len(table), sd)

    @cached_property
    def total(self) -> Float[np.ndarray, "datum datum"]:
        """The covariance with the uncorrelated part."""
        if self.sd is None:
            return self.covariance
        return self.covariance + np.diag(per_datum(self.sd, len(self.covariance), "the uncorrelated sd") ** 2)

    @cached_property
    def _factor(self) -> Float[np.ndarray, "datum datum"]:
        return scipy.linalg.cholesky(self.total, lower=True)

    @cached_property
    def _whitening(self) -> Float[np.ndarray, "datum datum"]:
        identity = np.eye(len(self.total))
        return scipy.linalg.solve_triangular(self._factor, identity, lower=True)

    @cached_property
    def _log_constant(self) -> float:
        return float(-np.sum(np.log(np.diag(self._factor))) - 0.5 * len(self.total) * np.log(2 * np.pi))

    def spread(self, count: int) -> Float[np.ndarray, "datum"]:
        """Standard deviation of each datum by itself."""
        if count != len(self.total):
            raise InputError(
                f"The covariance of the noise is for {len(self.total)} data, but there are {count}; "
                "give one row and column a datum."
            )
        return np.sqrt(np.diag(self.total))

    def log_likelihood(self, residual: Float[Array, "datum"]) -> Float[Array, ""]:
        """Log N(r; 0, C + diag(sd²))."""
        return self._log_constant - 0.5 * jnp.sum(self.whiten(residual) ** 2)

    def whiten(self, residual: Float[Array, "datum"]) -> Float[Array, "datum"]:
        """W r, W the inverse Cholesky factor."""
        # Accelerators round the factors of a product to ten bits unless asked.
        return jnp.matmul(jnp.asarray(self._whitening, residual.dtype), residual, precision="highest")

    def simulate(self, key_noise: Array, count: int) -> Float[Array, "datum"]:
        """Draw the noise of the data, whose number must be the covariance's."""
        self.spread(count)
        white = jax.random.normal(key_noise, (count,))
        return jnp.matmul(jnp.asarray(self._factor, white.dtype), white, precision="highest")

    def to_arrays(self) -> dict[str, np.ndarray]:
        """The covariance, and the uncorrelated part if one was stated."""
        arrays = {"covariance": self.covariance}
        return arrays if self.sd is None else {**arrays, "sd": np.asarray(self.sd)}


@final
@dataclass(frozen=True, eq=False)
class StudentNoise(AbstractNoise):
    """Independent noise with heavy tails, so that single gross errors do not rule.

    Parameters
    ----------
    scale
        Scale in the unit of the data; one number or one for each datum. The standard deviation is larger,
        ``scale √(ν / (ν − 2))``, and infinite for ν ≤ 2.
    degrees_of_freedom
        ν: the tails fall as r^−(ν + 1); 1 is Cauchy's law, and Gaussian noise the limit of many.

    Raises
    ------
    InputError
        If one of them is not positive and finite.
    """

    scale: float | Float[np.ndarray, "datum"]
    degrees_of_freedom: float

    kind = "student"
    gaussian = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "scale", _positive(self.scale, "scale"))
        object.__setattr__(self, "degrees_of_freedom", _degrees_of_freedom(self.degrees_of_freedom))

    def spread(self, count: int) -> Float[np.ndarray, "datum"]:
        """Scale of each datum."""
        return per_datum(self.scale, count, "the noise's scale")

    def log_likelihood(self, residual: Float[Array, "datum"]) -> Float[Array, ""]:
        """Sum of the log-densities of Student's t."""
        scale = jnp.asarray(self.scale, residual.dtype)
        return jnp.sum(jax.scipy.stats.t.logpdf(residual, self.degrees_of_freedom, 0.0, scale))

    def whiten(self, residual: Float[Array, "datum"]) -> Float[Array, "datum"]:
        """Residuals in units of the scale; their noise is Student's t still."""
        return residual / jnp.asarray(self.scale, residual.dtype)

    def simulate(self, key_noise: Array, count: int) -> Float[Array, "datum"]:
        """Draw the noise of `count` data."""
        return jnp.asarray(self.spread(count), jnp.float32) * jax.random.t(key_noise, self.degrees_of_freedom, (count,))

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Scale and degrees of freedom as they were stated."""
        return {"scale": np.asarray(self.scale), "degrees_of_freedom": np.asarray(self.degrees_of_freedom)}


@final
@dataclass(frozen=True, eq=False)
class UnknownNoise(AbstractNoise):
    """Independent Gaussian noise whose standard deviation is a guess, wrong by a factor that all data share.

    Parameters
    ----------
    sd
        The guess, in the unit of the data; one number or one for each datum.
    degrees_of_freedom
        ν: how many data the guess is worth. With 1, the true sd lies between 0.5 and 16 times the guess in nine cases
        of ten; with 10 between 0.74 and 1.6 times.

    Raises
    ------
    InputError
        If one of them is not positive and finite.
    """

    sd: float | Float[np.ndarray, "datum"]
    degrees_of_freedom: float = 1.0

    kind = "unknown"
    gaussian = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "sd", _positive(self.sd, "standard deviation"))
        object.__setattr__(self, "degrees_of_freedom", _degrees_of_freedom(self.degrees_of_freedom))

    def spread(self, count: int) -> Float[np.ndarray, "datum"]:
        """The guess for each datum."""
        return per_datum(self.sd, count, "the noise's standard deviation")

    def log_likelihood(self, residual: Float[Array, "datum"]) -> Float[Array, ""]:
        """Log-density of Student's t in as many dimensions as data."""
        freedom, count = self.degrees_of_freedom, residual.size
        gammas = scipy.special.gammaln([(freedom + count) / 2, freedom / 2])
        constant = gammas[0] - gammas[1] - 0.5 * count * np.log(freedom * np.pi) - np.sum(np.log(self.spread(count)))
        return float(constant) - 0.5 * (freedom + count) * jnp.log1p(jnp.sum(self.whiten(residual) ** 2) / freedom)

    def whiten(self, residual: Float[Array, "datum"]) -> Float[Array, "datum"]:
        """Residuals in units of the guess; the factor is in them still."""
        return residual / jnp.asarray(self.sd, residual.dtype)

    def simulate(self, key_noise: Array, count: int) -> Float[Array, "datum"]:
        """Draw the factor, and with it the noise of `count` data."""
        key_factor, key_white = jax.random.split(key_noise)
        factor = self.degrees_of_freedom / jax.random.chisquare(key_factor, self.degrees_of_freedom)
        white = jax.random.normal(key_white, (count,))
        return jnp.asarray(self.spread(count), jnp.float32) * jnp.sqrt(factor) * white

    def inferred_spread(self, residual: Float[np.ndarray, "datum"]) -> Float[np.ndarray, "datum"]:
        """Median of each datum's standard deviation, given all residuals."""
        residual = np.asarray(residual, dtype=float)
        spread = self.spread(residual.size)
        freedom = self.degrees_of_freedom + residual.size
        squares = self.degrees_of_freedom + np.sum((residual / spread) ** 2)
        return spread * np.sqrt(squares / scipy.special.chdtri(freedom, 0.5))

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Guess and degrees of freedom as they were stated."""
        return {"sd": np.asarray(self.sd), "degrees_of_freedom": np.asarray(self.degrees_of_freedom)}


NOISES: dict[str, type[GaussianNoise] | type[CorrelatedNoise] | type[StudentNoise] | type[UnknownNoise]] = {
    GaussianNoise.kind: GaussianNoise,
    CorrelatedNoise.kind: CorrelatedNoise,
    StudentNoise.kind: StudentNoise,
    UnknownNoise.kind: UnknownNoise,
}
"""The kinds of noise: run files name a kind, and its arrays are the arguments that make it again."""


def _positive(values: float | np.ndarray, what: str) -> np.ndarray:
    array = np.array(values, dtype=float)
    if array.ndim > 1 or not array.size:
        raise InputError(f"The {what} of the noise has shape {array.shape}; give one number, or one for each datum.")
    bad = array[~(np.isfinite(array) & (array > 0))]
    if bad.size:
        raise InputError(f"The noise has a {what} of {bad[0]:g}; give a finite number above 0.")
    return array


def _degrees_of_freedom(number: float | np.ndarray) -> float:
    freedom = _positive(number, "number of degrees of freedom")
    if freedom.size != 1:
        raise InputError(f"The noise has {freedom.size} numbers of degrees of freedom; give one for all data.")
    return float(freedom.item())


def _check_symmetric(matrix: np.ndarray) -> None:
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or not matrix.size:
        raise InputError(f"The covariance of the noise has shape {matrix.shape}; give one row and column a datum.")
    if not np.all(np.isfinite(matrix)):
        raise InputError("The covariance of the noise has numbers that are not finite; correct them.")
    transposed = matrix.T.astype(float)
    if not np.allclose(matrix, transposed, rtol=1e-5, atol=1e-6 * np.abs(transposed).max()):
        raise InputError("The covariance of the noise is not symmetric; give the covariance of i and j at both places.")


def _check_definite(total: np.ndarray, precision: float, *, stated: bool) -> None:
    """Refuse a covariance whose smallest eigenvalue cannot be told from zero.

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
        f"it is no covariance of full rank; state {remedy} of an uncorrelated part, which is added."
    )
