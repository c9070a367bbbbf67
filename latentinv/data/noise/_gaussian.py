"""Independent Gaussian noise, r_i ~ N(0, sd_i²). Cost: O(data)."""

from collections.abc import Sequence
from typing import final

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from latentinv.pytrees import pytree

from ._abstract import NOISES, AbstractNoise, per_datum, positive


@final
@NOISES.register("gaussian")
@pytree("sd")
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

    kind = "gaussian"
    gaussian = True

    def __init__(self, sd: float | Sequence[float] | Float[np.ndarray, "datum"]) -> None:
        self.sd = positive(sd, "standard deviation")

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
        return jnp.asarray(self.sd, jnp.float32) * jax.random.normal(key_noise, (count,))

    def to_arrays(self) -> dict[str, np.ndarray]:
        """The standard deviation as it was stated."""
        return {"sd": np.asarray(self.sd)}
