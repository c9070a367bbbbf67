"""What `latentinv generate` writes: a picture, or a file of any registered format of fields."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from latentinv.errors import InputError
from latentinv.grid import Grid
from latentinv.io.fields import FIELD_FORMATS, Fields, write_fields
from latentinv.io.maps import MAP_FORMATS, AbstractMapFormat, Maps, write_maps
from latentinv.keys import from_seed
from latentinv.plotting import MOST_PANELS
from latentinv.priors.core import AbstractPrior
from latentinv.registration import format_by_ending

from ._display import Display
from ._drawing import categories_of, draw_fields, draw_latents, draw_sheet, labels_of, tiles

PURPOSE = "generate"


def check_panels(count: int) -> None:
    """Refuse more fields than a picture holds."""
    if count > MOST_PANELS:
        raise InputError(
            f"Given --count {count}, but a picture holds at most {MOST_PANELS} fields; write them to .npz or .h5."
        )


def draw_picture(
    path: Path,
    prior: AbstractPrior,
    grid: Grid,
    count: int,
    seed: int,
    display: Display,
    title: str = "draws of the prior",
) -> None:
    """Draw a picture with one panel per field."""
    check_panels(count)
    fields, _ = draw_fields(prior, grid, count, from_seed(seed, PURPOSE), display)
    labels = labels_of(prior)
    draw_sheet(fields, grid, path, categories=categories_of(prior), labels=labels, title=f"{title}, seed {seed}")


def fields_to_write(prior: AbstractPrior, grid: Grid, count: int, seed: int, display: Display) -> Fields:
    """The fields of a seed, each drawn tile by tile when it is written."""
    key, model = from_seed(seed, PURPOSE), prior.facies_model

    def drawn(number: int) -> Iterator[tuple[Any, np.ndarray]]:
        for place, tile, done in tiles(prior, draw_latents(prior, grid, key, number), grid):
            yield place, tile
            display.update((number + done) / count, f"field {number + 1} of {count}, {100 * done:.0f} % of its cells")

    return Fields(
        "field" if prior.facies_model is None else "facies",
        grid,
        count,
        np.dtype(prior.realization_type),
        lambda number: draw_latents(prior, grid, key, number),
        drawn,
        {"prior": prior.fingerprint(), "seed": seed},
        {} if model is None else dict(zip(model.categories, model.names, strict=False)),
    )


def write_drawn(path: Path, fields: Fields) -> None:
    """Write fields to a file of any registered format, of fields or of maps."""
    if issubclass(format_by_ending(path, FIELD_FORMATS, MAP_FORMATS), AbstractMapFormat):
        draws = np.stack([fields.whole(n) for n in range(fields.count)])
        write_maps(path, Maps(fields.grid, {}, draws, names=fields.names))
    else:
        write_fields(path, fields)
