"""The architectures that a recipe can name, each registered in its own file; here they get axes and widths."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

from latentinv.errors import InputError
from latentinv.registration import Registry

from ._architecture import (
    NORMALISATIONS,
    DiscriminatorArchitecture,
    GeneratorArchitecture,
    Layer,
    Stage,
    TowerArchitecture,
)

SMALL = (Stage(32, 3, 1), Stage(32, 4, 2), Stage(64, 3, 1))
"""Layers of the tower of small windows: of 3, 6 and 10 cells."""


class Architecture(NamedTuple):
    """A generator and the discriminator that it is trained against."""

    generator: GeneratorArchitecture
    discriminator: DiscriminatorArchitecture


ARCHITECTURES: Registry[Callable[[int], Architecture]] = Registry("architecture", rooms=("latentinv.networks",))
"""By name, functions of the number of axes, 2 or 3."""


def generator_architecture(
    name: str, *, ndim: int = 2, latent_channels: int | None = None, width: float = 1.0, outputs: int = 1
) -> GeneratorArchitecture:
    """The generator architecture of a name, with its default number of latent channels unless one is given.

    Parameters
    ----------
    name
        One of `ARCHITECTURES`.
    ndim
        Axes of the field, 2 or 3.
    latent_channels
        Gaussian numbers at each cell of the first latent map.
    width
        Factor on the width of every layer but the last. Time goes with its square: the published widths are made for
        days on a graphics processor, a quarter of them for minutes on two CPU cores.
    outputs
        Numbers in each cell of a field.

    Raises
    ------
    InputError
        If there is no architecture of this name, it is not made for `ndim` axes, there are no latent channels, or the
        width is not a positive number.
    """
    chosen = _architecture(name, ndim).generator
    if latent_channels is not None and latent_channels < 1:
        raise InputError(f"The generator was given {latent_channels} latent channels; expected at least 1.")
    channels = chosen.latent_channels if latent_channels is None else latent_channels
    return replace(chosen, latent_channels=channels, layers=scaled_layers(chosen.layers, width, outputs))


def scaled_layers(layers: Sequence[Layer], width: float, outputs: int) -> tuple[Layer, ...]:
    """Layers of other widths, the last of which gives the numbers of a cell."""
    inner = (replace(layer, width=_scaled(layer.width, width)) for layer in layers[:-1])
    return (*inner, replace(layers[-1], width=outputs))


def discriminator_architecture(
    of: str | DiscriminatorArchitecture,
    *,
    ndim: int = 2,
    width: float = 1.0,
    scales: int = 1,
    packing: int = 1,
    channels: int = 1,
    small: bool = False,
    normalisation: str | None = None,
) -> DiscriminatorArchitecture:
    """The discriminator that belongs to a generator architecture, with its width scaled by the same factor.

    Parameters
    ----------
    of
        One of `ARCHITECTURES`, or the discriminator itself.
    ndim, width
        As for `generator_architecture`.
    scales
        Towers: one sees the field, the next its means over 2 cells along each axis, and so on.
    packing
        Fields that are judged together.
    channels
        Numbers in each cell of a field.
    small
        Whether there is one more tower, of small windows, which sees the facies.
    normalisation
        Of its layers; that of the architecture if omitted.

    Raises
    ------
    InputError
        If there is no architecture of this name, it is not made for `ndim` axes, or the width is not a positive number.
    """
    chosen = of if isinstance(of, DiscriminatorArchitecture) else _architecture(of, ndim).discriminator
    base = chosen.towers[0]
    inner = (stage._replace(width=_scaled(stage.width, width)) for stage in base.stages[:-1])
    scaled = replace(base, stages=(*inner, base.stages[-1]))
    towers = tuple(replace(scaled, pooling=number) for number in range(scales))
    if small:
        stages = (stage._replace(width=_scaled(stage.width, width)) for stage in SMALL)
        towers = (*towers, TowerArchitecture((*stages, Stage(1, 1, 1)), every_layer=True, crisp=True))
    kind = chosen.normalisation if normalisation is None else NORMALISATIONS[NORMALISATIONS.index(normalisation)]
    return replace(chosen, towers=towers, normalisation=kind, channels=channels, packing=packing)


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
