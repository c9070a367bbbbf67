"""Any function of a property, written with JAX, as a forward model.

A function has no form that a file could hold, so a run file keeps only what it predicts for one property, and whoever
reads the run gives the function again; from that prediction a mistaken one is told apart.
"""

from collections.abc import Callable
from typing import NoReturn, final

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from latentinv.errors import InputError
from latentinv.forward.core import AbstractForward
from latentinv.grid import Grid

Function = Callable[[Float[Array, "*grid"]], Float[Array, "datum"]]
"""From the property of every cell to the data."""


@final
class FunctionForward(AbstractForward):
    """A function ``property [*grid] -> data [datum]`` as a forward model.

    Parameters
    ----------
    function
        Pure, and made of JAX's operations, so that it has gradients.
    grid
        Where the property lives.

    Raises
    ------
    InputError
        If the function is not made of JAX's operations, or gives anything else than one array with one axis.
    """

    kind = "function"

    def __init__(self, function: Function, grid: Grid) -> None:
        try:
            given = jax.eval_shape(function, jax.ShapeDtypeStruct(grid.shape, jnp.float32))
        except (jax.errors.TracerArrayConversionError, jax.errors.ConcretizationTypeError) as error:
            name = getattr(function, "__name__", type(function).__name__)
            raise InputError(
                f"The forward function '{name}' turns the property into NumPy's numbers; write it with jax.numpy, or "
                "give it as the method 'simulate' of a class to ExternalForward."
            ) from error
        if len(getattr(given, "shape", ())) != 1:
            raise InputError(f"The forward function gives {given}; expected one array with one number a datum.")
        self.function, self.grid = function, grid
        self._count = int(given.shape[0])

    @property
    def count(self) -> int:
        """Number of data."""
        return self._count

    def predict(self, property: Float[Array, "*grid"]) -> Float[Array, "datum"]:
        """Call the function."""
        return self.function(property)

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Nothing: a function cannot be stored."""
        return {}

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray], grid: Grid) -> NoReturn:
        """Raise `InputError`: a function cannot be stored."""
        raise InputError("A function cannot be made from a file; give it again.")
