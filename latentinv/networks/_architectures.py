"""The architectures that a recipe can name, each registered in its own file; here they get axes and widths."""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

from latentinv.errors import InputError
from latentinv.registration import Registry

from ._architecture import DiscriminatorArchitecture, GeneratorArchitecture


class Architecture(NamedTuple):
    """A generator and the discriminator that it is trained against."""

    generator: GeneratorArchitecture
    discriminator: DiscriminatorArchitecture


ARCHITECTURES: Registry[Callable[[int], Architecture]] = Registry("architecture", rooms=("latentinv.networks",))
"""By name, functions of the number of axes, 2 or 3."""


def generator_architecture(
    name: str, *, ndim: int = 2, latent_channels: int | None = None, width: float = 1.0
) -> GeneratorArchitecture:
    """The generator architecture of a name, with its default number of latent channels unless one is given.

    Parameters
    ----------
    name
        One of `ARCHITECTURES`.
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
    chosen = _architecture(name, ndim).generator
    if latent_channels is not None and latent_channels < 1:
        raise InputError(f"The generator was given {latent_channels} latent channels; expected at least 1.")
    inner = (replace(layer, width=_scaled(layer.width, width)) for layer in chosen.layers[:-1])
    channels = chosen.latent_channels if latent_channels is None else latent_channels
    return replace(chosen, latent_channels=channels, layers=(*inner, chosen.layers[-1]))


def discriminator_architecture(
    name: str, *, ndim: int = 2, width: float = 1.0, scales: int = 1, packing: int = 1
) -> DiscriminatorArchitecture:
    """The discriminator that belongs to the generator architecture of this name, with its width scaled by the same
    factor.

    Raises
    ------
    InputError
        If there is no architecture of this name, it is not made for `ndim` axes, or the width is not a positive number.
    """
    chosen = _architecture(name, ndim).discriminator
    widths = tuple(_scaled(channels, width) for channels in chosen.widths)
    return replace(chosen, widths=widths, scales=scales, packing=packing)


def _architecture(name: str, ndim: int) -> Architecture:
    if name not in ARCHITECTURES:
        raise InputError(f"There is no architecture called '{name}'; choose one of {', '.join(ARCHITECTURES)}.")
    if ndim not in (2, 3):
        raise InputError(f"The training image has {ndim} axes; networks are made for 2 or 3.")
    return ARCHITECTURES[name](ndim)


def _scaled(channels: int, width: float) -> int:
    if not (width > 0 and math.isfinite(width)):
        raise InputError(f"The width {width} was given for the networks; expected a factor above 0, such as 0.25.")
    return max(1, round(channels * width))
