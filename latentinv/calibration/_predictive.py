"""Posterior-predictive checks: whether the draws would have given data like those observed.

For each draw, data are simulated from its field. With D = −log p(d | field), the p-value of an observation is the
share of draws whose simulated data fit no better than the observed ones do, equal fits counted half (Gelman, Meng and
Stern 1996, Statistica Sinica 6, 733–760). Near 0 the data lie further from all draws than their noise explains: the
noise is understated, or the prior or the forward model wrong; near 1 the noise is overstated. A p-value is not uniform
where all is right but nearer to one half, since the draws depend on the data. Cost: a field per draw.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from latentinv.data import AbstractObservation
from latentinv.errors import InputError
from latentinv.inference.run import Run
from latentinv.keys import from_seed
from latentinv.posterior import Posterior, map_batched

BATCH = 16
SUSPICIOUS = 0.01


class PredictiveCheck(NamedTuple):
    """One observation compared with data simulated from the draws."""

    name: str
    p_value: float

    @property
    def sentence(self) -> str:
        """The check in words."""
        if self.p_value < SUSPICIOUS:
            why = "lie further from the draws than their noise explains: look at noise, prior and forward model"
        elif self.p_value > 1 - SUSPICIOUS:
            why = "lie closer to the draws than their noise should let them: it may be overstated"
        else:
            why = "are such as the draws would give"
        return f"The data '{self.name}' {why} (p {self.p_value:.2g})."


def posterior_predictive_checks(run: Run, *, seed: int = 0) -> list[PredictiveCheck]:
    """Check each observation of a run against data simulated from its draws.

    Parameters
    ----------
    run
        With draws, of a posterior with data.
    seed
        Of the simulated noise.

    Raises
    ------
    InputError
        If the run has no draws, or its posterior no data or data that cannot be simulated.
    """
    if not len(run.latents) or not run.posterior.observations:
        raise InputError(
            f"The run has {len(run.latents)} draws and {len(run.posterior.observations)} data sets; a check needs both."
        )
    values = predictive_p_values(run.posterior, run.latents, np.random.default_rng(seed))
    names = (observation.name for observation in run.posterior.observations)
    return [PredictiveCheck(name, float(value)) for name, value in zip(names, values, strict=True)]


def predictive_p_values(
    posterior: Posterior, latents: Float[np.ndarray, "draw latent"], rng: np.random.Generator
) -> Float[np.ndarray, "observation"]:
    """Posterior-predictive p-value of each observation."""
    keys = jax.random.split(from_seed(int(rng.integers(2**31)), "predictive check"), len(latents))
    simulated, observed = _misfits(posterior, keys, jnp.asarray(latents))
    worse = (np.asarray(simulated) > np.asarray(observed)) + 0.5 * (np.asarray(simulated) == np.asarray(observed))
    return np.asarray(worse.mean(axis=0))


@jax.jit
def _misfits(
    posterior: Posterior, keys: Array, latents: Float[Array, "draw latent"]
) -> tuple[Float[Array, "draw observation"], Float[Array, "draw observation"]]:
    """−log p of simulated and of observed data, for each draw."""

    def misfit(observation: AbstractObservation, field: Array) -> Array:
        if posterior.target == "thresholded":
            return -observation.exact_log_likelihood(observation.predict_exact(field))
        return -observation.log_likelihood(field)

    def one(arguments: tuple[Array, Array]) -> tuple[Array, Array]:
        key, z = arguments
        field = posterior.field(z)
        again = zip(posterior.observations, posterior.simulate_field(key, field), strict=True)
        simulated = [misfit(observation.with_data(data), field) for observation, data in again]
        observed = [misfit(observation, field) for observation in posterior.observations]
        return jnp.stack(simulated), jnp.stack(observed)

    return map_batched(one, (keys, latents), BATCH)
