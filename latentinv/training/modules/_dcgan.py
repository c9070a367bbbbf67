"""The generator of a DCGAN in training; `fold_dcgan` freezes its batch statistics into plain kernels and biases.

As published, channels are normalised over all cells of a map, and the last layer is not normalised.
"""

import math
from collections.abc import Sequence

import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float

from latentinv.networks import FAST, DcganArchitecture, FoldedLayer, dense, polyphase, raised, whole_chain

from ._generator import PhaseNorm


class DcganNetwork(nnx.Module):
    """The trainable generator of fields of one shape."""

    def __init__(self, architecture: DcganArchitecture, rngs: nnx.Rngs) -> None:
        self.architecture = architecture
        initialise = nnx.initializers.he_normal()
        channels, kernels = architecture.first, []
        size = math.prod((*architecture.coarse, channels))
        first = initialise(rngs.params(), (architecture.latent_channels, size))
        kernels.append(nnx.Param(first.reshape(-1, *architecture.coarse, channels)))
        for layer in architecture.layers:
            window = (layer.window,) * architecture.ndim
            kernels.append(nnx.Param(initialise(rngs.params(), (*window, channels, layer.width))))
            channels = layer.width
        self.kernels = nnx.List(kernels)
        widths = (architecture.first, *(layer.width for layer in architecture.layers[:-1]))
        self.norms = nnx.List([PhaseNorm(width, 1) for width in widths])
        self.bias = nnx.Param(jnp.zeros(architecture.outputs))

    def __call__(
        self, latents: Sequence[Float[Array, "batch latent"]], shape: tuple[int, ...]
    ) -> Float[Array, "batch *shape output"]:
        """Give the logits of fields, which have the architecture's shape."""
        del shape

        def apply(x: Array, position: int) -> Array:
            kernel = self.kernels[position][...]
            grown = raised(x, polyphase(kernel), FAST) if position else dense(x, kernel, FAST)
            return self.norms[position](grown) if position < len(self.norms) else grown + self.bias[...]

        (z,) = latents
        return whole_chain(self.architecture, z, apply)


def fold_dcgan(network: DcganNetwork) -> tuple[FoldedLayer, ...]:
    """Freeze the last batch's statistics into kernels and biases."""
    folded = []
    for position, parameter in enumerate(network.kernels):
        kernel = polyphase(parameter[...]) if position else parameter[...]
        if position == len(network.norms):
            folded.append(FoldedLayer(kernel, network.bias[...]))
            continue
        factor, offset = (one[...].ravel() for one in (network.norms[position].factor, network.norms[position].offset))
        folded.append(FoldedLayer(kernel * jnp.tile(factor, kernel.shape[-1] // len(factor)), offset))
    return tuple(folded)
