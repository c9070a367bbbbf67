"""The generator after training: from maps of Gaussian noise to the logits of a field, without padding.

Its weights are plain kernels and biases, with batch statistics folded into them; it is local, stationary, and the same
for any batch and field size. What is trained is a module of `latentinv.training`.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float

from ._architecture import GeneratorArchitecture, Layer
from ._convolution import EXACT, adjoint, convolve, depth_to_space, polyphase


class FoldedLayer(NamedTuple):
    """A layer ready for generation; the kernel of an ``up`` layer is in polyphase form."""

    kernel: Float[Array, "*window channel_in channel_out"]
    bias: Float[Array, "channel_out"]
    """One for each channel or, in an ``up`` layer, one for each phase and channel."""
    transposed: Float[Array, "*window channel_out channel_in"] | None = None
    """The kernel's `adjoint`, if it was computed in advance."""
    mixing: Float[Array, "noise channel_in"] | None = None
    """How the latent map that enters at the layer is added to its input; None where none enters."""

    def prepared(self) -> "FoldedLayer":
        """The same layer with its adjoint, for loops that take gradients with respect to the input."""
        kernel = np.asarray(self.kernel)  # turned on the host, where nothing needs compiling
        return FoldedLayer(*jax.device_put((kernel, self.bias, adjoint(kernel), self.mixing)))


def to_folded_layer(layer: Layer, kernel: Array, bias: Array, mixing: Array | None = None) -> FoldedLayer:
    """Bring a layer's kernel into the form `synthesize` uses."""
    return FoldedLayer(by_phase(layer, kernel), bias, mixing=mixing)


def by_phase(layer: Layer, kernel: Array) -> Array:
    """The kernel of a layer in the form in which it is applied: of an ``up`` layer the polyphase form."""
    return polyphase(kernel) if layer.kind == "up" else kernel


def synthesize(
    architecture: GeneratorArchitecture,
    layers: Sequence[FoldedLayer],
    latents: Sequence[Float[Array, "batch *latent channel"]],
    shape: tuple[int, ...],
    precision: lax.Precision = EXACT,
) -> Float[Array, "batch *shape output"]:
    """Give the logits of fields of a given shape from folded weights and one latent map for each entry."""

    def apply(x: Array, layer: Layer, position: int, noise: Array | None) -> Array:
        kernel, bias, transposed, mixing = layers[position]
        if noise is not None and mixing is not None:
            x = x + jnp.matmul(noise, mixing, precision=precision)
        x = convolve(x, kernel, layer.dilation, precision, transposed)
        x = x + jnp.tile(bias, x.shape[-1] // len(bias))
        if position < len(layers) - 1:
            x = jax.nn.relu(x)
        return depth_to_space(x, (2,) * architecture.ndim) if layer.kind == "up" else x

    return chain(architecture, latents, shape, apply)


def chain(
    architecture: GeneratorArchitecture,
    latents: Sequence[Array],
    shape: tuple[int, ...],
    apply: Callable[[Array, Layer, int, Array | None], Array],
) -> Array:
    """Apply the layers one after the other to latents, and crop what a field of a given shape does not need."""
    sizes = [architecture.sizes(size) for size in shape]
    entering = dict(zip(architecture.entries[1:], latents[1:], strict=True))
    x = latents[0]
    for position, layer in enumerate(architecture.layers):
        x = apply(x, layer, position, entering.get(position))
        # An odd size is one cell less than the doubled resolution gives.
        x = x[(slice(None), *(slice(0, axis[position + 1]) for axis in sizes))]
    return x
