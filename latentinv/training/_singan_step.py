"""A step of one scale of a SinGAN, a pure function of state, image and patches; what is learned, `_singan.py` says."""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax import lax
from jaxtyping import Array, Bool, Float

from latentinv.keys import from_seed, named, numbered
from latentinv.networks import (
    FAST,
    NOISE,
    SinganArchitecture,
    Weights,
    coarser,
    levels_of,
    mean_of_blocks,
    of_scale,
    refined,
    scored,
)
from latentinv.training.objectives import LOSSES, slope_penalty

from ._own_image import OwnImage
from ._recipe import Recipe
from ._recipe_tables import RecipeTraining
from ._step import PART, SHORT, optimizers, times


class SinganState(NamedTuple):
    """State of a training; weights are named by scale."""

    generator: Any
    discriminator: Any
    generator_optimizers: tuple[Any, ...]
    """Of each scale."""
    discriminator_optimizers: tuple[Any, ...]
    average: Any
    """Averaged weights of generators, with the standard deviations of the noise of each scale."""
    best: Any
    """The same of the best comparison so far."""
    best_score: Array
    step: Array


class SinganLosses(NamedTuple):
    """The step's losses, of the scale that is trained."""

    discriminator: Float[Array, ""]
    generator: Float[Array, ""]
    reconstruction: Float[Array, ""]
    """Mean squared error of the image's levels."""


class Improved(NamedTuple):
    """What an update of the generator changes, and its losses."""

    generator: Any
    optimizer: Any
    average: Any
    adversarial: Float[Array, ""]
    reconstruction: Float[Array, ""]


Score = Callable[[Weights, Array], Array]
Step = Callable[[SinganState, OwnImage, Array, Array], tuple[SinganState, SinganLosses]]


def make_step(recipe: Recipe, net: SinganArchitecture, scale: int) -> Step:
    """Build the step of a scale: a function of the state, the image and patches of it, and a factor on the rates."""
    training, settings = recipe.training, recipe.singan
    first, loss = settings.edges(training.steps)[scale], LOSSES[training.loss]
    optimizer_g, optimizer_d = optimizers(recipe)
    strides = (net.stride(scale),) * net.ndim
    shape = tuple(min(n // net.stride(scale), PART[net.ndim]) for n in training.patch)
    part = tuple(n * net.stride(scale) for n in shape)
    key_training = from_seed(training.seed, "singan training")

    def score(weights: Weights, levels: Array) -> Array:
        return scored(net, weights, scale, levels, FAST)

    def step(state: SinganState, image: OwnImage, patches: Array, rate: Array) -> tuple[SinganState, SinganLosses]:
        key = numbered(key_training, state.step)
        key_noise, key_cut, key_own, key_penalty = named(key, "noise", "part of patches", "part of image", "penalty")
        deviations = {NOISE: state.average[NOISE]}

        def generate(weights: Weights, base: Array | None, noise: Array) -> Array:
            return levels_of(refined(net, {**weights, **deviations}, scale, base, noise, FAST))

        real = mean_of_blocks(_parts(key_cut, patches, part), strides)
        *before, noise = _noise(key_noise, len(real), net.noise_shapes(shape, scale))
        base = coarser(net, state.average, before, shape, FAST)
        own, judge = of_scale(state.generator, scale), of_scale(state.discriminator, scale)
        fake, back = jax.vjp(lambda weights: generate(weights, base, noise), own)

        def loss_d(weights: Weights) -> tuple[Array, Array]:
            scores = score(weights, real), score(weights, fake)
            penalty = _penalty(training, score, weights, (real, fake), scores, key_penalty, state.step)
            return loss.discriminator(*scores) + penalty, loss.generator(*scores)

        (value_d, value_g), gradient_d = jax.value_and_grad(loss_d, has_aux=True)(judge)
        update_d, after_d = optimizer_d.update(gradient_d, state.discriminator_optimizers[scale])
        judge = optax.apply_updates(judge, times(rate, update_d))

        wanted = image.part(net, scale, part, image.corner(key_own, net, part))
        under = coarser(net, state.average, wanted.noise[:-1], shape, FAST)

        def error(weights: Weights) -> Array:
            return mean_where(wanted.known, (generate(weights, under, wanted.noise[-1]) - wanted.levels) ** 2)

        def improved(now: Improved) -> Improved:
            value, slope = jax.value_and_grad(lambda fake: loss.generator(score(judge, real), score(judge, fake)))(fake)
            missed, pull = jax.value_and_grad(error)(now.generator)
            gradient = jax.tree.map(jnp.add, back(slope)[0], times(settings.reconstruction, pull))
            update, optimizer = optimizer_g.update(gradient, now.optimizer)
            generator = optax.apply_updates(now.generator, times(rate, update))
            # Early weights are far from any useful average, so the decay grows to its value over the first steps.
            done = state.step - first
            decay = jnp.minimum(training.average, (1 + done) / (10 + done))
            average = jax.tree.map(lambda a, g: decay * a + (1 - decay) * g, now.average, generator)
            return Improved(generator, optimizer, average, value, missed)

        now = Improved(own, state.generator_optimizers[scale], of_scale(state.average, scale), value_g, jnp.zeros(()))
        if training.generator_every == 1:
            now = improved(now)
        else:
            due = (state.step - first) % training.generator_every == 0
            now = lax.cond(due, improved, lambda same: same._replace(reconstruction=error(own)), now)
        after = state._replace(
            generator={**state.generator, **now.generator},
            discriminator={**state.discriminator, **judge},
            generator_optimizers=_with(state.generator_optimizers, scale, now.optimizer),
            discriminator_optimizers=_with(state.discriminator_optimizers, scale, after_d),
            average={**state.average, **now.average},
            step=state.step + 1,
        )
        return after, SinganLosses(value_d, now.adversarial, now.reconstruction)

    return step


def mean_where(known: Bool[Array, "one *cell one_channel"], x: Float[Array, "one *cell channel"]) -> Float[Array, ""]:
    """Mean over the cells that are known, of all their numbers."""
    return jnp.sum(jnp.where(known, x, 0.0)) / jnp.maximum(1, jnp.sum(known) * x.shape[-1])


def _penalty(
    training: RecipeTraining,
    score: Score,
    weights: Weights,
    pair: tuple[Array, Array],
    scores: tuple[Array, Array],
    key: Array,
    step: Array,
) -> Float[Array, ""]:
    """What bounds the slopes of a discriminator: R1 and R2, as in `_step.py`, and the penalty between real and fake."""
    *keys, key_between = jax.random.split(key, 3)

    def steepness(levels: Array, here: Array, key: Array) -> Array:
        near = levels + SHORT * jax.random.normal(key, levels.shape)
        return jnp.mean(((score(weights, near) - here) / SHORT) ** 2)

    def total(levels: tuple[Array, ...]) -> Array:
        told = score(weights, levels[0])
        return jnp.sum(told) / told[0].size

    def now_and_then(penalty: Callable[[], Array]) -> Array:
        every = training.penalty_every
        return penalty() if every == 1 else every * lax.cond(step % every == 0, penalty, lambda: jnp.zeros(()))

    value = jnp.zeros(())
    weighed = (training.gradient_penalty, training.gradient_penalty_generated)
    for weight, *one in zip(weighed, pair, scores, keys, strict=True):
        if weight:
            value += weight / 2 * now_and_then(functools.partial(steepness, *one))
    if training.gradient_penalty_between:
        slopes = functools.partial(slope_penalty, total, pair[:1], pair[1:], key_between)
        value += training.gradient_penalty_between * now_and_then(slopes)
    return value


def _parts(key: Array, patches: Float[Array, "batch *patch channel"], shape: tuple[int, ...]) -> Array:
    """A part of each patch, at a random place."""
    places = jnp.array([n - m + 1 for n, m in zip(patches.shape[1:-1], shape, strict=True)])
    corners = jax.random.randint(key, (len(patches), len(shape)), 0, places)
    whole = (*shape, patches.shape[-1])
    return jax.vmap(lambda one, corner: lax.dynamic_slice(one, (*corner, 0), whole))(patches, corners)


def _noise(key: Array, count: int, shapes: tuple[tuple[int, ...], ...]) -> list[Array]:
    """White noise of each scale."""
    keys = jax.random.split(key, len(shapes))
    return [jax.random.normal(one, (count, *shape)) for one, shape in zip(keys, shapes, strict=True)]


def _with(each: tuple[Any, ...], place: int, one: Any) -> tuple[Any, ...]:
    return (*each[:place], one, *each[place + 1 :])
