"""Generators and discriminators as data: what layers there are, and how large each must be.

A generator is a chain of layers without padding, so every output cell is computed from its own window of the latent map
and from nothing else. Sizes are found backwards: for a field of a given shape each layer states how many cells its
input must have. Latent cell 0 is always at the same place
relative to field cell 0, so a larger field only appends
latent cells, and a tile equals the same tile of the whole.

The published network pads with zeros inside the generator; here the latent map grows instead, which changes no weight.
Discriminators see crops of equal size, real and generated, so they may pad.
"""

import math
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Layer:
    """One layer of a generator.

    Parameters
    ----------
    kind
        ``same`` keeps the resolution, ``up`` doubles it (a transposed convolution of stride 2).
    width
        Output channels.
    window
        Kernel size along each axis.
    dilation
        Distance between taps of a ``same`` layer.
    smooth
        How many times the kernel is filtered by the binomial (1, 2, 1)/4 along each axis, as in Karras et al. (2019,
        arXiv:1812.04948); the free kernel is two cells smaller for each. The last layer of a generator of facies is
        filtered, because the alternating part of an upsampling kernel shows as single cells along the edges of bodies.
    """

    kind: Literal["same", "up"]
    width: int
    window: int
    dilation: int = 1
    smooth: int = 0

    @property
    def free_window(self) -> int:
        """Size of the kernel that is trained, along each axis."""
        return self.window - 2 * self.smooth

    def input_size(self, size: int) -> int:
        """Number of cells that the input must have along an axis for `size` cells of output."""
        if self.kind == "same":
            return size + self.dilation * (self.window - 1)
        return math.ceil(size / 2) + math.ceil(self.window / 2) - 1

    def output_cells(self, cells: range) -> range:
        """The range of output cells that a range of input cells can change."""
        if self.kind == "same":
            return range(cells.start - self.dilation * (self.window - 1), cells.stop)
        first = 2 * (math.ceil(self.window / 2) - 1)
        return range(2 * cells.start - first, 2 * (cells.stop - 1) - first + self.window)


@dataclass(frozen=True)
class GeneratorArchitecture:
    """A generator: latent channels and a chain of layers, the last of width 1.

    Parameters
    ----------
    ndim
        Axes of the field, 2 or 3.
    latent_channels
        Gaussian numbers at each cell of the latent map.
    layers
        From the latent map to the field.
    """

    ndim: int
    latent_channels: int
    layers: tuple[Layer, ...]

    @property
    def ratio(self) -> int:
        """Field cells per latent cell along an axis."""
        return 2 ** sum(layer.kind == "up" for layer in self.layers)

    @property
    def reach(self) -> tuple[int, int]:
        """Field cells that a latent cell can change along an axis, ahead of its own block of `ratio` cells and behind.

        The second is negative where it leaves the last cells of its block alone.
        """
        cells = range(1)
        for layer in self.layers:
            cells = layer.output_cells(cells)
        return -cells.start, cells.stop - self.ratio

    def sizes(self, size: int) -> tuple[int, ...]:
        """Cells along an axis before each layer and, last, of the field."""
        chain = [size]
        for layer in reversed(self.layers):
            chain.append(layer.input_size(chain[-1]))
        return tuple(reversed(chain))

    def latent_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Shape of the latent map, channels last, for a field of a given shape."""
        return (*(self.sizes(size)[0] for size in shape), self.latent_channels)


@dataclass(frozen=True)
class DiscriminatorArchitecture:
    """A discriminator of patches: stride-2 layers of growing width, then a map of scores.

    Parameters
    ----------
    ndim
        Axes of the field, 2 or 3.
    widths
        Channels of the stride-2 layers.
    window
        Their kernel size.
    final_stride_2
        Whether the layer that gives the scores halves the resolution too (as in the published network).
    normalisation
        ``spectral`` (Miyato et al. 2018, arXiv:1802.05957) or ``batch``, as in the published network.
    scales
        Towers of such layers: one sees the field, the next its means over 2 cells along each axis, and so on (Wang et
        al. 2018, doi:10.1109/CVPR.2018.00917).
    packing
        Fields that are judged together, as channels (Lin et al. 2018, arXiv:1712.04086).
    every_layer
        Whether each stride-2 layer's output is scored, by a layer of its own, and not the last alone.
    """

    ndim: int
    widths: tuple[int, ...]
    window: int
    final_stride_2: bool
    normalisation: Literal["spectral", "batch"]
    scales: int = 1
    packing: int = 1
    every_layer: bool = False

    @property
    def ratio(self) -> int:
        """Field cells per score of the coarsest tower along an axis, the least that a patch must have."""
        return 2 ** (len(self.widths) + self.final_stride_2 + self.scales - 1)
