"""Fields of a prior and patches of its training image, in the same categories for comparison."""

from pathlib import Path
from typing import Any

import jax
import numpy as np
from jaxtyping import Array, Shaped

from latentinv.errors import InputError
from latentinv.grid import Grid
from latentinv.io import tables_of
from latentinv.keys import from_seed, named
from latentinv.priors.core import AbstractPrior
from latentinv.training.images import choose_places, coarsen, read_training_image, sample_patches

from ._drawing import draw_fields, draw_latents


def fields_and_patches(
    prior: AbstractPrior, image: Path, array: str | None, grid: Grid, count: int, seed: int
) -> tuple[Shaped[np.ndarray, "draw *grid"], Shaped[np.ndarray, "patch *grid"]]:
    """Draw `count` fields and twice as many patches: category indices, or values of a continuous property.

    Parameters
    ----------
    prior
        The prior that generates the fields.
    image
        File of the training image.
    array
        Which array of an .npz that holds several.
    grid
        Shape of fields and patches.
    count
        Number of fields.
    seed
        Seed of fields and patches.

    Raises
    ------
    InputError
        If the image cannot be read, or has other facies than the prior.
    """
    key_fields, key_patches = named(from_seed(seed, "assess"), "fields", "patches")
    patches = _patches(
        prior, image, array, grid, 2 * count, key_patches
    )  # first, so that a wrong image is refused at once
    return _fields(prior, grid, count, key_fields), patches


def _patches(
    prior: AbstractPrior, path: Path, array: str | None, grid: Grid, count: int, key_patches: Array
) -> np.ndarray:
    rng = np.random.default_rng(np.asarray(jax.random.key_data(key_patches)))
    recipe, continuous = _image_table(prior), prior.facies_model is None
    factor = int(recipe.get("coarsen", 1))
    usual = {name: recipe.get(name) for name in ("first_row", "missing", "classes")}
    reference = read_training_image(path, key=array, continuous=continuous, **usual)
    reference = reference if factor == 1 else coarsen(reference, factor)
    if reference.values is not None:
        return choose_places(rng, reference, grid.shape, count).cut(reference.values)
    assert prior.facies_model is not None
    categories = prior.facies_model.categories
    if tuple(reference.categories) != tuple(categories):
        raise InputError(
            f"The image has the facies {tuple(reference.categories)}, the prior {tuple(categories)}; give the image "
            "that the prior was trained on."
        )
    return sample_patches(rng, reference, grid.shape, count)


def _image_table(prior: AbstractPrior) -> dict[str, Any]:
    """How the prior's recipe says that its image is read and coarsened."""
    recipe = prior.provenance.get("recipe", "")
    # Other keys are ignored, so that a recipe of an earlier version still works.
    table: dict[str, Any] = tables_of(recipe, "prior's recipe").get("image", {})
    return table


def _fields(prior: AbstractPrior, grid: Grid, count: int, key: Array) -> np.ndarray:
    if prior.facies_model is None:
        generate = jax.jit(lambda z: prior.generate(z, grid))
        return np.stack([np.asarray(generate(draw_latents(prior, grid, key, n))) for n in range(count)])
    codes, _ = draw_fields(prior, grid, count, key)
    categories = prior.facies_model.categories
    return np.argsort(categories)[np.searchsorted(np.sort(categories), codes)]
