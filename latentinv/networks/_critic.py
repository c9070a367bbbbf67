"""The discriminator after training: plain convolutions, with the normalisation frozen into the weights."""

from collections.abc import Sequence
from typing import final

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

from latentinv.pytrees import pytree

from ._convolution import EXACT, blockwise, convolve, convolve_blocks, convolve_strided
from ._generator import FoldedLayer

SLOPE = 0.2
"""Slope of the leaky ReLU below 0."""

Scores = Float[Array, "batch *scores 1"]
Maps = tuple[tuple[Scores, ...], ...]
"""The maps of each tower, from the smallest windows to the largest."""


@final
@pytree("layers", "_ready")
class Critic:
    """A discriminator after training.

    Parameters
    ----------
    layers
        Kernels and biases, from the field to the scores.
    strides
        Stride of each layer, 1 or 2.
    """

    def __init__(self, layers: Sequence[FoldedLayer], strides: Sequence[int]) -> None:
        self.layers, self.strides = tuple(layers), tuple(strides)
        # In the form that convolutions use, so that loops need not convert them each time.
        pairs = zip(self.layers, self.strides, strict=True)
        ready = (one._replace(kernel=blockwise(one.kernel)) if stride == 2 else one for one, stride in pairs)
        self._ready = tuple(one.prepared() for one in ready)

    @property
    def ratio(self) -> int:
        """Field cells per score along an axis, the least that a field must have."""
        return 2 ** self.strides.count(2)

    def scores(self, x: Float[Array, "batch *space 1"]) -> Scores:
        """Score fields in [−1, 1]; higher means more like the training image."""
        for position, (layer, stride) in enumerate(zip(self._ready, self.strides, strict=True)):
            window = self.layers[position].kernel.shape[:-2]
            x = padded(x, window[0], stride)
            if stride == 2:
                x = convolve_blocks(x, layer.kernel, window, EXACT, layer.transposed) + layer.bias
            else:
                x = convolve(x, layer.kernel, 1, EXACT, layer.transposed) + layer.bias
            x = jax.nn.leaky_relu(x, SLOPE) if position < len(self.layers) - 1 else x
        return x


def convolve_padded(
    x: Float[Array, "batch *space channel"],
    kernel: Float[Array, "*window channel channel_out"],
    stride: int,
    precision: lax.Precision = EXACT,
) -> Float[Array, "batch *out channel_out"]:
    """Convolve with zero padding; the result has floor(space / stride) cells along each axis."""
    x = padded(x, kernel.shape[0], stride)
    return convolve_strided(x, kernel, precision) if stride == 2 else convolve(x, kernel, 1, precision)


def padded(x: Float[Array, "batch *space channel"], window: int, stride: int) -> Float[Array, "batch *grown channel"]:
    """Pad with zeros so that a convolution gives floor(space / stride) cells."""
    low, high = (window - stride) // 2, (window - stride + 1) // 2
    return jnp.pad(x, [(0, 0), *((low, high) for _ in range(x.ndim - 2)), (0, 0)])
