"""How the coarse fields of a refined prior are learned: a state, a step on means of blocks, and the prior they make.

Each way is registered in a file of its own, under the name that recipes give it (`coarse` in [refinement]).
"""

import abc
import dataclasses
from typing import Any

from jaxtyping import Array, Float

from latentinv.priors.learned import Calibration, CoarsePrior
from latentinv.registration import Registry

from ._method import Task
from ._recipe import Recipe
from ._step import View


class AbstractCoarse(abc.ABC):
    """A way of learning coarse fields."""

    @abc.abstractmethod
    def __init__(self, task: Task) -> None: ...

    @abc.abstractmethod
    def initial_state(self) -> Any:
        """The state before the first step: a NamedTuple with averaged weights, `average`, and `best` left None."""

    @abc.abstractmethod
    def step(
        self, state: Any, means: Float[Array, "batch *blocks channel"], rate: Float[Array, ""], view: View
    ) -> tuple[Any, Any]:
        """Take a step on means of blocks, inside a program; the state after it, and a NamedTuple of losses.

        `view` shows cells of the image, and draws those of generated means.
        """

    @abc.abstractmethod
    def prior(self, parameters: Any, calibration: Calibration, provenance: dict[str, Any]) -> CoarsePrior:
        """The prior of coarse fields that averaged weights make."""


COARSE: Registry[type[AbstractCoarse]] = Registry("coarse training", rooms=("latentinv.training",))
"""By the names of recipes."""


def coarse_recipe(recipe: Recipe) -> Recipe:
    """The recipe of the coarse networks: patches of blocks."""
    factor, training = recipe.refinement.factor, recipe.training
    patch = tuple(n // factor for n in training.patch)
    return dataclasses.replace(recipe, training=dataclasses.replace(training, patch=patch))
