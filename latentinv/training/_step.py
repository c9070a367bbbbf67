"""One training step, as a pure function of state and data.

The discriminator is updated on real patches and on generated fields, then the generator through the updated
discriminator, from the same noise, so that the generator runs forward once per step. Adam, two learning rates (Heusel
et al. 2017, arXiv:1706.08500); the generator's weights are averaged exponentially for use (EMA). Gradient penalties,
where the recipe asks for them, are R1, on real patches, and R2, on generated fields (Mescheder, Geiger and Nowozin
2018, arXiv:1801.04406); they may be taken every few steps only, with a weight as many times larger (Karras et al. 2020,
arXiv:1912.04958).
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from flax import nnx
from jax import lax
from jaxtyping import Array, Float

from latentinv.keys import from_seed, numbered
from latentinv.networks import GeneratorArchitecture, Maps, discriminator_architecture, generator_architecture
from latentinv.priors.learned import GeneratorPrior
from latentinv.training.modules import DiscriminatorNetwork, GeneratorNetwork, crisp, packed
from latentinv.training.objectives import LOSSES, Frequencies, field_gradient, no_frequencies, running_frequencies

from ._recipe import Recipe


class TrainingState(NamedTuple):
    """State of a training: trees of arrays that the next step needs."""

    generator: Any
    discriminator: Any
    discriminator_statistics: Any
    generator_optimizer: Any
    discriminator_optimizer: Any
    frequencies: Frequencies | None
    """Running average of the frequencies of patterns in generated fields; None if the recipe has no patterns."""
    average: Any
    best: Any
    """Averaged weights of the best comparison so far."""
    best_score: Array
    step: Array


class Losses(NamedTuple):
    """The step's losses."""

    discriminator: Float[Array, ""]
    generator: Float[Array, ""]


class Networks(NamedTuple):
    """The two networks' structure, and the generator's (unused in training) statistics."""

    architecture: GeneratorArchitecture
    generator: nnx.GraphDef
    discriminator: nnx.GraphDef
    generator_statistics: nnx.State


def initialise(recipe: Recipe, ndim: int, channels: int = 1) -> tuple[Networks, TrainingState]:
    """Make networks and the state before the first step from a recipe, for fields with numbers in each cell."""
    name, width = recipe.networks.architecture, recipe.networks.width
    architecture = generator_architecture(
        name, ndim=ndim, latent_channels=recipe.networks.latent_channels, width=width, outputs=channels
    )
    judge = discriminator_architecture(
        name,
        ndim=ndim,
        width=width,
        scales=recipe.networks.discriminator_scales,
        packing=recipe.networks.packing,
        channels=channels,
        crisp=recipe.networks.crisp_tower,
    )

    @nnx.jit  # as one program instead of one for each kernel
    def networks() -> tuple[GeneratorNetwork, DiscriminatorNetwork]:
        seeds = nnx.Rngs(params=from_seed(recipe.training.seed, "weights"))
        return GeneratorNetwork(architecture, seeds), DiscriminatorNetwork(judge, seeds)

    generator, discriminator = map(_split, networks())
    parameters_g, parameters_d = (jax.tree.map(jnp.asarray, part[1]) for part in (generator, discriminator))
    optimizer_g, optimizer_d = _optimizers(recipe)
    average, best = (
        jax.tree.map(jnp.array, parameters_g) for _ in range(2)
    )  # copies, since a step can donate each array only once
    state = TrainingState(
        parameters_g,
        parameters_d,
        discriminator[2],
        optimizer_g.init(parameters_g),
        optimizer_d.init(parameters_d),
        no_frequencies() if recipe.training.patterns else None,
        average,
        best,
        jnp.float32(jnp.inf),
        jnp.int32(0),
    )
    return Networks(architecture, generator[0], discriminator[0], generator[2]), state


def make_step(
    recipe: Recipe, networks: Networks, facies: int, image: Frequencies | None = None
) -> Callable[[TrainingState, Float[Array, "batch *patch channel"]], tuple[TrainingState, Losses]]:
    """Build the jitted step of a recipe.

    The step takes over the memory of the state it is given, which cannot be used afterwards.

    Parameters
    ----------
    recipe, networks
        The recipe, and the networks made from it.
    facies
        Number of facies in the image.
    image
        The image's frequencies of patterns, if the recipe has `patterns`.
    """
    training = recipe.training
    loss = LOSSES[training.loss]
    optimizer_g, optimizer_d = _optimizers(recipe)
    key_training = from_seed(training.seed, "training")

    def generate(parameters: Any, latents: Sequence[Array]) -> Array:
        network = nnx.merge(networks.generator, parameters, networks.generator_statistics, copy=True)
        return GeneratorPrior.levels(network(latents, training.patch))

    def score(parameters: Any, statistics: Any, fields: Array) -> tuple[Maps, Any]:
        network = nnx.merge(networks.discriminator, parameters, statistics, copy=True)
        packing = recipe.networks.packing
        maps = network(packed(fields, packing), packed(crisp(fields, facies), packing))
        return maps, _split(network)[2]

    def step(state: TrainingState, real: Array) -> tuple[TrainingState, Losses]:
        shapes = networks.architecture.latent_shapes(training.patch)
        keys = jax.random.split(numbered(key_training, state.step), len(shapes))
        latents = [jax.random.normal(key, (training.batch, *shape)) for key, shape in zip(keys, shapes, strict=True)]
        fake, back = jax.vjp(lambda parameters: generate(parameters, latents), state.generator)

        def loss_d(parameters: Any) -> tuple[Array, Any]:
            maps_real, statistics = score(parameters, state.discriminator_statistics, real)
            maps_fake, statistics = score(parameters, statistics, fake)
            value = over_maps(loss.discriminator, maps_real, maps_fake)
            penalties = ((training.gradient_penalty, real), (training.gradient_penalty_generated, fake))
            for weight, fields in penalties:
                if weight:
                    value += _penalty(weight, parameters, state, fields)
            return value, statistics

        def _penalty(weight: float, parameters: Any, state: TrainingState, fields: Array) -> Array:
            before, every = state.discriminator_statistics, training.penalty_every

            def steepness(fields: Array) -> Array:
                return squared_gradient(lambda x: score(parameters, before, x)[0], fields)

            if every == 1:
                return 0.5 * weight * steepness(fields)
            now = lax.cond(state.step % every == 0, steepness, lambda _: jnp.zeros(()), fields)
            return 0.5 * weight * every * now

        (value_d, statistics), gradient_d = jax.value_and_grad(loss_d, has_aux=True)(state.discriminator)
        update_d, optimizer_state_d = optimizer_d.update(gradient_d, state.discriminator_optimizer)
        discriminator = optax.apply_updates(state.discriminator, update_d)

        def loss_g(fields: Array) -> Array:
            maps_real = score(discriminator, statistics, real)[0]
            return over_maps(loss.generator, maps_real, score(discriminator, statistics, fields)[0])

        value_g, gradient_fake = jax.value_and_grad(loss_g)(fake)
        frequencies = state.frequencies
        if image is not None and frequencies is not None:
            fields = fake[..., 0]
            frequencies = running_frequencies(frequencies, fields, state.step)
            gradient_fake += training.patterns * field_gradient(frequencies, image, fields)[..., None]
        update_g, optimizer_state_g = optimizer_g.update(back(gradient_fake)[0], state.generator_optimizer)
        generator = optax.apply_updates(state.generator, update_g)
        # Early weights are far from any useful average, so the decay grows to its value over the first steps.
        decay = jnp.minimum(training.average, (1 + state.step) / (10 + state.step))
        average = jax.tree.map(lambda a, g: decay * a + (1 - decay) * g, state.average, generator)
        after = state._replace(
            generator=generator,
            discriminator=discriminator,
            discriminator_statistics=statistics,
            generator_optimizer=optimizer_state_g,
            discriminator_optimizer=optimizer_state_d,
            frequencies=frequencies,
            average=average,
            step=state.step + 1,
        )
        return after, Losses(value_d, value_g)

    return jax.jit(step, donate_argnums=0)


def squared_gradient(
    score: Callable[[Float[Array, "batch *patch channel"]], Maps], fields: Float[Array, "batch *patch channel"]
) -> Float[Array, ""]:
    """Squared gradient of the sum of all scores in the fields, over the number of scores."""

    def total(x: Array) -> tuple[Array, int]:
        scores = jnp.concatenate([one.ravel() for one in jax.tree.leaves(score(x))])
        return jnp.sum(scores), scores.size

    gradient, count = jax.grad(total, has_aux=True)(fields)
    return jnp.sum(gradient**2) / count


def over_maps(loss: Callable[..., Float[Array, ""]], *maps: Maps) -> Float[Array, ""]:
    """Average a loss over the maps of a discriminator.

    Towers have equal weights. In each tower the last map, which sees the largest windows, weighs as much as all others
    together: with equal weights it would have a quarter, too little for features that continue over long distances,
    such as channels.
    """

    def of_tower(*parts: tuple[Array, ...]) -> Array:
        values = jnp.stack([loss(*scores) for scores in zip(*parts, strict=True)])
        return 0.5 * (values[:-1].mean() + values[-1]) if len(values) > 1 else values[0]

    return jnp.mean(jnp.stack([of_tower(*parts) for parts in zip(*maps, strict=True)]))


def _split(network: nnx.Module) -> tuple[nnx.GraphDef, nnx.State, nnx.State]:
    """Structure, weights and statistics of a network."""
    parts: Any = nnx.split(network, nnx.Param, ...)
    return parts


def _optimizers(recipe: Recipe) -> tuple[optax.GradientTransformation, optax.GradientTransformation]:
    training = recipe.training
    b1, b2 = training.betas
    cooling = max(1, round(training.cool_down * training.steps))

    def adam(rate: float) -> optax.GradientTransformation:
        schedule = optax.linear_schedule(rate, 0.0, cooling, transition_begin=training.steps - cooling)
        return optax.adam(schedule if training.cool_down else rate, b1=b1, b2=b2)

    return adam(training.learning_rate_generator), adam(training.learning_rate_discriminator)
