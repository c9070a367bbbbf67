"""What a generator that learns conditioning is shown of each patch, and what it pays for not honouring it.

Some cells of each patch of the image, chosen at random, are known (C, with the mask M), and the generator's loss is
increased by λ ‖C − M ⊙ G(z, C)‖², the squared norm of the differences in these cells, on average over the batch
(Ruffino et al. 2020, doi:10.1016/j.neucom.2019.11.116). The discriminator sees what is known too, beside the patch or
the field. So that the prior can be used with more data, with less, and without any, the share of known cells differs
from patch to patch: it is uniform between 0 and twice the recipe's, but that some patches have none at all.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from latentinv.training.modules import crisp

from ._recipe import Recipe

CONDITIONAL = "conditional"
"""The family of priors that learn it."""
WITHOUT = 0.25
"""Share of the patches of which nothing is known."""


class Conditioning(NamedTuple):
    """How a recipe conditions."""

    pixels: float
    weight: float
    facies: int
    """How many there are."""

    @classmethod
    def of(cls, recipe: Recipe, facies: int) -> "Conditioning | None":
        """That of a recipe, if its family learns it."""
        if recipe.networks.family != CONDITIONAL:
            return None
        return cls(recipe.conditioning.pixels, recipe.conditioning.weight, facies)

    def known(self, key: Array, real: Float[Array, "batch *patch channel"]) -> Float[Array, "batch *patch known"]:
        """The levels of the facies in some cells of patches, with 1 as a further channel; 0 in all other cells."""
        seen = self._mask(key, real.shape[:-1])[..., None]
        return jnp.where(seen, jnp.concatenate([crisp(real, self.facies), jnp.ones_like(real[..., :1])], axis=-1), 0)

    def penalty(
        self, fields: Float[Array, "batch *patch channel"], known: Float[Array, "batch *patch known"]
    ) -> Float[Array, ""]:
        """λ ‖C − M ⊙ G(z, C)‖², on average over the batch."""
        levels, mask = known[..., :-1], known[..., -1:]
        return self.weight * jnp.sum((levels - mask * fields) ** 2) / len(fields)

    def _mask(self, key: Array, shape: tuple[int, ...]) -> Bool[Array, "batch *patch"]:
        key_share, key_none, key_cells = jax.random.split(key, 3)
        each = (shape[0], *(1,) * (len(shape) - 1))
        share = 2 * self.pixels * jax.random.uniform(key_share, each)
        some = jax.random.uniform(key_none, each) >= WITHOUT
        return (jax.random.uniform(key_cells, shape) < share) & some
