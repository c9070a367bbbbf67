"""Independent Gaussian noise of unknown standard deviation, r_i ~ N(0, k sd_i²): a guess up to a factor √k.

The factor k that all data share has the scaled inverse χ² distribution, k ~ ν / χ²_ν, of median near 1, and is
integrated out, which leaves the n residuals the distribution of Student's t in n dimensions (Gelman et al. 2013,
*Bayesian Data Analysis*, section 3.2),

    log p(r) = log Γ((ν + n)/2) − log Γ(ν/2) − n/2 log(νπ) − Σ log sd_i − (ν + n)/2 log(1 + Σ (r_i / sd_i)² / ν).

So samplers need no further unknown, and given residuals k is known exactly: (ν + Σ (r_i / sd_i)²) / χ²_{ν+n}.
Cost: O(data).
"""

from collections.abc import Sequence
from typing import final

import jax
import jax.numpy as jnp
import numpy as np
import scipy.special
from jaxtyping import Array, Float

from latentinv.keys import named
from latentinv.pytrees import pytree

from ._abstract import NOISES, AbstractNoise, one_positive, per_datum, positive


@final
@NOISES.register("unknown")
@pytree("sd")
class UnknownNoise(AbstractNoise):
    """Independent Gaussian noise whose standard deviation is a guess, up to a factor that all data share.

    Parameters
    ----------
    sd
        The guess, in the unit of the data; one number or one for each datum.
    degrees_of_freedom
        ν: the guess counts as much as ν data would. With 1, the true sd lies between 0.5 and 16 times the guess in nine
        cases of ten; with 10 between 0.74 and 1.6 times.

    Raises
    ------
    InputError
        If one of them is not positive and finite.
    """

    kind = "unknown"
    gaussian = False
    stated = "guessed"

    def __init__(
        self, sd: float | Sequence[float] | Float[np.ndarray, "datum"], degrees_of_freedom: float = 1.0
    ) -> None:
        self.sd = positive(sd, "standard deviation")
        self.degrees_of_freedom = one_positive(degrees_of_freedom, "number of degrees of freedom")

    def spread(self, count: int) -> Float[np.ndarray, "datum"]:
        """The guess for each datum."""
        return per_datum(self.sd, count, "the noise's standard deviation")

    def log_likelihood(self, residual: Float[Array, "datum"]) -> Float[Array, ""]:
        """Log-density of Student's t in as many dimensions as data."""
        freedom, count = self.degrees_of_freedom, residual.size
        gammas = scipy.special.gammaln([(freedom + count) / 2, freedom / 2])
        sd = jnp.broadcast_to(jnp.asarray(self.sd, residual.dtype), residual.shape)
        constant = float(gammas[0] - gammas[1] - 0.5 * count * np.log(freedom * np.pi)) - jnp.sum(jnp.log(sd))
        return constant - 0.5 * (freedom + count) * jnp.log1p(jnp.sum(self.whiten(residual) ** 2) / freedom)

    def whiten(self, residual: Float[Array, "datum"]) -> Float[Array, "datum"]:
        """Residuals in units of the guess, including the unknown factor."""
        return residual / jnp.asarray(self.sd, residual.dtype)

    def simulate(self, key_noise: Array, count: int) -> Float[Array, "datum"]:
        """Draw the factor, and then the noise of `count` data."""
        key_factor, key_white = named(key_noise, "factor", "white")
        factor = self.degrees_of_freedom / jax.random.chisquare(key_factor, self.degrees_of_freedom)
        white = jax.random.normal(key_white, (count,))
        return jnp.asarray(self.sd, jnp.float32) * jnp.sqrt(factor) * white

    def inferred_spread(self, residual: Float[np.ndarray, "datum"]) -> Float[np.ndarray, "datum"]:
        """Median of each datum's standard deviation, given all residuals."""
        residual = np.asarray(residual, dtype=float)
        spread = self.spread(residual.size)
        freedom = self.degrees_of_freedom + residual.size
        squares = self.degrees_of_freedom + np.sum((residual / spread) ** 2)
        return spread * np.sqrt(squares / scipy.special.chdtri(freedom, 0.5))

    def to_arrays(self) -> dict[str, np.ndarray]:
        """The guess and the degrees of freedom as they were stated."""
        return {"sd": np.asarray(self.sd), "degrees_of_freedom": np.asarray(self.degrees_of_freedom)}
