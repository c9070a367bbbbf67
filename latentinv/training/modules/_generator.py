"""The generator in training, with batch statistics; `fold` freezes these into plain kernels and biases.

A geological field is stationary, but a layer that doubles the resolution computes each phase, the cells at the same
place of a block, from other weights. Unless it is prevented, a generator first learns to draw by the phases alone, the
same pattern for all noise, and on a hard image it never learns anything else. Statistics are therefore those of each
phase: before the ReLU all phases have the same mean and variance. In the last layer the differences between phases are
taken away, and the mean and variance over all of them are left as they are.
"""

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
    by_phase,
    chain,
    convolve,
    depth_to_space,
)

FIRST = 0.3
"""Standard deviation of the weights by which a latent map is added to a layer's input, before training."""
TINY = 1e-5
"""Added to variances."""


class PhaseNorm(nnx.Module):
    """Batch normalisation (Ioffe and Szegedy 2015, arXiv:1502.03167) of each phase and channel.

    Parameters
    ----------
    width
        Channels, which share a scale and a bias over phases.
    phases
        How many there are.
    last
        Whether only the differences between phases are taken away.
    """

    def __init__(self, width: int, phases: int, last: bool = False) -> None:
        self.scale, self.bias, self.last = nnx.Param(jnp.ones(width)), nnx.Param(jnp.zeros(width)), last
        self.factor, self.offset = (nnx.BatchStat(jnp.zeros((phases, width))) for _ in range(2))

    def __call__(self, x: Float[Array, "batch *space phase_channel"]) -> Float[Array, "batch *space phase_channel"]:
        """Normalise by the statistics of the batch, and keep them."""
        width = len(self.bias[...])
        cells = tuple(range(x.ndim - 1))
        mean = jnp.mean(x, axis=cells).reshape(-1, width)
        variance = jnp.maximum(jnp.mean(x**2, axis=cells).reshape(-1, width) - mean**2, 0) + TINY
        centre, factor = jnp.zeros(width), lax.rsqrt(variance)
        if self.last:
            centre, factor = mean.mean(axis=0), factor * jnp.sqrt(variance.mean(axis=0))
        factor = factor * self.scale[...]
        self.factor[...] = factor
        self.offset[...] = centre * self.scale[...] - mean * factor + self.bias[...]
        return x * factor.ravel() + self.offset[...].ravel()


class GeneratorNetwork(nnx.Module):
    """The trainable generator; batch statistics between layers (Radford et al. 2015, arXiv:1511.06434)."""

    def __init__(self, architecture: GeneratorArchitecture, rngs: nnx.Rngs) -> None:
        self.architecture = architecture
        initialise = nnx.initializers.he_normal()
        kernels, mixings = [], []
        norms: list[PhaseNorm] = []
        channels = architecture.latent_channels
        for layer in architecture.layers:
            window = (layer.free_window,) * architecture.ndim
            kernels.append(nnx.Param(initialise(rngs.params(), (*window, channels, layer.width))))
            if layer.noise:
                mixings.append(nnx.Param(FIRST * jax.random.normal(rngs.params(), (layer.noise, channels))))
            phases = 2**architecture.ndim if layer.kind == "up" else 1
            norms.append(PhaseNorm(layer.width, phases, last=len(norms) == len(architecture.layers) - 1))
            channels = layer.width
        self.kernels = nnx.List(kernels)
        self.norms = nnx.List(norms)
        self.mixings = nnx.List(mixings)

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
            x = self.norms[position](convolve(x, by_phase(layer, kernel), layer.dilation, FAST))
            x = x if position == len(self.norms) - 1 else jax.nn.relu(x)
            return depth_to_space(x, (2,) * self.architecture.ndim) if layer.kind == "up" else x

        return chain(self.architecture, latents, shape, apply)


def fold(network: GeneratorNetwork) -> tuple[FoldedLayer, ...]:
    """Freeze the last batch's statistics into kernels and biases."""
    folded = []
    for position, layer in enumerate(network.architecture.layers):
        kernel, norm = by_phase(layer, network.kernel(position)), network.norms[position]
        factor, offset = (one[...].ravel() for one in (norm.factor, norm.offset))
        folded.append(FoldedLayer(kernel * factor, offset, mixing=network.mixing(position)))
    return tuple(folded)


def binomial(kernel: Float[Array, "*free channel_in channel_out"]) -> Float[Array, "*window channel_in channel_out"]:
    """Filter a kernel with (1, 2, 1)/4 along each axis, which makes it two cells larger."""
    for axis in range(kernel.ndim - 2):
        edges = [(2, 2) if n == axis else (0, 0) for n in range(kernel.ndim)]
        padded, size = jnp.pad(kernel, edges), kernel.shape[axis] + 2
        before, here, after = (lax.slice_in_dim(padded, start, start + size, axis=axis) for start in range(3))
        kernel = 0.25 * before + 0.5 * here + 0.25 * after
    return kernel
