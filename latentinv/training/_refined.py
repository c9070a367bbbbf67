"""A coarse generator by adversarial training, and a refinement of its blocks by maximum likelihood.

Both learn from the same patches: the generator from their means over blocks (`_step.py`), the refinement from a part of
each and that part's means. A generator's means are never quite those of an image, so the refinement is made robust by
noise on the means (as in cascaded diffusion, Ho et al. 2022, arXiv:2106.15282); and if the recipe has `small_windows`,
a discriminator sees the cells that are drawn from generated means, so that the generator learns to give such as the
refinement can use. In the prior the generator's last bias is shifted so that the mean of all blocks is the image's.
"""

import dataclasses
import functools
from typing import Any, NamedTuple, final

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float

from latentinv.errors import InputError
from latentinv.keys import from_seed, named, numbered
from latentinv.networks import (
    FAST,
    Draw,
    FoldedLayer,
    GeneratorArchitecture,
    RefinementArchitecture,
    Where,
    initial_refinement,
    refine,
    synthesize,
)
from latentinv.priors.learned import Calibration, GeneratorPrior, RefinedPrior, refined
from latentinv.training.images import image_shares
from latentinv.training.modules import pooled

from ._adversarial import folded_weights, statistics_latents
from ._compilation import compiled
from ._method import METHODS, AbstractMethod, Task
from ._recipe import Recipe
from ._step import TrainingState, View, initialise, make_step, part_at, random_corner, times

ROUNDS = 30
"""Of the search for the shift that balances facies."""


class RefinedLosses(NamedTuple):
    """The step's losses."""

    discriminator: Float[Array, ""]
    generator: Float[Array, ""]
    """Of coarse fields."""
    cells: Float[Array, ""]
    """Minus the log-likelihood of a cell in nats."""


class RefinedState(NamedTuple):
    """State of a training."""

    coarse: TrainingState
    refinement: tuple[Any, Any, Any]
    """Weights, the optimiser's state, averaged weights."""
    best: Any
    best_score: Array
    step: Array

    @property
    def average(self) -> Any:
        """Averaged weights of both parts."""
        return self.coarse.average, self.refinement[2]


@final
@METHODS.register("refined")
class RefinedMethod(AbstractMethod):
    """A coarse generator and its refinement."""

    def __init__(self, task: Task) -> None:
        self.task = task
        recipe, image, settings = task.recipe, task.image, task.recipe.refinement
        if image.values is None and recipe.image.ordered and len(image.categories) > 2:
            raise InputError(
                f"The recipe has ordered = true and family = 'refined', but the image has {len(image.categories)} "
                "facies, which a refinement draws without order; leave ordered out, or use family = 'generator'."
            )
        content = "value" if image.values is not None else "two facies" if task.channels == 1 else "several facies"
        self.refinement = RefinementArchitecture(
            image.facies.ndim,
            content,
            task.channels,
            settings.factor,
            settings.widths,
            settings.windows,
            settings.temperature,
        )
        self._doublings = settings.factor.bit_length() - 1
        self._recipe = coarse_recipe(recipe)
        self.networks, self._first = initialise(self._recipe, image.facies.ndim, task.channels, self._doublings)
        self._optimizer = optax.chain(
            optax.clip_by_global_norm(1.0), optax.adam(settings.learning_rate, b1=0.9, b2=0.99)
        )
        self._step = compiled(self._make_step(), donate_argnums=0)

    def initial_state(self) -> RefinedState:
        """Random weights."""
        weights = initial_refinement(from_seed(self.task.recipe.training.seed, "refinement weights"), self.refinement)
        coarse = self._first._replace(best=None)  # the best of both parts is kept together
        # Copies, since a step can donate each array only once.
        average, *best = (jax.tree.map(jnp.array, one) for one in (weights, coarse.average, weights))
        optimizer = self._optimizer.init(weights)
        fine = (weights, optimizer, average)
        return RefinedState(coarse, fine, tuple(best), jnp.float32(jnp.inf), jnp.int32(0))

    def step(
        self, state: RefinedState, patches: Float[Array, "batch *patch channel"], rate: float
    ) -> tuple[RefinedState, RefinedLosses]:
        """A step of all networks."""
        return self._step(state, patches, rate)

    def prior(self, parameters: Any, calibration: Calibration, provenance: dict[str, Any]) -> RefinedPrior:
        """Both parts, the generator with batch statistics folded into its weights and balanced."""
        coarse, weights = parameters
        net, patch = self.networks, self._recipe.training.patch
        layers = folded_weights(net.generator, coarse, net.generator_statistics, patch)
        image = self.task.image
        target = image_shares(image) if image.values is None else np.full(2, 0.5)
        layers = balanced_layers(net.architecture, layers, patch, jnp.asarray(target, jnp.float32))
        generator = GeneratorPrior(net.architecture, layers, calibration, provenance=provenance)
        return RefinedPrior(generator, self.refinement, weights)

    def _make_step(self) -> Any:
        recipe, architecture, networks = self.task.recipe, self.refinement, self.networks
        training, settings = recipe.training, recipe.refinement
        coarse_step = make_step(self._recipe, networks, len(self.task.image.categories))
        key_training = from_seed(training.seed, "refinement training")

        def means_of(x: Array) -> Array:
            for _ in range(self._doublings):
                x = pooled(x)
            return x

        def step(state: RefinedState, patches: Array, rate: Array) -> tuple[RefinedState, RefinedLosses]:
            old, optimizer, average = state.refinement
            key_part, key_noise, key_cells = named(numbered(key_training, state.step), "part", "noise", "cells")
            corner = random_corner(key_part, patches.shape[1:-1], architecture.unit)
            part, whole = part_at(corner, patches), means_of(patches)
            inner = (slice(None), *(slice(settings.border, n - settings.border) for n in part.shape[1:-1]))

            def drawn(means: Array) -> Array:
                noise = jax.random.normal(key_cells, part.shape)
                seen = part_at(corner, means, architecture.factor)
                return refined(architecture, old, seen, noise, padded=True, precision=FAST).level[inner]

            coarse, losses = coarse_step(state.coarse, whole, rate, View(part[inner], drawn))
            means = part_at(corner, whole, architecture.factor)
            means = means + settings.noise * jax.random.normal(key_noise, means.shape)

            def loss(weights: Any) -> Array:
                return -log_likelihood(architecture, weights, means, part, settings.border)

            value, gradient = jax.value_and_grad(loss)(old)
            update, optimizer = self._optimizer.update(gradient, optimizer, old)
            weights = optax.apply_updates(old, times(rate, update))
            # Early weights are far from any useful average, so the decay grows to its value over the first steps.
            decay = jnp.minimum(training.average, (1 + state.step) / (10 + state.step))
            average = jax.tree.map(lambda a, w: decay * a + (1 - decay) * w, average, weights)
            after = state._replace(coarse=coarse, refinement=(weights, optimizer, average), step=state.step + 1)
            return after, RefinedLosses(*losses, value)

        return step


def coarse_recipe(recipe: Recipe) -> Recipe:
    """The recipe of the coarse networks: patches of blocks."""
    factor, training = recipe.refinement.factor, recipe.training
    patch = tuple(n // factor for n in training.patch)
    return dataclasses.replace(recipe, training=dataclasses.replace(training, patch=patch))


def log_likelihood(
    architecture: RefinementArchitecture,
    weights: Any,
    means: Float[Array, "batch *blocks channel"],
    levels: Float[Array, "batch *space channel"],
    border: int,
) -> Float[Array, ""]:
    """Of levels given means of blocks, a cell on average, without a border of so many cells."""
    terms, space = [], levels.shape[1:-1]
    inner: tuple[slice, ...] = tuple(slice(border, n - border) for n in space)
    counted = jnp.zeros((1, *space, 1)).at[(0, *inner)].set(1.0)

    def decide(where: Where, told: Array) -> Draw:
        given = where.of(levels, told.shape[1:-1])
        each = architecture.cell.log_likelihood(told, given)
        inside = where.of(counted, told.shape[1:-1])[..., 0]
        terms.append(jnp.sum(each * inside))
        return Draw(given, given)

    refine(architecture, weights, means, decide, padded=True, precision=FAST)
    return sum(terms, jnp.zeros(())) / (len(levels) * counted.sum())


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
