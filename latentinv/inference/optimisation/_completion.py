"""Image completion: fields that look right around what is known of them, from many starts.

Semantic inpainting (Yeh et al. 2017, arXiv:1607.07539) seeks the latents whose field agrees with the known pixels and
still looks like a field of the generator. Adam minimises, from draws of the prior (`_optimisers`),

    Σ wᵢ max(0, 1 − marginᵢ)  −  log p(other data | z)  +  `perceptual_weight` · Σ log(1 + e^(−score))
                                                      +  `prior_weight` · (½r² − (n − 1) log r).

- *Context*: a pixel's margin is how far its field value lies inside the interval of the facies seen; of two facies at
  ±1 the term is the paper's absolute difference. Its weight is the share of cells around it of which nothing is known,
  in a window of `WINDOW` cells, as in the paper: what borders on the unknown counts, the middle of a surveyed block
  does not. A code that may be wrong with probability e counts 1 − 2e of it. Data other than facies in cells, which the
  paper has none of, enter by their soft likelihood.
- *Perception*: the discriminator's verdict, by its scores all over the field, in the form of the generator's loss that
  keeps its gradient where a field is clearly wrong. Only priors trained with ``keep_discriminator`` have one; without,
  the weight must be 0.
- *Prior*: the density of the latents' norm r (`_optimisers`), which the paper has none of: a generator's fields look
  like its training image where its latents look like draws, whether or not a discriminator is there to see it.

The optima are completions, not posterior draws. Cost: one gradient an iteration and start.
"""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from latentinv.data import HardData
from latentinv.data.core import AbstractObservation
from latentinv.inference.core import AbstractAlgorithm, Kernel, check_counts, check_positive
from latentinv.posterior import Posterior, Predictions, log_prior

from ._optimisers import Climb, log_norm_shell, optimiser_kernel

WINDOW = 7
"""Cells along each axis around a pixel in which the unknown ones are counted, as in the paper."""


@dataclass(frozen=True)
class Completion(AbstractAlgorithm):
    """Completion of what is known of a field, from many starts.

    Parameters
    ----------
    starts
        Draws of the prior to start from; as many completions come out.
    adam_iterations
        Iterations.
    learning_rate
        Adam's, in units of the latents' standard deviation.
    perceptual_weight
        Weight of the discriminator beside the data, the paper's λ; 0 unless the prior has one.
    prior_weight
        Weight of the latents' norm beside the data.
    iterations_per_step
        Iterations between two reports.
    batch_size
        Starts evaluated at once.
    """

    starts: int = 16
    adam_iterations: int = 500
    learning_rate: float = 0.05
    perceptual_weight: float = 0.0
    prior_weight: float = 0.1
    iterations_per_step: int = 10
    batch_size: int = 16

    name = "completion"

    def __post_init__(self) -> None:
        check_counts(self, "starts", "adam_iterations", "iterations_per_step", "batch_size")
        check_positive(self, "learning_rate", "prior_weight")
        check_positive(self, "perceptual_weight", or_zero=True)

    def build(self, posterior: Posterior) -> Kernel:
        """Bind the optimiser to a posterior.

        Raises
        ------
        InputError
            If a discriminator is to be asked and the prior has none, or the grid is too small for it.
        """
        if self.perceptual_weight:  # fails here rather than within the first step
            jax.eval_shape(lambda z: posterior.prior.discriminate(z, posterior.grid), jnp.zeros(posterior.latent_size))
        weights = [_weights(observation, posterior) for observation in posterior.observations]

        def value(z: Array, predictions: Predictions) -> Array:
            agreement = self.prior_weight * (log_prior(z) + log_norm_shell(z))
            if self.perceptual_weight:
                scores = posterior.prior.discriminate(z, posterior.grid)
                agreement -= self.perceptual_weight * jnp.sum(jax.nn.softplus(-scores))
            for observation, known, prediction in zip(posterior.observations, weights, predictions.soft, strict=True):
                agreement += _agreement(observation, known, prediction)
            return agreement

        def loss(z: Array, iteration: Array | None) -> Array:
            del iteration
            return -value(z, posterior.predict(z))

        return optimiser_kernel(self, posterior, Climb("agreement", value, loss, self.learning_rate))


def context_weights(wells: HardData, known: np.ndarray) -> Float[np.ndarray, "datum"]:
    """Weight of each datum: the share of the cells in its window, cut at the border, of which nothing is known."""
    reach = WINDOW // 2
    windows = [tuple(slice(max(0, i - reach), i + reach + 1) for i in cell) for cell in wells.cells]
    unknown = np.array([np.mean(~known[window]) for window in windows])
    return unknown * (1 - 2 * wells.error_probability)


def _weights(observation: AbstractObservation, posterior: Posterior) -> Float[np.ndarray, "datum"]:
    """Context weights of facies in cells; none of other data."""
    if not isinstance(observation, HardData):
        return np.zeros(0)
    known = np.zeros(posterior.grid.shape, bool)
    for other in posterior.observations:
        if isinstance(other, HardData):
            known[tuple(other.cells.T)] = True
    return context_weights(observation, known)


def _agreement(observation: AbstractObservation, known: np.ndarray, prediction: Array) -> Float[Array, ""]:
    if not isinstance(observation, HardData):
        return observation.tempered_log_likelihood(prediction, 1.0)
    return -jnp.sum(jnp.asarray(known, prediction.dtype) * jnp.maximum(0.0, 1.0 - prediction))
