"""How a field is read as facies, hard (the facies) and soft (the probability of each).

`FaciesModel` cuts one number per cell by ordered thresholds; its soft reading is an ordered logit with a slope. Others
read several numbers per cell, which are the field's last axis: rules of cuts (`TruncationRule`), and models in which
these numbers are followed by scores of a property within facies (`HierarchicalFaciesModel`). Facies models are static
parts of a program: thresholds and codes are Python numbers.
"""

import abc
import dataclasses
import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self, final

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from latentinv.errors import InputError

from ._facies_names import facies_names, plain_name


class AbstractFaciesModel(abc.ABC):
    """How a field is read as facies; frozen, and equal to any other that reads all fields in the same way."""

    categories: tuple[int, ...]
    """The facies codes as users write them."""

    names: tuple[str, ...] = ()
    """What the facies are called, in the order of `categories`; empty where they have no names."""

    score_count: int = 0
    """Number of scores per cell of properties within facies; above 0 only for a hierarchical prior."""

    @property
    def components(self) -> int | None:
        """Numbers of a field in each cell, along its last axis; None for a single number, without that axis."""
        return None

    @property
    def middles(self) -> tuple[float, ...] | None:
        """A typical field value of each facies; None where facies are not read from one number."""
        return None

    def leading(self, field: Float[Array, "*field"]) -> Float[Array, "*leading"]:
        """The numbers from which facies are read: the field without its scores."""
        return jnp.asarray(field)

    def scores(self, field: Float[Array, "*field"]) -> Float[Array, "*grid score"]:
        """The scores in each cell, `score_count` of them: one for all facies, or one for each."""
        field = jnp.asarray(field)
        cells = field.shape if self.components is None else field.shape[:-1]
        return jnp.zeros((*cells, 0), field.dtype)

    def field_shape(self, cells: tuple[int, ...]) -> tuple[int, ...]:
        """Shape of a field on cells of this shape."""
        return cells if self.components is None else (*cells, self.components)

    def named(self, names: Mapping[int, str] | Sequence[str]) -> Self:
        """The same facies with names: one for each code, or in the order of `categories`.

        Raises
        ------
        InputError
            If there is not one for each, one is no plain word, or two are alike.
        """
        other: Any = dataclasses.replace(self, names=facies_names(names, self.categories))  # type: ignore[type-var]
        return other

    def label(self, code: int) -> str:
        """What people call a facies: ``sand``, or ``facies 1`` where it has no name."""
        return self.names[self.categories.index(int(code))] if self.names else f"facies {code}"

    @property
    def labels(self) -> tuple[str, ...]:
        """The label of each facies, in the order of `categories`."""
        return tuple(map(self.label, self.categories))

    def code(self, facies: int | str) -> int:
        """The code of a facies that is given by code or by name, in upper or lower case.

        Raises
        ------
        InputError
            If there is no such facies.
        """
        known = {plain_name(name): code for name, code in zip(self.names, self.categories, strict=False)}
        found = known.get(plain_name(facies)) if isinstance(facies, str) else facies
        if found not in self.categories:
            raise InputError(f"There is no facies {facies}; the prior has {self.listed()}.")
        return int(found)

    def listed(self) -> str:
        """All codes with their names, for messages: ``0 (clay), 1 (sand)``."""
        if not self.names:
            return ", ".join(map(str, self.categories))
        return ", ".join(f"{code} ({name})" for code, name in zip(self.categories, self.names, strict=True))

    @property
    def code_type(self) -> np.dtype:
        """The smallest integers that hold every facies code."""
        return np.result_type(*(np.min_scalar_type(code) for code in self.categories))

    @abc.abstractmethod
    def index(self, field: Float[Array, "*field"]) -> Int[Array, "*grid"]:
        """Index of the facies in `categories` in each cell."""

    def facies(self, field: Float[Array, "*field"]) -> Int[Array, "*grid"]:
        """Facies code in each cell."""
        return jnp.asarray(self.categories)[self.index(field)]

    def undefined(self, field: Float[Array, "*field"]) -> Bool[Array, "*grid"]:
        """Where the field is not a number, so that the facies given by `index` is meaningless."""
        missing = jnp.isnan(field)
        return missing if self.components is None else missing.any(axis=-1)

    @abc.abstractmethod
    def margin(self, field: Float[Array, "*field"], index: Int[Array, "*grid"]) -> Float[Array, "*grid"]:
        """How far a cell lies inside the field values of a facies (given by index); negative outside."""

    @abc.abstractmethod
    def log_probability(
        self, field: Float[Array, "*field"], slope: float | Float[Array, ""]
    ) -> Float[Array, "*grid facies"]:
        """Log-probability of each facies; the hard reading as the slope grows."""

    @abc.abstractmethod
    def describe(self) -> str:
        """Describe the reading, for messages."""


@final
@dataclass(frozen=True)
class FaciesModel(AbstractFaciesModel):
    """How a continuous field is read as facies.

    Parameters
    ----------
    categories
        The facies codes as users write them, in the order of growing field value.
    thresholds
        Field values between successive categories, growing; one fewer than the categories.
    names
        What the facies are called, in the order of the categories; empty where they have no names.
    """

    categories: tuple[int, ...]
    thresholds: tuple[float, ...]
    names: tuple[str, ...] = field(default=(), compare=False)

    def __post_init__(self) -> None:
        if len(self.categories) < 2 or len(self.thresholds) != len(self.categories) - 1:
            raise InputError(
                f"{len(self.categories)} facies and {len(self.thresholds)} thresholds were given; expected "
                "at least two facies and one threshold between each two."
            )
        if len(set(self.categories)) != len(self.categories):
            raise InputError(f"The facies codes {self.categories} contain one twice; give each facies its own code.")
        if not all(map(math.isfinite, self.thresholds)):
            raise InputError(f"The thresholds {self.thresholds} are not all finite; give field values.")
        if any(a >= b for a, b in itertools.pairwise(self.thresholds)):
            raise InputError(f"The thresholds {self.thresholds} do not increase; give them in increasing order.")
        object.__setattr__(self, "names", facies_names(self.names, self.categories))

    @property
    def middles(self) -> tuple[float, ...]:
        """Midpoint between the thresholds of each facies; for the first and the last facies, its only threshold."""
        edges = self.thresholds
        between = ((a + b) / 2 for a, b in itertools.pairwise(edges))
        return (edges[0], *between, edges[-1])

    def index(self, field: Float[Array, "*grid"]) -> Int[Array, "*grid"]:
        """Index of the facies in `categories` at each value of the field."""
        field = jnp.asarray(field)  # a float64 array from NumPy is converted to JAX's precision
        return jnp.searchsorted(jnp.asarray(self.thresholds, field.dtype), field, side="right")

    def margin(self, field: Float[Array, "*grid"], index: Int[Array, "*grid"]) -> Float[Array, "*grid"]:
        """How far a field value lies inside the interval of a facies (given by index); negative outside."""
        field = jnp.asarray(field)
        edges = jnp.asarray((-jnp.inf, *self.thresholds, jnp.inf), field.dtype)
        return jnp.minimum(field - edges[index], edges[index + 1] - field)

    def log_probability(
        self, field: Float[Array, "*grid"], slope: float | Float[Array, ""]
    ) -> Float[Array, "*grid facies"]:
        """Log-probability of each facies by the ordered logit, P(index > k) = σ(slope · (field − threshold)).

        At slope 0 every facies between two thresholds would vanish, so the extreme facies share all; as the
        slope grows the reading becomes the hard one.
        """
        field = jnp.asarray(field)
        # Each threshold by itself, so that programs that read a field on their way hold no array of them.
        above = slope * jnp.stack([field - threshold for threshold in self.thresholds], axis=-1)
        log_above = jax.nn.log_sigmoid(above)
        log_below = jax.nn.log_sigmoid(-above)
        # P(between a and b) = σ(u_a) − σ(u_b) = σ(u_a) σ(−u_b) (1 − e^(u_b − u_a)), without cancellation; the
        # last factor comes from the thresholds alone, for u_b − u_a loses its digits at far field values.
        width = jnp.log(-jnp.expm1(-slope * jnp.asarray(np.diff(self.thresholds), field.dtype)))
        inner = log_above[..., :-1] + log_below[..., 1:] + width
        return jnp.concatenate([log_below[..., :1], inner, log_above[..., -1:]], axis=-1)

    def describe(self) -> str:
        """Describe codes and thresholds."""
        return f"facies {self.categories} with thresholds {self.thresholds}"
