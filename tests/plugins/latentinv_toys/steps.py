"""A forward model: the steps of the property from one column to the next, averaged over rows."""

from typing import final

import jax.numpy as jnp

from latentinv.forward import FORWARDS, AbstractForward
from latentinv.pytrees import pytree


@final
@FORWARDS.register("toy_steps")
@pytree()
class Steps(AbstractForward):
    """One number between every two columns."""

    kind, linear = "toy_steps", True

    def __init__(self, grid):
        self.grid = grid

    @property
    def count(self):
        return self.grid.shape[1] - 1

    def predict(self, property):
        return jnp.diff(property.mean(axis=0))

    def to_arrays(self):
        return {}

    @classmethod
    def from_arrays(cls, arrays, grid):
        return cls(grid)
