"""The relativistic pairing loss (Jolicoeur-Martineau 2018, arXiv:1807.00734): each field against one of the image's.

With R1 and R2 penalties it has no collapsed stationary points and converges locally (Huang et al. 2024,
arXiv:2501.05441).
"""

from typing import final

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from latentinv.networks import Scores

from ._losses import LOSSES, AbstractAdversarialLoss


@final
@LOSSES.register("relativistic")
class RelativisticLoss(AbstractAdversarialLoss):
    """Minus the log-probability that a patch of the image scores higher than a field; for the generator, lower."""

    @staticmethod
    def discriminator(real: Scores, fake: Scores) -> Float[Array, ""]:
        """The discriminator's loss."""
        return jnp.mean(jax.nn.softplus(fake - real))

    @staticmethod
    def generator(real: Scores, fake: Scores) -> Float[Array, ""]:
        """The generator's loss."""
        return jnp.mean(jax.nn.softplus(real - fake))
