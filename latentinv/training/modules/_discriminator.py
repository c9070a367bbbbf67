"""The discriminator: maps of scores, one for each patch (Isola et al. 2017, doi:10.1109/CVPR.2017.632).

It has a tower of layers for each scale: the first takes the field, each further one means over 2 cells along each axis
of the input of the tower before (`pooled`). A tower gives a map of scores from its last layer, and one from every
earlier layer if its architecture says so: the deeper the layer, the larger the window that a score judges. Where fields
are packed, a score judges several together, and so detects whether draws are more alike than patches of the image.
"""

from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float

from latentinv.networks import (
    FAST,
    SLOPE,
    Critic,
    DiscriminatorArchitecture,
    FoldedLayer,
    Maps,
    Scores,
    convolve_padded,
    space_to_depth,
)

HEAD = 3
"""Window of a layer that turns the output of another into scores."""


class Convolution(nnx.Module):
    """A padded convolution of stride 1 or 2 with a bias."""

    def __init__(self, channels: int, width: int, window: int, ndim: int, stride: int, rngs: nnx.Rngs) -> None:
        initialise = nnx.initializers.he_normal()
        self.kernel = nnx.Param(initialise(rngs.params(), (*(window,) * ndim, channels, width)))
        self.bias = nnx.Param(jnp.zeros(width))
        self.stride = stride

    def __call__(self, x: Float[Array, "batch *space channel"]) -> Float[Array, "batch *space channel_out"]:
        """Apply the layer."""
        return convolve_padded(x, self.kernel[...], self.stride, FAST) + self.bias[...]


class Tower(nnx.Module):
    """Stride-2 layers with leaky ReLU, spectrally or batch-normalised, and the layers to the scores."""

    def __init__(self, architecture: DiscriminatorArchitecture, rngs: nnx.Rngs) -> None:
        spectral = architecture.normalisation == "spectral"
        layers, norms = [], []
        channels = architecture.packing
        last = (1, architecture.window, 2) if architecture.final_stride_2 else (1, HEAD, 1)
        for width, window, stride in [*((w, architecture.window, 2) for w in architecture.widths), last]:
            layer = Convolution(channels, width, window, architecture.ndim, stride, rngs)
            layers.append(_normalised(layer, architecture, rngs))
            norms.append(nnx.BatchNorm(width, use_running_average=False, rngs=rngs))
            channels = width
        self.layers = nnx.List(layers)
        # As in Radford et al. (2015), the first and the last layer go without batch statistics.
        self.norms = nnx.List([] if spectral else norms[1:-1])
        before = architecture.widths[:-1] if architecture.every_layer else ()
        heads = [Convolution(width, 1, HEAD, architecture.ndim, 1, rngs) for width in before]
        self.heads = nnx.List([_normalised(head, architecture, rngs) for head in heads])

    def __call__(self, x: Float[Array, "batch *space field"]) -> tuple[Scores, ...]:
        """Score packs of fields in [−1, 1]; higher means more like the training image."""
        maps = []
        for position, layer in enumerate(self.layers):
            x = layer(x)
            if self.norms and 0 < position < len(self.layers) - 1:
                x = self.norms[position - 1](x)
            if position < len(self.layers) - 1:
                x = jax.nn.leaky_relu(x, SLOPE)
            if position < len(self.heads):
                maps.append(self.heads[position](x))
        return (*maps, x)


class DiscriminatorNetwork(nnx.Module):
    """A tower for each scale."""

    def __init__(self, architecture: DiscriminatorArchitecture, rngs: nnx.Rngs) -> None:
        self.towers = nnx.List([Tower(architecture, rngs) for _ in range(architecture.scales)])

    def __call__(self, x: Float[Array, "batch *space field"]) -> Maps:
        """Score packs of fields in [−1, 1], at every scale."""
        maps = []
        for number, tower in enumerate(self.towers):
            x = pooled(x) if number else x
            maps.append(tower(x))
        return tuple(maps)


def _normalised(layer: Convolution, architecture: DiscriminatorArchitecture, rngs: nnx.Rngs) -> nnx.Module:
    return nnx.SpectralNorm(layer, rngs=rngs) if architecture.normalisation == "spectral" else layer


def packed(fields: Float[Array, "batch *space 1"], packing: int) -> Float[Array, "pack *space field"]:
    """Put every `packing` fields of a batch side by side as channels."""
    packs = fields.reshape(-1, packing, *fields.shape[1:-1])
    return jnp.moveaxis(packs, 1, -1)


def pooled(x: Float[Array, "batch *space field"]) -> Float[Array, "batch *half field"]:
    """Means over 2 cells along each axis; a last odd cell is dropped."""
    even = x[:, *(slice(n - n % 2) for n in x.shape[1:-1])]
    blocks = space_to_depth(even)
    return blocks.reshape(*blocks.shape[:-1], -1, x.shape[-1]).mean(axis=-2)


def freeze(network: DiscriminatorNetwork, fields: Float[Array, "batch *space 1"]) -> Critic:
    """Freeze the tower that sees fields as they are, of a spectrally normalised discriminator of single fields.

    Parameters
    ----------
    network
        The discriminator; its weights are left normalised.
    fields
        Any fields it may be asked about: it normalises its weights when it is asked.
    """
    tower: Tower = network.towers[0]
    tower(fields)
    normalised: list[Any] = list(tower.layers)
    inner = [layer.layer_instance for layer in normalised]
    layers = [FoldedLayer(layer.kernel[...], layer.bias[...]) for layer in inner]
    return Critic(layers, tuple(layer.stride for layer in inner))
