"""Adversarial training of a generator: the step is in `_step.py`."""

import functools
from collections.abc import Callable
from typing import Any, final

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float

from latentinv.devices import compiled
from latentinv.errors import InputError
from latentinv.keys import from_seed
from latentinv.networks import ConditionalArchitecture, DcganArchitecture, FoldedLayer, GeneratorArchitecture
from latentinv.priors.learned import AbstractLearnedPrior, Calibration, DcganPrior, GeneratorPrior
from latentinv.training.modules import fold, fold_dcgan, freeze
from latentinv.training.objectives import Frequencies, image_frequencies

from ._conditioning import Conditioning
from ._method import METHODS, AbstractMethod, Task
from ._step import Losses, Networks, TrainingState, initialise, make_step

STATISTICS_BATCH, STATISTICS_SEED = 64, 1


@final
@METHODS.register("generator")
@METHODS.register("dcgan")
class AdversarialMethod(AbstractMethod):
    """A generator, of fields of any size or of one, against a discriminator."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self.networks, self._first = initialise(task.recipe, task.image.facies.ndim, task.channels)
        self._step = step_of(task, self.networks)

    def initial_state(self) -> TrainingState:
        """Random weights."""
        return self._first

    def step(
        self, state: TrainingState, patches: Float[Array, "batch *patch channel"], rate: float
    ) -> tuple[TrainingState, Losses]:
        """A step of both networks."""
        return self._step(state, patches, rate)

    def prior(self, parameters: Any, calibration: Calibration, provenance: dict[str, Any]) -> AbstractLearnedPrior:
        """The generator, with batch statistics estimated again for these weights and folded into them."""
        networks, patch = self.networks, self.task.recipe.training.patch
        one_size = self.task.recipe.networks.family == "dcgan"
        freezing = fold_dcgan if one_size else fold
        layers = folded_weights(networks.generator, parameters, networks.generator_statistics, patch, freezing)
        architecture: Any = networks.architecture
        kind = DcganPrior if one_size else GeneratorPrior
        return kind(architecture, layers, calibration, provenance=provenance)

    def completed(self, prior: AbstractLearnedPrior, state: TrainingState) -> AbstractLearnedPrior:
        """The prior with the last discriminator, if the recipe keeps it."""
        if not (self.task.recipe.training.keep_discriminator and isinstance(prior, GeneratorPrior)):
            return prior
        parameters, statistics = state.discriminator, state.discriminator_statistics
        network = nnx.merge(self.networks.discriminator, parameters, statistics, copy=True)
        patch = self.task.recipe.training.patch
        return prior.with_critic(freeze(network, jnp.zeros((1, *patch, self.task.channels))))


def step_of(
    task: Task, networks: Networks, conditioning: Conditioning | None = None
) -> Callable[..., tuple[TrainingState, Losses]]:
    """The compiled step of both networks, which takes over the memory of the state.

    Raises
    ------
    InputError
        If the recipe weighs patterns, and the image has none.
    """
    step = make_step(task.recipe, networks, len(task.image.categories), _image_frequencies(task), conditioning)
    one: Callable[..., tuple[TrainingState, Losses]] = compiled(step, of_networks=True, donate_argnums=0)
    return one


def _image_frequencies(task: Task) -> Frequencies | None:
    recipe, image = task.recipe, task.image
    if not recipe.training.patterns:
        return None
    if len(image.categories) != 2 or image.facies.ndim != 2:
        raise InputError(
            f"The training image {image.name!r} has {len(image.categories)} facies in {image.facies.ndim} "
            "dimensions, and the recipe weighs patterns, which are of two facies in a plane; leave 'patterns' out."
        )
    return image_frequencies(image.facies, recipe.image.flips)


@functools.partial(compiled, of_networks=True, static_argnums=(0, 3, 4))
def folded_weights(
    graph: nnx.GraphDef,
    parameters: nnx.State,
    statistics: nnx.State,
    shape: tuple[int, ...],
    fold: Callable[[Any], tuple[FoldedLayer, ...]],
) -> tuple[FoldedLayer, ...]:
    """Re-estimate a generator's batch statistics on one large batch of noise and freeze them into the weights."""
    network = nnx.merge(graph, parameters, statistics, copy=True)
    network(statistics_latents(network.architecture, shape), shape)
    return fold(network)


def statistics_latents(
    architecture: GeneratorArchitecture | ConditionalArchitecture | DcganArchitecture, shape: tuple[int, ...]
) -> list[Array]:
    """The noise on which statistics of a generator are estimated."""
    shapes = architecture.latent_shapes(shape)
    keys = jax.random.split(from_seed(STATISTICS_SEED, "batch statistics"), len(shapes))
    return [jax.random.normal(key, (STATISTICS_BATCH, *one)) for key, one in zip(keys, shapes, strict=True)]
