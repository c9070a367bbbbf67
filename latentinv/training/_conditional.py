"""Adversarial training of a generator that sees wells: the step is in `_step.py`, what it is shown in
`_conditioning.py`.
"""

import functools
from typing import Any, final

import jax.numpy as jnp
import numpy as np
from flax import nnx
from jaxtyping import Array, Float

from latentinv.devices import compiled
from latentinv.keys import from_seed
from latentinv.networks import ConditionalArchitecture, FoldedLayer
from latentinv.priors.learned import Calibration, ConditionalPrior
from latentinv.training.modules import fold

from ._adversarial import STATISTICS_BATCH, STATISTICS_SEED, statistics_latents, step_of
from ._conditioning import Conditioning, Known
from ._method import METHODS, AbstractMethod, Task
from ._pair import CONDITIONAL
from ._step import Losses, TrainingState, initialise


@final
@METHODS.register(CONDITIONAL)
class ConditionalMethod(AbstractMethod):
    """A generator against a discriminator, both of which see facies in some cells."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self.networks, self._first = initialise(task.recipe, task.image.facies.ndim, task.channels)
        self._conditioning = conditioning = Conditioning.of(task)
        self._step = step_of(task, self.networks, conditioning)
        patches = self.patches(np.random.default_rng(STATISTICS_SEED), STATISTICS_BATCH)
        self._known = conditioning.known(
            from_seed(STATISTICS_SEED, "what is known for statistics"), jnp.asarray(patches)
        )

    def initial_state(self) -> TrainingState:
        """Random weights."""
        return self._first

    def step(
        self, state: TrainingState, patches: Float[Array, "batch *patch channel"], rate: float
    ) -> tuple[TrainingState, Losses]:
        """A step of both networks."""
        return self._step(state, patches, rate)

    def prior(self, parameters: Any, calibration: Calibration, provenance: dict[str, Any]) -> ConditionalPrior:
        """The generator, with batch statistics of these weights, for patches known as in training, folded into them."""
        networks, patch = self.networks, self.task.recipe.training.patch
        architecture = networks.architecture
        assert isinstance(architecture, ConditionalArchitecture)
        layers, encoder = folded(networks.generator, parameters, networks.generator_statistics, patch, self._known)
        measures = self._conditioning.measures
        return ConditionalPrior(architecture, layers, encoder, calibration, measures=measures, provenance=provenance)


@functools.partial(compiled, of_networks=True, static_argnums=(0, 3))
def folded(
    graph: nnx.GraphDef,
    parameters: nnx.State,
    statistics: nnx.State,
    shape: tuple[int, ...],
    known: Known,
) -> tuple[tuple[FoldedLayer, ...], tuple[Array, ...]]:
    """Re-estimate a generator's batch statistics on a large batch and freeze them; its encoder as it is."""
    network = nnx.merge(graph, parameters, statistics, copy=True)
    network(statistics_latents(network.architecture, shape), shape, *known)
    return fold(network.generator), tuple(network.matrices)
