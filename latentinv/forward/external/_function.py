"""Any function of a property, written with JAX, as a forward model.

A function cannot be stored, so a run file keeps only what it predicts for one field. To resume the run, the function is
given again; that prediction shows whether it is the same one.
"""

from collections.abc import Callable
from typing import Any, ClassVar, NoReturn, final

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from latentinv.errors import InputError
from latentinv.forward.core import FORWARDS, AbstractForward, ByIdentity, GivenAgain
from latentinv.grid import Grid
from latentinv.pytrees import pytree

Function = Callable[[Float[Array, "*grid"]], Float[Array, "datum"]]
"""From the property of every cell to the data."""


@final
@FORWARDS.register("function")
@pytree()
class FunctionForward(AbstractForward):
    """A function ``property [*grid] -> data [datum]`` as a forward model.

    Parameters
    ----------
    function
        Pure, and made of JAX's operations, so that it has gradients.
    grid
        Where the property lives.
    has_gradient
        Whether algorithms may use its gradients; say False where they are NaN, or zero almost everywhere.

    Raises
    ------
    InputError
        If the function is not made of JAX's operations, or gives anything else than one array of floating-point numbers
        with one axis.
    """

    kind = "function"
    given_again: ClassVar[GivenAgain] = GivenAgain("a Python function", "function")
    known_by_sample = True

    def __init__(self, function: Function, grid: Grid, *, has_gradient: bool = True) -> None:
        try:
            given = jax.eval_shape(function, jax.ShapeDtypeStruct(grid.shape, jnp.float32))
        except (jax.errors.TracerArrayConversionError, jax.errors.ConcretizationTypeError) as error:
            name = getattr(function, "__name__", type(function).__name__)
            raise InputError(
                f"The forward function '{name}' converts the property to NumPy; write it with jax.numpy, or "
                "give it as the method 'simulate' of a class to ExternalForward."
            ) from error
        if len(getattr(given, "shape", ())) != 1:
            raise InputError(f"The forward function gives {given}; expected one array with one number per datum.")
        if not jnp.issubdtype(given.dtype, jnp.floating):
            raise InputError(
                f"The forward function gives numbers of type {given.dtype}; expected floating-point numbers, such as "
                "those of jnp.asarray(data, float)."
            )
        self._function, self.grid = ByIdentity(function), grid
        self._count, self.has_gradient = int(given.shape[0]), bool(has_gradient)

    @property
    def function(self) -> Function:
        """The function."""
        return self._function.value

    @property
    def count(self) -> int:
        """Number of data."""
        return self._count

    def predict(self, property: Float[Array, "*grid"]) -> Float[Array, "datum"]:
        """Call the function."""
        return self.function(property)

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Whether it has gradients; a function cannot be stored."""
        return {"has gradient": np.asarray(self.has_gradient)}

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray], grid: Grid) -> NoReturn:
        """Raise `InputError`: a function cannot be stored."""
        raise InputError("A function cannot be made from a file; give it again.")

    @classmethod
    def from_user(cls, given: Any, arrays: dict[str, np.ndarray], grid: Grid, name: str) -> "FunctionForward":
        """Take the function, or a forward model made from it, that is given again."""
        if isinstance(given, cls):
            return given
        if not callable(given) or isinstance(given, type):
            raise InputError(cls.given_again.sentence(name))
        return cls(given, grid, has_gradient=bool(arrays["has gradient"]))
