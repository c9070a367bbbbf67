"""All data of a posterior as one Gaussian vector, for algorithms that know no other noise.

Data with Gaussian noise, correlated or not, stand as they are. Hard data have none: a facies is seen or it is not.
Their surrogate is the *soft facies index*, the mean position of a cell's facies among the prior's categories under the
stated ordered logit,

    index = Σ_k k P(facies k | field value),        observed: the position of the seen facies,

with Gaussian noise of variance ``facies_sd² + e (1 − e)``, e being the error probability. It grows with the field value
where the hard data's own margin would rise and fall, so a linear regression can follow it. It is another likelihood
than the posterior's, and whoever uses it has to say so.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from latentinv.data import BlockMeans, HardData, IndirectData
from latentinv.data.core import AbstractObservation
from latentinv.data.noise import AbstractNoise, GaussianNoise
from latentinv.errors import InputError
from latentinv.posterior import Posterior


class GaussianData(NamedTuple):
    """Data with Gaussian noise."""

    predict: Callable[[Float[Array, "*grid"], tuple[Float[Array, "datum"], ...]], Float[Array, "datum"]]
    """What a field predicts for them, from its soft predictions of all observations."""
    values: Callable[[], Float[Array, "datum"]]
    """The data as the posterior holds them when asked."""
    whiten: Callable[[Float[Array, "datum"]], Float[Array, "datum"]]
    """Makes the noise of residuals standard normal; linear."""
    surrogates: tuple[str, ...]
    """Names of the observations that a surrogate stands for."""


class _Part(NamedTuple):
    """One observation's share of it; its data are positions of facies, or numbers, as it holds them."""

    predict: Callable[[Float[Array, "*grid"], Float[Array, "datum"]], Float[Array, "datum"]]
    """From a field and its soft predictions."""
    whiten: Callable[[Float[Array, "datum"]], Float[Array, "datum"]]
    surrogates: tuple[str, ...]


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
    parts = [_gaussian_part(observation, facies_sd) for observation in posterior.observations]

    def values() -> Float[Array, "datum"]:
        return jnp.concatenate([jnp.zeros(0), *(jnp.asarray(one, jnp.float32) for one in posterior.observed)])

    def predict(field: Float[Array, "*grid"], soft: tuple[Float[Array, "datum"], ...]) -> Float[Array, "datum"]:
        each = (part.predict(field, own) for part, own in zip(parts, soft, strict=True))
        return jnp.concatenate([jnp.zeros(0), *each])

    splits = np.cumsum([observation.count for observation in posterior.observations])[:-1].tolist()

    def whiten(residual: Float[Array, "datum"]) -> Float[Array, "datum"]:
        pieces = zip(parts, jnp.split(residual, splits), strict=True) if parts else ()
        return jnp.concatenate([jnp.zeros(0), *(part.whiten(piece) for part, piece in pieces)])

    return GaussianData(
        predict,
        values,
        whiten,
        tuple(name for part in parts for name in part.surrogates),
    )


def gaussian_noise(observation: AbstractObservation) -> AbstractNoise | None:
    """The noise of data where it is Gaussian; None for the others."""
    if isinstance(observation, BlockMeans):
        return GaussianNoise(observation.sd)
    return observation.noise if isinstance(observation, IndirectData) and observation.noise.gaussian else None


def linear_gaussian(posterior: Posterior) -> bool:
    """Whether the posterior is Gaussian: all noise is, and predictions are linear in the latents.

    Tried on random latents: a sum of predictions is compared with the prediction of the sum, to a thousandth of what
    the latents change, and a tenth of a standard deviation of each datum's noise, made independent.
    """
    if any(gaussian_noise(observation) is None for observation in posterior.observations):
        return False
    one, other = np.asarray(jax.random.normal(jax.random.key(0), (2, posterior.latent_size)))
    predict = jax.jit(lambda z: posterior.predict(z))
    none, first, second, both, back = (predict(z) for z in (0 * one, one, other, one + other, -one))
    for i, observation in enumerate(posterior.observations):
        noise = gaussian_noise(observation)
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
    """Refuse measured numbers whose noise is not Gaussian, for algorithms that would treat it as if it were.

    Raises
    ------
    InputError
        If a posterior has such data; facies that were seen are no numbers.
    """
    for observation in posterior.observations:
        if not isinstance(observation, HardData):
            _noise_of(observation)


def surrogate_warning(data: GaussianData, facies_sd: float) -> list[str]:
    """Say that a surrogate stood for hard data, if one did."""
    if not data.surrogates:
        return []
    names = ", ".join(f"'{name}'" for name in data.surrogates)
    return [
        f"The hard data {names} were fitted as soft facies indices with Gaussian noise of sd {facies_sd:g}, a "
        "surrogate: draws may miss wells and do not follow the stated posterior; use 'smc' where they have to."
    ]


def _gaussian_part(observation: AbstractObservation, facies_sd: float) -> _Part:
    if isinstance(observation, HardData):
        return _facies_index(observation, facies_sd)
    noise = _noise_of(observation)
    return _Part(lambda _, soft: soft, noise.whiten, ())


def _noise_of(observation: AbstractObservation) -> AbstractNoise:
    noise = gaussian_noise(observation)
    if noise is None:
        raise InputError(
            f"The noise of the data '{observation.name}' is not Gaussian, which this algorithm needs; use 'smc'."
        )
    return noise


def _facies_index(wells: HardData, facies_sd: float) -> _Part:
    model, cells, errors = wells.facies_model, tuple(wells.cells.T), wells.error_probability
    positions = jnp.arange(len(model.categories), dtype=jnp.float32)

    def predict(field: Float[Array, "*grid"], soft: Float[Array, "datum"]) -> Float[Array, "datum"]:
        del soft
        # Products with so few positions lose nothing worth a higher precision on accelerators.
        return jnp.sum(jnp.exp(model.log_probability(field[cells], wells.slope)) * positions, axis=-1)

    noise = GaussianNoise(np.sqrt(facies_sd**2 + errors * (1 - errors)))
    return _Part(predict, noise.whiten, (wells.name,))
