"""Sequential simulation: networks learn by maximum likelihood the odds of each cell, given those drawn before it.

Patches may reach over the border of the image and may lack cells: these are zeros, which the networks see as not known,
and the likelihood leaves them out. Cells near the border lie in fewer patches than others, and weigh as much more, so
that every cell of the image counts the same. Nothing has to be balanced, and the loss says how far the training is.
"""

import functools
import math
from typing import Any, NamedTuple, final

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Float32

from latentinv.errors import InputError
from latentinv.keys import from_seed
from latentinv.networks import (
    FAST,
    Draw,
    Drawn,
    SequentialArchitecture,
    Weights,
    draw_grid,
    initial_sequential,
    mean_of_blocks,
    merged,
)
from latentinv.priors.learned import Calibration, SequentialPrior, looking_ahead
from latentinv.training.images import OpenPatches

from ._balance import LEAST, balanced, shares_of_blocks
from ._compilation import compiled
from ._descent import DescentState, begin, descended, rising_adam
from ._method import METHODS, AbstractMethod, Task
from ._roughness import as_rough

WARM = 50
"""Steps over which the learning rate rises."""
FEWER = 16
"""Patches of a batch for each of the grid whose networks cost most."""


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
            ndim=image.facies.ndim,
            content=content,
            channels=task.channels,
            widths=settings.widths,
            windows=settings.windows,
            stretch=settings.stretch or (1,) * image.facies.ndim,
            apart=settings.apart,
            blocks=settings.blocks,
            order=tuple(image.categories.index(code) for code in settings.order or ()),
        )
        self._patches = OpenPatches.of(task.levels, image, recipe.training.patch)
        self._optimizer = rising_adam(settings.learning_rate, WARM)
        self._step = compiled(self._make_step(), donate_argnums=0)

    def patches(self, rng: np.random.Generator, count: int) -> Float32[np.ndarray, "patch *shape channel"]:
        """Patches that may reach over the border, with the weight of each cell as their last channel."""
        return self._patches.cut(rng, count, self.recipe.image.flips)

    def initial_state(self) -> DescentState:
        """Random weights, but the first cells, which are drawn with nothing known, by the shares of the image.

        These are their likeliest odds; steps of the learning rate would take thousands to reach those of a rare facies.
        """
        key, image = from_seed(self.recipe.training.seed, "sequential weights"), self.task.image
        weights = initial_sequential(key, self.architecture)
        if image.values is None:
            odds = np.log(np.maximum(shares_of_blocks(self.architecture, image, 0), LEAST))
            weights["first.bias"] = jnp.asarray(odds if len(weights["first.bias"]) > 1 else np.diff(odds), jnp.float32)
        return begin(weights, self._optimizer)

    def step(
        self, state: DescentState, patches: Float[Array, "batch *patch channel"], rate: float
    ) -> tuple[DescentState, SequentialLosses]:
        """A step of all networks."""
        return self._step(state, patches, rate)

    def prior(self, parameters: Any, calibration: Calibration, provenance: dict[str, Any]) -> SequentialPrior:
        """The networks, balanced, with the recipe's temperatures or, if the image is rougher, warmer ones."""
        temperatures, image, lookahead = self.recipe.sequential.temperatures, self.task.image, None
        if image.values is None:
            lookahead = looking_ahead(self.architecture, image.indices)
            temperatures = as_rough(self.architecture, parameters, temperatures, image)
            parameters = balanced(self.architecture, parameters, temperatures, image)
        return SequentialPrior(
            self.architecture,
            parameters,
            calibration,
            temperatures=temperatures,
            lookahead=lookahead,
            provenance=provenance,
        )

    def _make_step(self) -> Any:
        architecture, decay = self.architecture, self.recipe.training.average

        def step(state: DescentState, patches: Array, rate: Array) -> tuple[DescentState, SequentialLosses]:
            def loss(weights: Weights) -> Array:
                return -log_likelihood(architecture, weights, patches[..., :-1], patches[..., -1:])

            value, gradient = jax.value_and_grad(loss)(state.weights)
            return descended(state, gradient, self._optimizer, rate, decay), SequentialLosses(value)

        return step


def log_likelihood(
    architecture: SequentialArchitecture,
    weights: Weights,
    levels: Float[Array, "batch *space channel"],
    weight: Float[Array, "batch *space 1"],
) -> Float[Array, ""]:
    """Of levels, a cell on average, where each counts by its weight; each grid's is of the first `counts` of fields."""
    total = jnp.zeros(())
    for level, count in enumerate(counts(architecture, len(levels))):
        terms: list[Array] = []
        given = functools.cache(functools.partial(_of_blocks, architecture, levels[:count], weight[:count]))

        def decide(drawn: Drawn, told: Array, terms: list[Array] = terms, given: Any = given) -> Draw:
            here, counted = (drawn.of(each, architecture) for each in given(drawn.block))
            terms.append(jnp.sum(architecture.cell.log_likelihood(told, here) * counted[..., 0]))
            return Draw(here, here)

        whole = Drawn(level, 0, (0,) * architecture.ndim, 0, architecture.block(level))
        base = whole.of(given(whole.block)[0], architecture)
        if level == 0:
            decide(whole, jnp.broadcast_to(weights["first.bias"], (*base.shape[:-1], len(weights["first.bias"]))))
        draw_grid(architecture, weights, level, Draw(base, base), decide, padded=True, precision=FAST)
        total += sum(terms, jnp.zeros(())) / jnp.maximum(weight[:count].sum(), 1.0)
    return total


def counts(architecture: SequentialArchitecture, batch: int) -> tuple[int, ...]:
    """How many patches of a batch each grid learns from: the more its networks cost, the fewer.

    The finest grids have many cells in a patch, which are alike, and nearly all of the cost.
    """
    costs = [architecture.cost(level) for level in range(len(architecture.widths))]
    return tuple(min(batch, math.ceil(batch / FEWER * max(costs) / cost)) for cost in costs)


def _of_blocks(
    architecture: SequentialArchitecture, levels: Array, weight: Array, edges: tuple[int, ...]
) -> tuple[Array, Array]:
    """What blocks of a size are, and how much they count: those that are not known, nothing."""
    if max(edges) == 1:
        return levels, weight
    blocks = merged(levels, architecture.order, edges)
    known = jnp.any(blocks != 0, axis=-1, keepdims=True)
    return blocks, jnp.where(known, mean_of_blocks(weight, edges), 0.0)
