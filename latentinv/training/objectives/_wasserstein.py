"""The Wasserstein loss with a gradient penalty (Gulrajani et al. 2017, arXiv:1704.00028).

The discriminator is a critic: the difference of its mean scores of the image's patches and of generated fields is a
lower bound of the Wasserstein distance between them, if its slope is at most 1 everywhere. The penalty λ(‖∇‖ − 1)²
keeps the slope near 1 on straight lines between a patch and a field (`slope_penalty`); a discriminator normalised by
its spectrum has a bounded slope without it. Batch statistics, by which a score depends on other fields, have no place
in such a critic. The published algorithm updates the critic five times for each update of the generator. The penalty's
own gradient is a second derivative: a step of the critic takes some three times as long.
"""

from collections.abc import Callable
from typing import final

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from latentinv.networks import Scores

from ._losses import LOSSES, AbstractAdversarialLoss

TINY = 1e-12
"""Added to squared slopes, whose root has no derivative at 0."""

Inputs = tuple[Float[Array, "batch *cells channel"], ...]
"""What a discriminator is shown of a batch: the fields, and whatever its towers see besides."""


@final
@LOSSES.register("wasserstein")
class WassersteinLoss(AbstractAdversarialLoss):
    """Mean score of fields less that of patches for the discriminator; for the generator minus that of its fields."""

    @staticmethod
    def discriminator(real: Scores, fake: Scores) -> Float[Array, ""]:
        """The discriminator's loss."""
        return jnp.mean(fake) - jnp.mean(real)

    @staticmethod
    def generator(real: Scores, fake: Scores) -> Float[Array, ""]:
        """The generator's loss."""
        del real
        return -jnp.mean(fake)


def slope_penalty(
    total: Callable[[Inputs], Float[Array, ""]], real: Inputs, fake: Inputs, key: jax.Array, packing: int = 1
) -> Float[Array, ""]:
    """Mean of (‖∇‖ − 1)² at random places between patches and fields.

    Parameters
    ----------
    total
        The sum over a batch of its scores, one for each field or pack of fields.
    real, fake
        What the discriminator is shown of patches of the image, and of generated fields.
    key
        Of the places: a share of the way for each pack, the same for all that is shown of it.
    packing
        Fields that are judged together.
    """
    packs = len(real[0]) // packing
    share = jnp.repeat(jax.random.uniform(key, (packs,)), packing)

    def between(one: Array, other: Array) -> Array:
        along = share.reshape(-1, *(1,) * (one.ndim - 1))
        return along * one + (1 - along) * other

    slopes = jax.grad(total)(jax.tree.map(between, real, fake))
    squares = sum(jnp.sum(slope.reshape(packs, -1) ** 2, axis=1) for slope in slopes)
    return jnp.mean((jnp.sqrt(squares + TINY) - 1) ** 2)
