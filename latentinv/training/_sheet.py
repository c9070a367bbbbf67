"""The sheet of samples: patches of the image in the first row, fields of the generator below, as one PNG."""

import functools
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, UInt8
from PIL import Image

from latentinv.devices import compiled
from latentinv.grid import Grid
from latentinv.keys import from_seed
from latentinv.priors.learned import AbstractLearnedPrior
from latentinv.storage import atomic_file
from latentinv.training.images import TrainingImage, choose_places

from ._evaluation import calibrated, grid_for, part_of, shown_windows

COLUMNS, ROWS, GAP = 6, 3, 4


def shown_shape(patch: tuple[int, ...]) -> tuple[int, ...]:
    """Cells of a patch that a sheet shows: of a volume one layer, which is drawn much sooner."""
    return patch if len(patch) < 3 else (1, *patch[1:])


def shown_beside(
    prior: AbstractLearnedPrior, image: TrainingImage, patch: tuple[int, ...], seed: int
) -> tuple[UInt8[np.ndarray, "patch *shape"], UInt8[np.ndarray, "field *shape"]]:
    """Draw what a sheet shows: patches of the image, and fields of a prior, calibrated for it; in grey levels.

    Parameters
    ----------
    prior, image
        What is shown.
    patch
        Cells along each axis; see `shown_shape`.
    seed
        Of fields and windows of auxiliary maps.
    """
    shape = shown_shape(patch)
    prior, grid = calibrated(prior, image, shape, seed=seed, count=32), grid_for(prior, shape)
    z = jax.random.normal(from_seed(seed, "sheet"), (ROWS * COLUMNS, prior.latent_size(grid)))
    maps = jnp.asarray(shown_windows(image, shape, len(z), seed))
    fields = part_of(_generated(prior, z, maps, grid), shape)
    places, values = choose_places(np.random.default_rng(0), image, shape, COLUMNS), image.values
    if values is None:
        assert prior.facies_model is not None
        grey = 255 // (len(image.categories) - 1)
        pair = [places.cut(image.facies) * grey, prior.facies_model.index(fields) * grey]
    else:
        levels = np.quantile(values, np.arange(1, 256) / 256)
        pair = [np.searchsorted(levels, x) for x in (places.cut(values), fields)]
    patches, drawn = (np.asarray(x, np.uint8) for x in pair)
    return patches, drawn


def write_sheet(
    path: Path, patches: UInt8[np.ndarray, "patch *shape"], fields: UInt8[np.ndarray, "field *shape"]
) -> None:
    """Write the sheet; of volumes it shows the middle layer.

    Parameters
    ----------
    path
        The PNG file.
    patches, fields
        Grey levels; at least 6 patches and 18 fields are needed to fill the sheet.

    Raises
    ------
    StorageError
        If the file cannot be written.
    """
    rows = [patches[:COLUMNS], *(fields[n * COLUMNS : (n + 1) * COLUMNS] for n in range(ROWS))]
    flat = [[image if image.ndim == 2 else image[image.shape[0] // 2] for image in row] for row in rows]
    height, width = flat[0][0].shape
    sheet = np.full(((height + GAP) * len(flat) + GAP, (width + GAP) * COLUMNS), 128, np.uint8)
    for i, row in enumerate(flat):
        top = i * (height + GAP) + (GAP if i else 0)  # a wider band separates the image from the generator
        for j, image in enumerate(row):
            sheet[top : top + height, j * (width + GAP) : j * (width + GAP) + width] = image[::-1]  # north up
    scale = max(1, 1200 // sheet.shape[1])
    picture = Image.fromarray(sheet).resize((sheet.shape[1] * scale, sheet.shape[0] * scale), Image.Resampling.NEAREST)
    with atomic_file(path) as file:
        picture.save(file, format="PNG")


@functools.partial(compiled, of_networks=True, static_argnums=3)
def _generated(
    prior: AbstractLearnedPrior, z: Float[Array, "field latent"], maps: Float[Array, "field *grid channel"], grid: Grid
) -> Float[Array, "field *grid"]:
    return jax.vmap(lambda one, shown: prior.shown(shown).generate(one, grid))(z, maps)
