"""The hinge loss (Lim and Ye 2017, arXiv:1705.02894): scores beyond ±1 have no effect."""

from typing import final

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from latentinv.networks import Scores

from ._losses import LOSSES, AbstractAdversarialLoss


@final
@LOSSES.register("hinge")
class HingeLoss(AbstractAdversarialLoss):
    """max(0, 1 − real) + max(0, 1 + fake) for the discriminator, −fake for the generator, on average."""

    @staticmethod
    def discriminator(real: Scores, fake: Scores) -> Float[Array, ""]:
        """The discriminator's loss."""
        return jnp.mean(jax.nn.relu(1 - real)) + jnp.mean(jax.nn.relu(1 + fake))

    @staticmethod
    def generator(real: Scores, fake: Scores) -> Float[Array, ""]:
        """The generator's loss."""
        del real
        return -jnp.mean(fake)
