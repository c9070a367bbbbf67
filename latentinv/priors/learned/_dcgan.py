"""A prior learned by a DCGAN (Radford et al. 2015, arXiv:1511.06434): fields of one size, from some hundred latents.

The first layer of its generator is dense, so every latent changes every cell, and a field has the size of the patches
of its training. It is neither stationary nor local: there are no tiles, and no windows to redraw. That few latents
makes gradients and chains cheap, but data that say more than so many numbers can express cannot be met. Cost with the
published widths for 64 × 64 cells: some 400 million multiply-adds forward, and twice that for the gradient.
"""

import dataclasses
import json
from collections.abc import Sequence
from typing import Any, final

from jaxtyping import Array, Float

from latentinv.errors import InputError
from latentinv.grid import Grid
from latentinv.networks import DcganArchitecture, FoldedLayer, Layer, synthesize_whole
from latentinv.priors.core import PRIORS, LatentMap, without_place
from latentinv.pytrees import pytree
from latentinv.storage import PriorRecord

from ._abstract import AbstractLearnedPrior
from ._calibration import Calibration
from ._generator import GeneratorPrior
from ._latents import check_axes
from ._provenance import Provenance
from ._record import check_sizes, layer_arrays, stored_layers


@final
@PRIORS.register("dcgan")
@pytree("layers", "calibration")
class DcganPrior(AbstractLearnedPrior):
    """A trained DCGAN as a prior.

    Parameters
    ----------
    architecture
        Shape, number of latents and layers.
    layers
        Folded kernels and biases, the dense layer's first.
    calibration
        From the network's numbers to the field.
    provenance
        Where the prior comes from: recipe, training image, measures. JSON types only.

    Raises
    ------
    InputError
        If the network does not give the numbers of a cell that the field needs.
    """

    family = "dcgan"

    def __init__(
        self,
        architecture: DcganArchitecture,
        layers: Sequence[FoldedLayer],
        calibration: Calibration,
        *,
        provenance: dict[str, Any],
    ) -> None:
        calibration.check_outputs(architecture.outputs)
        self.architecture, self.ndim, self.only_shape = architecture, architecture.ndim, architecture.shape
        first, *others = layers
        self.layers = (first, *(layer.prepared() for layer in others))
        self.calibration = calibration
        self._provenance = Provenance(provenance)

    def latent_maps(self, grid: Grid) -> tuple[LatentMap, ...]:
        """One map of a single place, for every latent changes all cells.

        Raises
        ------
        InputError
            If the grid has other axes than the prior, or another shape.
        """
        check_axes(self.ndim, grid)
        own = self.architecture.shape
        if grid.shape != own:
            given, expected = (" × ".join(map(str, shape)) for shape in (grid.shape, own))
            raise InputError(
                f"The grid has {given} cells, and this prior, a DCGAN, makes fields of {expected} cells only; give "
                "such a grid, or a prior of another family, which makes fields of any size."
            )
        return without_place(self.ndim, self.architecture.latent_channels)

    def numbers(self, z: Float[Array, "latent"], grid: Grid) -> Float[Array, "*grid output"]:
        """The logits that the network gives in each cell, before calibration."""
        del grid
        return synthesize_whole(self.architecture, self.layers, z[None])[0]

    @staticmethod
    def levels(numbers: Float[Array, "*grid output"]) -> Float[Array, "*grid output"]:
        """What a discriminator sees of logits, in (−1, 1), as for a generator."""
        return GeneratorPrior.levels(numbers)

    def describe(self) -> dict[str, Any]:
        """Latents, size of the fields, facies and provenance."""
        cells = " × ".join(map(str, self.architecture.shape))
        return {"latents": self.latents(), "cells": cells, **super().describe(), **self.provenance}

    def latents(self) -> str:
        """How many latents there are."""
        return f"{self.architecture.latent_channels} for a field"

    def to_record(self) -> PriorRecord:
        """Give the content of the prior's file."""
        metadata = {
            "architecture": dataclasses.asdict(self.architecture),
            **self.calibration.to_metadata(),
            "provenance": self.provenance,
        }
        return PriorRecord(self.family, json.loads(json.dumps(metadata)), layer_arrays(self.layers))

    @classmethod
    def from_record(cls, record: PriorRecord) -> "DcganPrior":
        """Make the prior from the content of its file."""
        settings = record.metadata["architecture"]
        check_sizes(settings)
        layers = tuple(Layer(**layer) for layer in settings["layers"])
        architecture = DcganArchitecture(**{**settings, "shape": tuple(settings["shape"]), "layers": layers})
        return cls(
            architecture,
            stored_layers(record, 1 + len(layers)),
            Calibration.from_metadata(record.metadata),
            provenance=record.metadata["provenance"],
        )
