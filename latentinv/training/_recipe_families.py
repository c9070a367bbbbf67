"""What some families ask of their own table of a recipe, beside what each of its keys can be."""

from collections.abc import Collection

from latentinv.errors import InputError
from latentinv.networks import AutoencoderArchitecture

from ._judge import check_loss, judge_of
from ._recipe_tables import (
    RecipeAutoencoder,
    RecipeCycle,
    RecipeFlow,
    RecipeImage,
    RecipeNetworks,
    RecipeSingan,
    RecipeTraining,
)

FAMILIES = {
    **{name: name for name in ("sequential", "flow", "autoencoder", "singan", "cycle")},
    "conditioning": "conditional",
}
"""Tables of one family only."""


def check_tables(tables: Collection[str], family: str) -> None:
    """Refuse the table of a family other than that of the recipe, which would be left aside."""
    for name, other in FAMILIES.items():
        if name in tables and family != other:
            raise InputError(
                f"The recipe has a table [{name}], which is of family = {other!r}, and family = {family!r} in "
                "[networks]; set the family, or leave the table out."
            )


def check_flow(flow: RecipeFlow, patch: tuple[int, ...]) -> None:
    """Refuse patches that are not of whole blocks or have no inside, and other than halvings of the way."""
    block = 2 ** len(flow.widths)
    if any(n % block for n in patch) or 2 * flow.border >= min(patch):
        raise InputError(
            f"The recipe has patch = {list(patch)} in [training], widths = {list(flow.widths)} and border = "
            f"{flow.border} in [flow]; give patches of a multiple of {block} cells, more than {2 * flow.border}."
        )
    if flow.steps & (flow.steps - 1):
        raise InputError(f"The recipe has steps = {flow.steps} in [flow]; expected a power of two: 1, 2, 4, 8, …")


def check_autoencoder(settings: RecipeAutoencoder, patch: tuple[int, ...]) -> None:
    """Refuse a plain autoencoder without a flow to its codes, and patches too small for it."""
    couplings = settings.of_codes
    if couplings % 2 or not (settings.variational or couplings):
        raise InputError(
            f"The recipe has couplings = {couplings} in [autoencoder]; expected an even number, above 0 unless "
            "variational = true."
        )
    decoder = AutoencoderArchitecture(len(patch), 1, 1, settings.widths).decoder
    if min(decoder.latent_shapes(patch)[0][:-1]) <= 2 * couplings:
        raise InputError(
            f"The recipe has patch = {list(patch)} in [training] and couplings = {couplings} in [autoencoder]; give "
            f"larger patches, of more than {2 * couplings} places of codes, each of {decoder.ratio} cells."
        )


def check_singan(settings: RecipeSingan, training: RecipeTraining) -> None:
    """Refuse scales without a step, without a window or without a bound on the slope of their discriminators."""
    if settings.shares and len(settings.shares) != len(settings.widths):
        raise InputError(
            f"The recipe has widths = {list(settings.widths)} and shares = {list(settings.shares)} in [singan]; "
            "expected one of each for every scale."
        )
    edges = settings.edges(training.steps)
    if len(set(edges)) < len(edges):
        raise InputError(
            f"The recipe has steps = {training.steps} in [training], too few for the {len(settings.widths)} scales of "
            "[singan]; give at least some for each."
        )
    unit, window = 2 ** (len(settings.widths) - 1), 2 * settings.layers + 1
    if any(n % unit for n in training.patch) or min(training.patch) < unit * window:
        raise InputError(
            f"The recipe has patch = {list(training.patch)} in [training], and in [singan] {len(settings.widths)} "
            f"widths and layers = {settings.layers}; give patches of multiples of {unit} cells, at least "
            f"{unit * window} along each axis, or fewer scales or layers."
        )
    check_loss(training, "none")
    if not (training.gradient_penalty_between or training.gradient_penalty):
        raise InputError(
            "The recipe has family = 'singan', whose discriminators are not normalised, and nothing in [training] "
            'that bounds their slope; give loss = "wasserstein" and gradient_penalty_between = 10, or loss = '
            '"relativistic", gradient_penalty and gradient_penalty_generated.'
        )
    if training.patterns or training.keep_discriminator:
        raise InputError(
            "The recipe has family = 'singan' with patterns or keep_discriminator, which are of other generators; "
            "leave these out."
        )


def check_cycle(settings: RecipeCycle, image: RecipeImage, networks: RecipeNetworks, training: RecipeTraining) -> None:
    """Refuse a translation from nowhere, of other than facies without order, and what its training does without."""
    if settings.source is None:
        raise InputError(
            "The recipe has family = 'cycle' and no source in [cycle]; give the prior whose fields are translated, "
            'such as source = "meanders".'
        )
    if training.batch < 2:
        raise InputError(
            "The recipe has family = 'cycle' and batch = 1 in [training]; give at least 2, for every second field is "
            "shown as facies."
        )
    if image.continuous or image.ordered:
        raise InputError(
            "The recipe has family = 'cycle', which translates facies without order, with continuous or ordered in "
            "[image]; leave these out."
        )
    judge, patch, margin = judge_of(networks, len(training.patch)), training.patch, settings.margin
    least = max(2 * margin + judge.ratio, 4 * margin + 2)
    if min(patch) < least:
        raise InputError(
            f"The recipe has patch = {list(patch)} in [training] and dilations = {list(settings.dilations)} in "
            f"[cycle], whose networks see {margin} cells around a field, there and back; give at least {least} cells "
            "along each axis, or fewer or smaller dilations."
        )
    penalties = (
        training.gradient_penalty,
        training.gradient_penalty_generated,
        training.gradient_penalty_between,
        training.patterns,
    )
    if judge.normalisation != "spectral" or any(penalties) or training.generator_every > 1:
        raise InputError(
            "The recipe has family = 'cycle', whose discriminators are normalised by their spectrum and take turns "
            "with the translators, with another normalisation, gradient penalties, patterns or generator_every; leave "
            "these out."
        )
    if training.batch % networks.packing or training.keep_discriminator:
        raise InputError(
            f"The recipe has batch = {training.batch}, packing = {networks.packing} and family = 'cycle', whose files "
            "hold no discriminator; give a batch that is a multiple of packing, and leave keep_discriminator out."
        )
