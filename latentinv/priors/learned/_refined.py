"""A prior in two parts: one of coarse fields, and a refinement that draws the cells of each block.

The coarse prior, a generator or a flow, gives the means of blocks of cells, that is where bodies lie and how they go
on; the refinement (see `latentinv.networks`) draws each cell by its odds, with noise of its own, which gives edges and
small bodies the image's form. So the latent vector holds the coarse prior's maps, and white noise on the cells. A
block's share of a facies is rounded to a whole number of cells, as in an image. The noise may be scaled by a
temperature below 1 (as in Kingma and Dhariwal 2018, arXiv:1807.03039): networks that have learned for minutes give some
odds to what an image never shows, such as single cells, and each of many cells has a chance of it.

The field is a discontinuous function of latents where a cell changes facies and others follow it; derivatives are those
of a soft reading. No padding is seen: a tile of a field equals the same tile of any larger field.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, final

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float

from latentinv.errors import StorageError
from latentinv.grid import Grid
from latentinv.networks import EXACT, Draw, RefinementArchitecture, Weights, Where, refine
from latentinv.priors.core import PRIORS, LatentMap
from latentinv.pytrees import pytree
from latentinv.storage import PriorRecord

from ._abstract import AbstractLearnedPrior
from ._flow import FlowPrior
from ._generator import GeneratorPrior
from ._latents import cells_of_blocks, check_axes
from ._provenance import Provenance
from ._record import check_sizes

CoarsePrior = GeneratorPrior | FlowPrior
FAMILIES: Mapping[str, type[CoarsePrior]] = {one.family: one for one in (GeneratorPrior, FlowPrior)}
REFINEMENT = "refinement_"
"""Begins the names of its arrays in a prior's file."""


@final
@PRIORS.register("refined")
@pytree("coarse", "weights", "calibration")
class RefinedPrior(AbstractLearnedPrior):
    """Coarse fields with a refinement as a prior.

    `coarse` gives the means of blocks, and the prior its calibration and provenance; `refinement` with its `weights`
    draws the cells.
    """

    family = "refined"

    def __init__(self, coarse: CoarsePrior, refinement: RefinementArchitecture, weights: Weights) -> None:
        self.coarse, self.refinement, self.weights = coarse, refinement, dict(weights)
        self.ndim, self.calibration, self._provenance = coarse.ndim, coarse.calibration, Provenance(coarse.provenance)

    def latent_maps(self, grid: Grid) -> tuple[LatentMap, ...]:
        """The coarse prior's maps, and that of the cells: units of the refinement with the noise of all their cells.

        `InputError` if the grid has other axes than the prior.
        """
        check_axes(self.ndim, grid)
        fine, axes = self.refinement, range(self.ndim)
        blocks = self._blocks(grid)
        # The first block lies a margin ahead of the field, and changes cells a margin around it.
        maps = [
            LatentMap(
                one.shape,
                tuple(fine.factor * one.spacing[axis] for axis in axes),
                tuple(
                    (fine.factor * one.reach[axis][0] + 2 * fine.margin, fine.factor * one.reach[axis][1])
                    for axis in axes
                ),
            )
            for one in self.coarse.latent_maps(blocks)
            if one.spacing is not None and one.reach is not None
        ]
        units = (n * fine.factor // fine.unit for n in blocks.shape)
        numbers = fine.unit**self.ndim * fine.channels
        return (*maps, LatentMap((*units, numbers), (fine.unit,) * self.ndim, ((2 * fine.margin, 0),) * self.ndim))

    def _blocks(self, grid: Grid) -> Grid:
        """The blocks that a field needs."""
        fine = self.refinement
        units = (math.ceil(n / fine.unit) + 2 * fine.margin // fine.unit for n in grid.shape)
        return Grid(tuple(n * fine.unit // fine.factor for n in units))

    def numbers(self, z: Float[Array, "latent"], grid: Grid) -> Float[Array, "*grid output"]:
        """The numbers that decide in each cell, before calibration."""
        fine, maps = self.refinement, self.latent_maps(grid)
        means = self.means(z[: -maps[-1].size], grid)
        noise = cells_of_blocks(z[-maps[-1].size :].reshape(1, *maps[-1].shape), fine.unit, fine.channels)
        drawn = refined(fine, self.weights, means[None], noise)
        return drawn.number[0][tuple(slice(0, n) for n in grid.shape)]

    def means(self, z: Float[Array, "latent"], grid: Grid) -> Float[Array, "*blocks channel"]:
        """The means of the blocks that a field needs, in the levels of the training image, from the coarse prior's
        part of its latent vector.

        Means of facies are rounded to what blocks of whole cells can have; derivatives are those without rounding.
        """
        means = self.coarse.levels(self.coarse.numbers(z, self._blocks(grid)))
        if self.refinement.content == "value":
            return means
        half = self.refinement.factor**self.ndim / 2  # levels go from -1 to 1
        return means + lax.stop_gradient(jnp.round(half * jnp.clip(means, -1, 1)) / half - means)

    @staticmethod
    def levels(numbers: Float[Array, "*grid output"]) -> Float[Array, "*grid output"]:
        """What a discriminator would see of numbers: as for a generator."""
        return GeneratorPrior.levels(numbers)

    def describe(self) -> dict[str, Any]:
        """Latents, facies and provenance."""
        fine = self.refinement
        every = f"{self.coarse.latents(fine.factor)}, {fine.channels} for each cell"
        return {"latents": every, **super().describe(), **self.provenance}

    def to_record(self) -> PriorRecord:
        """Give the content of the prior's file."""
        coarse = self.coarse.to_record()
        weights = {f"{REFINEMENT}{name}": np.asarray(array) for name, array in self.weights.items()}
        refinement = json.loads(json.dumps(asdict(self.refinement)))
        own = {**self.calibration.to_metadata(), "refinement": refinement, "coarse": coarse.family}
        metadata = {**coarse.metadata, **own}
        return PriorRecord(self.family, metadata, {**coarse.arrays, **weights})

    @classmethod
    def from_record(cls, record: PriorRecord) -> "RefinedPrior":
        """Make the prior from the content of its file."""
        settings: Mapping[str, Any] = record.metadata["refinement"]
        check_sizes(settings)
        lists = {name: tuple(settings[name]) for name in ("widths", "windows")}
        parts: tuple[dict[str, np.ndarray], ...] = ({}, {})  # of the coarse prior, and of the refinement
        for name, array in record.arrays.items():
            parts[name.startswith(REFINEMENT)][name.removeprefix(REFINEMENT)] = array
        family = record.metadata["coarse"]
        if family not in FAMILIES:
            raise StorageError(
                f"The prior's coarse fields are of family {family!r}, which this version does not know; it knows "
                f"{', '.join(FAMILIES)}."
            )
        refinement = RefinementArchitecture(**{**settings, **lists})
        coarse = FAMILIES[family].from_record(record._replace(arrays=parts[0]))
        return cls(coarse, refinement, jax.device_put(parts[1]))


def refined(
    refinement: RefinementArchitecture,
    weights: Weights,
    means: Float[Array, "batch *blocks channel"],
    noise: Float[Array, "batch *space channel"],
    *,
    padded: bool = False,
    precision: lax.Precision = EXACT,
) -> Draw:
    """Draw cells by noise; those of a margin at each end are left out unless zeros are padded."""

    def decide(where: Where, told: Array) -> Draw:
        return refinement.cell.draw(told, refinement.temperature * where.of(noise, told.shape[1:-1]))

    return refine(refinement, weights, means, decide, padded=padded, precision=precision)
