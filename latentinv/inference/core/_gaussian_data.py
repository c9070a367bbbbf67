"""All data of a posterior as one Gaussian vector, for algorithms that require Gaussian noise.

Data with Gaussian noise, correlated or not, stand as they are. Hard data have none: a facies is seen or it is not.
Observations say themselves what stands for them (`AbstractObservation.as_gaussian`): of hard data the soft facies
index, with Gaussian noise. It is not the posterior's likelihood, and algorithms that use it must warn.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from latentinv.data import GaussianView
from latentinv.errors import InputError
from latentinv.posterior import Posterior, Predictions


class GaussianData(NamedTuple):
    """Data with Gaussian noise; made within a program from the posterior that it is given."""

    views: tuple[GaussianView, ...]
    """How each observation is read."""

    @property
    def observed(self) -> Float[Array, "datum"]:
        """The data."""
        return jnp.concatenate([jnp.zeros(0), *(jnp.asarray(view.observed, jnp.float32) for view in self.views)])

    def predict(self, field: Float[Array, "*grid"], soft: tuple[Array, ...]) -> Float[Array, "datum"]:
        """Predictions of the data from a field and its soft predictions of all observations."""
        parts = (view.predict(field, own) for view, own in zip(self.views, soft, strict=True))
        return jnp.concatenate([jnp.zeros(0), *parts])

    def whiten(self, residual: Float[Array, "datum"]) -> Float[Array, "datum"]:
        """Residuals whose noise is standard normal; linear in them."""
        edges = np.cumsum([len(view.observed) for view in self.views])[:-1].tolist()
        pieces = zip(self.views, jnp.split(residual, edges), strict=True) if self.views else ()
        return jnp.concatenate([jnp.zeros(0), *(view.noise.whiten(piece) for view, piece in pieces)])


def gaussian_data(posterior: Posterior, facies_sd: float) -> GaussianData:
    """Read all data of a posterior as Gaussian.

    Parameters
    ----------
    posterior
        Whose data.
    facies_sd
        Standard deviation of the soft facies index of hard data, in positions among the categories.

    Raises
    ------
    InputError
        If the noise of an observation is neither Gaussian nor has a surrogate.
    """
    return GaussianData(tuple(observation.as_gaussian(facies_sd) for observation in posterior.observations))


def linear_gaussian(posterior: Posterior) -> bool:
    """Whether the posterior is Gaussian: all noise is, and predictions are linear in the latents.

    Tried on random latents: a sum of predictions is compared with the prediction of the sum, to a thousandth of what
    the latents change, and a tenth of a standard deviation of each datum's noise, made independent.
    """
    noises = [observation.gaussian_noise for observation in posterior.observations]
    if any(noise is None for noise in noises):
        return False
    one, other = np.asarray(jax.random.normal(jax.random.key(0), (2, posterior.latent_size)))
    none, first, second, both, back = (_predict(posterior, z) for z in (0 * one, one, other, one + other, -one))
    for i, noise in enumerate(noises):
        assert noise is not None
        for reading in ("soft", "exact"):
            at = [np.asarray(getattr(p, reading)[i], float) for p in (none, first, second, both, back)]
            change = max(np.max(np.abs(p - at[0])) for p in at)
            for bent in (at[3] + at[0] - at[1] - at[2], at[1] + at[4] - 2 * at[0]):
                white = np.abs(noise.whiten(jnp.asarray(bent, jnp.float32)))
                if not (np.all(np.abs(bent) <= 1e-3 * change) and np.all(white <= 0.1)):
                    return False
    return True


def check_noise(posterior: Posterior) -> None:
    """Refuse measured numbers whose noise is not Gaussian, for algorithms that assume Gaussian noise.

    Raises
    ------
    InputError
        If a posterior has such data; facies that were seen are no numbers.
    """
    for observation in posterior.observations:
        if not observation.hard and observation.gaussian_noise is None:
            raise InputError(
                f"The noise of the data '{observation.name}' is not Gaussian, as this algorithm requires; use 'smc'."
            )


def surrogate_warning(posterior: Posterior, facies_sd: float) -> list[str]:
    """The warning that a surrogate was used for hard data, if it was."""
    views = zip(posterior.observations, gaussian_data(posterior, facies_sd).views, strict=True)
    names = ", ".join(f"'{observation.name}'" for observation, view in views if view.surrogate)
    if not names:
        return []
    return [
        f"The hard data {names} were fitted as soft facies indices with Gaussian noise of sd {facies_sd:g}, a "
        "surrogate: draws may miss wells and do not follow the stated posterior; use 'smc' if they must."
    ]


@jax.jit
def _predict(posterior: Posterior, z: Float[Array, "latent"]) -> Predictions:
    return posterior.predict(z)
