"""What a way of training is: a state, a step, and the prior that weights make. Each is registered in a file of its own.

The loop asks for nothing else: it cuts patches, compares with the image, keeps the best weights and writes files.
"""

import abc
from typing import Any, NamedTuple, Protocol

import numpy as np
from jaxtyping import Array, Float, Float32

from latentinv.priors.learned import AbstractLearnedPrior, Calibration
from latentinv.registration import Registry
from latentinv.training.images import Levels, TrainingImage, choose_places

from ._recipe import Recipe


class State(Protocol):
    """State of a training: a NamedTuple of trees of arrays that the next step needs, with at least these fields."""

    average: Any
    """Averaged weights."""
    best: Any
    """Averaged weights of the state that is kept."""
    best_score: Array
    """Of the nearest comparison so far."""
    step: Array

    def _replace(self, **changed: Any) -> Any: ...


class Task(NamedTuple):
    """What is to be trained on."""

    recipe: Recipe
    image: TrainingImage
    levels: Levels
    """Numbers in each cell of the image that networks see."""

    @property
    def channels(self) -> int:
        """Numbers in each cell."""
        return self.levels.shape[-1]


class AbstractMethod(abc.ABC):
    """A way of training a prior."""

    task: Task

    @abc.abstractmethod
    def __init__(self, task: Task) -> None: ...

    @abc.abstractmethod
    def initial_state(self) -> Any:
        """The state before the first step."""

    def patches(self, rng: np.random.Generator, count: int) -> Float32[np.ndarray, "patch *shape channel"]:
        """Cut patches of levels at random places; `InputError` if there is no place for one."""
        recipe, image = self.task.recipe, self.task.image
        places = choose_places(rng, image, recipe.training.patch, count, flips=recipe.image.flips)
        return places.cut(self.task.levels)

    @abc.abstractmethod
    def step(self, state: Any, patches: Float[Array, "batch *patch channel"], rate: float) -> tuple[Any, Any]:
        """Take a step on patches of levels; the state after it, and a NamedTuple of losses.

        The memory of the state given is taken over, so it cannot be used afterwards. The recipe's learning rates are
        multiplied by `rate`.
        """

    @abc.abstractmethod
    def prior(self, parameters: Any, calibration: Calibration, provenance: dict[str, Any]) -> AbstractLearnedPrior:
        """The prior that averaged weights make."""

    def stage(self, step: int, steps: int) -> range:
        """The steps of the part of a training of `steps` to which a step belongs: all, unless it goes part by part.

        Rates fall at the end of each part, and states of the last alone compete to be kept.
        """
        del step
        return range(steps)

    def completed(self, prior: AbstractLearnedPrior, state: Any) -> AbstractLearnedPrior:
        """The prior with whatever else of the last state its file is to keep."""
        del state
        return prior


METHODS: Registry[type[AbstractMethod]] = Registry("training method", rooms=("latentinv.training",))
"""By the family of the priors they train, as recipes name it."""
