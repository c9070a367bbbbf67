"""Coarse fields, and a refinement of their blocks by maximum likelihood.

Both learn from the same patches: the coarse fields (`_coarse.py`) from their means over blocks, the refinement from a
part of each and that part's means. Generated means are never quite those of an image, so the refinement is made robust
by noise on the means (as in cascaded diffusion, Ho et al. 2022, arXiv:2106.15282).
"""

import functools
from collections import namedtuple
from typing import Any, NamedTuple, final

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float

from latentinv.errors import InputError
from latentinv.keys import from_seed, named, numbered
from latentinv.networks import (
    FAST,
    Draw,
    RefinementArchitecture,
    Where,
    initial_refinement,
    refine,
)
from latentinv.priors.learned import Calibration, RefinedPrior, refined
from latentinv.training.modules import pooled

from ._coarse import COARSE
from ._compilation import compiled
from ._method import METHODS, AbstractMethod, Task
from ._step import View, part_at, random_corner, times


class RefinedState(NamedTuple):
    """State of a training."""

    coarse: Any
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
    """Coarse fields and their refinement."""

    def __init__(self, task: Task) -> None:
        self.task = task
        recipe, image, settings = task.recipe, task.image, task.recipe.refinement
        if settings.coarse not in COARSE:
            raise InputError(
                f"The recipe has coarse = {settings.coarse!r} in [refinement]; expected one of {', '.join(COARSE)}."
            )
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
        self.coarse = COARSE[settings.coarse](task)
        self._optimizer = optax.chain(
            optax.clip_by_global_norm(1.0), optax.adam(settings.learning_rate, b1=0.9, b2=0.99)
        )
        self._step = compiled(self._make_step(), donate_argnums=0)

    def initial_state(self) -> RefinedState:
        """Random weights."""
        weights = initial_refinement(from_seed(self.task.recipe.training.seed, "refinement weights"), self.refinement)
        coarse = self.coarse.initial_state()  # the best of both parts is kept together
        # Copies, since a step can donate each array only once.
        average, *best = (jax.tree.map(jnp.array, one) for one in (weights, coarse.average, weights))
        optimizer = self._optimizer.init(weights)
        fine = (weights, optimizer, average)
        return RefinedState(coarse, fine, tuple(best), jnp.float32(jnp.inf), jnp.int32(0))

    def step(
        self, state: RefinedState, patches: Float[Array, "batch *patch channel"], rate: float
    ) -> tuple[RefinedState, Any]:
        """A step of all networks; to the losses of the coarse fields comes minus the log-likelihood of a cell."""
        return self._step(state, patches, rate)

    def prior(self, parameters: Any, calibration: Calibration, provenance: dict[str, Any]) -> RefinedPrior:
        """Both parts."""
        coarse, weights = parameters
        return RefinedPrior(self.coarse.prior(coarse, calibration, provenance), self.refinement, weights)

    def _make_step(self) -> Any:
        recipe, architecture, coarse_step = self.task.recipe, self.refinement, self.coarse.step
        training, settings = recipe.training, recipe.refinement
        doublings = settings.factor.bit_length() - 1
        key_training = from_seed(training.seed, "refinement training")

        def means_of(x: Array) -> Array:
            for _ in range(doublings):
                x = pooled(x)
            return x

        def step(state: RefinedState, patches: Array, rate: Array) -> tuple[RefinedState, Any]:
            old, optimizer, average = state.refinement
            key_part, key_noise, key_cells = named(numbered(key_training, state.step), "part", "noise", "cells")
            corner = random_corner(key_part, patches.shape[1:-1], architecture.unit)
            part, whole = part_at(corner, patches), means_of(patches)
            some = min(settings.batch, len(part))
            inner = (slice(None), *(slice(settings.border, n - settings.border) for n in part.shape[1:-1]))

            def drawn(means: Array) -> Array:
                noise = jax.random.normal(key_cells, part.shape)
                seen = part_at(corner, means, architecture.factor)
                return refined(architecture, old, seen, noise, padded=True, precision=FAST).level[inner]

            coarse, losses = coarse_step(state.coarse, whole, rate, View(part[inner], drawn))
            means = part_at(corner, whole[:some], architecture.factor)
            means = means + settings.noise * jax.random.normal(key_noise, means.shape)

            def loss(weights: Any) -> Array:
                return -log_likelihood(architecture, weights, means, part[:some], settings.border)

            value, gradient = jax.value_and_grad(loss)(old)
            update, optimizer = self._optimizer.update(gradient, optimizer, old)
            weights = optax.apply_updates(old, times(rate, update))
            # Early weights are far from any useful average, so the decay grows to its value over the first steps.
            decay = jnp.minimum(training.average, (1 + state.step) / (10 + state.step))
            average = jax.tree.map(lambda a, w: decay * a + (1 - decay) * w, average, weights)
            after = state._replace(coarse=coarse, refinement=(weights, optimizer, average), step=state.step + 1)
            return after, with_cells(losses, value)

        return step


def with_cells(losses: Any, cells: Float[Array, ""]) -> Any:
    """Losses of coarse fields, and minus the log-likelihood of a cell in nats."""
    names = (*losses._fields, "cells")
    return _losses(names)(*losses, cells)


@functools.cache
def _losses(names: tuple[str, ...]) -> Any:
    return namedtuple("RefinedLosses", names)  # which losses there are depends on the coarse fields


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
