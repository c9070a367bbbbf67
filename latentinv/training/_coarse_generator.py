"""Coarse fields of a refined prior by adversarial training.

If the recipe has `small_windows`, a discriminator sees the cells that are drawn from generated means, so that the
generator learns to give such as the refinement can use. In the prior the generator's last bias is shifted so that the
mean of all blocks is the image's.
"""

import functools
from typing import Any, final

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from latentinv.networks import FoldedLayer, GeneratorArchitecture, synthesize
from latentinv.priors.learned import Calibration, GeneratorPrior
from latentinv.training.images import image_shares

from ._adversarial import folded_weights, statistics_latents
from ._coarse import COARSE, AbstractCoarse, coarse_recipe
from ._method import Task
from ._step import Losses, TrainingState, View, initialise, make_step

ROUNDS = 30
"""Of the search for the shift that balances facies."""


@final
@COARSE.register("generator")
class CoarseGenerator(AbstractCoarse):
    """A generator of block means against a discriminator."""

    def __init__(self, task: Task) -> None:
        self._recipe, image = coarse_recipe(task.recipe), task.image
        doublings = task.recipe.refinement.factor.bit_length() - 1
        self.networks, self._first = initialise(self._recipe, image.facies.ndim, task.channels, doublings)
        self._step = make_step(self._recipe, self.networks, len(image.categories))
        shares = image_shares(image) if image.values is None else np.full(2, 0.5)
        self._target = jnp.asarray(shares, jnp.float32)

    def initial_state(self) -> TrainingState:
        """Random weights."""
        return self._first._replace(best=None)

    def step(
        self, state: TrainingState, means: Float[Array, "batch *blocks channel"], rate: Float[Array, ""], view: View
    ) -> tuple[TrainingState, Losses]:
        """A step of both networks."""
        return self._step(state, means, rate, view)

    def prior(self, parameters: Any, calibration: Calibration, provenance: dict[str, Any]) -> GeneratorPrior:
        """The generator with batch statistics folded into its weights, balanced."""
        net, patch = self.networks, self._recipe.training.patch
        layers = folded_weights(net.generator, parameters, net.generator_statistics, patch)
        layers = balanced_layers(net.architecture, layers, patch, self._target)
        return GeneratorPrior(net.architecture, layers, calibration, provenance=provenance)


@functools.partial(jax.jit, static_argnums=(0, 2))
def balanced_layers(
    architecture: GeneratorArchitecture,
    layers: tuple[FoldedLayer, ...],
    shape: tuple[int, ...],
    target: Float[Array, "facies"],
) -> tuple[FoldedLayer, ...]:
    """A generator's layers, the last of them balanced on fields of a shape."""
    logits = synthesize(architecture, layers, statistics_latents(architecture, shape), shape)
    return (*layers[:-1], balanced(layers[-1], logits, target))


def balanced(
    last: FoldedLayer, logits: Float[Array, "batch *space output"], target: Float[Array, "facies"]
) -> FoldedLayer:
    """A generator's last layer, shifted so that the mean shares of facies are those of the image."""

    def round_(_: int, shift: Array) -> Array:
        levels = GeneratorPrior.levels(logits + shift).reshape(-1, logits.shape[-1])
        shares = (1 + levels.mean(axis=0)) / 2
        if len(shift) > 1:
            return shift + jnp.log(target) - jnp.log(shares)
        shares = jnp.concatenate([1 - shares, shares])
        # The level is the hyperbolic tangent of the logit, whose odds are those of twice the logit.
        return shift + (jnp.diff(jnp.log(target)) - jnp.diff(jnp.log(shares))) / 2

    shift = jax.lax.fori_loop(0, ROUNDS, round_, jnp.zeros(logits.shape[-1]))
    return last._replace(bias=last.bias + jnp.tile(shift, len(last.bias) // len(shift)))
