"""What all learned priors have: networks that give numbers in each cell, a calibration of these, and a provenance."""

import abc
from typing import Any, ClassVar, Self

from jaxtyping import Array, Float

from latentinv.grid import Grid
from latentinv.priors.core import AbstractPrior, FaciesModel, LatentMap, UnorderedFaciesModel
from latentinv.pytrees import replace

from ._auxiliary_maps import MapRange
from ._calibration import Calibration
from ._latents import check_latent, total_size
from ._provenance import Provenance


class AbstractLearnedPrior(AbstractPrior):
    """A prior trained on an image."""

    calibration: Calibration
    _provenance: Provenance
    decided: ClassVar[bool] = False
    """Whether facies are decided by the numbers as they are, so that calibration must not move where they are cut."""
    maps: tuple[MapRange, ...] = ()
    """What the training image had of each auxiliary map that networks see."""

    @abc.abstractmethod
    def latent_maps(self, grid: Grid) -> tuple[LatentMap, ...]:
        """The maps of the latent vector, from the coarsest to the finest.

        Raises
        ------
        InputError
            If the grid has other axes than the prior.
        """

    @abc.abstractmethod
    def numbers(self, z: Float[Array, "latent"], grid: Grid) -> Float[Array, "*grid output"]:
        """What the networks give in each cell, before calibration."""

    @staticmethod
    @abc.abstractmethod
    def levels(numbers: Float[Array, "*grid output"]) -> Float[Array, "*grid output"]:
        """The levels of the training image that numbers stand for."""

    @property
    def facies_model(self) -> FaciesModel | UnorderedFaciesModel | None:  # type: ignore[override]
        """How the field is read as facies; None for a continuous property."""
        return self.calibration.facies_model

    def _with_facies_model(self, model: Any) -> Self:
        other: Self = replace(self, calibration=replace(self.calibration, facies_model=model))
        return other

    @property
    def provenance(self) -> dict[str, Any]:
        """Where the prior comes from; a copy."""
        return self._provenance.content

    def shown(self, maps: Float[Array, "*grid channel"]) -> Self:
        """The prior for a grid with all its auxiliary maps as networks see them; itself if it has none."""
        del maps
        return self

    def latent_size(self, grid: Grid) -> int:
        """Length of the latent vector for a grid.

        Raises
        ------
        InputError
            If the grid has other axes than the prior, or so many cells that the latents do not fit one array.
        """
        return total_size(self.latent_maps(grid), grid)

    def generate(self, z: Float[Array, "latent"], grid: Grid) -> Float[Array, "*field"]:
        """Turn a latent vector into a field; pure, jittable, vmappable.

        One number a cell, or one for each facies along a last axis where facies have no order.

        Raises
        ------
        InputError
            If the length of `z` is not `latent_size(grid)`, or the grid has other axes than the prior.
        """
        check_latent(z, self.latent_size(grid), grid)
        return self.calibration.field(self.numbers(z, grid))
