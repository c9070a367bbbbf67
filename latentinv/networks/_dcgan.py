"""The deep convolutional GAN (Radford et al. 2015, arXiv:1511.06434), whose fields have one size.

Its first layer is dense: each of 100 Gaussian numbers changes every cell of the coarsest map, which has a cell for 16 ×
16 of the field, rounded up. Four layers then double the resolution, from widths of 1024 to 512, 256 and 128 and the
numbers of a cell. They pad with zeros, as published, and what a field does not need of the last map is cropped.
Windows are of 4 cells instead of 5, which the polyphase form fills without waste.

Such a network knows where a cell lies in its field, so it is neither stationary nor local: no field is a tile of a
larger one, and latents have no place. It is here because the literature begins with it, and for comparison; `sgan` is
the same network without the dense layer.

The discriminator is that of the paper but for its last layer, which gives a map of scores as all discriminators here
do, instead of one.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

from ._architecture import DiscriminatorArchitecture, Layer, Stage, TowerArchitecture
from ._architectures import scaled_layers
from ._convolution import EXACT, convolve, depth_to_space
from ._generator import FoldedLayer

LATENTS, FIRST = 100, 1024
LAYERS = tuple(Layer("up", width, 4) for width in (512, 256, 128, 1))

Features = Float[Array, "batch *space channel"]


@dataclass(frozen=True)
class DcganArchitecture:
    """A generator of fields of one shape.

    Parameters
    ----------
    shape
        Cells of the fields.
    latent_channels
        Gaussian numbers of a field.
    first
        Channels of the map that the dense layer gives.
    layers
        From there to the field; each doubles the resolution.
    """

    shape: tuple[int, ...]
    latent_channels: int = LATENTS
    first: int = FIRST
    layers: tuple[Layer, ...] = LAYERS

    @property
    def ndim(self) -> int:
        """Axes of the field."""
        return len(self.shape)

    @property
    def outputs(self) -> int:
        """Numbers in each cell of a field."""
        return self.layers[-1].width

    @property
    def coarse(self) -> tuple[int, ...]:
        """Cells of the coarsest map along each axis."""
        return tuple(-(-n // 2 ** len(self.layers)) for n in self.shape)

    def latent_shapes(self, shape: tuple[int, ...]) -> tuple[tuple[int, ...], ...]:
        """The latents, as one map of a single place."""
        del shape
        return ((self.latent_channels,),)


def dcgan_architecture(
    shape: tuple[int, ...], *, latent_channels: int | None = None, width: float = 1.0, outputs: int = 1
) -> DcganArchitecture:
    """The generator for fields of a shape; settings are those of `generator_architecture`."""
    chosen = DcganArchitecture(tuple(shape), LATENTS if latent_channels is None else latent_channels)
    dense, *layers = scaled_layers((Layer("same", FIRST, 1), *LAYERS), width, outputs)
    return replace(chosen, first=dense.width, layers=tuple(layers))


def dcgan_discriminator(ndim: int) -> DiscriminatorArchitecture:
    """Four 4×4 stride-2 layers with batch statistics, then the scores."""
    stages = (*(Stage(width, 4, 2) for width in (128, 256, 512, 1024)), Stage(1, 4, 1))
    return DiscriminatorArchitecture(ndim, (TowerArchitecture(stages),), "batch")


def synthesize_whole(
    architecture: DcganArchitecture,
    layers: Sequence[FoldedLayer],
    z: Float[Array, "batch latent"],
    precision: lax.Precision = EXACT,
) -> Float[Array, "batch *shape output"]:
    """Give the logits of fields from folded weights, the dense layer's first."""

    def apply(x: Features, position: int) -> Features:
        kernel, bias, transposed, _ = layers[position]
        grown = raised(x, kernel, precision, transposed) if position else dense(x, kernel, precision)
        return grown + bias

    return whole_chain(architecture, z, apply)


def whole_chain(
    architecture: DcganArchitecture, z: Float[Array, "batch latent"], apply: Callable[[Array, int], Features]
) -> Float[Array, "batch *shape output"]:
    """Apply the dense layer and the others, with a ReLU between them, and crop what the field does not need."""
    x = apply(z, 0)
    for position in range(len(architecture.layers)):
        x = apply(jax.nn.relu(x), position + 1)
    return x[(slice(None), *(slice(0, n) for n in architecture.shape))]


def dense(
    z: Float[Array, "batch latent"], kernel: Float[Array, "latent *space channel"], precision: lax.Precision = EXACT
) -> Features:
    """The coarsest map of latents."""
    flat = jnp.matmul(z, kernel.reshape(len(kernel), -1), precision=precision)
    return flat.reshape(len(z), *kernel.shape[1:])


def raised(
    x: Features,
    kernel: Float[Array, "*window channel phase_channel"],
    precision: lax.Precision = EXACT,
    transposed: Array | None = None,
) -> Features:
    """Double the resolution by a polyphase kernel of two taps along each axis, with zeros around the map."""
    ndim = x.ndim - 2
    x = jnp.pad(x, [(0, 0), *((1, 1),) * ndim, (0, 0)])
    grown = depth_to_space(convolve(x, kernel, 1, precision, transposed), (2,) * ndim)
    return grown[(slice(None), *(slice(1, n - 1) for n in grown.shape[1:-1]))]
