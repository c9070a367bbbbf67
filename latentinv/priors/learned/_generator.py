"""A prior learned from a training image: a folded generator with a calibrated output.

The network gives one number for each cell, or one for each facies; `Calibration` makes them a field.

Generation is local and stationary: there is no padding, batch statistics are frozen into the weights, and a tile of a
field equals the same tile of any larger field with the same latents to float32 rounding. A prior file may hold the
discriminator too (``discriminator_strides`` in its metadata, ``discriminator_kernel_N`` and ``discriminator_bias_N``
among its arrays), which does not affect fields. Cost for a field of n cells with the ``compact`` architecture: about
16 000 multiply-adds per cell forward, and twice that for the gradient.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, final

from jaxtyping import Array, Float

from latentinv.errors import InputError, StorageError
from latentinv.grid import Grid
from latentinv.networks import Critic, FoldedLayer, GeneratorArchitecture, levels_of, synthesize
from latentinv.priors.core import (
    NO_DISCRIMINATOR,
    PRIORS,
    LatentMap,
    split_latents,
)
from latentinv.pytrees import pytree, replace
from latentinv.storage import PriorRecord

from ._abstract import AbstractLearnedPrior
from ._calibration import Calibration
from ._latents import check_axes, generator_maps, in_words
from ._provenance import Provenance
from ._record import generator_from_metadata, layer_arrays, stored_layers


@final
@PRIORS.register("generator")
@pytree("layers", "calibration", "critic")
class GeneratorPrior(AbstractLearnedPrior):
    """A trained generator as a prior.

    Parameters
    ----------
    architecture
        Latent channels and layers.
    layers
        Folded kernels and biases, one pair a layer.
    calibration
        From the network's numbers to the field.
    provenance
        Where the prior comes from: recipe, training image, measures. JSON types only.
    critic
        The discriminator it was trained against, where that was kept.

    Raises
    ------
    InputError
        If the network does not give the numbers of a cell that the field needs.
    """

    family = "generator"

    def __init__(
        self,
        architecture: GeneratorArchitecture,
        layers: Sequence[FoldedLayer],
        calibration: Calibration,
        *,
        provenance: dict[str, Any],
        critic: Critic | None = None,
    ) -> None:
        calibration.check_outputs(architecture.outputs)
        self.architecture = architecture
        self.ndim = architecture.ndim
        self.layers = tuple(layer.prepared() for layer in layers)
        self.calibration = calibration
        self.critic = critic
        self._provenance = Provenance(provenance)

    def latent_maps(self, grid: Grid) -> tuple[LatentMap, ...]:
        """One map for each entry of the network, channels last, from the coarsest to the finest.

        Raises
        ------
        InputError
            If the grid has other axes than the prior.
        """
        check_axes(self.ndim, grid)
        return generator_maps(self.architecture, grid)

    def numbers(self, z: Float[Array, "latent"], grid: Grid) -> Float[Array, "*grid output"]:
        """The logits that the network gives in each cell, before calibration."""
        latents = [latent[None] for latent in split_latents(z, self.latent_maps(grid))]
        return synthesize(self.architecture, self.layers, latents, grid.shape)[0]

    @staticmethod
    def levels(numbers: Float[Array, "*grid output"]) -> Float[Array, "*grid output"]:
        """What a discriminator sees of logits, in (−1, 1): their hyperbolic tangent, or, of several, their softmax."""
        return levels_of(numbers)

    def discriminate(self, z: Float[Array, "latent"], grid: Grid) -> Float[Array, "*scores"]:
        """Score how closely the field of a latent vector resembles the training image, place by place; higher is
        closer.

        Raises
        ------
        InputError
            If the prior has no discriminator, or the grid is smaller than its window.
        """
        if self.critic is None:
            raise InputError(NO_DISCRIMINATOR)
        if min(grid.shape) < self.critic.ratio:
            raise InputError(
                f"The grid has {grid.shape} cells, and the prior's discriminator sees {self.critic.ratio} along each "
                "axis at once; give a larger grid, or the discriminator no weight."
            )
        return self.critic.scores(self.levels(self.numbers(z, grid))[None])[0, ..., 0]

    def with_critic(self, critic: Critic) -> "GeneratorPrior":
        """The same prior with a discriminator."""
        other: GeneratorPrior = replace(self, critic=critic)
        return other

    def describe(self) -> dict[str, Any]:
        """Latents, facies and provenance."""
        return {"latents": in_words(self.architecture), **super().describe(), **self.provenance}

    def to_record(self) -> PriorRecord:
        """Give the content of the prior's file."""
        arrays = layer_arrays(self.layers)
        metadata = {
            "architecture": asdict(self.architecture),
            **self.calibration.to_metadata(),
            "provenance": self.provenance,
        }
        if self.critic is not None:
            metadata["discriminator_strides"] = list(self.critic.strides)
            arrays |= layer_arrays(self.critic.layers, "discriminator_")
        return PriorRecord(self.family, json.loads(json.dumps(metadata)), arrays)

    @classmethod
    def from_record(cls, record: PriorRecord) -> "GeneratorPrior":
        """Make the prior from the content of its file."""
        metadata = record.metadata
        architecture = generator_from_metadata(metadata)
        layers = stored_layers(record, len(architecture.layers))
        stated, held = architecture.latent_channels, layers[0].kernel.shape[-2]
        if stated != held:
            raise StorageError(
                f"The prior states {stated} latent channels, but its weights are for {held}; copy it again."
            )
        strides = metadata.get("discriminator_strides")
        critic = Critic(stored_layers(record, len(strides), "discriminator_"), tuple(strides)) if strides else None
        return cls(
            architecture,
            layers,
            Calibration.from_metadata(metadata),
            provenance=metadata["provenance"],
            critic=critic,
        )
