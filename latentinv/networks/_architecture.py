"""Generators and discriminators as data: what layers there are, and how large each must be.

A generator is a chain of layers without padding, so every output cell is computed from its own window of the latent map
and from nothing else. Sizes are found backwards: for a field of a given shape each layer states how many cells its
input must have. Latent cell 0 always sits at the same place relative to field cell 0, so a larger field only appends
latent cells, and a tile equals the same tile of the whole.

Three architectures are offered:

``sgan``
    The spatial GAN of Laloy et al. (2018, doi:10.1002/2017WR022148): five 5×5 stride-½ layers of widths
    512-256-128-64-1.
``dsgan``
    The dilated variant of the spatial GAN: the same five layers, the fifth of width 16, then five 3×3 layers of rates
    1 to 5 (16-16-16-16-1). Widths and windows of these layers are our choice.
``compact``
    For two CPU cores: two 3×3 layers (dilation 1 and 2) on the latent map of 1/16 resolution give the reach, three 6×6
    stride-½ layers and a 3×3 one refine, and the last 10×10 stride-½ layer goes to one channel, so that nothing is
    computed at full resolution. Widths are powers of two and stride-2 windows even, which the polyphase form fills
    without waste. Its discriminator scores what every layer of it sees, so small windows are judged as well as large
    ones.

The published network pads with zeros inside the generator; here the latent map grows instead, which changes no weight.
Discriminators see crops of equal size, real and generated, so they may pad.
"""

import math
from dataclasses import dataclass, replace
from typing import Literal

from latentinv.errors import InputError


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
        """Cells that the input must have along an axis for `size` cells of output."""
        if self.kind == "same":
            return size + self.dilation * (self.window - 1)
        return math.ceil(size / 2) + math.ceil(self.window / 2) - 1

    def output_cells(self, cells: range) -> range:
        """The cells of output that cells of input can change."""
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


def generator_architecture(
    name: str, *, ndim: int = 2, latent_channels: int | None = None, width: float = 1.0
) -> GeneratorArchitecture:
    """Give the generator architecture called ``sgan``, ``dsgan`` or ``compact``; its own latent channels unless given.

    Parameters
    ----------
    name
        Which.
    ndim
        Axes of the field, 2 or 3.
    latent_channels
        Gaussian numbers at each cell of the latent map.
    width
        Factor on the width of every layer but the last. Time goes with its square: the published widths are made for
        days on a graphics processor, a quarter of them for minutes on two CPU cores.

    Raises
    ------
    InputError
        If there is no architecture of this name, it is not made for `ndim` axes, there are no latent channels, or the
        width is not a positive number.
    """
    published = tuple(Layer("up", width, 5) for width in (512, 256, 128, 64))
    chains: dict[str, tuple[int, tuple[Layer, ...]]] = {
        "sgan": (1, (*published, Layer("up", 1, 5))),
        "dsgan": (
            1,
            (
                *published,
                Layer("up", 16, 5),
                *(Layer("same", 16, 3, rate) for rate in (1, 2, 3, 4)),
                Layer("same", 1, 3, 5),
            ),
        ),
        "compact": (
            4,
            (
                Layer("same", 128, 3, 1),
                Layer("same", 128, 3, 2),
                Layer("up", 64, 6),
                Layer("up", 32, 6),
                Layer("up", 32, 6),
                Layer("same", 32, 3),
                Layer("up", 1, 10, smooth=2),
            ),
        ),
    }
    _check_name(name, chains, ndim)
    channels, layers = chains[name]
    if latent_channels is not None and latent_channels < 1:
        raise InputError(f"The generator was given {latent_channels} latent channels; expected at least 1.")
    scaled = (*(replace(layer, width=_scaled(layer.width, width)) for layer in layers[:-1]), layers[-1])
    return GeneratorArchitecture(ndim, channels if latent_channels is None else latent_channels, scaled)


def discriminator_architecture(
    name: str, *, ndim: int = 2, width: float = 1.0, scales: int = 1, packing: int = 1
) -> DiscriminatorArchitecture:
    """Give the discriminator that belongs to a generator architecture of the same name, as wide by the same factor.

    Raises
    ------
    InputError
        If there is no architecture of this name, it is not made for `ndim` axes, or the width is not a positive number.
    """
    published = DiscriminatorArchitecture(ndim, (64, 128, 256, 512), 9, True, "batch")
    choices = {
        "sgan": published,
        "dsgan": published,
        "compact": DiscriminatorArchitecture(ndim, (32, 64, 128, 128), 4, False, "spectral", every_layer=True),
    }
    _check_name(name, choices, ndim)
    chosen = choices[name]
    widths = tuple(_scaled(channels, width) for channels in chosen.widths)
    return replace(chosen, widths=widths, scales=scales, packing=packing)


def _scaled(channels: int, width: float) -> int:
    if not (width > 0 and math.isfinite(width)):
        raise InputError(f"The width {width} was given for the networks; expected a factor above 0, such as 0.25.")
    return max(1, round(channels * width))


def _check_name(name: str, choices: dict, ndim: int) -> None:
    if name not in choices:
        raise InputError(f"There is no architecture called '{name}'; choose one of {', '.join(choices)}.")
    if ndim not in (2, 3):
        raise InputError(f"The training image has {ndim} axes; networks are made for 2 or 3.")
