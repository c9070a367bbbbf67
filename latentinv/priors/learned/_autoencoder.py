"""A prior learned by an autoencoder: maps of codes are decoded to fields, and fields encoded to codes.

Of a *variational* autoencoder (Kingma and Welling 2014, arXiv:1312.6114; for channels Laloy et al. 2017,
doi:10.1016/j.advwatres.2017.09.029) the latents are the codes. The codes of a plain one have a distribution of their
own (Ghosh et al. 2020, arXiv:1903.12436), and those of a variational one are not quite independent either (Dai and
Wipf 2019, arXiv:1903.05789), so a flow of couplings (`latentinv.networks`) may learn what codes are like together:
white noise on the places of codes, and on some places around them, becomes codes. Either way latents are N(0, I), no
padding is seen, and a tile of a field equals the same tile of any larger field. Cost with the default widths: about
10 000 multiply-adds per cell of a field forward, and twice that for the gradient.

The encoder gives latents for a given field, from which optimisers can start; a few steps of Adam improve on them.
"""

import dataclasses
import functools
import json
import math
from typing import Any, final

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, Shaped

from latentinv.errors import InputError
from latentinv.grid import Grid
from latentinv.networks import (
    AutoencoderArchitecture,
    Weights,
    couple,
    decoder_layers,
    encode,
    misfit,
    synthesize,
    uncouple,
)
from latentinv.priors.core import PRIORS, LatentMap
from latentinv.pytrees import pytree
from latentinv.storage import PriorRecord

from ._abstract import AbstractLearnedPrior
from ._calibration import BOUND, Calibration
from ._generator import GeneratorPrior
from ._latents import blocks_of_cells, cells_of_blocks, check_axes
from ._provenance import Provenance
from ._record import check_sizes

BLOCK = 2
"""Codes along an axis whose noise is one place of the latent map, where codes come from a flow."""
RATE = 0.05
"""Of learning, of the steps that improve an encoding."""


@final
@PRIORS.register("autoencoder")
@pytree("weights", "layers", "calibration")
class AutoencoderPrior(AbstractLearnedPrior):
    """A trained autoencoder as a prior.

    Parameters
    ----------
    architecture
        The networks.
    weights
        Their weights.
    calibration
        From the decoder's numbers to the field.
    provenance
        Where the prior comes from: recipe, training image, measures. JSON types only.

    Raises
    ------
    InputError
        If the decoder does not give the numbers of a cell that the field needs.
    """

    family = "autoencoder"
    has_encoder = True

    def __init__(
        self,
        architecture: AutoencoderArchitecture,
        weights: Weights,
        calibration: Calibration,
        *,
        provenance: dict[str, Any],
    ) -> None:
        calibration.check_outputs(architecture.outputs)
        self.architecture, self.ndim = architecture, architecture.ndim
        self.weights = dict(weights)
        self.layers = tuple(layer.prepared() for layer in decoder_layers(architecture, weights))
        self.calibration = calibration
        self._provenance = Provenance(provenance)

    def latent_maps(self, grid: Grid) -> tuple[LatentMap, ...]:
        """One map: of codes, or of blocks of them with all their noise and that of places around the field.

        `InputError` if the grid has other axes than the prior.
        """
        check_axes(self.ndim, grid)
        net, decoder, axes = self.architecture, self.architecture.decoder, self.ndim
        (shape,) = decoder.latent_shapes(grid.shape)
        if not net.couplings:
            return (LatentMap(shape, (decoder.ratio,) * axes, (decoder.reach,) * axes),)
        around, (ahead, behind) = net.couplings, decoder.reach
        places = (math.ceil((n + 2 * around) / BLOCK) for n in shape[:-1])
        # The first code's own noise lies `around` places behind the first.
        reach = (ahead + 2 * around * decoder.ratio, behind)
        return (
            LatentMap((*places, BLOCK**axes * net.latent_channels), (BLOCK * decoder.ratio,) * axes, (reach,) * axes),
        )

    def numbers(self, z: Float[Array, "latent"], grid: Grid) -> Float[Array, "*grid output"]:
        """The logits that the decoder gives in each cell, before calibration."""
        net, (one,) = self.architecture, self.latent_maps(grid)
        codes = z.reshape(1, *one.shape)
        if net.couplings:
            codes = couple(net.flow, self.weights, cells_of_blocks(codes, BLOCK, net.latent_channels))
            codes = codes[(slice(None), *(slice(0, n) for n in net.decoder.latent_shapes(grid.shape)[0][:-1]))]
        return synthesize(net.decoder, self.layers, [codes], grid.shape)[0]

    @staticmethod
    def levels(numbers: Float[Array, "*grid output"]) -> Float[Array, "*grid output"]:
        """The levels of the training image that logits stand for, in (−1, 1), as for a generator."""
        return GeneratorPrior.levels(numbers)

    def encode(
        self, realization: Shaped[np.ndarray, "*grid"], grid: Grid, *, steps: int = 20
    ) -> Float[Array, "latent"]:
        """Latents whose field resembles a given one; see `AbstractPrior.encode`.

        Each step is one of Adam on the log-density of the latents given the field's cells, which costs a gradient of
        the decoder. Outside the field nothing is known, and latents that it does not depend on are those of an unknown
        field.
        """
        levels = self._levels_of(np.asarray(realization), grid)
        return _encoded(self, levels, grid, steps)

    def _levels_of(self, realization: Shaped[np.ndarray, "*grid"], grid: Grid) -> Float[np.ndarray, "*grid output"]:
        """What the encoder sees of a field."""
        check_axes(self.ndim, grid)
        if realization.shape != grid.shape:
            raise InputError(
                f"The field to encode has {realization.shape} cells, but the grid {grid.shape}; give one of them again."
            )
        model, calibration = self.facies_model, self.calibration
        if model is None:
            return self._levels_of_values(np.asarray(realization, float))[..., None]
        codes = np.asarray(model.categories)
        missing = ~np.isin(realization, codes)
        if missing.any():
            raise InputError(
                f"The field to encode has facies {realization[missing][0]}, but the prior {model.listed()}; give a "
                "field of these."
            )
        index = np.argmax(realization[..., None] == codes, axis=-1)
        if calibration.outputs > 1:
            return 2 * np.eye(calibration.outputs, dtype=np.float32)[index] - 1
        return (2 * index / (len(codes) - 1) - 1).astype(np.float32)[..., None]

    def _levels_of_values(self, values: Float[np.ndarray, "*grid"]) -> Float[np.ndarray, "*grid"]:
        """Levels of a continuous property, against the order of the calibration."""
        table, calibration = self.calibration.anamorphosis, self.calibration
        assert table is not None
        if not np.isfinite(values).all():
            raise InputError("The field to encode has values that are no numbers; fill these cells first.")
        scores = np.clip(np.interp(values, table.values, table.scores), -0.99 * BOUND, 0.99 * BOUND)
        numbers = calibration.shift[0] + calibration.scale * scores / np.sqrt(1 - (scores / BOUND) ** 2)
        return np.tanh(numbers).astype(np.float32)

    def describe(self) -> dict[str, Any]:
        """Latents, facies and provenance."""
        return {"latents": self.latents(), **super().describe(), **self.provenance}

    def latents(self) -> str:
        """How many latents there are."""
        net = self.architecture
        around = f", also on {net.couplings} such places around the field" if net.couplings else ""
        return f"{net.latent_channels} for each {net.decoder.ratio} cells along each axis{around}"

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
    def from_record(cls, record: PriorRecord) -> "AutoencoderPrior":
        """Make the prior from the content of its file."""
        settings = record.metadata["architecture"]
        check_sizes(settings)
        return cls(
            AutoencoderArchitecture(**{**settings, "widths": tuple(settings["widths"])}),
            jax.device_put(record.arrays),
            Calibration.from_metadata(record.metadata),
            provenance=record.metadata["provenance"],
        )


@functools.partial(jax.jit, static_argnums=(2, 3))
def _encoded(
    prior: AutoencoderPrior, levels: Float[Array, "*grid output"], grid: Grid, steps: int
) -> Float[Array, "latent"]:
    """Latents of levels, improved by some steps."""
    net, (one,) = prior.architecture, prior.latent_maps(grid)
    if net.couplings:
        places = tuple(BLOCK * n for n in one.shape[:-1])
        codes = encode(net, prior.weights, levels[None], before=net.couplings, places=places).mean
        z = blocks_of_cells(uncouple(net.flow, prior.weights, codes).noise, BLOCK).ravel()
    else:
        z = encode(net, prior.weights, levels[None]).mean.ravel()
    shift = 0.0 if prior.facies_model is None else jnp.asarray(prior.calibration.shift)

    def loss(z: Array) -> Array:
        return jnp.sum(misfit(prior.numbers(z, grid)[None] - shift, levels[None])) + 0.5 * jnp.sum(z**2)

    adam = optax.adam(RATE)

    def improved(_: int, state: Any) -> Any:
        z, memory = state
        update, memory = adam.update(jax.grad(loss)(z), memory)
        return optax.apply_updates(z, update), memory

    return jax.lax.fori_loop(0, steps, improved, (z, adam.init(z)))[0]
