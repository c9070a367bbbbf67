"""Adversarial losses: each gives the discriminator's and the generator's loss from maps of scores.

``hinge`` is that of Lim and Ye (2017, arXiv:1705.02894); ``non-saturating`` the logistic loss of Goodfellow et al.
(2014, arXiv:1406.2661) with the generator's gradient-preserving form.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from latentinv.networks import Scores


class AdversarialLoss(NamedTuple):
    """The two sides of an adversarial loss."""

    discriminator: Callable[[Scores, Scores], Float[Array, ""]]
    """Loss from scores of real and of generated fields."""
    generator: Callable[[Scores], Float[Array, ""]]
    """Loss from scores of generated fields."""


LOSSES = {
    "hinge": AdversarialLoss(
        lambda real, fake: jnp.mean(jax.nn.relu(1 - real)) + jnp.mean(jax.nn.relu(1 + fake)),
        lambda fake: -jnp.mean(fake),
    ),
    "non-saturating": AdversarialLoss(
        lambda real, fake: jnp.mean(jax.nn.softplus(-real)) + jnp.mean(jax.nn.softplus(fake)),
        lambda fake: jnp.mean(jax.nn.softplus(-fake)),
    ),
}
