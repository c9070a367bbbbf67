"""The generator in training, with batch statistics; `fold` freezes these into plain kernels and biases."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
from flax import nnx
from jax import lax
from jaxtyping import Array, Float

from latentinv.networks import (
    FAST,
    FoldedLayer,
    GeneratorArchitecture,
    Layer,
    chain,
    convolve,
    convolve_transposed,
    to_folded_layer,
)

FIRST = 0.3
"""Standard deviation of the weights by which a latent map is added to a layer's input, before training."""


class GeneratorNetwork(nnx.Module):
    """The trainable generator; batch statistics between layers (Radford et al. 2015, arXiv:1511.06434)."""

    def __init__(self, architecture: GeneratorArchitecture, rngs: nnx.Rngs) -> None:
        self.architecture = architecture
        initialise = nnx.initializers.he_normal()
        kernels, norms, mixings = [], [], []
        channels = architecture.latent_channels
        for layer in architecture.layers:
            window = (layer.free_window,) * architecture.ndim
            kernels.append(nnx.Param(initialise(rngs.params(), (*window, channels, layer.width))))
            if layer.noise:
                mixings.append(nnx.Param(FIRST * jax.random.normal(rngs.params(), (layer.noise, channels))))
            # Momentum 0: the running statistics are those of the last batch, so one large batch re-estimates them.
            norms.append(nnx.BatchNorm(layer.width, momentum=0.0, use_running_average=False, rngs=rngs))
            channels = layer.width
        self.kernels = nnx.List(kernels)
        self.norms = nnx.List(norms[:-1])
        self.mixings = nnx.List(mixings)
        self.bias = nnx.Param(jnp.zeros(channels))

    def kernel(self, position: int) -> Float[Array, "*window channel_in channel_out"]:
        """The kernel of a layer as it is applied."""
        kernel = self.kernels[position][...]
        for _ in range(self.architecture.layers[position].smooth):
            kernel = binomial(kernel)
        return kernel

    def mixing(self, position: int) -> Float[Array, "noise channel_in"] | None:
        """How the latent map that enters at a layer is added to its input; None where none enters."""
        entries = self.architecture.entries[1:]
        return self.mixings[entries.index(position)][...] if position in entries else None

    def __call__(
        self, latents: Sequence[Float[Array, "batch *latent channel"]], shape: tuple[int, ...]
    ) -> Float[Array, "batch *shape output"]:
        """Give the logits of fields of a given shape."""

        def apply(x: Array, layer: Layer, position: int, noise: Array | None) -> Array:
            kernel = self.kernel(position)
            mixing = self.mixing(position)
            if noise is not None and mixing is not None:
                x = x + noise @ mixing
            up = layer.kind == "up"
            x = convolve_transposed(x, kernel, FAST) if up else convolve(x, kernel, layer.dilation, FAST)
            if position == len(self.norms):
                return x + self.bias[...]
            return jax.nn.relu(self.norms[position](x))

        return chain(self.architecture, latents, shape, apply)


def fold(network: GeneratorNetwork) -> tuple[FoldedLayer, ...]:
    """Freeze the last batch's statistics into kernels and biases."""
    folded = []
    for position, layer in enumerate(network.architecture.layers):
        kernel = network.kernel(position)
        if position < len(network.norms):
            norm = network.norms[position]
            scale = norm.scale[...] / jnp.sqrt(norm.var[...] + norm.epsilon)  # type: ignore[index]
            bias = norm.bias[...] - norm.mean[...] * scale  # type: ignore[index]
            kernel = kernel * scale
        else:
            bias = network.bias[...]
        folded.append(to_folded_layer(layer, kernel, bias, network.mixing(position)))
    return tuple(folded)


def binomial(kernel: Float[Array, "*free channel_in channel_out"]) -> Float[Array, "*window channel_in channel_out"]:
    """Filter a kernel with (1, 2, 1)/4 along each axis, which makes it two cells larger."""
    for axis in range(kernel.ndim - 2):
        edges = [(2, 2) if n == axis else (0, 0) for n in range(kernel.ndim)]
        padded, size = jnp.pad(kernel, edges), kernel.shape[axis] + 2
        before, here, after = (lax.slice_in_dim(padded, start, start + size, axis=axis) for start in range(3))
        kernel = 0.25 * before + 0.5 * here + 0.25 * after
    return kernel
