"""The discriminator: a map of scores, one for each patch it looks at (Isola et al. 2017, doi:10.1109/CVPR.2017.632)."""

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float

from ._architecture import DiscriminatorArchitecture
from ._convolution import convolve, convolve_strided


class Convolution(nnx.Module):
    """A padded convolution of stride 1 or 2 with a bias."""

    def __init__(self, channels: int, width: int, window: int, ndim: int, stride: int, rngs: nnx.Rngs) -> None:
        initialise = nnx.initializers.he_normal()
        self.kernel = nnx.Param(initialise(rngs.params(), (*(window,) * ndim, channels, width)))
        self.bias = nnx.Param(jnp.zeros(width))
        self.stride = stride

    def __call__(self, x: Float[Array, "batch *space channel"]) -> Float[Array, "batch *space channel_out"]:
        """Apply the layer; floor(space / stride) cells come out along each axis."""
        kernel = self.kernel[...]
        low, high = (kernel.shape[0] - self.stride) // 2, (kernel.shape[0] - self.stride + 1) // 2
        x = jnp.pad(x, [(0, 0), *((low, high) for _ in range(x.ndim - 2)), (0, 0)])
        y = convolve_strided(x, kernel) if self.stride == 2 else convolve(x, kernel, 1)
        return y + self.bias[...]


class DiscriminatorNetwork(nnx.Module):
    """Stride-2 layers with leaky ReLU, spectrally or batch-normalised, then one layer to the scores."""

    def __init__(self, architecture: DiscriminatorArchitecture, rngs: nnx.Rngs) -> None:
        spectral = architecture.normalisation == "spectral"
        layers, norms = [], []
        channels = 1
        last = (1, architecture.window if architecture.final_stride_2 else 3, 2 if architecture.final_stride_2 else 1)
        for width, window, stride in [*((w, architecture.window, 2) for w in architecture.widths), last]:
            layer = Convolution(channels, width, window, architecture.ndim, stride, rngs)
            layers.append(nnx.SpectralNorm(layer, rngs=rngs) if spectral else layer)
            norms.append(nnx.BatchNorm(width, use_running_average=False, rngs=rngs))
            channels = width
        self.layers = nnx.List(layers)
        # As in Radford et al. (2015), the first and the last layer go without batch statistics.
        self.norms = nnx.List([] if spectral else norms[1:-1])

    def __call__(self, x: Float[Array, "batch *space 1"]) -> Float[Array, "batch *scores 1"]:
        """Score fields in [−1, 1]; higher means more like the training image."""
        for position, layer in enumerate(self.layers):
            x = layer(x)
            if self.norms and 0 < position < len(self.layers) - 1:
                x = self.norms[position - 1](x)
            if position < len(self.layers) - 1:
                x = jax.nn.leaky_relu(x, 0.2)
        return x
