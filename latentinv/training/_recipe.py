"""Recipes: one TOML file describes a training wholly.

    [image]
    file = "channels_2500.npz"       # relative to the recipe, or found in $LATENTINV_DATA; or a [image.simulator] table
    coarsen = 1                      # majority over blocks of this many cells
    flips = []                       # array axes along which patches may be flipped

    [networks]
    architecture = "compact"         # sgan, dsgan or compact
    latent_channels = 4

    [training]
    seed = 0
    steps = 5000
    batch = 8
    patch = [128, 128]
    loss = "hinge"                   # or "non-saturating"
    learning_rate_generator = 4e-4
    learning_rate_discriminator = 4e-4
    cool_down = 0.5                  # last share of the steps, over which the rates fall linearly to zero
    betas = [0.5, 0.99]              # Adam
    average = 0.998                  # decay of the weight average (EMA)
    evaluate_every = 200             # steps between comparisons with the image, checkpoints and sample sheets

Keys that are left out take the values above, which are `RecipeTraining`'s defaults; keys that do not exist are refused
by name.
"""

import dataclasses
import os
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from latentinv.errors import InputError, StorageError

from ._images import TrainingImage, coarsen, read_training_image
from ._losses import LOSSES
from ._simulator import ChannelSimulator


@dataclass(frozen=True)
class RecipeImage:
    """Where the training image comes from: a file, or the channel simulator's parameters, `seed` and `shape`."""

    file: str | None = None
    simulator: dict[str, Any] | None = None
    coarsen: int = 1
    flips: tuple[int, ...] = ()


@dataclass(frozen=True)
class RecipeNetworks:
    """Which networks are trained."""

    architecture: str = "compact"
    latent_channels: int = 4


@dataclass(frozen=True)
class RecipeTraining:
    """How they are trained."""

    seed: int = 0
    steps: int = 5000
    batch: int = 8
    patch: tuple[int, ...] = (128, 128)
    loss: str = "hinge"
    learning_rate_generator: float = 4e-4
    learning_rate_discriminator: float = 4e-4
    cool_down: float = 0.5
    betas: tuple[float, float] = (0.5, 0.99)
    average: float = 0.998
    evaluate_every: int = 200


@dataclass(frozen=True)
class Recipe:
    """A training, wholly described; `text` is the file as written."""

    image: RecipeImage
    networks: RecipeNetworks = field(default_factory=RecipeNetworks)
    training: RecipeTraining = field(default_factory=RecipeTraining)
    text: str = ""
    folder: Path = Path(".")

    def load_image(self) -> TrainingImage:
        """Read or simulate the training image, coarsened as the recipe asks.

        Raises
        ------
        InputError, StorageError
            If the image cannot be used.
        """
        if self.image.simulator is not None:
            parameters = dict(self.image.simulator)
            shape, seed = tuple(parameters.pop("shape")), int(parameters.pop("seed"))
            image = ChannelSimulator(**parameters).as_training_image(seed, shape)
        else:
            image = read_training_image(find_image(str(self.image.file), self.folder))
        return coarsen(image, self.image.coarsen) if self.image.coarsen > 1 else image


def find_image(name: str, folder: Path) -> Path:
    """Find a training image's file: beside the recipe, or in ``$LATENTINV_DATA/training_images``."""
    places = [folder / name]
    if "LATENTINV_DATA" in os.environ:
        places += [Path(os.environ["LATENTINV_DATA"]) / "training_images" / name]
    for place in places:
        if place.exists():
            return place
    raise StorageError(
        f"The training image {name} is neither beside the recipe ({places[0]}) nor in $LATENTINV_DATA/training_images; "
        "put it there or set LATENTINV_DATA."
    )


def read_recipe(path: str | Path) -> Recipe:
    """Read a recipe file.

    Raises
    ------
    StorageError
        If the file cannot be read.
    InputError
        If it is no TOML, or a key or value cannot be used.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise StorageError(f"The recipe {path} cannot be read ({error}); check its name.") from error
    return parse_recipe(text, path.parent)


def parse_recipe(text: str, folder: Path) -> Recipe:
    """Make a recipe from its text; image files are looked for in `folder`."""
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"The recipe is not valid TOML: {error}; correct that line.") from error
    unknown = set(tables) - {"image", "networks", "training"}
    if unknown:
        raise InputError(f"The recipe has a table [{sorted(unknown)[0]}]; expected [image], [networks] and [training].")
    recipe = Recipe(
        _table(RecipeImage, tables.get("image", {}), "image"),
        _table(RecipeNetworks, tables.get("networks", {}), "networks"),
        _table(RecipeTraining, tables.get("training", {}), "training"),
        text,
        folder,
    )
    _check(recipe)
    return recipe


def _table(kind: Any, values: dict[str, Any], name: str) -> Any:
    known = {item.name: item for item in dataclasses.fields(kind)}
    for key, value in values.items():
        if key not in known:
            raise InputError(f"The recipe's [{name}] has a key '{key}'; expected one of {', '.join(known)}.")
        default = known[key].default
        numeric = isinstance(default, int | float)
        if numeric and (not isinstance(value, int | float) or (isinstance(default, int) and value != int(value))):
            raise InputError(f"The recipe's {key} is {value!r}; expected a number such as {default}.")
    return kind(**{key: tuple(value) if isinstance(value, list) else value for key, value in values.items()})


def _check(recipe: Recipe) -> None:
    image, training = recipe.image, recipe.training
    if (image.file is None) == (image.simulator is None):
        raise InputError("The recipe's [image] needs either a file or a simulator table; give exactly one of them.")
    if image.simulator is not None and not {"shape", "seed"} <= set(image.simulator):
        raise InputError("The recipe's [image.simulator] lacks 'shape' or 'seed'; give both.")
    if training.loss not in LOSSES:
        raise InputError(f"The recipe's loss is '{training.loss}'; choose one of {', '.join(LOSSES)}.")
    for key in ("steps", "batch", "learning_rate_generator", "learning_rate_discriminator", "evaluate_every"):
        if getattr(training, key) <= 0:
            raise InputError(f"The recipe's {key} is {getattr(training, key)}; expected a number above 0.")
    if not 0 <= training.cool_down <= 1:
        raise InputError(f"The recipe's cool_down is {training.cool_down}; expected a share of the steps, 0 to 1.")
    if not 0 <= training.average < 1:
        raise InputError(f"The recipe's average is {training.average}; expected a decay from 0 to below 1.")
    if len(training.betas) != 2 or not all(0 <= beta < 1 for beta in training.betas):
        raise InputError(f"The recipe's betas are {training.betas}; expected two numbers from 0 to below 1.")
