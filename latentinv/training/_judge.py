"""The discriminator that a recipe names, and what its loss asks of it."""

from latentinv.errors import InputError
from latentinv.networks import DiscriminatorArchitecture, dcgan_discriminator, discriminator_architecture

from ._recipe_tables import RecipeNetworks, RecipeTraining


def judge_of(networks: RecipeNetworks, ndim: int, channels: int = 1) -> DiscriminatorArchitecture:
    """The discriminator of fields of some axes and numbers in each cell; `InputError` if it has no such name."""
    return discriminator_architecture(
        dcgan_discriminator(ndim) if networks.family == "dcgan" else networks.architecture,
        ndim=ndim,
        width=networks.width,
        scales=networks.discriminator_scales,
        packing=networks.packing,
        channels=channels,
        small=networks.small_windows,
        normalisation=networks.normalisation,
    )


def check_loss(training: RecipeTraining, normalisation: str) -> None:
    """Refuse a critic whose slope nothing bounds, or whose slope is not that of single fields."""
    weight = training.gradient_penalty_between
    if weight and normalisation == "batch":
        raise InputError(
            f"The recipe has gradient_penalty_between = {weight:g} in [training], and batch statistics in the "
            'discriminator, by which a score depends on other fields; give normalisation = "none" in [networks].'
        )
    if training.loss == "wasserstein" and not weight and normalisation != "spectral":
        raise InputError(
            'The recipe has loss = "wasserstein" in [training], and nothing that bounds the slope of the scores; give '
            'gradient_penalty_between = 10 and, in [networks], normalisation = "none".'
        )
