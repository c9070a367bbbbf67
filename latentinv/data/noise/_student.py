"""Independent noise with heavy tails, r_i ~ scale_i · t(degrees of freedom): forgives single gross errors.

Student's t as a measurement error: Lange, Little & Taylor 1989, doi:10.1080/01621459.1989.10478852. Cost: O(data).
"""

from collections.abc import Sequence
from typing import final

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from latentinv.pytrees import pytree

from ._abstract import NOISES, AbstractNoise, one_positive, per_datum, positive


@final
@NOISES.register("student")
@pytree("scale")
class StudentNoise(AbstractNoise):
    """Independent noise with heavy tails, so that single gross errors do not dominate.

    Parameters
    ----------
    scale
        Scale in the unit of the data; one number or one for each datum. The standard deviation is larger,
        ``scale √(ν / (ν − 2))``, and infinite for ν ≤ 2.
    degrees_of_freedom
        ν: the tails fall as r^−(ν + 1); 1 is the Cauchy distribution, and Gaussian noise the limit of many.

    Raises
    ------
    InputError
        If one of them is not positive and finite.
    """

    kind = "student"
    gaussian = False
    spread_name = "scales"
    stated = "stated scale"

    def __init__(self, scale: float | Sequence[float] | Float[np.ndarray, "datum"], degrees_of_freedom: float) -> None:
        self.scale = positive(scale, "scale")
        self.degrees_of_freedom = one_positive(degrees_of_freedom, "number of degrees of freedom")

    def spread(self, count: int) -> Float[np.ndarray, "datum"]:
        """Scale of each datum."""
        return per_datum(self.scale, count, "the noise's scale")

    def log_likelihood(self, residual: Float[Array, "datum"]) -> Float[Array, ""]:
        """Sum of the log-densities of Student's t."""
        scale = jnp.asarray(self.scale, residual.dtype)
        return jnp.sum(jax.scipy.stats.t.logpdf(residual, self.degrees_of_freedom, 0.0, scale))

    def whiten(self, residual: Float[Array, "datum"]) -> Float[Array, "datum"]:
        """Residuals in units of the scale; they still have Student's t distribution."""
        return residual / jnp.asarray(self.scale, residual.dtype)

    def simulate(self, key_noise: Array, count: int) -> Float[Array, "datum"]:
        """Draw the noise of `count` data."""
        return jnp.asarray(self.scale, jnp.float32) * jax.random.t(key_noise, self.degrees_of_freedom, (count,))

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Scale and degrees of freedom as they were stated."""
        return {"scale": np.asarray(self.scale), "degrees_of_freedom": np.asarray(self.degrees_of_freedom)}
