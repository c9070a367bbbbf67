"""A prior learned by a SinGAN (Shaham, Dekel and Michaeli 2019, doi:10.1109/ICCV.2019.00467): noise on every scale.

The networks are described with `latentinv.networks`. They are learned from a single image, scale by scale, and see
windows of it: fields rearrange what lies in the image on each scale. Noise of the coarsest scales decides where bodies
lie; that of the finer ones, whose standard deviation training sets by what the coarser ones lack of the image, moves
their borders. So most of the latents, which lie on the fine scales, change little.

No padding is seen: a tile of a field equals the same tile of any larger field. Cost: that of the networks of the finest
scale, some 30 000 multiply-adds a cell with the default widths, for the others have a quarter of the cells or fewer;
small fields spend most of it around them.
"""

import dataclasses
import json
from typing import Any, final

import jax
import numpy as np
from jaxtyping import Array, Float

from latentinv.grid import Grid
from latentinv.networks import SinganArchitecture, Weights, levels_of, synthesize_scales
from latentinv.priors.core import PRIORS, LatentMap, split_latents
from latentinv.pytrees import pytree
from latentinv.storage import PriorRecord

from ._abstract import AbstractLearnedPrior
from ._calibration import Calibration
from ._latents import check_axes
from ._provenance import Provenance
from ._record import check_sizes


@final
@PRIORS.register("singan")
@pytree("weights", "calibration")
class SinganPrior(AbstractLearnedPrior):
    """A trained SinGAN as a prior.

    Parameters
    ----------
    architecture
        The scales.
    weights
        Of the networks, and the standard deviations of the noise of each scale.
    calibration
        From the numbers in a cell to the field.
    provenance
        Where the prior comes from: recipe, training image, measures. JSON types only.

    Raises
    ------
    InputError
        If the networks do not give the numbers of a cell that the field needs.
    """

    family = "singan"

    def __init__(
        self,
        architecture: SinganArchitecture,
        weights: Weights,
        calibration: Calibration,
        *,
        provenance: dict[str, Any],
    ) -> None:
        calibration.check_outputs(architecture.channels)
        self.architecture, self.ndim = architecture, architecture.ndim
        self.weights = dict(weights)
        self.calibration = calibration
        self._provenance = Provenance(provenance)

    def latent_maps(self, grid: Grid) -> tuple[LatentMap, ...]:
        """One map for each scale, channels last, from the coarsest to the finest; `InputError` if the grid has other
        axes than the prior.
        """
        check_axes(self.ndim, grid)
        net = self.architecture
        shapes = net.noise_shapes(grid.shape, net.scales - 1)
        return tuple(self._map(scale, shape, grid) for scale, shape in enumerate(shapes))

    def _map(self, scale: int, shape: tuple[int, ...], grid: Grid) -> LatentMap:
        net = self.architecture
        stride, reach = net.stride(scale), net.reach(scale)
        span = net.spans(grid.shape, net.scales - 1)[scale]
        # The first place lies ahead of the field.
        reaches = tuple((reach - start * stride, reach + start * stride) for start, _ in span)
        return LatentMap(shape, (stride,) * self.ndim, reaches)

    def numbers(self, z: Float[Array, "latent"], grid: Grid) -> Float[Array, "*grid output"]:
        """The logits that the finest scale gives in each cell, before calibration."""
        noise = [each[None] for each in split_latents(z, self.latent_maps(grid))]
        return synthesize_scales(self.architecture, self.weights, noise, grid.shape)[0]

    @staticmethod
    def levels(numbers: Float[Array, "*grid output"]) -> Float[Array, "*grid output"]:
        """What a discriminator sees of logits, in (−1, 1)."""
        return levels_of(numbers)

    def describe(self) -> dict[str, Any]:
        """Latents, facies and provenance."""
        return {"latents": self.latents(), **super().describe(), **self.provenance}

    def latents(self) -> str:
        """How many latents there are."""
        strides = ", ".join(str(self.architecture.stride(scale)) for scale in range(self.architecture.scales))
        return f"{self.architecture.channels} for each {strides} cells along each axis"

    def to_record(self) -> PriorRecord:
        """Give the content of the prior's file."""
        metadata = {
            "architecture": dataclasses.asdict(self.architecture),
            **self.calibration.to_metadata(),
            "provenance": self.provenance,
        }
        arrays = {name: np.asarray(array) for name, array in self.weights.items()}
        return PriorRecord(self.family, json.loads(json.dumps(metadata)), arrays)

    @classmethod
    def from_record(cls, record: PriorRecord) -> "SinganPrior":
        """Make the prior from the content of its file."""
        settings = record.metadata["architecture"]
        check_sizes(settings)
        return cls(
            SinganArchitecture(**{**settings, "widths": tuple(settings["widths"])}),
            jax.device_put(record.arrays),
            Calibration.from_metadata(record.metadata),
            provenance=record.metadata["provenance"],
        )
