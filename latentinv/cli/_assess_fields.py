"""Fields of a prior and patches of its training image, in the same categories for comparison."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Shaped

from latentinv.devices import compiled
from latentinv.errors import InputError
from latentinv.grid import Grid
from latentinv.io import tables_of
from latentinv.keys import from_seed, named
from latentinv.priors.core import AbstractPrior
from latentinv.priors.learned import AbstractLearnedPrior, MapRange
from latentinv.training.images import (
    AuxiliaryMap,
    TrainingImage,
    choose_places,
    coarsen,
    comparable_shape,
    read_auxiliary_map,
    read_training_image,
    times,
)

from ._drawing import draw_fields, draw_latents


def fields_and_patches(
    prior: AbstractPrior, reference: TrainingImage, grid: Grid, count: int, seed: int
) -> tuple[Shaped[np.ndarray, "draw *grid"], Shaped[np.ndarray, "patch *grid"], list[str]]:
    """Draw `count` fields and twice as many patches: category indices, or values of a continuous property.

    A note tells if the image is small for them.

    Parameters
    ----------
    prior
        The prior that generates the fields.
    reference
        Its training image, from `read_reference`; with maps, each field is drawn for those of some patch.
    grid
        Shape of fields and patches.
    count
        Number of fields.
    seed
        Seed of fields and patches.

    Raises
    ------
    InputError
        If patches do not fit the image.
    """
    key_fields, key_patches = named(from_seed(seed, "assess"), "fields", "patches")
    rng = np.random.default_rng(np.asarray(jax.random.key_data(key_patches)))
    whole = reference.facies if reference.values is None else reference.values
    patches = choose_places(rng, reference, grid.shape, 2 * count).cut(whole)
    notes = _note(reference, grid.shape)
    if seen := _ranges(prior):
        if reference.maps:
            shown = choose_places(rng, reference, grid.shape, count).cut(reference.shown)
            return _shown_fields(prior, grid, key_fields, shown), patches, notes
        each = " ".join(f"--map {one.name}=FILE" for one in seen)
        notes.append(
            f"Fields were drawn without maps, which this prior sees; compare with those of the image by {each}."
        )
    return _fields(prior, grid, count, key_fields), patches, notes


def _note(image: TrainingImage, shape: tuple[int, ...]) -> list[str]:
    smaller = comparable_shape(image, shape)
    if smaller == shape:
        return []
    apart = math.prod(n // m for n, m in zip(image.facies.shape, shape, strict=True))
    return [
        f"The image holds only {apart} patches of {times(shape)} cells that do not overlap, so it tells less of its "
        "geology than the floor says, and even a perfect prior would lie far above that; compare smaller ones, with "
        f"--grid {'x'.join(map(str, smaller))}."
    ]


def read_reference(prior: AbstractPrior, path: Path, array: str | None, maps: Mapping[str, str]) -> TrainingImage:
    """Read the training image of a prior as its training did.

    Parameters
    ----------
    prior
        The prior.
    path
        File of the image.
    array
        Which array of an .npz that holds several.
    maps
        Files of auxiliary maps of the image, by name.

    Raises
    ------
    InputError
        If the image cannot be read, or has other facies than the prior, or other maps.
    """
    names = [one.name for one in _ranges(prior)]
    if maps and set(maps) != set(names):
        raise InputError(
            f"Maps of {', '.join(maps)} were given, and the prior sees {', '.join(names) or 'none'}; give all that it "
            "sees, or none."
        )
    recipe, continuous = _image_table(prior), prior.facies_model is None
    factor = int(recipe.get("coarsen", 1))
    usual = {name: recipe.get(name) for name in ("first_row", "missing", "classes")}
    reference = read_training_image(path, key=array, continuous=continuous, **usual)
    told = {name: value for name, value in recipe.get("maps", {}).items() if isinstance(value, dict)}

    def read(name: str) -> AuxiliaryMap:
        how = {key: told.get(name, {}).get(key) for key in ("key", "first_row")}
        return read_auxiliary_map(maps[name], name, reference.facies.shape, missing=usual["missing"], **how)

    reference = reference.with_maps([read(name) for name in names if maps])
    reference = reference if factor == 1 else coarsen(reference, factor)
    for one, own in zip(reference.maps, _ranges(prior), strict=bool(maps)):
        if one.range != own:
            raise InputError(
                f"The map {one.name} has other values than the one that the prior was trained with ({own.described}); "
                "give that."
            )
    if reference.values is not None:
        return reference
    assert prior.facies_model is not None
    categories = prior.facies_model.categories
    if tuple(reference.categories) != tuple(categories):
        raise InputError(
            f"The image has the facies {tuple(reference.categories)}, the prior {tuple(categories)}; give the image "
            "that the prior was trained on."
        )
    return reference


def _ranges(prior: AbstractPrior) -> tuple[MapRange, ...]:
    """Of the auxiliary maps that a prior sees."""
    return prior.maps if isinstance(prior, AbstractLearnedPrior) else ()


def _image_table(prior: AbstractPrior) -> dict[str, Any]:
    """How the prior's recipe says that its image is read and coarsened."""
    recipe = prior.provenance.get("recipe", "")
    # Other keys are ignored, so that a recipe of an earlier version still works.
    table: dict[str, Any] = tables_of(recipe, "prior's recipe").get("image", {})
    return table


def _shown_fields(
    prior: Any, grid: Grid, key: Array, maps: Float[np.ndarray, "draw *grid channel"]
) -> Shaped[np.ndarray, "draw *grid"]:
    """A field for each window of the image's maps, as networks see them."""
    model = prior.facies_model

    def one(z: Array, shown: Array) -> Array:
        field = prior.shown(shown).generate(z, grid)
        return field if model is None else model.index(field)

    generate = compiled(one)
    drawn = (np.asarray(draw_latents(prior, grid, key, n)) for n in range(len(maps)))
    return np.stack([np.asarray(generate(jnp.asarray(z), shown)) for z, shown in zip(drawn, maps, strict=True)])


def _fields(prior: AbstractPrior, grid: Grid, count: int, key: Array) -> np.ndarray:
    if prior.facies_model is None:
        generate = compiled(lambda z: prior.generate(z, grid))
        return np.stack([np.asarray(generate(np.asarray(draw_latents(prior, grid, key, n)))) for n in range(count)])
    codes, _ = draw_fields(prior, grid, count, key)
    categories = prior.facies_model.categories
    return np.argsort(categories)[np.searchsorted(np.sort(categories), codes)]
