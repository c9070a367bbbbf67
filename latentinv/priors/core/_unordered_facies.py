"""Facies without order: one number each in every cell, the largest of which is the facies of the cell.

Ordered thresholds put every facies between two others, so that a boundary between the first and the third always has a
rim of the second. Here any facies can be in contact with any other. The soft reading is that the numbers are moved by
independent Gumbel noise of scale 1 / slope, so that the probability of a facies is the softmax of slope · numbers.
"""

from dataclasses import dataclass, field
from typing import final

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from latentinv.errors import InputError

from ._facies_model import AbstractFaciesModel
from ._facies_names import facies_names


@final
@dataclass(frozen=True)
class UnorderedFaciesModel(AbstractFaciesModel):
    """Facies by the largest of as many numbers; `InputError` if there are fewer than two, or one is there twice."""

    categories: tuple[int, ...]
    """The facies codes as users write them, in the order of the numbers."""
    names: tuple[str, ...] = field(default=(), compare=False)
    """What they are called, in the same order; empty where they have no names."""

    def __post_init__(self) -> None:
        if len(self.categories) < 2 or len(set(self.categories)) != len(self.categories):
            raise InputError(f"The facies {self.categories} were given; expected at least two, each with its own code.")
        object.__setattr__(self, "names", facies_names(self.names, self.categories))

    @property
    def components(self) -> int:
        """One number for each facies."""
        return len(self.categories)

    def index(self, field: Float[Array, "*grid facies"]) -> Int[Array, "*grid"]:
        """Index of the largest number in each cell; the first of equal ones."""
        return jnp.argmax(jnp.asarray(field), axis=-1)

    def margin(self, field: Float[Array, "*grid facies"], index: Int[Array, "*grid"]) -> Float[Array, "*grid"]:
        """How far the number of a facies lies above the largest of the others; negative below."""
        field = jnp.asarray(field)
        own = jax.nn.one_hot(index, self.components, dtype=bool)
        others = jnp.where(own, -jnp.inf, field).max(axis=-1)
        return jnp.take_along_axis(field, jnp.asarray(index)[..., None], axis=-1)[..., 0] - others

    def log_probability(
        self, field: Float[Array, "*grid facies"], slope: float | Float[Array, ""]
    ) -> Float[Array, "*grid facies"]:
        """Log-probability of each facies, the logarithm of the softmax."""
        return jax.nn.log_softmax(slope * jnp.asarray(field), axis=-1)

    def describe(self) -> str:
        """Describe the codes."""
        return f"facies {self.categories} without order"
