"""`latentinv generate`: draw fields from a prior.

Draw n of a seed has the latents ``normal(fold_in(key(seed), n))`` whatever the file, so a picture, a table and a
large HDF5 file of one seed show the same fields. HDF5 is written tile by tile: only the latents grow with the field.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer

from latentinv.errors import InputError
from latentinv.grid import Grid

from ._display import Display, interruptible, make_console
from ._parse import check_amount, check_seed, parse_shape

if TYPE_CHECKING:
    from latentinv.priors.core import AbstractPrior

TILES = {2: 512, 3: 64}
"""Edge of a tile in cells, by the number of axes."""


def generate(
    prior: Annotated[str, typer.Argument(metavar="PRIOR", help="Prior file, or a shipped prior's name.")],
    grid: Annotated[str, typer.Option(metavar="CELLS", help="ROWSxCOLUMNS, or LAYERSxROWSxCOLUMNS; rows along y.")],
    output: Annotated[Path, typer.Option(help="Picture (.png), arrays (.npz), or HDF5 (.h5) for fields of any size.")],
    count: Annotated[int, typer.Option(min=1, help="Number of fields.")] = 1,
    seed: Annotated[int, typer.Option(help="Seed of all randomness.")] = 0,
) -> None:
    """Draw fields from a prior."""
    writers: dict[str, Callable[..., None]] = {
        ".png": _write_picture,
        ".npz": _write_arrays,
        ".h5": _write_hdf5,
    }
    if output.suffix not in writers:
        raise InputError(f"{output} has no ending that can be written; give one of {', '.join(writers)}.")
    check_seed(seed)
    place = Grid(parse_shape(grid))
    if output.suffix != ".h5":
        check_amount(count, place, "write them to .h5")

    from latentinv.priors import load_prior
    from latentinv.storage import require_new

    require_new(output)
    model = load_prior(prior)
    model.latent_size(place)  # refuses a grid of other axes, or far too large, before the file is begun
    console = make_console()
    with (
        interruptible(lambda: "Stopped; nothing was written."),
        Display(console, "generate") as display,
    ):
        writers[output.suffix](output, model, place, count, seed, display)
    console.print(f"{count} {'field' if count == 1 else 'fields'} of {grid} cells in {output}", soft_wrap=True)


def _write_picture(path: Path, prior: "AbstractPrior", grid: Grid, count: int, seed: int, display: Display) -> None:
    from latentinv.plotting import MOST_PANELS, plot_fields

    if count > MOST_PANELS:
        raise InputError(
            f"A picture holds at most {MOST_PANELS} fields, {count} were asked for; write them to .npz or .h5."
        )
    fields, _ = draw_fields(prior, grid, count, seed, display)
    plot_fields(fields, grid, path, categories=categories_of(prior), title=f"draws of the prior, seed {seed}")


def _write_arrays(path: Path, prior: "AbstractPrior", grid: Grid, count: int, seed: int, display: Display) -> None:
    from latentinv.storage import atomic_file

    fields, latents = draw_fields(prior, grid, count, seed, display)
    with atomic_file(path) as file:
        tables: dict[str, Any] = {_name(prior): fields, "latents": latents}
        np.savez_compressed(file, **tables)


def _write_hdf5(path: Path, prior: "AbstractPrior", grid: Grid, count: int, seed: int, display: Display) -> None:
    from latentinv.storage import atomic_hdf5

    edge = TILES[grid.ndim]
    with atomic_hdf5(path) as file:
        file.attrs["format"], file.attrs["format_version"] = "latentinv-fields", 1
        file.attrs["prior"], file.attrs["seed"] = prior.fingerprint(), seed
        chunks = (1, *(min(edge, n) for n in grid.shape))
        compression = {"chunks": chunks, "compression": "gzip", "compression_opts": 1}
        fields = file.create_dataset(_name(prior), (count, *grid.shape), prior.realization_type, **compression)
        latents = file.create_dataset("latents", (count, prior.latent_size(grid)), np.float32)
        for n in range(count):
            latents[n] = draw_latents(prior, grid, seed, n)
            for place, tile, done in _tiles(prior, latents[n], grid):
                fields[(n, *place)] = tile
                display.update((n + done) / count, f"field {n + 1} of {count}, {100 * done:.0f} % of its cells")


def draw_latents(prior: "AbstractPrior", grid: Grid, seed: int, number: int) -> np.ndarray:
    """Draw the latents of field `number` of a seed."""
    import jax

    key = jax.random.fold_in(jax.random.key(seed), number)
    return np.asarray(jax.random.normal(key, (prior.latent_size(grid),)))


def draw_fields(
    prior: "AbstractPrior", grid: Grid, count: int, seed: int, display: Display | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Draw fields, as facies codes where the prior has facies, and their latents into memory."""
    import jax

    latents = np.stack([draw_latents(prior, grid, seed, n) for n in range(count)])
    fields = np.empty((count, *grid.shape), prior.realization_type)
    whole = jax.jit(lambda z: prior.realization(prior.generate(z, grid)))
    small = grid.size <= TILES[grid.ndim] ** grid.ndim
    for n, z in enumerate(latents):
        parts = [((...,), np.asarray(whole(z)), 1.0)] if small else _tiles(prior, z, grid)
        for place, tile, done in parts:
            fields[(n, *place)] = tile
            if display is not None:
                display.update((n + done) / count, f"field {n + 1} of {count}", line=done == 1.0)
    return fields, latents


def _tiles(prior: "AbstractPrior", z: np.ndarray, grid: Grid) -> Iterator[tuple[Any, np.ndarray, float]]:
    """A field tile by tile: place, facies codes or values, and the share of the cells done."""
    import jax.numpy as jnp

    done = 0
    for place, tile in prior.tiles(z, grid, TILES[grid.ndim]):
        shown = np.asarray(prior.realization(jnp.asarray(tile)))
        done += shown.size
        yield place, shown, done / grid.size


def categories_of(prior: "AbstractPrior") -> tuple[int, ...] | None:
    """The facies codes of a prior; None for a continuous property."""
    return None if prior.facies_model is None else prior.facies_model.categories


def _name(prior: "AbstractPrior") -> str:
    """Under which name fields are stored."""
    return "field" if prior.facies_model is None else "facies"
