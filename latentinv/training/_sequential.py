"""Sequential simulation: networks learn by maximum likelihood the odds of each cell, given those drawn before it.

Patches may reach over the border of the image and may lack cells: these are zeros, which the networks see as not known,
and the likelihood leaves them out. Cells near the border lie in fewer patches than others, and weigh as much more, so
that every cell of the image counts the same. Nothing has to be balanced, and the loss says how far the training is.
"""

from typing import Any, NamedTuple, final

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, Float32

from latentinv.errors import InputError
from latentinv.keys import from_seed
from latentinv.networks import FAST, Draw, Drawn, SequentialArchitecture, Weights, initial_sequential, simulate
from latentinv.priors.learned import Calibration, SequentialPrior
from latentinv.training.images import OpenPatches, image_shares

from ._balance import balanced
from ._compilation import compiled
from ._method import METHODS, AbstractMethod, Task
from ._step import times

WARM = 50
"""Steps over which the learning rate rises."""


class SequentialState(NamedTuple):
    """State of a training."""

    weights: Any
    optimizer: Any
    average: Any
    best: Any
    best_score: Array
    step: Array


class SequentialLosses(NamedTuple):
    """Minus the log-likelihood of a cell, in nats."""

    cells: Float[Array, ""]


@final
@METHODS.register("sequential")
class SequentialSimulation(AbstractMethod):
    """Networks of a sequential simulation by likelihood."""

    def __init__(self, task: Task) -> None:
        recipe, image, settings = task.recipe, task.image, task.recipe.sequential
        if image.values is None and recipe.image.ordered and len(image.categories) > 2:
            raise InputError(
                f"The recipe has ordered = true and family = 'sequential', but the image has {len(image.categories)} "
                "facies, which are drawn without order; leave ordered out, or use family = 'generator'."
            )
        content = "value" if image.values is not None else "two facies" if task.channels == 1 else "several facies"
        self.task, self.recipe = task, recipe
        self.architecture = SequentialArchitecture(
            image.facies.ndim, content, task.channels, settings.widths, settings.windows
        )
        self._patches = OpenPatches.of(task.levels, image, recipe.training.patch)
        self._optimizer = optax.chain(
            optax.clip_by_global_norm(1.0),
            optax.adam(optax.linear_schedule(0.0, settings.learning_rate, WARM), b1=0.9, b2=0.99),
        )
        self._step = compiled(self._make_step(), donate_argnums=0)

    def patches(self, rng: np.random.Generator, count: int) -> Float32[np.ndarray, "patch *shape channel"]:
        """Patches that may reach over the border, with the weight of each cell as their last channel."""
        return self._patches.cut(rng, count, self.recipe.image.flips)

    def initial_state(self) -> SequentialState:
        """Random weights."""
        key = from_seed(self.recipe.training.seed, "sequential weights")
        weights = initial_sequential(key, self.architecture)
        # Copies, since a step can donate each array only once.
        average, best = (jax.tree.map(jnp.array, weights) for _ in range(2))
        return SequentialState(
            weights, self._optimizer.init(weights), average, best, jnp.float32(jnp.inf), jnp.int32(0)
        )

    def step(
        self, state: SequentialState, patches: Float[Array, "batch *patch channel"], rate: float
    ) -> tuple[SequentialState, SequentialLosses]:
        """A step of all networks."""
        return self._step(state, patches, rate)

    def prior(self, parameters: Any, calibration: Calibration, provenance: dict[str, Any]) -> SequentialPrior:
        """The networks, balanced, with the recipe's temperatures."""
        temperatures, image = self.recipe.sequential.temperatures, self.task.image
        if image.values is None:
            target = jnp.asarray(image_shares(image), jnp.float32)
            parameters = balanced(self.architecture, parameters, temperatures, target)
        return SequentialPrior(
            self.architecture, parameters, calibration, temperatures=temperatures, provenance=provenance
        )

    def _make_step(self) -> Any:
        architecture, decay_to = self.architecture, self.recipe.training.average

        def step(state: SequentialState, patches: Array, rate: Array) -> tuple[SequentialState, SequentialLosses]:
            def loss(weights: Weights) -> Array:
                return -log_likelihood(architecture, weights, patches[..., :-1], patches[..., -1:])

            value, gradient = jax.value_and_grad(loss)(state.weights)
            update, optimizer = self._optimizer.update(gradient, state.optimizer, state.weights)
            weights = optax.apply_updates(state.weights, times(rate, update))
            # Early weights are far from any useful average, so the decay grows to its value over the first steps.
            decay = jnp.minimum(decay_to, (1 + state.step) / (10 + state.step))
            average = jax.tree.map(lambda a, w: decay * a + (1 - decay) * w, state.average, weights)
            after = state._replace(weights=weights, optimizer=optimizer, average=average, step=state.step + 1)
            return after, SequentialLosses(value)

        return step


def log_likelihood(
    architecture: SequentialArchitecture,
    weights: Weights,
    levels: Float[Array, "batch *space channel"],
    weight: Float[Array, "batch *space 1"],
) -> Float[Array, ""]:
    """Of levels, a cell on average, where each counts by its weight."""
    terms = []

    def decide(drawn: Drawn, told: Array) -> Draw:
        given = drawn.of(levels, architecture.unit)
        each = architecture.cell.log_likelihood(told, given)
        terms.append(jnp.sum(each * drawn.of(weight, architecture.unit)[..., 0]))
        return Draw(given, given)

    simulate(architecture, weights, len(levels), levels.shape[1:-1], decide, padded=True, precision=FAST)
    return sum(terms, jnp.zeros(())) / jnp.maximum(weight.sum(), 1.0)
