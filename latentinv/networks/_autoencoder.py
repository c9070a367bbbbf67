"""An autoencoder of fields: a decoder from maps of codes to cells, and an encoder back.

The decoder is a generator (`_generator.py`): every cell is computed from its window of codes and from nothing else, so
fields have any size and a tile equals the same tile of any larger field. It doubles the resolution once for each width,
and is so narrow that a plane of 64 × 64 cells comes from 11 × 11 codes where three widths are given.

The encoder sees a field with zeros around it, as far as codes reach, and a channel that says which cells are known; its
layers work on blocks of 2, 4, … cells along each axis. It gives the mean of each code, and the logarithm of its
variance.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float

from ._architecture import GeneratorArchitecture, Layer
from ._convolution import EXACT, convolve, space_to_depth
from ._coupling import CouplingArchitecture, initial_coupling
from ._generator import FoldedLayer, by_phase
from ._velocity import Weights

SURE = -4.0
"""Logarithm of the variance of codes before training."""


@dataclass(frozen=True)
class AutoencoderArchitecture:
    """An encoder, a decoder, and the flow by which noise becomes codes."""

    ndim: int
    """Axes of the field, 2 or 3."""
    outputs: int
    """Numbers in each cell."""
    latent_channels: int
    """Codes at a place."""
    widths: tuple[int, ...]
    """Channels at 1/2, 1/4, … of the field's resolution; codes lie at the last."""
    couplings: int = 0
    """Of the flow; 0 if codes are the noise itself."""
    coupling_width: int = 64

    @property
    def decoder(self) -> GeneratorArchitecture:
        """Layers from codes to cells."""
        layers = [Layer("same", self.widths[-1], 1)]
        for level in reversed(range(len(self.widths) - 1)):
            window = 4 if level == len(self.widths) - 2 else 6
            layers.append(Layer("up", self.widths[level], window))
            layers.append(Layer("same", self.widths[level], 1 if level else 3))
        return GeneratorArchitecture(self.ndim, self.latent_channels, (*layers, Layer("up", self.outputs, 6)))

    @property
    def flow(self) -> CouplingArchitecture:
        """From noise to codes."""
        return CouplingArchitecture(self.ndim, self.latent_channels, self.couplings, self.coupling_width)


class Codes(NamedTuple):
    """What an encoder gives of fields."""

    mean: Float[Array, "batch *places channel"]
    log_variance: Float[Array, "batch *places channel"]


def initial_autoencoder(key: Array, architecture: AutoencoderArchitecture) -> dict[str, Array]:
    """Random weights; codes are nearly certain at first."""
    key_layers, key_flow = jax.random.split(key)
    shapes = dict(_encoder_shapes(architecture))
    decoder, channels = architecture.decoder, architecture.latent_channels
    weights: dict[str, Array] = {}
    keys = jax.random.split(key_layers, len(shapes) + len(decoder.layers))
    for each, (name, shape) in zip(keys, shapes.items(), strict=False):
        gain = np.sqrt((1 if name == "encoder_last" else 2) / math.prod(shape[:-1]))
        weights[name] = gain * jax.random.normal(each, shape)
        weights[f"{name}.bias"] = jnp.zeros(shape[-1])
    weights["encoder_last.bias"] = jnp.repeat(jnp.array([0.0, SURE]), architecture.latent_channels)
    for n, (each, layer) in enumerate(zip(keys[len(shapes) :], decoder.layers, strict=True)):
        # Each output of a layer that doubles receives every 2ⁿ-th of the kernel's taps.
        taps = layer.window**decoder.ndim / (2**decoder.ndim if layer.kind == "up" else 1)
        kernel = np.sqrt(2 / (taps * channels)) * jax.random.normal(
            each, (*(layer.window,) * decoder.ndim, channels, layer.width)
        )
        weights[f"decoder_{n}"], weights[f"decoder_{n}.bias"] = by_phase(layer, kernel), jnp.zeros(layer.width)
        channels = layer.width
    return {**weights, **initial_coupling(key_flow, architecture.flow)}


def decoder_layers(architecture: AutoencoderArchitecture, weights: Weights) -> list[FoldedLayer]:
    """The decoder's layers, for `synthesize`."""
    names = [f"decoder_{n}" for n in range(len(architecture.decoder.layers))]
    return [FoldedLayer(weights[name], weights[f"{name}.bias"]) for name in names]


def encode(
    architecture: AutoencoderArchitecture,
    weights: Weights,
    levels: Float[Array, "batch *space channel"],
    *,
    before: int = 0,
    places: tuple[int, ...] | None = None,
    precision: lax.Precision = EXACT,
) -> Codes:
    """Codes of fields.

    Parameters
    ----------
    architecture, weights
        The network.
    levels
        Of the fields.
    before
        Places ahead of the first that the decoder needs.
    places
        How many there are in all along each axis; if omitted, as many as the decoder needs.
    precision
        Of products.
    """
    decoder, space = architecture.decoder, levels.shape[1:-1]
    places = decoder.latent_shapes(space)[0][:-1] if places is None else places
    ahead, behind = decoder.reach
    low = decoder.ratio * before + (ahead - behind) // 2  # a block is in the middle of the cells that its code changes
    around = [(low, decoder.ratio * n - low - size) for n, size in zip(places, space, strict=True)]
    seen = jnp.concatenate([levels, jnp.ones_like(levels[..., :1])], axis=-1)
    h = jnp.pad(seen, [(0, 0), *around, (0, 0)])
    for name, shape in _encoder_shapes(architecture):
        if name.startswith("down"):
            h = space_to_depth(h)
        if shape[0] == 3:
            h = jnp.pad(h, [(0, 0), *((1, 1),) * architecture.ndim, (0, 0)])
        h = convolve(h, weights[name], 1, precision) + weights[f"{name}.bias"]
        h = h if name == "encoder_last" else jax.nn.silu(h)
    return Codes(*jnp.split(h, 2, axis=-1))


def _encoder_shapes(architecture: AutoencoderArchitecture) -> Iterator[tuple[str, tuple[int, ...]]]:
    ndim, before = architecture.ndim, architecture.outputs + 1
    for level, width in enumerate(architecture.widths):
        yield f"down_{level}", (*(3,) * ndim, 2**ndim * before, width)
        before = width
    yield "encoder_middle", (*(3,) * ndim, before, before)
    yield "encoder_last", (*(1,) * ndim, before, 2 * architecture.latent_channels)


def misfit(
    numbers: Float[Array, "batch *space output"], levels: Float[Array, "batch *space output"]
) -> Float[Array, "batch *space"]:
    """Minus the log-likelihood in nats of levels in each cell, given the numbers of the decoder.

    One number is half the log-odds of the highest level, or, of several, the log-odds of each facies. Levels in between
    count as probabilities, so that the best number is the one whose level is their mean.
    """
    shares = (1 + levels) / 2
    if numbers.shape[-1] > 1:
        return -jnp.sum(shares * jax.nn.log_softmax(numbers), axis=-1)
    return jnp.sum(jax.nn.softplus(2 * numbers) - 2 * shares * numbers, axis=-1)
