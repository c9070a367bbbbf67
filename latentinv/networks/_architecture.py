"""Generators and discriminators as data: what layers there are, and how large each must be.

A generator is a chain of layers without padding, so every output cell is computed from its own windows of the latent
maps and from nothing else. The first map is the input of the first layer; further ones, of finer resolution, may enter
at later layers (Ulyanov et al. 2016, arXiv:1603.03417). Sizes are found backwards: for a field of a given shape each
layer states how many cells its input must have. Cell 0 of each latent map is always at the same place relative to field
cell 0, so a larger field only appends latent cells, and a tile equals the same tile of the whole.

The published network pads with zeros inside the generator; here the latent maps grow instead, which changes no weight.
Discriminators see crops of equal size, real and generated, so they may pad.
"""

import math
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple


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
    noise
        Gaussian numbers at each cell of the layer's input, a latent map of that resolution, which a matrix adds to it.
    """

    kind: Literal["same", "up"]
    width: int
    window: int
    dilation: int = 1
    smooth: int = 0
    noise: int = 0

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
    """A generator: latent channels and a chain of layers, the last of which gives the numbers of a field's cells.

    Parameters
    ----------
    ndim
        Axes of the field, 2 or 3.
    latent_channels
        Gaussian numbers at each cell of the first latent map.
    layers
        From the first latent map to the field.
    """

    ndim: int
    latent_channels: int
    layers: tuple[Layer, ...]

    @property
    def outputs(self) -> int:
        """Numbers in each cell of a field."""
        return self.layers[-1].width

    @property
    def ratio(self) -> int:
        """Field cells per cell of the first latent map along an axis."""
        return 2 ** sum(layer.kind == "up" for layer in self.layers)

    @property
    def reach(self) -> tuple[int, int]:
        """Field cells that a cell of the first map can change along an axis, ahead of its own block of `ratio` cells
        and behind.

        The second is negative where it leaves the last cells of its block alone.
        """
        cells = range(1)
        for layer in self.layers:
            cells = layer.output_cells(cells)
        return -cells.start, cells.stop - self.ratio

    @property
    def entries(self) -> tuple[int, ...]:
        """The layers at whose input latent maps enter, from the first map to the finest."""
        return (0, *(n for n, layer in enumerate(self.layers) if layer.noise))

    def after(self, entry: int) -> "GeneratorArchitecture":
        """The part of the chain from a layer on; its ratio and reach are those of the latent map that enters there."""
        return replace(self, latent_channels=self.layers[entry].noise, layers=self.layers[entry:])

    def sizes(self, size: int) -> tuple[int, ...]:
        """Cells along an axis before each layer and, last, of the field."""
        chain = [size]
        for layer in reversed(self.layers):
            chain.append(layer.input_size(chain[-1]))
        return tuple(reversed(chain))

    def latent_shapes(self, shape: tuple[int, ...]) -> tuple[tuple[int, ...], ...]:
        """Shapes of the latent maps, channels last, for a field of a given shape."""
        sizes = [self.sizes(size) for size in shape]
        channels = (self.latent_channels, *(self.layers[entry].noise for entry in self.entries[1:]))
        return tuple((*(axis[n] for axis in sizes), m) for n, m in zip(self.entries, channels, strict=True))


class Stage(NamedTuple):
    """One layer of a discriminator."""

    width: int
    """Output channels."""
    window: int
    """Kernel size along each axis."""
    stride: int
    """1 or 2."""


@dataclass(frozen=True)
class TowerArchitecture:
    """Layers of a discriminator that see a field at one scale, then a map of scores.

    Parameters
    ----------
    stages
        The layers, the last of which, of width 1, gives the scores.
    every_layer
        Whether each layer's output is scored, by a layer of its own, and not the last alone.
    pooling
        How many times the field is halved before, by means over 2 cells along each axis (Wang et al. 2018,
        doi:10.1109/CVPR.2018.00917).
    crisp
        Whether it sees the facies rather than the levels by which a network softens their edges.
    """

    stages: tuple[Stage, ...]
    every_layer: bool = False
    pooling: int = 0
    crisp: bool = False

    @property
    def ratio(self) -> int:
        """Field cells per score of the last layer along an axis, the least that a patch must have."""
        return 2 ** (self.pooling + sum(stage.stride == 2 for stage in self.stages))


Normalisation = Literal["spectral", "batch", "none"]
NORMALISATIONS: tuple[Any, ...] = ("spectral", "batch", "none")


@dataclass(frozen=True)
class DiscriminatorArchitecture:
    """A discriminator of patches, in one or several towers."""

    ndim: int
    """Axes of the field, 2 or 3."""
    towers: tuple[TowerArchitecture, ...]
    """The first sees the field's levels at its own scale."""
    normalisation: Normalisation
    """``spectral`` (Miyato et al. 2018, arXiv:1802.05957), ``batch``, as in the published network, or ``none``, with
    gradient penalties."""
    channels: int = 1
    """Numbers in each cell of a field."""
    packing: int = 1
    """Fields that are judged together, as channels (Lin et al. 2018, arXiv:1712.04086)."""

    @property
    def ratio(self) -> int:
        """Field cells per score of the coarsest tower along an axis, the least that a patch must have."""
        return max(tower.ratio for tower in self.towers)
