"""A property that each facies has, such as a conductivity for clay and one for sand.

A facies prior's field is read twice. With v_k the property of facies k and P_k its ordered-logit probability,

    exact       v_k of the cell's facies
    soft        Σ P_k v_k  (arithmetic mean),  or  exp(Σ P_k log v_k)  (geometric mean)

The soft reading has gradients and becomes the exact one as the slope grows. Between facies whose property differs by
orders of magnitude the arithmetic mean
drops from the higher value as soon as P_k does, whereas the geometric mean changes evenly in the logarithm, so its
gradients reach further: it is the better surrogate for conductivities, the arithmetic mean for porosities.

Within a facies the logarithm of the property may be linear in the field, v_k exp(g_k (field − c_k)), c_k being the
middle of the facies interval, or its only threshold where the interval has no end: a property that is log-normal
within a facies where the field is Gaussian there. It costs no further latents. Heterogeneity that does not follow the
field has latents of its own, those of the scores ε_k of a `HierarchicalPrior`: v_k exp(s_k ε_k) is log-normal within
facies k, of median v_k and standard deviation s_k of its logarithm.
"""

from collections.abc import Sequence
from typing import Any, Literal, final, get_args

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from latentinv.errors import InputError
from latentinv.priors.core import AbstractFaciesModel, AbstractPrior
from latentinv.pytrees import pytree

from ._abstract import PROPERTIES, AbstractProperty, check_slope

Mean = Literal["arithmetic", "geometric"]


@final
@PROPERTIES.register("facies")
@pytree("values", "log_gradients", "log_standard_deviations", "slope")
class FaciesProperty(AbstractProperty):
    """A property that each facies has: constant, log-linear in the field, or log-normal within it.

    Parameters
    ----------
    facies_model
        The prior's reading of a field as facies.
    values
        The property of each facies, in the order of the model's categories, in the unit the forward model expects.
    mean
        How the soft reading mixes facies: ``arithmetic`` or ``geometric``.
    log_gradients
        How much the logarithm of the property grows per unit of the field within each facies; one number or one for
        each facies. At 0 the property is constant.
    log_standard_deviations
        Standard deviation of the natural logarithm of the property within each facies; one number or one for each
        facies. Above 0 it needs the facies model of a `HierarchicalPrior`, and `values` are medians.
    slope
        Slope of the soft reading of facies, per unit of the field.

    Raises
    ------
    InputError
        If there is not one value for each facies, a number is not finite, a value whose logarithm is taken is not
        positive, there are log_gradients though the facies are read from several numbers per cell, or standard
        deviations are negative or given without scores to follow.
    """

    kind = "facies"

    def __init__(
        self,
        facies_model: AbstractFaciesModel,
        values: Sequence[float] | Float[np.ndarray, "facies"],
        *,
        mean: Mean = "arithmetic",
        log_gradients: float | Sequence[float] | Float[np.ndarray, "facies"] = 0.0,
        log_standard_deviations: float | Sequence[float] | Float[np.ndarray, "facies"] = 0.0,
        slope: float = 20.0,
    ) -> None:
        if not isinstance(facies_model, AbstractFaciesModel):
            raise InputError(f"FaciesProperty was given a {type(facies_model).__name__}; give a prior's facies_model.")
        if mean not in get_args(Mean):
            raise InputError(f"The mean is {mean!r}; expected 'arithmetic' or 'geometric'.")
        count = len(facies_model.categories)
        self.facies_model: AbstractFaciesModel = facies_model
        self.mean: Mean = mean
        self.values = np.array(values, dtype=float)
        if self.values.shape != (count,):
            raise InputError(
                f"The property has {self.values.size} values, but there are {count} facies; give one for each."
            )
        self.log_gradients = _per_facies(log_gradients, "log_gradients", count)
        self.log_standard_deviations = _per_facies(log_standard_deviations, "log_standard_deviations", count)
        self.slope = check_slope(slope, "the property")
        self._graded = bool(np.any(self.log_gradients))
        self._varied = bool(np.any(self.log_standard_deviations))
        self._logarithmic = mean == "geometric" or self._graded or self._varied
        self._check()

    def _check(self) -> None:
        if not np.all(np.isfinite([self.values, self.log_gradients, self.log_standard_deviations])):
            raise InputError("The property's values, log_gradients or log_standard_deviations are not all finite.")
        if self._graded and self.facies_model.middles is None:
            raise InputError(
                "Given log_gradients, but the prior reads facies from several numbers per cell, so that there is no "
                "single field to follow; leave log_gradients at 0."
            )
        if np.any(self.log_standard_deviations < 0):
            raise InputError(
                f"A standard deviation of {self.log_standard_deviations.min():g} was given; give 0 or more."
            )
        if self._varied and not self.facies_model.score_count:
            raise InputError(
                "Given log_standard_deviations, but the prior has no scores within its facies; make a "
                "HierarchicalPrior of it and a Gaussian one, and take that one's facies_model."
            )
        if self._logarithmic and np.any(self.values <= 0):
            raise InputError(
                f"The property has a value of {self.values.min():g}, but its logarithm is taken; give values above 0."
            )

    def soft(self, field: Float[Array, "*grid"], sharpness: float | Float[Array, ""] = 1.0) -> Float[Array, "*grid"]:
        """Mean of the facies' properties, weighed by their probabilities."""
        log_share = self.facies_model.log_probability(field, sharpness * self.slope)
        if not self._logarithmic:
            return jnp.sum(jnp.exp(log_share) * jnp.asarray(self.values, log_share.dtype), axis=-1)
        log_values = self._log_values(field)
        if self.mean == "geometric":
            return jnp.exp(jnp.sum(jnp.exp(log_share) * log_values, axis=-1))
        # The value of a facies with probability 0 may be infinite, so products are taken in logarithms.
        return jnp.exp(jax.nn.logsumexp(log_share + log_values, axis=-1))

    def exact(self, field: Float[Array, "*grid"]) -> Float[Array, "*grid"]:
        """Property of each cell's facies; NaN where the field is not a number."""
        field = jnp.asarray(field)
        index = self.facies_model.index(field)
        if self._graded or self._varied:
            chosen = jnp.take_along_axis(self._log_values(field), index[..., None], axis=-1)[..., 0]
            result = jnp.exp(chosen)
        else:
            result = jnp.asarray(self.values, field.dtype)[index]
        return jnp.where(self.facies_model.undefined(field), jnp.nan, result)

    def of_facies(self) -> Float[np.ndarray, "facies"] | None:
        """The property of each facies, where it is constant within facies."""
        return None if self._graded or self._varied else np.asarray(self.values, float)

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Values and settings."""
        return {
            "values": self.values,
            "mean": np.asarray(self.mean),
            "log_gradients": self.log_gradients,
            "log_standard_deviations": self.log_standard_deviations,
            "slope": np.asarray(self.slope),
        }

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray], prior: AbstractPrior) -> "FaciesProperty":
        """Restore the property."""
        assert prior.facies_model is not None
        settings: dict[str, Any] = {"mean": str(arrays["mean"]), "slope": float(arrays["slope"])}
        settings |= {name: arrays[name] for name in ("log_gradients", "log_standard_deviations")}
        return cls(prior.facies_model, arrays["values"], **settings)

    def _log_values(self, field: Float[Array, "*field"]) -> Float[Array, "*#grid facies"]:
        """Logarithm of the property that each facies has, or would have, in a cell; one for all cells if constant."""
        field = jnp.asarray(field)
        result = jnp.log(jnp.asarray(self.values, field.dtype))
        if self._graded:
            gradients, middles = (jnp.asarray(x, field.dtype) for x in (self.log_gradients, self.facies_model.middles))
            result += gradients * (self.facies_model.leading(field)[..., None] - middles)
        if self._varied:
            result += jnp.asarray(self.log_standard_deviations, field.dtype) * self.facies_model.scores(field)
        return result


def _per_facies(given: float | Sequence[float] | np.ndarray, what: str, count: int) -> Float[np.ndarray, "facies"]:
    numbers = np.asarray(given, dtype=float)
    if numbers.shape not in ((), (count,)):
        raise InputError(f"Given {numbers.size} {what} for {count} facies; give one, or one for each.")
    return np.broadcast_to(numbers, (count,)).copy()
