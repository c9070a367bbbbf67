"""The share of every facies in every cell, of which block means of facies are averages.

Softly it is the probability of each facies under the ordered logit, exactly 1 for the cell's facies and 0 for all
others, along a last axis in the order of the prior's categories.
"""

from typing import final

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from latentinv.priors.core import AbstractFaciesModel, AbstractPrior
from latentinv.pytrees import pytree

from ._abstract import PROPERTIES, AbstractProperty, check_slope


@final
@PROPERTIES.register("facies_shares")
@pytree("slope")
class FaciesShares(AbstractProperty):
    """Shares of the facies in each cell.

    Parameters
    ----------
    facies_model
        The prior's reading of a field as facies.
    slope
        Slope of the soft reading of facies, per unit of the field.

    Raises
    ------
    InputError
        If the slope is not positive and finite.
    """

    kind = "facies_shares"

    def __init__(self, facies_model: AbstractFaciesModel, slope: float = 20.0) -> None:
        self.facies_model: AbstractFaciesModel = facies_model
        self.slope = check_slope(slope, "the property")

    def soft(
        self, field: Float[Array, "*grid"], sharpness: float | Float[Array, ""] = 1.0
    ) -> Float[Array, "*grid facies"]:
        """Probability of each facies."""
        return jnp.exp(self.facies_model.log_probability(field, sharpness * self.slope))

    def exact(self, field: Float[Array, "*grid"]) -> Float[Array, "*grid facies"]:
        """1 for the facies of the cell, 0 for the others; NaN where the field is not a number."""
        field = jnp.asarray(field)
        shares = jax.nn.one_hot(self.facies_model.index(field), len(self.facies_model.categories), dtype=field.dtype)
        return jnp.where(self.facies_model.undefined(field)[..., None], jnp.nan, shares)

    def of_facies(self) -> Float[np.ndarray, "facies facies"]:
        """Each facies has a share of 1 of itself."""
        return np.eye(len(self.facies_model.categories))

    def to_arrays(self) -> dict[str, np.ndarray]:
        """The slope."""
        return {"slope": np.asarray(self.slope)}

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray], prior: AbstractPrior) -> "FaciesShares":
        """Restore the property."""
        assert prior.facies_model is not None
        return cls(prior.facies_model, float(arrays["slope"]))
