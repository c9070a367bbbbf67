"""The tables of a recipe, and what values their keys can have; what they mean is said in `_recipe.py`."""

from dataclasses import dataclass, field
from typing import Any

from latentinv.io import (
    FLAG,
    LABELS,
    NUMBER,
    SEED,
    TABLE,
    Rule,
    entry,
    number,
    one_of,
    several,
    whole,
    words,
)
from latentinv.io.images import FIRST_ROWS
from latentinv.networks import NORMALISATIONS, TranslatorArchitecture
from latentinv.priors.learned import MEASURES

RATE = number(lambda value: value > 0, "a finite number above 0")
WEIGHT = number(lambda value: value >= 0, "a finite weight, 0 or more")
DECAY = number(lambda value: 0 <= value < 1, "a decay from 0 to below 1")


def _is_map(value: Any) -> bool:
    if type(value) is not dict:
        return type(value) is str and value != ""
    texts = all(type(one) is str and one for one in value.values())
    named = "file" in value and set(value) <= {"file", "key", "first_row"}
    return texts and named and value.get("first_row", FIRST_ROWS[0]) in FIRST_ROWS


MAPS = Rule(
    lambda value: type(value) is dict and all(map(_is_map, value.values())),
    'files by the names of maps, such as {azimuth = "azimuth.npy", depth = {file = "d.npz", key = "z", first_row = '
    '"north"}}',
)


@dataclass(frozen=True)
class RecipeImage:
    """Where the training image comes from: a file, or a simulator's `kind`, parameters, `seed` and `shape`."""

    file: str | None = entry(None, words("a file's name"))
    key: str | None = entry(None, words("the name of an array in the .npz file"))
    first_row: str | None = entry(None, one_of(FIRST_ROWS))
    """Where the file's first row lies; None for the default of its format."""
    missing: tuple[float, ...] | None = entry(None, several(NUMBER, tuple(range(9)), "a list of up to 8 numbers"))
    """Codes of missing values; None for the usual ones."""
    classes: int | None = entry(None, whole(2, 16))
    """How many facies are kept; None for all."""
    names: dict[str, str] | tuple[str, ...] = field(default=(), metadata={"rule": LABELS})
    """Of the facies, by code or colour, or in the order of the codes."""
    simulator: dict[str, Any] | None = field(default=None, metadata={"rule": TABLE})
    continuous: bool = entry(False, FLAG)
    ordered: bool = entry(False, FLAG)
    maps: dict[str, str | dict[str, str]] = field(default_factory=dict, metadata={"rule": MAPS})
    """Files of auxiliary maps, by name."""
    coarsen: int = entry(1, whole(1))
    flips: tuple[int, ...] = entry((), several(whole(0, 2), (0, 1, 2, 3), "a list of array axes such as [0, 1]"))

    @property
    def has_maps(self) -> bool:
        """Whether it has auxiliary maps."""
        return bool(self.maps) or (self.simulator is not None and self.simulator["kind"] == "flowlines")


@dataclass(frozen=True)
class RecipeNetworks:
    """Which networks are trained."""

    family: str = entry("generator", words("a family's name"))
    architecture: str = entry("compact", words("an architecture's name"))
    latent_channels: int | None = entry(None, whole(1))
    """None for the architecture's default."""
    width: float = entry(1.0, number(lambda value: 0 < value <= 16, "a factor above 0, at most 16"))
    discriminator_scales: int = entry(1, whole(1, 8))
    small_windows: bool = entry(False, FLAG)
    normalisation: str | None = entry(None, one_of(NORMALISATIONS))
    """None for the architecture's default."""
    packing: int = entry(1, whole(1))


MANY = tuple(range(1, 9))


@dataclass(frozen=True)
class RecipeSequential:
    """Settings of a sequential simulation, by grids from the coarsest to that of every second cell."""

    widths: tuple[int, ...] = entry(
        (48, 64, 64, 64, 48, 32), several(whole(1), MANY, "channels such as [48, 64, 64, 64, 48, 32]")
    )
    windows: tuple[int, ...] = entry(
        (1, 2, 2, 2, 2, 2), several(whole(0, 4), MANY, "layers such as [1, 2, 2, 2, 2, 2]")
    )
    stretch: tuple[int, ...] | None = entry(
        None, several(whole(1), (2, 3), "powers of two, the least 1, such as [1, 4]")
    )
    """None for the same distance along all axes."""
    apart: bool = entry(False, FLAG)
    blocks: int = entry(0, whole(0, 7))
    order: tuple[int, ...] | None = entry(
        None, several(whole(-(2**31)), tuple(range(2, 65)), "codes of facies such as [1, 0]")
    )
    """None without blocks."""
    wells: bool = entry(False, FLAG)
    temperatures: tuple[float, ...] = entry(
        (1.0, 1.0, 1.0, 0.6, 0.4, 0.2),
        several(number(lambda value: 0 < value <= 1, ""), MANY, "factors above 0, at most 1, such as [1, 1, 0.4]"),
    )
    learning_rate: float = entry(2e-3, RATE)


@dataclass(frozen=True)
class RecipeFlow:
    """Settings of flow matching."""

    widths: tuple[int, ...] = entry((32, 64, 96), several(whole(1), (1, 2, 3, 4, 5), "channels such as [32, 64, 96]"))
    middle: int = entry(2, whole(1))
    steps: int = entry(4, whole(1))
    shortcuts: float = entry(0.25, number(lambda value: 0 <= value < 1, "a share from 0 to below 1"))
    border: int = entry(16, whole(0))
    learning_rate: float = entry(1e-3, RATE)


@dataclass(frozen=True)
class RecipeAutoencoder:
    """Settings of an autoencoder."""

    variational: bool = entry(True, FLAG)
    divergence: float = entry(1.0, WEIGHT)
    widths: tuple[int, ...] = entry((32, 64, 128), several(whole(1), (2, 3, 4, 5), "channels such as [32, 64, 128]"))
    couplings: int | None = entry(None, whole(0))
    """None for none of a variational autoencoder, and 6 of a plain one."""
    coupling_width: int = entry(64, whole(1))
    learning_rate: float = entry(1e-3, RATE)

    @property
    def of_codes(self) -> int:
        """Couplings between noise and codes."""
        return (0 if self.variational else 6) if self.couplings is None else self.couplings


@dataclass(frozen=True)
class RecipeSingan:
    """Settings of a SinGAN, by scales from the coarsest to that of single cells."""

    widths: tuple[int, ...] = entry((32, 32, 32, 32), several(whole(1), MANY, "channels such as [32, 32, 32, 32]"))
    layers: int = entry(5, whole(2, 8))
    shares: tuple[float, ...] | None = entry(
        None, several(RATE, MANY, "numbers above 0, one for each scale, such as [1, 1, 2, 2]")
    )
    """None for as many steps on each scale."""
    reconstruction: float = entry(10.0, RATE)
    noise: float = entry(0.1, RATE)

    def edges(self, steps: int) -> tuple[int, ...]:
        """The steps at which each scale begins, of a training of `steps`, and the end."""
        shares = self.shares or (1.0,) * len(self.widths)
        return tuple(round(steps * sum(shares[:n]) / sum(shares)) for n in range(len(shares) + 1))


STANDS = Rule(
    lambda value: type(value) is dict and bool(value) and all(type(one) in (int, str) for one in value.values()),
    "facies of the image by those of the source, such as {0 = 0, 1 = 2}",
)


@dataclass(frozen=True)
class RecipeCycle:
    """Settings of an unpaired translation."""

    source: str | None = entry(None, words("a shipped prior's name, or a prior's file beside the recipe"))
    facies: dict[str, int | str] = field(default_factory=dict, metadata={"rule": STANDS})
    """Empty if those of the source stand for those of the image in their order."""
    widths: tuple[int, ...] = entry((16, 32), several(whole(1), (2,), "channels such as [16, 32]"))
    dilations: tuple[int, ...] = entry((1, 2, 4), several(whole(1, 16), MANY, "distances such as [1, 2, 4]"))
    cycle: float = entry(10.0, WEIGHT)
    content: float = entry(2.0, WEIGHT)

    @property
    def margin(self) -> int:
        """Cells around a field that each network sees."""
        return TranslatorArchitecture(2, (0, 1), 2, (1, 1), self.dilations).margin


@dataclass(frozen=True)
class RecipeConditioning:
    """What a generator learns to honour."""

    pixels: float = entry(0.005, number(lambda value: 0 < value <= 0.5, "a share of the cells above 0, at most 0.5"))
    weight: float = entry(0.1, WEIGHT)
    proportion: int | None = entry(None, whole(0))
    """Code of a facies whose share of the field it sees; None for none."""
    width: int | None = entry(None, whole(0))
    """Code of a facies whose mean width in the field it sees; None for none."""

    @property
    def measures(self) -> dict[str, int]:
        """What it sees of facies beside cells, and their codes."""
        codes = {name: getattr(self, name) for name in MEASURES}
        return {name: code for name, code in codes.items() if code is not None}


@dataclass(frozen=True)
class RecipeTraining:
    """How they are trained."""

    seed: int = entry(0, SEED)
    steps: int = entry(5000, whole(1))
    batch: int = entry(8, whole(1))
    patch: tuple[int, ...] = entry((128, 128), several(whole(1), (2, 3), "cells along each axis such as [128, 128]"))
    edge_width: float = entry(0.0, number(lambda value: value >= 0, "a finite number of cells, 0 or more"))
    loss: str = entry("non-saturating", words("a loss's name"))
    gradient_penalty: float = entry(0.0, WEIGHT)
    gradient_penalty_generated: float = entry(0.0, WEIGHT)
    gradient_penalty_between: float = entry(0.0, WEIGHT)
    penalty_every: int = entry(1, whole(1))
    generator_every: int = entry(1, whole(1))
    patterns: float = entry(0.0, WEIGHT)
    structure: float = entry(0.0, WEIGHT)
    learning_rate_generator: float = entry(4e-4, RATE)
    learning_rate_discriminator: float = entry(4e-4, RATE)
    cool_down: float = entry(0.5, number(lambda value: 0 <= value <= 1, "a share of the steps, 0 to 1"))
    betas: tuple[float, float] = entry((0.5, 0.99), several(DECAY, (2,), "two numbers from 0 to below 1"))
    average: float = entry(0.998, DECAY)
    evaluate_every: int = entry(200, whole(1))
    patience: int = entry(0, whole(0))
    keep_discriminator: bool = entry(False, FLAG)
    """Whether the prior's file keeps the last discriminator, for image completion."""
