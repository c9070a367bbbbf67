"""Fields drawn from a prior, with the random key of the command that shows them.

Draw n has the latents ``normal(numbered(key, n))`` whatever it is written to, so a picture, a table and a large HDF5
file of one seed show the same fields. Large fields are generated tile by tile, each from latents that are drawn with
it.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Shaped

from latentinv.devices import compiled
from latentinv.grid import Grid
from latentinv.keys import numbered
from latentinv.plotting import MOST_VOLUMES, is_volume, plot_fields, plot_volumes
from latentinv.priors.core import AbstractPrior, DrawnLatents

from ._display import Display

TILES = {2: 512, 3: 64}
"""Edge of a tile in cells, by the number of axes."""


def draw_sheet(fields: Shaped[np.ndarray, "draw *grid"], grid: Grid, path: Path, **settings: Any) -> None:
    """Draw fields into one picture; a few fields in three dimensions also as they look from outside."""
    few = is_volume(grid) and len(fields) <= MOST_VOLUMES
    (plot_volumes if few else plot_fields)(fields, grid, path, **settings)


def draw_latents(prior: AbstractPrior, grid: Grid, key: Array, number: int) -> DrawnLatents:
    """The latents of field `number` of a key, which are drawn where they are needed."""
    return DrawnLatents(numbered(key, number), prior.latent_size(grid))


def draw_fields(
    prior: AbstractPrior, grid: Grid, count: int, key: Array, display: Display | None = None
) -> tuple[Shaped[np.ndarray, "draw *grid"], Float[np.ndarray, "draw latent"]]:
    """Draw fields (facies codes where the prior has facies) and their latents into memory."""
    latents = np.stack([np.asarray(draw_latents(prior, grid, key, n)) for n in range(count)])
    fields = np.empty((count, *grid.shape), prior.realization_type)
    whole = compiled(lambda z: prior.realization(prior.generate(z, grid)))
    small = grid.size <= TILES[grid.ndim] ** grid.ndim
    for n, z in enumerate(latents):
        parts = [((...,), np.asarray(whole(z)), 1.0)] if small else tiles(prior, z, grid)
        for place, tile, done in parts:
            fields[(n, *place)] = tile
            if display is not None:
                display.update((n + done) / count, f"field {n + 1} of {count}", line=done == 1.0)
    return fields, latents


def tiles(
    prior: AbstractPrior, z: Float[np.ndarray, "latent"] | DrawnLatents, grid: Grid
) -> Iterator[tuple[Any, Shaped[np.ndarray, "*tile"], float]]:
    """A field tile by tile: place, facies codes or values, and the share of the cells done."""
    done = 0
    for place, tile in prior.tiles(z, grid, TILES[grid.ndim]):
        shown = np.asarray(prior.realization(jnp.asarray(tile)))
        done += shown.size
        yield place, shown, done / grid.size


def labels_of(prior: AbstractPrior) -> tuple[str, ...] | None:
    """What the facies of a prior are called; None for a continuous property."""
    return None if prior.facies_model is None else prior.facies_model.labels


def categories_of(prior: AbstractPrior) -> tuple[int, ...] | None:
    """The facies codes of a prior; None for a continuous property."""
    return None if prior.facies_model is None else prior.facies_model.categories
