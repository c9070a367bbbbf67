"""What a prior is: a map from Gaussian noise to geological fields, for any grid.

A prior turns a latent vector ``z ~ N(0, I)`` into a field on a grid. A facies prior's field is continuous
(so that it has gradients); a facies model reads it as facies, hard (the facies) and soft (the probability of each).
`FaciesModel` cuts one number a cell by ordered thresholds, softly an ordered logit with a slope. Others read several
numbers a cell, the field's last axis then (`_truncation.py`).
"""

import abc
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, Shaped

from latentinv.errors import InputError
from latentinv.grid import Grid
from latentinv.storage import PriorRecord, digest, write_prior


class AbstractFaciesModel(abc.ABC):
    """How a field is read as facies; frozen, and equal to another that reads all fields alike."""

    categories: tuple[int, ...]
    """The facies codes as users write them."""

    @property
    def components(self) -> int | None:
        """Numbers of a field in each cell, which are its last axis; None for one number, without that axis."""
        return None

    def field_shape(self, cells: tuple[int, ...]) -> tuple[int, ...]:
        """Shape of a field on so many cells."""
        return cells if self.components is None else (*cells, self.components)

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
        """Where the field is not a number and so has no facies, though `index` gives one."""
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
        """Say the reading in words, for messages."""


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
    """

    categories: tuple[int, ...]
    thresholds: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(self.categories) < 2 or len(self.thresholds) != len(self.categories) - 1:
            raise InputError(
                f"{len(self.categories)} facies and {len(self.thresholds)} thresholds were given; expected "
                "at least two facies and one threshold between each two."
            )
        if len(set(self.categories)) != len(self.categories):
            raise InputError(f"The facies codes {self.categories} repeat one; give each facies its own code.")
        if not all(map(math.isfinite, self.thresholds)):
            raise InputError(f"The thresholds {self.thresholds} are not all finite; give field values.")
        if any(a >= b for a, b in zip(self.thresholds, self.thresholds[1:], strict=False)):
            raise InputError(f"The thresholds {self.thresholds} do not grow; give them in increasing order.")

    def index(self, field: Float[Array, "*grid"]) -> Int[Array, "*grid"]:
        """Index of the facies in `categories` at each value of the field."""
        field = jnp.asarray(field)  # a float64 array from NumPy takes JAX's own precision
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
        thresholds = jnp.asarray(self.thresholds, field.dtype)
        above = slope * (field[..., None] - thresholds)
        log_above = jax.nn.log_sigmoid(above)
        log_below = jax.nn.log_sigmoid(-above)
        # P(between a and b) = σ(u_a) − σ(u_b) = σ(u_a) σ(−u_b) (1 − e^(u_b − u_a)), without cancellation; the
        # last factor comes from the thresholds alone, for u_b − u_a loses its digits at far field values.
        width = jnp.log(-jnp.expm1(-slope * jnp.diff(thresholds)))
        inner = log_above[..., :-1] + log_below[..., 1:] + width
        return jnp.concatenate([log_below[..., :1], inner, log_above[..., -1:]], axis=-1)

    def describe(self) -> str:
        """Say codes and thresholds."""
        return f"facies {self.categories} with thresholds {self.thresholds}"


NO_DISCRIMINATOR = (
    "The prior has no discriminator; train it with keep_discriminator = true in the recipe's [training], or give the "
    "discriminator no weight."
)


class AbstractPrior(abc.ABC):
    """A map from latents ``z ~ N(0, I)`` to fields on any grid."""

    ndim: int
    """Axes of the fields, 2 or 3."""
    facies_model: AbstractFaciesModel | None
    """How the field is read as facies; None for a prior of a continuous property."""

    @abc.abstractmethod
    def latent_size(self, grid: Grid) -> int:
        """Length of the latent vector for a grid."""

    @abc.abstractmethod
    def generate(self, z: Float[Array, "latent"], grid: Grid) -> Float[Array, "*field"]:
        """Turn a latent vector into a field; pure, jittable, vmappable.

        One number a cell, or with a last axis of as many as the facies model has `components`.
        """

    def discriminate(self, z: Float[Array, "latent"], grid: Grid) -> Float[Array, "*scores"]:
        """Score how like its training image the field of a latent vector is, place by place; higher is more alike.

        Raises
        ------
        InputError
            If the prior has no discriminator, or the grid is smaller than what that sees at once.
        """
        raise InputError(NO_DISCRIMINATOR)

    def latent_map(self, grid: Grid) -> tuple[int, ...]:
        """Shape of the latent vector as a map: axes that run with the field's, then numbers at one place.

        A prior whose latents have no place gives one place with all of them.
        """
        return (*(1,) * grid.ndim, self.latent_size(grid))

    def latent_maps(self, grid: Grid) -> tuple[tuple[int, ...], ...]:
        """Shapes of the maps that stand one after the other in the latent vector: one for each part of a prior."""
        return (self.latent_map(grid),)

    def tiles(
        self, z: Float[np.ndarray, "latent"], grid: Grid, tile: int = 512
    ) -> Iterator[tuple[tuple[slice, ...], Float[np.ndarray, "*tile"]]]:
        """Generate a field tile by tile; priors whose every latent reaches all cells give it whole.

        Parameters
        ----------
        z
            The latent vector of the whole grid.
        grid
            The whole grid.
        tile
            Edge of a tile in cells, about.

        Yields
        ------
        The place of each tile in the field, and its values.
        """
        yield tuple(slice(0, n) for n in grid.shape), np.asarray(self.generate(jnp.asarray(z), grid))

    def describe(self) -> dict[str, Any]:
        """What a person wants to know of the prior, by name; JSON types."""
        return {} if self.facies_model is None else {"facies": list(self.facies_model.categories)}

    @abc.abstractmethod
    def to_record(self) -> PriorRecord:
        """Give the content of the prior's file, from which its family makes the same prior again."""

    def save(self, path: str | Path) -> None:
        """Write the prior to an HDF5 file.

        Raises
        ------
        StorageError
            If the file cannot be written.
        """
        write_prior(path, self.to_record())

    def fingerprint(self) -> str:
        """A digest of all that determines the fields."""
        return digest(self.to_record())

    def facies(self, field: Float[Array, "*grid"]) -> Int[Array, "*grid"]:
        """Read a field as facies codes.

        Raises
        ------
        TypeError
            If the prior is of a continuous property.
        """
        if self.facies_model is None:
            raise TypeError("This prior is of a continuous property and has no facies; use the field itself.")
        return self.facies_model.facies(field)

    @property
    def realization_type(self) -> np.dtype:
        """Type of the numbers that users see: facies codes, or values of a continuous property."""
        return np.dtype(np.float32) if self.facies_model is None else self.facies_model.code_type

    def realization(self, field: Float[Array, "*grid"]) -> Shaped[Array, "*grid"]:
        """What users see of a field: facies codes where the prior has facies, else its values."""
        codes = field if self.facies_model is None else self.facies_model.facies(field)
        return codes.astype(self.realization_type)
