"""The logistic loss with the generator's gradient-preserving form (Goodfellow et al. 2014, arXiv:1406.2661)."""

from typing import final

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from latentinv.networks import Scores

from ._losses import LOSSES, AbstractAdversarialLoss


@final
@LOSSES.register("non-saturating")
class NonSaturatingLoss(AbstractAdversarialLoss):
    """Minus the log-probability of the right answer; for the generator, of its fields being taken for real."""

    @staticmethod
    def discriminator(real: Scores, fake: Scores) -> Float[Array, ""]:
        """The discriminator's loss."""
        return jnp.mean(jax.nn.softplus(-real)) + jnp.mean(jax.nn.softplus(fake))

    @staticmethod
    def generator(real: Scores, fake: Scores) -> Float[Array, ""]:
        """The generator's loss."""
        del real
        return jnp.mean(jax.nn.softplus(-fake))
