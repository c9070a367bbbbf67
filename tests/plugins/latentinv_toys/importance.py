"""A sampler: draws of the prior, resampled in proportion to their likelihood (importance resampling)."""

from typing import NamedTuple, final

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from latentinv.inference.core import AbstractAlgorithm, AbstractKernel, Draws, Info, Progress, algorithm, predict_all
from latentinv.keys import named
from latentinv.posterior import Predictions


class State(NamedTuple):
    """Draws and how many steps were done."""

    z: Float[Array, "draw latent"]
    predictions: Predictions
    steps: Int[Array, ""]


class Kernel(AbstractKernel):
    """All in one step."""

    def __init__(self, draws):
        self.count = draws

    def init(self, posterior, key):
        z = jax.random.normal(named(key, "prior"), (self.count, posterior.latent_size))
        return State(z, predict_all(posterior, z), jnp.int32(0))

    def step(self, posterior, key, state):
        weights = jax.vmap(lambda p: sum(posterior.log_likelihood_parts(p)))(state.predictions)
        chosen = jax.random.categorical(named(key, "resample"), weights, shape=(self.count,))
        z, predictions = jax.tree.map(lambda table: table[chosen], (state.z, state.predictions))
        return State(z, predictions, state.steps + 1), Info(non_finite=jnp.isnan(weights).sum())

    def finished(self, state):
        return bool(state.steps)

    def progress(self, posterior, state, info):
        return Progress(1.0, f"{self.count} draws resampled")

    def draws(self, posterior, state):
        return Draws(state.z, state.predictions)

    def current(self, state):
        return state.z

    def results(self, posterior, state):
        return {"forward_runs": self.count}


@final
@algorithm("toy_importance")
class Importance(AbstractAlgorithm):
    """Importance resampling of draws of the prior.

    Parameters
    ----------
    draws
        Draws of the prior, and draws kept.
    """

    draws: int = 64

    needs_gradient = False

    def build(self):
        return Kernel(self.draws)
