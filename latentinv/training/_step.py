"""One training step, as a pure function of state and data.

The discriminator is updated on real patches and on generated fields, then the generator through the updated
discriminator, from the same noise, so that the generator runs forward once per step. Adam, two learning rates (Heusel
et al. 2017, arXiv:1706.08500); the generator's weights are averaged exponentially for use (EMA). Gradient penalties,
where the recipe asks for them, are R1, on real patches, and R2, on generated fields (Mescheder, Geiger and Nowozin
2018, arXiv:1801.04406). The squared gradient of each score is estimated by its difference along a random direction, for
second derivatives would take longer than all else (Lin et al. 2025, arXiv:2501.08316). Penalties may be taken every few
steps only, with a weight as many times larger (Karras et al. 2020, arXiv:1912.04958). The penalty of slopes between
patches and fields, which belongs to the Wasserstein loss, is exact. The generator may be updated every few steps only;
its loss at the others is that by the discriminator before its update. The tower that sees facies judges
a part of each patch, at a place that changes from step to step: windows as small as its own are plentiful there too.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from flax import nnx
from jax import lax
from jaxtyping import Array, Float, Int

from latentinv.devices import compiled
from latentinv.keys import from_seed, numbered
from latentinv.networks import ConditionalArchitecture, DcganArchitecture, GeneratorArchitecture, Maps
from latentinv.priors.learned import GeneratorPrior
from latentinv.training.modules import DiscriminatorNetwork, crisp, packed
from latentinv.training.objectives import (
    LOSSES,
    Frequencies,
    Structure,
    field_gradient,
    no_frequencies,
    no_structure,
    running_frequencies,
    running_structure,
    slope_penalty,
    structure_distance,
    structure_gradient,
)

from ._conditioning import Conditioning, Known
from ._pair import pair_of
from ._recipe import Recipe

SHORT = 0.03
"""Length in each cell of the differences that estimate gradients."""
PART = {2: 64, 3: 32}
"""Cells along an axis of the part of a patch that is seen as facies, by the number of axes."""


class TrainingState(NamedTuple):
    """State of a training: trees of arrays that the next step needs."""

    generator: Any
    discriminator: Any
    discriminator_statistics: Any
    generator_optimizer: Any
    discriminator_optimizer: Any
    frequencies: Frequencies | None
    """Running average of the frequencies of patterns in generated fields; None if the recipe has no patterns."""
    structure: Structure | None
    """Running averages of structure functions; None if the recipe does not weigh them."""
    average: Any
    best: Any
    """Averaged weights of the best comparison so far."""
    best_score: Array
    step: Array


class Losses(NamedTuple):
    """The step's losses."""

    discriminator: Float[Array, ""]
    generator: Float[Array, ""]


class Improved(NamedTuple):
    """What an update of the generator changes, and its loss."""

    generator: Any
    optimizer: Any
    frequencies: Frequencies | None
    structure: Structure | None
    average: Any
    loss: Float[Array, ""]


class Networks(NamedTuple):
    """The two networks' structure, and the generator's (unused in training) statistics."""

    architecture: GeneratorArchitecture | ConditionalArchitecture | DcganArchitecture
    generator: nnx.GraphDef
    discriminator: nnx.GraphDef
    generator_statistics: nnx.State


def initialise(recipe: Recipe, ndim: int, channels: int = 1) -> tuple[Networks, TrainingState]:
    """Make networks and the state before the first step from a recipe.

    Parameters
    ----------
    recipe
        Names the architecture.
    ndim
        Axes of fields, 2 or 3.
    channels
        Numbers in each of their cells.
    """
    pair = pair_of(recipe, ndim, channels)

    def networks() -> tuple[nnx.Module, DiscriminatorNetwork]:
        seeds = nnx.Rngs(params=from_seed(recipe.training.seed, "weights"))
        return pair.network(pair.architecture, seeds), DiscriminatorNetwork(pair.judge, seeds)

    graph_g, graph_d = map(nnx.graphdef, nnx.eval_shape(networks))
    # As one program instead of one for each kernel.
    generator, discriminator = compiled(
        lambda: tuple(_split(network)[1:] for network in networks()), of_networks=True
    )()
    parameters_g, parameters_d = (jax.tree.map(jnp.asarray, part[0]) for part in (generator, discriminator))
    optimizer_g, optimizer_d = optimizers(recipe)
    average, best = (
        jax.tree.map(jnp.array, parameters_g) for _ in range(2)
    )  # copies, since a step can donate each array only once
    state = TrainingState(
        parameters_g,
        parameters_d,
        discriminator[1],
        optimizer_g.init(parameters_g),
        optimizer_d.init(parameters_d),
        no_frequencies() if recipe.training.patterns else None,
        no_structure(recipe.training.patch) if recipe.training.structure else None,
        average,
        best,
        jnp.float32(jnp.inf),
        jnp.int32(0),
    )
    return Networks(pair.architecture, graph_g, graph_d, generator[1]), state


def make_step(
    recipe: Recipe,
    networks: Networks,
    facies: int,
    image: Frequencies | None = None,
    conditioning: Conditioning | None = None,
) -> Callable[..., tuple[TrainingState, Losses]]:
    """Build the step of a recipe: a function of the state and of patches of the image.

    Parameters
    ----------
    recipe, networks
        The recipe, and the networks made from it.
    facies
        Number of facies in the image.
    image
        The image's frequencies of patterns, if the recipe has `patterns`.
    conditioning
        What the networks are shown of fields, if they see anything.
    """
    training = recipe.training
    loss, packing = LOSSES[training.loss], recipe.networks.packing
    optimizer_g, optimizer_d = optimizers(recipe)
    key_training, key_direction = from_seed(training.seed, "training"), from_seed(training.seed, "direction")
    key_known = from_seed(training.seed, "what is known")

    def generate(parameters: Any, latents: Sequence[Array], known: Known | None) -> Array:
        network = nnx.merge(networks.generator, parameters, networks.generator_statistics, copy=True)
        return GeneratorPrior.levels(network(latents, training.patch, *(known or ())))

    key_part, key_between = (from_seed(training.seed, use) for use in ("part that is seen as facies", "between"))

    def score(parameters: Any, statistics: Any, pair: tuple[Array, Array]) -> tuple[Maps, Any]:
        network = nnx.merge(networks.discriminator, parameters, statistics, copy=True)
        maps = network(*(packed(fields, packing) for fields in pair))
        return maps, _split(network)[2]

    def part(step: Array, fields: Array) -> Array:
        """What the tower that sees facies is shown."""
        corner = random_corner(numbered(key_part, step), fields.shape[1:-1])
        return part_at(corner, crisp(fields, facies))

    def step(state: TrainingState, real: Array, rate: float | Array = 1.0) -> tuple[TrainingState, Losses]:
        shapes = networks.architecture.latent_shapes(training.patch)
        keys = jax.random.split(numbered(key_training, state.step), len(shapes))
        latents = [jax.random.normal(key, (training.batch, *shape)) for key, shape in zip(keys, shapes, strict=True)]
        known = conditioning.known(numbered(key_known, state.step), real) if conditioning else None
        fake, back = jax.vjp(lambda parameters: generate(parameters, latents, known), state.generator)

        def shown(fields: Array) -> tuple[Array, Array]:
            """What the discriminator sees: fields, what is known of them beside, and their facies."""
            return known.beside(fields) if known else fields, part(state.step, fields)

        pair_real, pair_fake = shown(real), shown(fake)

        def loss_d(parameters: Any) -> tuple[Array, tuple[Any, Array]]:
            before = state.discriminator_statistics
            maps_real, between = score(parameters, before, pair_real)
            maps_fake, after = score(parameters, between, pair_fake)
            value = over_maps(loss.discriminator, maps_real, maps_fake)
            for weight, pair, maps, used in (
                (training.gradient_penalty, pair_real, maps_real, before),
                (training.gradient_penalty_generated, pair_fake, maps_fake, between),
            ):
                if weight:
                    value += weight / 2 * now_and_then(steepness, parameters, used, pair, maps)
            if training.gradient_penalty_between:
                value += training.gradient_penalty_between * now_and_then(slopes, parameters, between)
            return value, (after, over_maps(loss.generator, maps_real, maps_fake))

        def slopes(parameters: Any, statistics: Any) -> Array:
            def total(pair: tuple[Array, ...]) -> Array:
                maps = score(parameters, statistics, (pair[0], pair[1]))[0]
                return over_maps(lambda scores: jnp.sum(scores) / scores[0].size, maps)

            return slope_penalty(total, pair_real, pair_fake, numbered(key_between, state.step), packing)

        def steepness(parameters: Any, statistics: Any, pair: tuple[Array, Array], maps: Maps) -> Array:
            keys = jax.random.split(numbered(key_direction, state.step))
            near = [x + SHORT * jax.random.normal(key, x.shape) for key, x in zip(keys, pair, strict=True)]
            beside = score(parameters, statistics, (near[0], near[1]))[0]
            return over_maps(lambda one, other: jnp.mean(((other - one) / SHORT) ** 2), maps, beside)

        def now_and_then(penalty: Callable[..., Array], *arguments: Any) -> Array:
            every = training.penalty_every
            if every == 1:
                return penalty(*arguments)
            return every * lax.cond(state.step % every == 0, penalty, lambda *_: jnp.zeros(()), *arguments)

        (value_d, (statistics, value_g)), gradient_d = jax.value_and_grad(loss_d, has_aux=True)(state.discriminator)
        update_d, optimizer_state_d = optimizer_d.update(gradient_d, state.discriminator_optimizer)
        discriminator = optax.apply_updates(state.discriminator, times(rate, update_d))

        def loss_g(fields: Array) -> Array:
            maps_real, maps_fake = (score(discriminator, statistics, pair)[0] for pair in (pair_real, shown(fields)))
            value = over_maps(loss.generator, maps_real, maps_fake)
            return value + conditioning.penalty(fields, known) if conditioning and known else value

        def improved(now: Improved) -> Improved:
            value_g, gradient_fake = jax.value_and_grad(loss_g)(fake)
            frequencies, structure, fields = now.frequencies, now.structure, fake[..., 0]
            updates = state.step // training.generator_every
            if image is not None and frequencies is not None:
                frequencies = running_frequencies(frequencies, fields, updates)
                gradient_fake += training.patterns * field_gradient(frequencies, image, fields)[..., None]
            if structure is not None:
                structure = running_structure(structure, fields, real[..., 0], updates)
                value_g += training.structure * structure_distance(structure)
                gradient_fake += training.structure * structure_gradient(structure, fields)[..., None]
            update_g, optimizer_state_g = optimizer_g.update(back(gradient_fake)[0], now.optimizer)
            generator = optax.apply_updates(now.generator, times(rate, update_g))
            # Early weights are far from any useful average, so the decay grows to its value over the first steps.
            decay = jnp.minimum(training.average, (1 + state.step) / (10 + state.step))
            average = jax.tree.map(lambda a, g: decay * a + (1 - decay) * g, now.average, generator)
            return Improved(generator, optimizer_state_g, frequencies, structure, average, value_g)

        now = Improved(
            state.generator, state.generator_optimizer, state.frequencies, state.structure, state.average, value_g
        )
        if training.generator_every == 1:
            now = improved(now)
        else:
            now = lax.cond(state.step % training.generator_every == 0, improved, lambda same: same, now)
        after = state._replace(
            generator=now.generator,
            discriminator=discriminator,
            discriminator_statistics=statistics,
            generator_optimizer=now.optimizer,
            discriminator_optimizer=optimizer_state_d,
            frequencies=now.frequencies,
            structure=now.structure,
            average=now.average,
            step=state.step + 1,
        )
        return after, Losses(value_d, now.loss)

    return step


def random_corner(key: jax.Array, shape: tuple[int, ...], unit: int = 1) -> Int[Array, "axis"]:
    """The first cell, a multiple of `unit`, of a part of patches at a random place."""
    most = jnp.array([(n - min(n, PART[len(shape)])) // unit + 1 for n in shape])
    return unit * jax.random.randint(key, most.shape, 0, most)


def part_at(
    corner: Int[Array, "axis"], fields: Float[Array, "batch *patch channel"], factor: int = 1
) -> Float[Array, "batch *part channel"]:
    """The part of all fields, or of their means over blocks of `factor` cells, that begins at a cell."""
    shape = tuple(min(n, PART[len(corner)] // factor) for n in fields.shape[1:-1])
    return lax.dynamic_slice(fields, (0, *(corner // factor), 0), (len(fields), *shape, fields.shape[-1]))


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


def times(factor: float | Array, tree: Any) -> Any:
    """All arrays of a tree multiplied by a number."""
    return jax.tree.map(lambda array: factor * array, tree)


def _split(network: nnx.Module) -> tuple[nnx.GraphDef, nnx.State, nnx.State]:
    """Structure, weights and statistics of a network."""
    parts: Any = nnx.split(network, nnx.Param, ...)
    return parts


def optimizers(recipe: Recipe) -> tuple[optax.GradientTransformation, optax.GradientTransformation]:
    """Adam of the generator and of the discriminator."""
    training = recipe.training
    b1, b2 = training.betas
    rates = (training.learning_rate_generator, training.learning_rate_discriminator)
    generator, discriminator = (optax.adam(rate, b1=b1, b2=b2) for rate in rates)
    return generator, discriminator
