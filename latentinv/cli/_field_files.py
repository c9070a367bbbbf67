"""What `latentinv generate` writes: a picture, arrays, or an HDF5 file that grows tile by tile."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from latentinv.errors import InputError
from latentinv.grid import Grid
from latentinv.keys import from_seed
from latentinv.plotting import MOST_PANELS, plot_fields
from latentinv.priors.core import AbstractPrior
from latentinv.storage import atomic_file, atomic_hdf5

from ._display import Display
from ._drawing import TILES, categories_of, draw_fields, draw_latents, tiles

PURPOSE = "generate"


def write_picture(path: Path, prior: AbstractPrior, grid: Grid, count: int, seed: int, display: Display) -> None:
    """Draw a picture with one panel a field."""
    if count > MOST_PANELS:
        raise InputError(
            f"A picture holds at most {MOST_PANELS} fields, {count} were asked for; write them to .npz or .h5."
        )
    fields, _ = draw_fields(prior, grid, count, from_seed(seed, PURPOSE), display)
    plot_fields(fields, grid, path, categories=categories_of(prior), title=f"draws of the prior, seed {seed}")


def write_arrays(path: Path, prior: AbstractPrior, grid: Grid, count: int, seed: int, display: Display) -> None:
    """Write fields and their latents as NumPy arrays."""
    fields, latents = draw_fields(prior, grid, count, from_seed(seed, PURPOSE), display)
    with atomic_file(path) as file:
        tables: dict[str, Any] = {_name(prior): fields, "latents": latents}
        np.savez_compressed(file, **tables)


def write_hdf5(path: Path, prior: AbstractPrior, grid: Grid, count: int, seed: int, display: Display) -> None:
    """Write fields of any size tile by tile, and their latents."""
    edge, key = TILES[grid.ndim], from_seed(seed, PURPOSE)
    with atomic_hdf5(path) as file:
        file.attrs["format"], file.attrs["format_version"] = "latentinv-fields", 1
        file.attrs["prior"], file.attrs["seed"] = prior.fingerprint(), seed
        chunks = (1, *(min(edge, n) for n in grid.shape))
        compression = {"chunks": chunks, "compression": "gzip", "compression_opts": 1}
        fields = file.create_dataset(_name(prior), (count, *grid.shape), prior.realization_type, **compression)
        latents = file.create_dataset("latents", (count, prior.latent_size(grid)), np.float32)
        for n in range(count):
            latents[n] = draw_latents(prior, grid, key, n)
            for place, tile, done in tiles(prior, latents[n], grid):
                fields[(n, *place)] = tile
                display.update((n + done) / count, f"field {n + 1} of {count}, {100 * done:.0f} % of its cells")


WRITERS: dict[str, Callable[[Path, AbstractPrior, Grid, int, int, Display], None]] = {
    ".png": write_picture,
    ".npz": write_arrays,
    ".h5": write_hdf5,
}


def _name(prior: AbstractPrior) -> str:
    """Under which name fields are stored."""
    return "field" if prior.facies_model is None else "facies"
