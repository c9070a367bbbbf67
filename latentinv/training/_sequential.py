"""Sequential simulation: networks learn by maximum likelihood the odds of each cell, given those drawn before it.

Patches may reach over the border of the image and may lack cells: these are zeros, which the networks see as not known,
and the likelihood leaves them out. Cells near the border lie in fewer patches than others, and weigh as much more, so
that every cell of the image counts the same. Nothing has to be balanced, and the loss says how far the training is.

Networks are shown the auxiliary maps of the image, if it has any, each but in one patch of `WITHOUT`, so that they
tell the odds without it too. If the recipe says so, they are shown wells, the facies of some cells of each patch: none
of one patch in `WITHOUT`, else as large a share of its cells as chance has it, between two shares on a logarithmic
scale; of one patch in three they are runs of cells along the first axis, like boreholes in a section or a volume. So
the same networks tell the odds with wells and without.
"""

import functools
import math
import operator
from typing import Any, NamedTuple, final

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Float32

from latentinv.devices import compiled
from latentinv.errors import InputError
from latentinv.keys import from_seed
from latentinv.networks import (
    FAST,
    Around,
    Draw,
    Drawn,
    SequentialArchitecture,
    Weights,
    draw_grid,
    first_told,
    initial_sequential,
    mean_of_blocks,
    merged,
)
from latentinv.priors.learned import Calibration, SequentialPrior, looking_ahead
from latentinv.training.images import OpenPatches

from ._balance import LEAST, balanced, shares_of_blocks
from ._descent import DescentState, begin, descended, rising_adam
from ._method import METHODS, AbstractMethod, Task
from ._roughness import as_rough

WARM = 50
"""Steps over which the learning rate rises."""
FEWER = 16
"""Patches of a batch for each of the grid whose networks cost most."""
WITHOUT, SHARES, RUNS = 3, (1e-3, 1e-1), (4, 32)
"""One patch in how many has no wells, or not a map; least and largest share of a patch's cells that are wells; least
and largest number of cells of a run."""


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
            sees=settings.wells,
            maps=sum(one.range.channels for one in image.maps),
        )
        levels, turning, channel = task.levels, list[int](), task.channels
        if image.maps:
            levels = np.concatenate([levels, image.shown], axis=-1)
        for one in image.maps:
            turning += [channel + turned for turned in one.range.turning]
            channel += one.range.channels
        self._patches = OpenPatches.of(levels, image, recipe.training.patch, tuple(turning))
        self._optimizer = rising_adam(settings.learning_rate, WARM)
        self._step = compiled(self._make_step(), of_networks=True, donate_argnums=0)

    def patches(self, rng: np.random.Generator, count: int) -> Float32[np.ndarray, "patch *shape channel"]:
        """Patches that may reach over the border: behind the levels the auxiliary maps, then the weight of each cell,
        then, if wells are seen, 1 in cells that are wells.
        """
        cut, first = self._patches.cut(rng, count, self.recipe.image.flips), self.architecture.channels
        for one in self.task.image.maps:
            shown = rng.integers(WITHOUT, size=count) > 0
            cut[..., first : first + one.range.channels] *= shown.reshape(-1, *(1,) * (cut.ndim - 1))
            first += one.range.channels
        if not self.architecture.sees:
            return cut
        wells = np.stack([_places_of_wells(rng, self.recipe.training.patch) for _ in range(count)])
        return np.concatenate([cut, wells[..., None].astype(np.float32)], axis=-1)

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
            if not self.architecture.sees:
                lookahead = looking_ahead(self.architecture, image.indices)
            temperatures = as_rough(self.architecture, parameters, temperatures, image)
            parameters = balanced(self.architecture, parameters, temperatures, image)
        return SequentialPrior(
            self.architecture,
            parameters,
            calibration,
            temperatures=temperatures,
            lookahead=lookahead,
            maps=[one.range for one in image.maps],
            provenance=provenance,
        )

    def _make_step(self) -> Any:
        architecture, decay = self.architecture, self.recipe.training.average

        def step(state: DescentState, patches: Array, rate: Array | float) -> tuple[DescentState, SequentialLosses]:
            first, end = architecture.channels, architecture.channels + architecture.maps
            levels, maps, weight, places = jnp.split(patches, (first, end, end + 1), axis=-1)
            wells = facies_of_levels(levels) * places if architecture.sees else None
            around = Around(wells, maps if architecture.maps else None)

            def loss(weights: Weights) -> Array:
                return -log_likelihood(architecture, weights, levels, weight, around)

            value, gradient = jax.value_and_grad(loss)(state.weights)
            return descended(state, gradient, self._optimizer, rate, decay), SequentialLosses(value)

        return step


def log_likelihood(
    architecture: SequentialArchitecture,
    weights: Weights,
    levels: Float[Array, "batch *space channel"],
    weight: Float[Array, "batch *space 1"],
    around: Around,
) -> Float[Array, ""]:
    """Of levels, a cell on average, where each counts by its weight; each grid's is of the first `counts` of fields.
    Networks see what is around.
    """
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
        seen = jax.tree.map(operator.itemgetter(slice(count)), around)
        if level == 0:
            decide(whole, first_told(architecture, weights, base.shape[:-1], seen, precision=FAST))
        draw_grid(architecture, weights, level, Draw(base, base), decide, seen, padded=True, precision=FAST)
        total += sum(terms, jnp.zeros(())) / jnp.maximum(weight[:count].sum(), 1.0)
    return total


def counts(architecture: SequentialArchitecture, batch: int) -> tuple[int, ...]:
    """How many patches of a batch each grid learns from: the more its networks cost, the fewer.

    The finest grids have many cells in a patch, which are alike, and nearly all of the cost.
    """
    costs = [architecture.cost(level) for level in range(len(architecture.widths))]
    return tuple(min(batch, math.ceil(batch / FEWER * max(costs) / cost)) for cost in costs)


def facies_of_levels(levels: Float[Array, "*cell channel"]) -> Float[Array, "*cell facies"]:
    """1 for the facies of each cell and 0 for the others; nothing in cells that are not known."""
    two = levels.shape[-1] == 1
    return (jnp.concatenate([levels < 0, levels > 0], axis=-1) if two else levels > 0).astype(levels.dtype)


def _places_of_wells(rng: np.random.Generator, shape: tuple[int, ...]) -> Bool[np.ndarray, "*shape"]:
    """Cells of a patch that are shown, by chance."""
    if rng.integers(WITHOUT) == 0:
        return np.zeros(shape, bool)
    share = np.exp(rng.uniform(*np.log(SHARES)))
    if rng.integers(3) > 0:
        return rng.random(shape) < share
    run = int(np.exp(rng.uniform(*np.log(RUNS))))
    tops = rng.random(shape) < share / run
    return np.logical_or.reduce([_lowered(tops, n) for n in range(run)])


def _lowered(x: Bool[np.ndarray, "*shape"], cells: int) -> Bool[np.ndarray, "*shape"]:
    """Moved along the first axis; what leaves the patch is gone."""
    moved = np.zeros_like(x)
    moved[cells:] = x[: len(x) - cells]
    return moved


def _of_blocks(
    architecture: SequentialArchitecture, levels: Array, weight: Array, edges: tuple[int, ...]
) -> tuple[Array, Array]:
    """What blocks of a size are, and how much they count: those that are not known, nothing."""
    if max(edges) == 1:
        return levels, weight
    blocks = merged(levels, architecture.order, edges)
    known = jnp.any(blocks != 0, axis=-1, keepdims=True)
    return blocks, jnp.where(known, mean_of_blocks(weight, edges), 0.0)
