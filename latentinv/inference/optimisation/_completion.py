"""Image completion: fields that look right around their known cells, from many starts.

Semantic inpainting (Yeh et al. 2017, arXiv:1607.07539) seeks the latents whose field agrees with the known pixels and
still looks like a field of the generator. Adam minimises, from draws of the prior (`_optimisers`),

    Σ wᵢ max(0, 1 − marginᵢ)  −  log p(other data | z)  +  `perceptual_weight` · Σ log(1 + e^(−score))
                                                      +  `prior_weight` · (½r² − (n − 1) log r).

- *Context*: a pixel's margin is how far its field value lies inside the interval of the observed facies; of two facies
  at ±1 the term is the paper's absolute difference. Its weight is the share of unknown cells around it, in a window of
  `WINDOW` cells, as in the paper: what borders on the unknown counts, the middle of a surveyed block does not. A code
  that may be wrong with probability e counts 1 − 2e of it. Data other than facies in cells, which the paper has none
  of, enter by their soft likelihood.
- *Perception*: the discriminator's judgement, by its scores all over the field, in the form of the generator's loss
  that keeps its gradient where a field is clearly wrong. Only priors trained with ``keep_discriminator`` have one;
  without, the weight must be 0.
- *Prior*: the density of the latents' norm r (`_optimisers`), which the paper has none of: a generator's fields look
  like its training image where its latents look like draws, whether or not a discriminator is there to see it.

The optima are completions, not posterior draws. Cost: one gradient per iteration and start.
"""

from typing import final

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Bool, Float, Int

from latentinv.data import AbstractObservation
from latentinv.inference.core import AbstractIterations, AbstractKernel, algorithm, check_counts, check_positive
from latentinv.posterior import Posterior, Predictions, log_prior
from latentinv.pytrees import Scalar

from ._optimisers import Objective, OptimiserKernel, log_norm_shell

WINDOW = 7
"""Cells along each axis around a pixel in which the unknown ones are counted, as in the paper."""


@final
@algorithm("completion")
class Completion(AbstractIterations):
    """Best completions of a partly known field, from many starts; no draws of the posterior.

    Parameters
    ----------
    starts
        Draws of the prior to start from; as many completions come out.
    adam_iterations
        Iterations.
    learning_rate
        Adam's, in units of the latents' standard deviation.
    perceptual_weight
        Weight of the discriminator beside the data, λ of Yeh et al. (2017); 0 for a prior without a discriminator.
    prior_weight
        Weight of the latents' norm beside the data.
    """

    best_fits = True

    starts: int = 16
    adam_iterations: int = 500
    learning_rate: float = 0.05
    perceptual_weight: float = 0.0
    prior_weight: float = 0.1

    def __post_init__(self) -> None:
        super().__post_init__()
        check_counts(self, "starts", "adam_iterations")
        check_positive(self, "learning_rate", "prior_weight")
        check_positive(self, "perceptual_weight", or_zero=True)

    def check(self, posterior: Posterior) -> None:
        """Raise `InputError` if a discriminator is needed and the prior has none, or the grid is too small for it."""
        if self.perceptual_weight:
            jax.eval_shape(lambda z: posterior.prior.discriminate(z, posterior.grid), jnp.zeros(posterior.latent_size))

    def build(self) -> AbstractKernel:
        """Make the optimiser."""

        def value(posterior: Posterior, z: Array, predictions: Predictions) -> Array:
            agreement = self.prior_weight * (log_prior(z) + log_norm_shell(z))
            if self.perceptual_weight:
                scores = posterior.prior.discriminate(z, posterior.grid)
                agreement -= self.perceptual_weight * jnp.sum(jax.nn.softplus(-scores))
            known = known_cells(posterior)
            for observation, prediction in zip(posterior.observations, predictions.soft, strict=True):
                agreement += _agreement(observation, known, prediction)
            return agreement

        def loss(posterior: Posterior, z: Array, iteration: Array | None) -> Array:
            del iteration
            return -value(posterior, z, posterior.predict_soft(z))

        return OptimiserKernel(self, Objective("agreement", value, loss, self.learning_rate))


def known_cells(posterior: Posterior) -> Bool[Array, "*grid"]:
    """Cells whose facies are observed."""
    known = jnp.zeros(posterior.grid.shape, bool)
    for observation in posterior.observations:
        if observation.reliability is not None:
            known = known.at[tuple(jnp.asarray(observation.cells).T)].set(True)
    return known


def context_weights(
    cells: Int[Array | np.ndarray, "datum axis"],
    reliability: Float[Array | np.ndarray, "datum"],
    known: Bool[Array, "*grid"],
) -> Float[Array, "datum"]:
    """Weight of each datum: the share of the cells in its window, cut at the border, of which nothing is known."""
    shares = _window_sums(~known) / _window_sums(jnp.ones(known.shape, bool))
    return shares[tuple(jnp.asarray(cells).T)] * jnp.asarray(reliability)


def _window_sums(cells: Bool[Array, "*grid"]) -> Float[Array, "*grid"]:
    """Cells that are set in the window around each cell."""
    window = (WINDOW,) * cells.ndim
    return lax.reduce_window(cells.astype(jnp.float32), 0.0, lax.add, window, (1,) * cells.ndim, "SAME")


def _agreement(
    observation: AbstractObservation, known: Bool[Array, "*grid"], prediction: Float[Array, "datum"]
) -> Scalar:
    if observation.reliability is None or observation.cells is None:
        return observation.tempered_log_likelihood(prediction, 1.0)
    weights = context_weights(observation.cells, observation.reliability, known)
    return -jnp.sum(weights.astype(prediction.dtype) * jnp.maximum(0.0, 1.0 - prediction))
