"""The discriminator: maps of scores, one for each patch (Isola et al. 2017, doi:10.1109/CVPR.2017.632).

It has towers of layers: the first takes the field, others its means over 2, 4 or more cells along each axis
(`pooled`), or the facies as they are read after training, so that small windows are judged by what users see
(straight-through, as in Dong and Yang 2018, arXiv:1810.04714). A tower gives a map of scores from its last layer, and
one from every earlier layer if its architecture says so: the deeper the layer, the larger the window that a score
judges. Where fields are packed, a score judges several together, and so detects whether draws are more alike than
patches of the image.
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


class Convolution(nnx.Module):
    """A padded convolution of stride 1 or 2 with a bias."""

    def __init__(self, channels: int, width: int, window: int, stride: int, ndim: int, rngs: nnx.Rngs) -> None:
        initialise = nnx.initializers.he_normal()
        self.kernel = nnx.Param(initialise(rngs.params(), (*(window,) * ndim, channels, width)))
        self.bias = nnx.Param(jnp.zeros(width))
        self.stride = stride

    def __call__(self, x: Float[Array, "batch *space channel"]) -> Float[Array, "batch *space channel_out"]:
        """Apply the layer."""
        return convolve_padded(x, self.kernel[...], self.stride, FAST) + self.bias[...]


class Tower(nnx.Module):
    """Layers with leaky ReLU, normalised as the discriminator says, and the layers to the scores."""

    def __init__(self, architecture: DiscriminatorArchitecture, number: int, rngs: nnx.Rngs) -> None:
        self.architecture = architecture.towers[number]
        stages, ndim = self.architecture.stages, architecture.ndim
        layers, norms, channels = [], [], architecture.channels * architecture.packing
        for stage in stages:
            layers.append(_normalised(Convolution(channels, *stage, ndim, rngs), architecture, rngs))
            norms.append(nnx.BatchNorm(stage.width, use_running_average=False, rngs=rngs))
            channels = stage.width
        self.layers = nnx.List(layers)
        # As in Radford et al. (2015), the first and the last layer go without batch statistics.
        self.norms = nnx.List(norms[1:-1] if architecture.normalisation == "batch" else [])
        before = stages[:-2] if self.architecture.every_layer else ()
        heads = [Convolution(stage.width, 1, stages[-1].window, 1, ndim, rngs) for stage in before]
        self.heads = nnx.List([_normalised(head, architecture, rngs) for head in heads])

    def __call__(self, x: Float[Array, "batch *space channel"]) -> tuple[Scores, ...]:
        """Score packs of fields in [−1, 1]; higher means more like the training image."""
        for _ in range(self.architecture.pooling):
            x = pooled(x)
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
    """All towers."""

    def __init__(self, architecture: DiscriminatorArchitecture, rngs: nnx.Rngs) -> None:
        self.towers = nnx.List([Tower(architecture, number, rngs) for number in range(len(architecture.towers))])

    def __call__(
        self, x: Float[Array, "batch *space channel"], crisp: Float[Array, "batch *space channel"] | None = None
    ) -> Maps:
        """Score packs of fields in [−1, 1].

        Parameters
        ----------
        x
            Levels.
        crisp
            Levels of the facies, for the towers that see these; the same as `x` if omitted.
        """
        other = x if crisp is None else crisp
        return tuple(tower(other if tower.architecture.crisp else x) for tower in self.towers)


def _normalised(layer: Convolution, architecture: DiscriminatorArchitecture, rngs: nnx.Rngs) -> nnx.Module:
    return nnx.SpectralNorm(layer, rngs=rngs) if architecture.normalisation == "spectral" else layer


def packed(fields: Float[Array, "batch *space channel"], packing: int) -> Float[Array, "pack *space channel_of_each"]:
    """Put every `packing` fields of a batch side by side as channels."""
    packs = jnp.moveaxis(fields.reshape(-1, packing, *fields.shape[1:]), 1, -2)
    return packs.reshape(*packs.shape[:-2], -1)


def crisp(levels: Float[Array, "batch *space channel"], facies: int) -> Float[Array, "batch *space channel"]:
    """The levels of the facies that levels are read as, with the gradient of the levels (straight-through, Bengio,
    Léonard and Courville 2013, arXiv:1308.3432).

    Parameters
    ----------
    levels
        One number a cell for ordered facies, or one for each facies.
    facies
        How many facies there are.
    """
    if levels.shape[-1] == 1:
        read = jnp.round((jnp.clip(levels, -1, 1) + 1) * (facies - 1) / 2) * 2 / (facies - 1) - 1
    else:
        read = 2 * jax.nn.one_hot(jnp.argmax(levels, axis=-1), facies, dtype=levels.dtype) - 1
    return levels + jax.lax.stop_gradient(read - levels)


def pooled(x: Float[Array, "batch *space field"]) -> Float[Array, "batch *half field"]:
    """Means over 2 cells along each axis; a last odd cell is dropped."""
    even = x[:, *(slice(n - n % 2) for n in x.shape[1:-1])]
    blocks = space_to_depth(even)
    return blocks.reshape(*blocks.shape[:-1], -1, x.shape[-1]).mean(axis=-2)


def freeze(network: DiscriminatorNetwork, fields: Float[Array, "batch *space channel"]) -> Critic:
    """Freeze the first tower of a spectrally normalised discriminator of single fields.

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
