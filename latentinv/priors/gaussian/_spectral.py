"""Gaussian fields as a sum of cosines: any grid, any place, two latents per wave.

Shinozuka and Jan's (1972, doi:10.1016/0022-460X(72)90600-1) spectral representation with fixed wave vectors k_m:

    x(s) = 1/√M Σ_m  a_m cos(k_m·s) + b_m sin(k_m·s),   a_m, b_m ~ N(0, 1)

For fixed wave vectors this is an exactly Gaussian and exactly stationary field of unit variance, whose correlation at h
is the mean of cos(k_m·h); drawn from the spectral measure by a scrambled Sobol sequence, the waves bring it to the
model's as M grows, faster than the 1/√M of independent draws (`python -m benchmarks.gaussian` prints the error). The
latent's length is 2 M whatever the grid, so the same field can be generated on any grid that shares its coordinates. A
field of n cells costs O(M n) as one matrix product, because a wave on a grid is a product of waves along its axes.
"""

import functools
from dataclasses import asdict
from typing import Any, final

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from latentinv.errors import InputError
from latentinv.grid import Grid
from latentinv.priors.core import PRIORS, FaciesModel
from latentinv.pytrees import pytree, replace
from latentinv.storage import PriorRecord

from ._abstract import AbstractGaussianPrior, stated_reading
from ._covariance import Covariance
from ._gaussian import Anamorphosis, GaussianReading, covariance_from

WAVES, MOST_WAVES = 1024, 2**17
SOBOL_SEED = 0
LEAST_UNIFORM = 1e-12
"""Uniform numbers stay this far from 0 and 1, where normal scores are infinite."""


Waves = tuple[tuple[Float[Array, "cell wave"], Float[Array, "cell wave"]], ...]
"""For each array axis, cosine and sine of each wave's phase at the cells along it."""


@final
@PRIORS.register("spectral")
@pytree("reading", "along")
class SpectralPrior(AbstractGaussianPrior):
    """A stationary Gaussian field as a sum of waves.

    Parameters
    ----------
    covariance, ndim, mean, anamorphosis, facies_model
        As `CholeskyPrior` takes them.
    waves
        How many; a power of two keeps the Sobol sequence balanced.

    Raises
    ------
    InputError
        If the covariance does not suit the axes, or a setting cannot be used.
    """

    family = "spectral"

    def __init__(
        self,
        covariance: Covariance,
        *,
        ndim: int = 2,
        waves: int = WAVES,
        mean: float = 0.0,
        anamorphosis: Anamorphosis | None = None,
        facies_model: FaciesModel | None = None,
    ) -> None:
        covariance.scaling(ndim)
        if waves < 2 or waves & (waves - 1):
            raise InputError(f"The spectral prior was given {waves} waves; expected a power of two such as {WAVES}.")
        if waves > MOST_WAVES:
            raise InputError(f"The spectral prior was given {waves} waves; expected at most {MOST_WAVES}.")
        self.covariance, self.ndim, self.waves, self.facies_model = covariance, ndim, waves, facies_model
        self.reading = GaussianReading(covariance.standard_deviation, mean, anamorphosis, facies_model)
        self.grid: Grid | None = None
        self.along: Waves | None = None
        """The waves on `grid`."""

    @property
    def wave_vectors(self) -> Float[np.ndarray, "wave axis"]:
        """Wave vectors x, y(, z) in radians per metre."""
        return _wave_vectors(self.covariance, self.waves, self.ndim)

    def on(self, grid: Grid) -> "SpectralPrior":
        """The same prior with the waves on one grid."""
        other: SpectralPrior = replace(self, grid=grid, along=self._along(grid))
        return other

    def latent_size(self, grid: Grid) -> int:
        """Two numbers per wave, on any grid."""
        del grid
        return 2 * self.waves

    def _scores(self, z: Float[Array, "latent"], grid: Grid) -> Float[Array, "*grid"]:
        *outer, (c_last, s_last) = self._along(grid) if self.along is None or grid != self.grid else self.along
        cosine, sine = jnp.split(z / np.sqrt(self.waves), 2)
        for c, s in outer:  # turn each wave's phase along all axes but the last
            cosine, sine = cosine[..., None, :], sine[..., None, :]
            cosine, sine = cosine * c + sine * s, sine * c - cosine * s
        return jnp.matmul(cosine, c_last.T, precision="highest") + jnp.matmul(sine, s_last.T, precision="highest")

    def correlation(self, separations: Float[np.ndarray, "*pair axis"]) -> Float[np.ndarray, "*pair"]:
        """The actual correlation of the fields' scores at separations x, y(, z) in metres."""
        return np.cos(np.asarray(separations) @ self.wave_vectors.T).mean(axis=-1)

    def describe(self) -> dict[str, Any]:
        """Covariance, waves and marginal distribution."""
        latents = f"two for each of {self.waves} waves"
        return {"latents": latents, "covariance": asdict(self.covariance), **self.reading.describe()}

    def to_record(self) -> PriorRecord:
        """Give the content of the prior's file."""
        metadata = {
            "covariance": asdict(self.covariance),
            "ndim": self.ndim,
            "waves": self.waves,
            "reading": self.reading.to_metadata(),
        }
        return PriorRecord(self.family, metadata, self._own_arrays())

    @classmethod
    def from_record(cls, record: PriorRecord) -> "SpectralPrior":
        """Make the prior from the content of its file."""
        prior = cls(
            covariance_from(record.metadata["covariance"]),
            ndim=record.metadata["ndim"],
            waves=record.metadata["waves"],
            **stated_reading(record.metadata["reading"]),
        )
        return prior._with_arrays(record)

    def _along(self, grid: Grid) -> Waves:
        """The waves along each array axis, computed in float64 so that phases far from the origin keep their digits."""
        waves = []
        for axis in range(grid.ndim):
            cells = np.zeros((grid.shape[axis], grid.ndim), int)
            cells[:, axis] = np.arange(grid.shape[axis])
            places = grid.centres(cells)
            if axis:  # the first cell's phase is counted once, along the first axis
                places = places - places[0]
            phases = places @ self.wave_vectors.T
            waves.append((jnp.asarray(np.cos(phases), jnp.float32), jnp.asarray(np.sin(phases), jnp.float32)))
        return tuple(waves)


@functools.lru_cache(maxsize=8)
def _wave_vectors(covariance: Covariance, waves: int, ndim: int) -> Float[np.ndarray, "wave axis"]:
    from scipy.stats import qmc  # a slow import that only this prior needs

    uniforms = qmc.Sobol(3, seed=SOBOL_SEED).random(waves)
    return covariance.wave_vectors(np.clip(uniforms, LEAST_UNIFORM, 1 - LEAST_UNIFORM), ndim)
