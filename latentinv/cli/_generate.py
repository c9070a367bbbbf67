"""`latentinv generate`: draw fields from a prior.

Draw n of a seed has the latents ``normal(fold_in(key(seed), n))`` whatever the file, so a picture, a table and a
large HDF5 file of one seed show the same fields. HDF5 is written tile by tile: only the latents grow with the field.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer

from latentinv.errors import InputError
from latentinv.grid import Grid

from ._display import Display, interruptible, make_console
from ._parse import check_amount, check_seed, parse_shape

if TYPE_CHECKING:
    from latentinv.io.fields import Fields
    from latentinv.priors.core import AbstractPrior

PICTURES = (".png", ".pdf", ".svg")
TILES = {2: 512, 3: 64}
"""Edge of a tile in cells, by the number of axes."""


def generate(
    prior: Annotated[str, typer.Argument(metavar="PRIOR", help="Prior file, or a shipped prior's name.")],
    grid: Annotated[str, typer.Option(metavar="CELLS", help="ROWSxCOLUMNS, or LAYERSxROWSxCOLUMNS; rows along y.")],
    output: Annotated[
        Path,
        typer.Option(help="Picture (.png), arrays (.npz), GSLIB text (.gslib), or HDF5 (.h5) for fields of any size."),
    ],
    count: Annotated[int, typer.Option(min=1, help="Number of fields.")] = 1,
    seed: Annotated[int, typer.Option(help="Seed of all randomness.")] = 0,
) -> None:
    """Draw fields from a prior."""
    from latentinv.io.fields import field_format, write_fields
    from latentinv.priors import load_prior
    from latentinv.storage import require_new

    drawn = output.suffix.lower() in PICTURES
    tiled = not drawn and field_format(output, also=PICTURES).tiled
    check_seed(seed)
    place = Grid(parse_shape(grid))
    if not tiled:
        check_amount(count, place, "write them to .h5")
    require_new(output)
    model = load_prior(prior)
    model.latent_size(place)  # refuses a grid of other axes, or far too large, before the file is begun
    console = make_console()
    with (
        interruptible(lambda: "Stopped; nothing was written."),
        Display(console, "generate") as display,
    ):
        if drawn:
            _draw_picture(output, model, place, count, seed, display)
        else:
            write_fields(output, _fields(model, place, count, seed, display))
    console.print(f"{count} {'field' if count == 1 else 'fields'} of {grid} cells in {output}", soft_wrap=True)


def _draw_picture(path: Path, prior: "AbstractPrior", grid: Grid, count: int, seed: int, display: Display) -> None:
    from latentinv.plotting import MOST_PANELS, plot_fields

    if count > MOST_PANELS:
        raise InputError(
            f"A picture holds at most {MOST_PANELS} fields, {count} were asked for; write them to .npz or .h5."
        )
    fields, _ = draw_fields(prior, grid, count, seed, display)
    plot_fields(fields, grid, path, categories=categories_of(prior), title=f"draws of the prior, seed {seed}")


def _fields(prior: "AbstractPrior", grid: Grid, count: int, seed: int, display: Display) -> "Fields":
    """The fields of a seed, each drawn tile by tile when it is written."""
    from latentinv.io.fields import Fields

    def tiles(number: int) -> Iterator[tuple[Any, np.ndarray]]:
        for place, tile, done in _tiles(prior, draw_latents(prior, grid, seed, number), grid):
            yield place, tile
            display.update((number + done) / count, f"field {number + 1} of {count}, {100 * done:.0f} % of its cells")

    return Fields(
        "field" if prior.facies_model is None else "facies",
        grid,
        count,
        np.dtype(prior.realization_type),
        lambda number: draw_latents(prior, grid, seed, number),
        tiles,
        {"prior": prior.fingerprint(), "seed": seed},
    )


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
