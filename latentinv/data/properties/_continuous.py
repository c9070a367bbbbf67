"""A continuous prior's field as a property, or as the logarithm of one."""

from typing import Literal, final, get_args

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from latentinv.errors import InputError
from latentinv.priors.core import AbstractPrior
from latentinv.pytrees import pytree

from ._abstract import PROPERTIES, AbstractProperty

Transform = Literal["identity", "exp"]


@final
@PROPERTIES.register("continuous")
@pytree()
class ContinuousProperty(AbstractProperty):
    """A property that is the field of a continuous prior, or the exponential of it.

    Parameters
    ----------
    transform
        ``identity``, or ``exp`` where the field is the property's natural logarithm.

    Raises
    ------
    InputError
        If there is no such transform.
    """

    kind = "continuous"
    facies_model = None

    def __init__(self, transform: Transform = "identity") -> None:
        if transform not in get_args(Transform):
            raise InputError(f"The transform is {transform!r}; expected 'identity' or 'exp'.")
        self.transform = transform
        self.linear = transform == "identity"

    def soft(self, field: Float[Array, "*grid"], sharpness: float | Float[Array, ""] = 1.0) -> Float[Array, "*grid"]:
        """The field, or its exponential, whatever the sharpness."""
        del sharpness
        return jnp.exp(field) if self.transform == "exp" else field

    def exact(self, field: Float[Array, "*grid"]) -> Float[Array, "*grid"]:
        """The same."""
        return self.soft(field)

    def to_arrays(self) -> dict[str, np.ndarray]:
        """The transform."""
        return {"transform": np.asarray(self.transform)}

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray], prior: AbstractPrior) -> "ContinuousProperty":
        """Restore the property."""
        del prior
        return cls(str(arrays["transform"]))  # type: ignore[arg-type]
