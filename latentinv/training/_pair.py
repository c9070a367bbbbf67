"""The two networks that a recipe of adversarial training names."""

from collections.abc import Callable
from typing import Any, NamedTuple

from flax import nnx

from latentinv.networks import (
    ConditionalArchitecture,
    DcganArchitecture,
    DiscriminatorArchitecture,
    GeneratorArchitecture,
    dcgan_architecture,
    generator_architecture,
)
from latentinv.training.modules import ConditionalNetwork, DcganNetwork, GeneratorNetwork

from ._judge import judge_of
from ._recipe import Recipe

CONDITIONAL = "conditional"
"""Family of the generators that see wells."""


class Pair(NamedTuple):
    """A generator and its discriminator, and how the first is made for training."""

    architecture: GeneratorArchitecture | ConditionalArchitecture | DcganArchitecture
    judge: DiscriminatorArchitecture
    network: Callable[[Any, nnx.Rngs], Any]
    """Makes the generator in training from its architecture."""


def pair_of(recipe: Recipe, ndim: int, channels: int) -> Pair:
    """The networks of a recipe, for fields of some axes and numbers in each cell."""
    networks = recipe.networks
    latents, width = networks.latent_channels, networks.width
    if networks.family == "dcgan":
        one = dcgan_architecture(recipe.training.patch, latent_channels=latents, width=width, outputs=channels)
        return Pair(one, judge_of(networks, ndim, channels), DcganNetwork)
    local = generator_architecture(
        networks.architecture, ndim=ndim, latent_channels=latents, width=width, outputs=channels
    )
    if networks.family != CONDITIONAL:
        return Pair(local, judge_of(networks, ndim, channels), GeneratorNetwork)
    numbers = len(recipe.conditioning.measures)
    seeing = ConditionalArchitecture(local, channels + 1, numbers)
    return Pair(seeing, judge_of(networks, ndim, 2 * channels + 1 + numbers), ConditionalNetwork)
