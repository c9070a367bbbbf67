"""What a prior is: a map from Gaussian noise to geological fields, for any grid.

A prior turns a latent vector ``z ~ N(0, I)`` into a field on a grid. A facies prior's field is continuous (so that it
has gradients); a facies model reads it as facies (`_facies_model.py`). A prior is a frozen pytree: its weights are
leaves, so that programs take a prior as an argument. Its description, such as architecture, covariance and facies, is
static.
"""

import abc
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from jaxtyping import Array, Float, Int, Shaped

from latentinv.errors import InputError, StorageError
from latentinv.grid import Grid
from latentinv.html import representation
from latentinv.pytrees import replace
from latentinv.storage import PriorRecord, digest, write_prior

from ._drawn_latents import DrawnLatents
from ._facies_model import AbstractFaciesModel
from ._in_words import in_words
from ._latent_map import LatentMap, without_place
from ._pictures import Picture, inlined, picture_of
from ._tiles import tiles

NO_DISCRIMINATOR = (
    "The prior has no discriminator; train it with keep_discriminator = true in the recipe's [training], or give the "
    "discriminator no weight."
)
NO_ENCODER = (
    "The prior has no encoder, by which a given field finds its latents; give one of family 'autoencoder', or no field."
)

SHOWN = {2: (48, 48), 3: (6, 16, 16)}
"""Cells of the fields that notebooks show of a prior, by its axes."""


class AbstractPrior(abc.ABC):
    """A map from latents ``z ~ N(0, I)`` to fields on any grid; a frozen pytree."""

    family: ClassVar[str]
    """Its name in `PRIORS` and in files."""
    ndim: int
    """Axes of the fields, 2 or 3."""
    facies_model: AbstractFaciesModel | None
    """How the field is read as facies; None for a prior of a continuous property."""
    has_gradient: bool = True
    """Whether the field changes smoothly with all latents."""
    stepwise: bool = False
    """Whether small changes of latents change whole bodies, so that derivatives tell little of where to go."""
    has_encoder: bool = False
    """Whether `encode` finds the latents of a given field."""
    only_shape: tuple[int, ...] | None = None
    """The one shape of its fields; None where grids of any shape will do."""

    @abc.abstractmethod
    def latent_size(self, grid: Grid) -> int:
        """Length of the latent vector for a grid."""

    @abc.abstractmethod
    def generate(self, z: Float[Array, "latent"], grid: Grid) -> Float[Array, "*field"]:
        """Turn a latent vector into a field; pure, jittable, vmappable.

        One number per cell, or several along a last axis, as many as the facies model has `components`.
        """

    def parameters(self, z: Float[Array, "latent"], grid: Grid) -> dict[str, Float[Array, ""]]:
        """Unknown numbers that are inferred with the field, such as a range, by name with unit; none for most priors.

        Parameters
        ----------
        z, grid
            The latent vector and the grid of its field.
        """
        del z, grid
        return {}

    @property
    def is_score(self) -> bool:
        """Whether the field is standard normal in every cell, as the parts of a composed prior must be."""
        return False

    @property
    def conditions(self) -> Mapping[str, str]:
        """The conditions that `given` takes: a description of each by its name, with unit and shape."""
        return {}

    def given(self, **condition: Any) -> Self:
        """The same prior under a condition, such as a mean or a covariate over the grid.

        Parameters
        ----------
        condition
            By the names in `conditions`.

        Raises
        ------
        InputError
            If the prior does not take this condition.
        """
        names = ", ".join(sorted(condition))
        raise InputError(f"Given the condition '{names}', but this prior takes none; leave it out.")

    def honoured_cells(self, cells: Int[np.ndarray, "datum axis"]) -> Any:
        """Cells, by their array indices, whose facies the prior can be made to honour whatever they are; None if it
        cannot.
        """
        del cells

    @property
    def honoured_margin(self) -> tuple[int, ...]:
        """Cells around a datum along each axis on whose latents its weight may depend, beside those of its own cell."""
        return (0,) * self.ndim

    def honouring(self, cells: Any, facies: Int[Array, "datum"]) -> Self:
        """The prior whose fields all honour cells.

        Its fields tell weights (`log_weight_in_field`), by which they are distributed as those of the prior that do.

        Parameters
        ----------
        cells
            From `honoured_cells`.
        facies
            Their facies, as positions among the categories; may be traced.
        """
        del cells, facies
        return self

    def on(self, grid: Grid) -> Self:
        """The same prior with all numbers computed in advance that it needs on one grid.

        Programs then take them as arguments. Otherwise they are computed when a program is compiled, and are constants
        in it.
        """
        del grid
        return self

    def cropped(self, start: tuple[int, ...], shape: tuple[int, ...]) -> Self:
        """The same prior for a part of its grid that begins at a cell; covariates over the cells are cropped. A part
        may extend beyond the grid, where its numbers are not used.
        """
        del start, shape
        return self

    def discriminate(self, z: Float[Array, "latent"], grid: Grid) -> Float[Array, "*scores"]:
        """Score how closely the field of a latent vector resembles the training image, place by place; higher is
        closer.

        Raises
        ------
        InputError
            If the prior has no discriminator, or the grid is smaller than its window.
        """
        raise InputError(NO_DISCRIMINATOR)

    def encode(
        self, realization: Shaped[np.ndarray, "*grid"], grid: Grid, *, steps: int = 20
    ) -> Float[Array, "latent"]:
        """Latents whose field resembles a given one.

        Parameters
        ----------
        realization
            Facies codes, or values of a continuous property, in the cells of the grid.
        grid
            The grid.
        steps
            Of an optimiser that improves on what the encoder finds; 0 for that alone.

        Raises
        ------
        InputError
            If the prior has no encoder, or the field is none of its own: of another shape, of other facies, or with
            missing values.
        """
        del realization, grid, steps
        raise InputError(NO_ENCODER)

    def latent_maps(self, grid: Grid) -> tuple[LatentMap, ...]:
        """The maps that follow each other in the latent vector; their sizes sum to `latent_size`."""
        return without_place(grid.ndim, self.latent_size(grid))

    def tiles(
        self, z: Float[np.ndarray, "latent"] | DrawnLatents, grid: Grid, tile: int = 512
    ) -> Iterator[tuple[tuple[slice, ...], Float[np.ndarray, "*tile"]]]:
        """Generate a field tile by tile in constant memory; whole if some latent can change any cell.

        Parameters
        ----------
        z
            The latent vector of the whole grid; as `DrawnLatents` it takes no memory.
        grid
            The whole grid.
        tile
            Edge of a tile in cells; rounded up to whole places of the latent maps.

        Yields
        ------
        The place of each tile in the field and its values, equal to those of `generate` to float32 rounding.
        """
        yield from tiles(self, z, grid, tile)

    @property
    def provenance(self) -> dict[str, Any]:
        """Where the prior comes from, such as the recipe of its training; empty if its settings are sufficient."""
        return {}

    def describe(self) -> dict[str, Any]:
        """A description of the prior for users, by name; JSON types."""
        return {} if self.facies_model is None else {"facies": self.facies_model.listed()}

    def named(self, names: Mapping[int, str] | Sequence[str]) -> Self:
        """The same prior with names of its facies, by which tables may give them and which pictures and maps show.

        Parameters
        ----------
        names
            A name for each code, ``{0: "clay", 1: "sand"}``, or names in the order of the codes.

        Raises
        ------
        InputError
            If the prior has no facies, there is not one name for each, one is no plain word, or two are alike.
        """
        if self.facies_model is None:
            raise InputError("Names of facies were given, but the prior has a continuous property; leave them out.")
        return self._with_facies_model(self.facies_model.named(names))

    def _with_facies_model(self, model: Any) -> Self:
        """The same prior with a facies model that differs in names only."""
        other: Self = replace(self, facies_model=model)
        return other

    @abc.abstractmethod
    def to_record(self) -> PriorRecord:
        """The content of the prior's file, from which its family restores the prior."""

    @classmethod
    def from_record(cls, record: PriorRecord) -> Self:
        """Make the prior from the content of its file.

        Raises
        ------
        StorageError
            If priors of this family are not made from files.
        """
        raise StorageError(f"Priors of family '{record.family}' cannot be read from a file; make the prior again.")

    def save(self, path: str | Path) -> None:
        """Write the prior to an HDF5 file.

        Raises
        ------
        StorageError
            If the file cannot be written.
        """
        write_prior(path, self.record())

    def record(self) -> PriorRecord:
        """The content of the prior's file with the names of its facies."""
        return self.to_record()._replace(names=() if self.facies_model is None else self.facies_model.names)

    def fingerprint(self) -> str:
        """A digest of all that determines the fields; names of facies, and how long a training took, do not."""
        record = self.to_record()
        provenance = record.metadata.get("provenance", {})
        if "seconds" in provenance:
            untimed = {name: value for name, value in provenance.items() if name != "seconds"}
            record = record._replace(metadata={**record.metadata, "provenance": untimed})
        return digest(record)

    def facies(self, field: Float[Array, "*grid"]) -> Int[Array, "*grid"]:
        """Read a field as facies codes.

        Raises
        ------
        TypeError
            If the prior has a continuous property.
        """
        if self.facies_model is None:
            raise TypeError("This prior is of a continuous property and has no facies; use the field itself.")
        return self.facies_model.facies(field)

    @property
    def realization_type(self) -> np.dtype:
        """Type of the numbers that users see: facies codes, or values of a continuous property."""
        return np.dtype(np.float32) if self.facies_model is None else self.facies_model.code_type

    def realization(self, field: Float[Array, "*grid"]) -> Shaped[Array, "*grid"]:
        """A field as users see it: facies codes if the prior has facies, else its values."""
        codes = field if self.facies_model is None else self.facies_model.facies(field)
        return codes.astype(self.realization_type)

    def plot(self, grid: Grid, *, draws: int = 4, seed: int = 0) -> Picture:
        """Draw fields of the prior on a grid, and show them side by side.

        Raises
        ------
        InputError
            If the grid does not suit the prior, or there are more than 12 draws.
        """
        return picture_of("prior", self, grid, draws=draws, seed=seed)

    def _repr_html_(self) -> str:
        described = {name.replace("_", " "): in_words(value) for name, value in self.describe().items()}
        rows = {name: words for name, words in described.items() if words and "\n" not in words}
        grid = Grid(self.only_shape or SHOWN[self.ndim])
        cells = " × ".join(map(str, grid.shape))
        alt = f"two draws of the prior on {cells} cells of 1 m"
        picture = inlined("prior", self, grid, alt=alt, draws=2, seed=0)
        return representation(f"Prior of family {self.to_record().family}; {alt}", rows, picture)
