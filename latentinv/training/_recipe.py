"""Recipes: one TOML file describes a training completely.

    [image]
    file = "channels_2500.npz"       # relative to the recipe, or found in $LATENTINV_DATA; or a [image.simulator] table
                                     # with a seed, a shape, a kind (channels, or flowlines, which has two maps) and the
                                     # parameters of that simulator
    key = "facies"                   # which array of a .npz file; needed where it holds several (but for one called
                                     # facies, if facies are wanted)
    first_row = "north"              # where the file's first row lies, "north" (the largest y; in a section the top) or
                                     # "south"; left out: north for pictures (.png, .tif), south for arrays and GSLIB
    missing = [-9999]                # codes of missing values; left out: the usual ones, such as -999.25
    classes = 2                      # how many facies to keep, those with most cells, for a picture with blurred edges:
                                     # every other cell gets the most alike of them
    names = {0 = "clay", 1 = "sand"} # what facies are called, by code or colour ("#c0a060"), or a list by order of code
    continuous = false               # whether its values are of a continuous property rather than facies codes
    ordered = false                  # whether facies touch only the next of them, in the order of their codes; of two
                                     # facies it makes no difference
    maps = {azimuth = "azimuth.npy"} # auxiliary maps of the image's cells, of any names, which networks of family
                                     # sequential see: by `azimuth` a direction in degrees clockwise from north, by any
                                     # other name a number such as a depth or a width; a file, or where it needs them
                                     # with key and first_row, {file = "maps.npz", key = "z", first_row = "north"}
    coarsen = 1                      # majority (mean of a continuous property) over blocks of this many cells
    flips = []                       # array axes along which patches may be flipped

    [networks]
    family = "generator"             # generator (adversarial), conditional (one that sees wells), dcgan (one of fields
                                     # of the patch's size alone), singan (adversarial, scale by scale), cycle (that
                                     # translates another prior's fields), sequential (by likelihood), flow (flow
                                     # matching) or autoencoder (by its codes)
    architecture = "compact"         # of a generator: sgan, dsgan, compact or pyramid
    latent_channels = 4              # Gaussian numbers at a latent cell; left out: 4 for compact and pyramid, else 1;
                                     # of a dcgan those of a field, 100
    width = 1.0                      # factor on the architecture's own widths, of both networks
    discriminator_scales = 1         # discriminators: one sees fields, the next their means over 2 × 2 cells, and so on
    small_windows = false            # one more, with small windows, which sees the facies instead of softened edges
    normalisation = "spectral"       # of the discriminator: spectral, batch or none, which wants gradient penalties;
                                     # left out: batch for sgan, dsgan and dcgan
    packing = 1                      # fields that they judge together; batch must be a multiple of it

    [sequential]                     # of family sequential
    widths = [48, 64, 64, 64, 48, 32]      # channels of the networks of each grid: every 64, 32, … and 2 cells
    windows = [1, 2, 2, 2, 2, 2]     # how many of the layers of each see 3 of these cells along an axis
    stretch = [1, 1]                 # how many times as far apart cells of a grid lie along each axis: powers of two
    apart = false                    # whether cells equally far from those drawn already are drawn one after the other;
                                     # on the finest grid they always are
    blocks = 0                       # on how many of the grids, from that of every second cell, cells stand for blocks
    order = [1, 0]                   # all facies; a block has the first that any of its cells has; left out without
                                     # blocks
    wells = false                    # whether networks are shown the facies of some cells, so that they can be told
                                     # wells; facies only
    temperatures = [1, 1, 1, 0.6, 0.4, 0.2] # divide the log-odds on each grid, or warmer ones for a rough image; 1: by
                                     # the odds, as values should be drawn
    learning_rate = 2e-3

    [flow]                           # of family flow
    widths = [32, 64, 96]            # channels of the velocity network at 1/2, 1/4, … of the resolution
    middle = 2                       # its layers at the coarsest level
    steps = 4                        # steps from noise to field, a power of two
    shortcuts = 0.25                 # share of each batch that learns long steps
    border = 16                      # cells at each end of a patch that the loss leaves out
    learning_rate = 1e-3

    [autoencoder]                    # of family autoencoder
    variational = true               # whether each code is drawn from a Gaussian that the encoder gives, and may be a
                                     # latent itself; otherwise a flow must learn how codes are distributed
    divergence = 1.0                 # weight of the Kullback–Leibler divergence of codes from N(0, I); less: fields are
                                     # reconstructed better, and simulated worse
    widths = [32, 64, 128]           # channels at 1/2, 1/4, … of the resolution; codes lie at the last
    couplings = 6                    # of the flow from latents to codes, an even number; 0: latents are the codes; left
                                     # out: 0 of a variational autoencoder, else 6
    coupling_width = 64              # channels of their networks
    learning_rate = 1e-3

    [singan]                         # of family singan
    widths = [32, 32, 32, 32]        # channels of the networks of each scale: cells of 8, 4, 2 and 1
    layers = 5                       # convolutions of each network, which see 2 layers + 1 cells along an axis
    shares = [1, 1, 1, 1]            # of the steps that each scale takes; left out: the same
    reconstruction = 10.0            # weight of the squared error of the image itself, made from noise that is fixed
    noise = 0.1                      # standard deviation of the noise of finer scales, over the root mean square of
                                     # what the image's reconstruction lacks there

    [cycle]                          # of family cycle
    source = "meanders"              # the prior whose fields are translated: a shipped one, or a file beside the recipe
    facies = {0 = 0, 1 = 1}          # for each of its facies that of the image, by code or name; left out: by order
    widths = [16, 32]                # channels of the translators at full and half resolution
    dilations = [1, 2, 4]            # of their residual layers: blocks of 2 cells from one that is seen to the next
    cycle = 10.0                     # weight of the share of cells that are not the same there and back
    content = 2.0                    # weight of the share of cells whose facies a translation changes

    [conditioning]                   # of family conditional
    pixels = 0.005                   # share of the cells that are known, on average over patches with any
    weight = 0.1                     # λ, of the squared differences of levels in these cells, summed over a field,
                                     # in the generator's loss
    proportion = 1                   # code of a facies whose share of the field it sees too; left out: of none
    width = 1                        # code of a facies whose mean width, in cells, it sees too; left out: of none

    [training]
    seed = 0
    steps = 5000
    batch = 8
    patch = [128, 128]
    edge_width = 0.0                 # standard deviation, in cells, of the Gaussian that softens facies edges for the
                                     # discriminator; 0: not at all
    loss = "non-saturating"          # non-saturating, hinge, relativistic, which wants R1 and R2, or wasserstein, which
                                     # wants a penalty on slopes between patches and fields
    gradient_penalty = 0.0           # R1's γ: half of it weighs the mean squared gradient of the scores of the image's
                                     # patches
    gradient_penalty_generated = 0.0 # R2's γ, the same of generated fields
    gradient_penalty_between = 0.0   # Wasserstein's λ, usually 10: weighs (slope − 1)² of the scores between patches
                                     # and fields; not with batch statistics in the discriminator
    penalty_every = 1                # steps from one penalty to the next, which weighs as many times more
    generator_every = 1              # steps from one update of the generator to the next, 5 in Wasserstein's paper
    patterns = 0.0                   # weight of the distance to the image's frequencies of small patterns; two facies
    structure = 0.0                  # weight of the squared differences of the logarithms of structure functions from
                                     # the image's; of a continuous property, by a generator or dcgan
    learning_rate_generator = 4e-4
    learning_rate_discriminator = 4e-4
    cool_down = 0.5                  # last share of the steps, over which the rates fall linearly to zero
    betas = [0.5, 0.99]              # Adam
    average = 0.998                  # decay of the weight average (EMA)
    evaluate_every = 200             # steps between comparisons with the image, checkpoints and sample sheets
    patience = 0                     # comparisons after the best at which training ends before its steps; 0: never
    keep_discriminator = false       # whether the prior's file takes the last discriminator (that of fields as they
                                     # are), for image completion

Keys that are left out have the values above, the defaults of `RecipeTraining`; unknown keys are refused by name.
"""

import dataclasses
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from latentinv.errors import InputError
from latentinv.io import checked, read_recipe_file, rules_of, tables_of
from latentinv.training.images import TrainingImage, times
from latentinv.training.objectives import LOSSES, least_patch

from ._judge import check_loss, judge_of
from ._recipe_families import check_autoencoder, check_cycle, check_flow, check_singan, check_tables
from ._recipe_image import check_image, checked_image, load_image
from ._recipe_tables import (
    RecipeAutoencoder,
    RecipeConditioning,
    RecipeCycle,
    RecipeFlow,
    RecipeImage,
    RecipeNetworks,
    RecipeSequential,
    RecipeSingan,
    RecipeTraining,
)

TABLES: dict[str, Any] = {
    "networks": RecipeNetworks,
    "training": RecipeTraining,
    "sequential": RecipeSequential,
    "flow": RecipeFlow,
    "autoencoder": RecipeAutoencoder,
    "singan": RecipeSingan,
    "cycle": RecipeCycle,
    "conditioning": RecipeConditioning,
}
"""All but that of the image."""


@dataclass(frozen=True)
class Recipe:
    """All settings of a training; `text` is the file as written."""

    image: RecipeImage
    networks: RecipeNetworks = field(default_factory=RecipeNetworks)
    training: RecipeTraining = field(default_factory=RecipeTraining)
    sequential: RecipeSequential = field(default_factory=RecipeSequential)
    flow: RecipeFlow = field(default_factory=RecipeFlow)
    autoencoder: RecipeAutoencoder = field(default_factory=RecipeAutoencoder)
    singan: RecipeSingan = field(default_factory=RecipeSingan)
    cycle: RecipeCycle = field(default_factory=RecipeCycle)
    conditioning: RecipeConditioning = field(default_factory=RecipeConditioning)
    text: str = ""
    folder: Path = Path(".")

    def load_image(self) -> TrainingImage:
        """Read or simulate the training image, coarsened by the recipe's factor.

        Raises
        ------
        InputError, StorageError
            If the image cannot be used.
        """
        return load_image(self.image, self.folder)

    def held_out_image(self) -> TrainingImage | None:
        """Another image of the recipe's simulator, which a training has not seen; None for an image of a file."""
        if self.image.simulator is None:
            return None
        simulator = {**self.image.simulator, "seed": self.image.simulator["seed"] + 1}
        return dataclasses.replace(self, image=dataclasses.replace(self.image, simulator=simulator)).load_image()

    def is_ordered(self, image: TrainingImage) -> bool:
        """Whether one number a cell is enough for the facies of an image."""
        return self.image.ordered or len(image.categories) == 2 or image.values is not None


def read_recipe(path: str | Path) -> Recipe:
    """Read a recipe's file; raises as `read_recipe_file` does."""
    return read_recipe_file(path, "recipe", parse_recipe)


def parse_recipe(text: str, folder: Path) -> Recipe:
    """Make a recipe from its text; image files are looked for in `folder`."""
    tables = tables_of(text, "recipe")
    unknown = set(tables) - {"image", *TABLES}
    if unknown:
        raise InputError(
            f"The recipe has a table [{sorted(unknown)[0]}]; expected [image], [networks], [training], [sequential], "
            "[flow], [autoencoder], [singan], [cycle] and [conditioning]."
        )
    image = checked_image(tables.get("image", {}))
    others = {name: kind(**checked(name, tables.get(name, {}), rules_of(kind))) for name, kind in TABLES.items()}
    recipe = Recipe(image, **others, text=text, folder=folder)
    check_tables(tables, recipe.networks.family)
    _check(recipe)
    return recipe


def with_training(recipe: Recipe, **settings: int) -> Recipe:
    """The recipe with other settings in [training], in its text too, from which a training is resumed."""
    before, header, table, after = re.split(r"(?ms)^(\[training\].*?\n)(.*?)(?=^\[|\Z)", f"{recipe.text}\n", maxsplit=1)
    for name, value in settings.items():
        table, found = re.subn(rf"(?m)^{name} *=.*$", f"{name} = {value}", table)
        if not found:
            table = f"{name} = {value}\n{table}"
    return parse_recipe("".join([before, header, table, after]), recipe.folder)


def _check(recipe: Recipe) -> None:
    """Refuse values that contradict one another."""
    check_image(recipe.image, recipe.training)
    _check_maps(recipe)
    _check_training(recipe.training)
    special = {
        "flow": lambda recipe: check_flow(recipe.flow, recipe.training.patch),
        "sequential": _check_sequential,
        "autoencoder": lambda recipe: check_autoencoder(recipe.autoencoder, recipe.training.patch),
        "conditional": _check_conditional,
        "singan": lambda recipe: check_singan(recipe.singan, recipe.training),
        "cycle": lambda recipe: check_cycle(recipe.cycle, recipe.image, recipe.networks, recipe.training),
    }
    special.get(recipe.networks.family, _check_networks)(recipe)
    if recipe.training.structure and (recipe.networks.family in special or not recipe.image.continuous):
        raise InputError(
            f"The recipe has structure = {recipe.training.structure:g} in [training], which weighs structure functions "
            "of a continuous property in the loss of a generator or dcgan; leave it out."
        )


def _check_maps(recipe: Recipe) -> None:
    if recipe.image.has_maps and recipe.networks.family != "sequential":
        raise InputError(
            f"The recipe's image has auxiliary maps and family = {recipe.networks.family!r} in [networks], whose "
            "networks see none; use family = 'sequential', or an image without maps."
        )


def _check_training(training: RecipeTraining) -> None:
    patch = training.patch
    if training.loss not in LOSSES:
        raise InputError(f"The recipe has loss = {training.loss!r} in [training]; expected one of {', '.join(LOSSES)}.")
    if training.patterns and (len(patch) != 2 or min(patch) < least_patch()):
        raise InputError(
            f"The recipe has patterns = {training.patterns:g} and patch = {list(patch)} in [training]; patterns need "
            f"plane patches of at least {least_patch()} cells along each axis. Give such patches, or leave it out."
        )


def _check_sequential(recipe: Recipe) -> None:
    settings, training = recipe.sequential, recipe.training
    stretch = settings.stretch or (1,) * len(training.patch)
    if len(stretch) != len(training.patch) or min(stretch) > 1 or any(n & (n - 1) for n in stretch):
        raise InputError(
            f"The recipe has stretch = {list(stretch)} in [sequential]; expected a power of two for each axis of the "
            "image, the least of them 1."
        )
    if max(stretch) > 2 ** (len(settings.widths) - 1):
        raise InputError(
            f"The recipe has stretch = {list(stretch)} and {len(settings.widths)} widths in [sequential]; give a "
            f"smaller stretch, of at most {2 ** (len(settings.widths) - 1)}, or more grids."
        )
    unit = tuple(each * 2 ** len(settings.widths) // max(stretch) for each in stretch)
    lists = {name: list(getattr(settings, name)) for name in ("widths", "windows", "temperatures")}
    if len({len(each) for each in lists.values()}) > 1:
        given = ", ".join(f"{name} = {each}" for name, each in lists.items())
        raise InputError(f"The recipe has {given} in [sequential]; expected one of each for every grid.")
    if any(n % step for n, step in zip(training.patch, unit, strict=True)):
        raise InputError(
            f"The recipe has patch = {list(training.patch)} in [training] and {len(settings.widths)} widths in "
            f"[sequential]; give patches of multiples of {times(unit)} cells."
        )
    if not 0 <= settings.blocks < len(settings.widths) or (settings.blocks > 0) != (settings.order is not None):
        raise InputError(
            f"The recipe has blocks = {settings.blocks}, order = {settings.order} and {len(settings.widths)} widths in "
            "[sequential]; give fewer blocks than widths, and with blocks the order of all facies, without none."
        )
    if settings.wells and recipe.image.continuous:
        raise InputError(
            "The recipe has continuous = true and wells = true in [sequential], which are facies; leave wells out."
        )
    if training.patterns or training.keep_discriminator or training.edge_width:
        raise InputError(
            "The recipe has family = 'sequential', which has no discriminator, with patterns, keep_discriminator or "
            "edge_width; leave these out."
        )


def _check_conditional(recipe: Recipe) -> None:
    _check_networks(recipe)
    if recipe.image.continuous or recipe.networks.small_windows or recipe.training.keep_discriminator:
        raise InputError(
            "The recipe has family = 'conditional', which sees facies, and whose discriminator sees them too, with "
            "continuous, small_windows or keep_discriminator; leave these out."
        )


def _check_networks(recipe: Recipe) -> None:
    networks, batch, patch = recipe.networks, recipe.training.batch, recipe.training.patch
    if batch % networks.packing:
        raise InputError(
            f"The recipe has packing = {networks.packing} in [networks] and batch = {batch} in [training]; give a "
            "batch that is a multiple of packing."
        )
    judge = judge_of(networks, len(patch))
    check_loss(recipe.training, judge.normalisation)
    one_size, scales = networks.family == "dcgan", networks.discriminator_scales
    name = networks.family if one_size else networks.architecture
    if recipe.training.keep_discriminator and one_size:
        raise InputError(
            "The recipe has keep_discriminator = true and family = 'dcgan', whose files hold no discriminator; leave "
            "it out, or use family = 'generator'."
        )
    if recipe.training.keep_discriminator and (judge.normalisation != "spectral" or networks.packing > 1):
        of = f"of '{name}'" if networks.packing == 1 else f"with packing = {networks.packing}"
        raise InputError(
            f"The recipe has keep_discriminator = true, but the discriminator {of} judges several fields together, "
            "not single fields, or is not normalised by its spectrum; use 'compact' without packing, and leave "
            "normalisation out, or leave it out."
        )
    if min(patch) < judge.ratio:
        many = "" if scales == 1 else f" with discriminator_scales = {scales}"
        raise InputError(
            f"The recipe has patch = {list(patch)} in [training], smaller than the window of the discriminator of "
            f"'{name}'{many}; give at least {judge.ratio} cells along each axis."
        )
