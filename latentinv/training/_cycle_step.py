"""A step of an unpaired translation, a pure function of state, source and patches; what is learned, `_cycle.py` says.

Nothing is padded: what a network tells of a patch is smaller than the patch by its margin, and what is told there and
back by twice as much. All is compared in the middle. The discriminators are updated on the translations that then move
the translators, as in `_step.py`.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from flax import nnx
from jaxtyping import Array, Float

from latentinv.grid import Grid
from latentinv.keys import from_seed, named, numbered
from latentinv.networks import (
    FAST,
    DiscriminatorArchitecture,
    Maps,
    TranslatorArchitecture,
    initial_translator,
    inner,
    levels_of,
    shares_of,
    standing,
    translated,
)
from latentinv.priors.core import AbstractPrior
from latentinv.priors.learned import soft_levels
from latentinv.training.modules import DiscriminatorNetwork, crisp, packed
from latentinv.training.objectives import LOSSES

from ._recipe import Recipe
from ._step import optimizers, over_maps, part_at, random_corner, times

THERE, BACK = "there", "back"
"""Names of the translators, and of the discriminators of what they tell."""


class CycleState(NamedTuple):
    """State of a training; weights, and statistics of discriminators, are named by the way, there or back."""

    translators: Any
    discriminators: Any
    statistics: Any
    translator_optimizer: Any
    discriminator_optimizer: Any
    average: Any
    """Averaged weights of the translators."""
    best: Any
    best_score: Array
    step: Array
    source: Array
    """The source's fingerprint."""


class CycleLosses(NamedTuple):
    """The step's losses; the first two are sums over both ways."""

    discriminator: Float[Array, ""]
    translator: Float[Array, ""]
    cycle: Float[Array, ""]
    """Share of cells that are not the same there and back."""
    content: Float[Array, ""]
    """Share of cells whose facies a translation changes."""


class Told(NamedTuple):
    """Levels that the translators tell, of fields of the source and of patches of the image."""

    there: Float[Array, "batch *inside level"]
    back: Float[Array, "batch *inside level"]
    there_and_back: Float[Array, "batch *middle level"]
    back_and_there: Float[Array, "batch *middle level"]


class Judges(NamedTuple):
    """Structures of the discriminators, by name."""

    there: nnx.GraphDef
    back: nnx.GraphDef


Step = Callable[[CycleState, AbstractPrior, Array, Array | float], tuple[CycleState, CycleLosses]]


def initial_cycle(
    recipe: Recipe,
    net: TranslatorArchitecture,
    judges: tuple[DiscriminatorArchitecture, DiscriminatorArchitecture],
    fingerprint: Array,
) -> tuple[Judges, CycleState]:
    """Make the discriminators, of the image's style and of the source's, and the state before the first step."""
    seed = recipe.training.seed
    keys = named(from_seed(seed, "translators"), THERE, BACK)
    ways = dict(zip((THERE, BACK), (net, net.back), strict=True))
    translators = {way: initial_translator(key, one) for key, (way, one) in zip(keys, ways.items(), strict=True)}
    seeds = nnx.Rngs(params=from_seed(seed, "weights of discriminators"))
    split = [nnx.split(DiscriminatorNetwork(judge, seeds), nnx.Param, ...) for judge in judges]
    graphs, weights, statistics = zip(*split, strict=True)
    discriminators = dict(zip((THERE, BACK), weights, strict=True))
    of_translators, of_discriminators = optimizers(recipe)
    # Copies, since a step can donate each array only once.
    average, best = (jax.tree.map(jnp.array, translators) for _ in range(2))
    state = CycleState(
        translators,
        discriminators,
        dict(zip((THERE, BACK), statistics, strict=True)),
        of_translators.init(translators),
        of_discriminators.init(discriminators),
        average,
        best,
        jnp.float32(jnp.inf),
        jnp.int32(0),
        fingerprint,
    )
    return Judges(*graphs), state


def make_step(recipe: Recipe, net: TranslatorArchitecture, judges: Judges) -> Step:
    """Build the step of a recipe: a function of the state, the source, patches, and a factor on the rates."""
    training, settings, packing = recipe.training, recipe.cycle, recipe.networks.packing
    loss, grid, margin = LOSSES[training.loss], Grid(training.patch), net.margin
    optimizer_t, optimizer_d = optimizers(recipe)
    key_training = from_seed(training.seed, "training of translators")
    facies = {THERE: net.facies, BACK: len(net.stands)}

    def drawn(key: Array, source: AbstractPrior) -> Array:
        z = jax.random.normal(key, (training.batch, source.latent_size(grid)))
        return jax.vmap(lambda one: soft_levels(source, one, grid))(z)

    def told(weights: Any, fields: Array, patches: Array) -> Told:
        def to_image(levels: Array) -> Array:
            return levels_of(translated(net, weights[THERE], half_crisp(levels, facies[BACK]), FAST))

        def to_source(levels: Array) -> Array:
            return levels_of(translated(net.back, weights[BACK], half_crisp(levels, facies[THERE]), FAST))

        there, back = to_image(fields), to_source(patches)
        return Told(there, back, to_source(there), to_image(back))

    def step(
        state: CycleState, source: AbstractPrior, patches: Array, rate: Array | float
    ) -> tuple[CycleState, CycleLosses]:
        key_fields, key_part = named(numbered(key_training, state.step), "fields", "part that is seen as facies")
        fields = drawn(key_fields, source)
        now, pull = jax.vjp(lambda weights: told(weights, fields, patches), state.translators)
        real = {THERE: inner(patches, margin), BACK: inner(fields, margin)}
        corner = random_corner(key_part, real[THERE].shape[1:-1])

        def score(way: str, weights: Any, statistics: Any, levels: Array) -> tuple[Maps, Any]:
            network = nnx.merge(getattr(judges, way), weights[way], statistics[way], copy=True)
            maps = network(packed(levels, packing), packed(part_at(corner, crisp(levels, facies[way])), packing))
            parts: Any = nnx.split(network, nnx.Param, ...)
            return maps, parts[2]

        def loss_d(weights: Any) -> tuple[Array, Any]:
            total, after = jnp.zeros(()), {}
            for way, fake in ((THERE, now.there), (BACK, now.back)):
                maps_real, between = score(way, weights, state.statistics, real[way])
                maps_fake, after[way] = score(way, weights, {way: between}, fake)
                total += over_maps(loss.discriminator, maps_real, maps_fake)
            return total, after

        (value_d, statistics), gradient_d = jax.value_and_grad(loss_d, has_aux=True)(state.discriminators)
        update_d, after_d = optimizer_d.update(gradient_d, state.discriminator_optimizer)
        discriminators = optax.apply_updates(state.discriminators, times(rate, update_d))

        def loss_t(now: Told) -> tuple[Array, CycleLosses]:
            adversarial = jnp.zeros(())
            for way, fake in ((THERE, now.there), (BACK, now.back)):
                pair = (score(way, discriminators, statistics, levels)[0] for levels in (real[way], fake))
                adversarial += over_maps(loss.generator, *pair)
            cycle = cycle_loss(now, fields, patches, 2 * margin)
            content = content_loss(net, now, real[BACK], real[THERE])
            total = adversarial + settings.cycle * cycle + settings.content * content
            return total, CycleLosses(value_d, adversarial, cycle, content)

        slope, losses = jax.grad(loss_t, has_aux=True)(now)
        update_t, after_t = optimizer_t.update(pull(slope)[0], state.translator_optimizer)
        translators = optax.apply_updates(state.translators, times(rate, update_t))
        # Early weights are far from any useful average, so the decay grows to its value over the first steps.
        decay = jnp.minimum(training.average, (1 + state.step) / (10 + state.step))
        average = jax.tree.map(lambda a, t: decay * a + (1 - decay) * t, state.average, translators)
        after = state._replace(
            translators=translators,
            discriminators=discriminators,
            statistics=statistics,
            translator_optimizer=after_t,
            discriminator_optimizer=after_d,
            average=average,
            step=state.step + 1,
        )
        return after, losses

    return step


def half_crisp(levels: Float[Array, "batch *space level"], facies: int) -> Float[Array, "batch *space level"]:
    """Fields of which every second is seen as facies, with the gradient of its levels."""
    soft, hard = levels[0::2], crisp(levels[1::2], facies)
    whole = jnp.zeros_like(levels)
    return whole.at[0::2].set(soft).at[1::2].set(hard)


def difference(one: Float[Array, "*cell facies"], other: Float[Array, "*cell facies"]) -> Float[Array, ""]:
    """Half the sum of the differences of shares, in the mean of all cells: the share that is of other facies."""
    return 0.5 * jnp.mean(jnp.sum(jnp.abs(one - other), axis=-1))


def cycle_loss(now: Told, fields: Array, patches: Array, margin: int) -> Float[Array, ""]:
    """Share of cells, of fields and of patches, in the mean, that are not the same there and back."""
    pairs = ((now.there_and_back, fields), (now.back_and_there, patches))
    found = [difference(shares_of(again), shares_of(inner(levels, margin))) for again, levels in pairs]
    return 0.5 * (found[0] + found[1])


def content_loss(net: TranslatorArchitecture, now: Told, fields: Array, patches: Array) -> Float[Array, ""]:
    """Share of cells, in the mean of both ways, whose facies a translation changes; those of the source count as what
    they stand for.
    """
    of_image = ((now.back, patches), (fields, now.there))
    found = [
        difference(standing(shares_of(source), net.stands, net.facies), shares_of(image)) for source, image in of_image
    ]
    return 0.5 * (found[0] + found[1])
