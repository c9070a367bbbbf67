"""`latentinv assess`: how like its training image a prior is; a table, a JSON, a page of figures, and a verdict."""

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer

from latentinv.errors import InputError
from latentinv.grid import Grid

from ._display import interruptible, make_console
from ._generate import draw_fields, draw_latents
from ._parse import check_amount, check_seed, parse_shape

if TYPE_CHECKING:
    from latentinv.priors.core import AbstractPrior
    from latentinv.realism import Realism

MINIMUM = 16
"""Fewest fields whose floor means anything."""
SHAPES = {2: "128x128", 3: "48x48x48"}
"""Fields and patches unless said otherwise, by the number of axes."""


def assess(
    prior: Annotated[str, typer.Argument(metavar="PRIOR", help="Prior file, or a shipped prior's name.")],
    image: Annotated[
        Path,
        typer.Option(help="Training image: .npz, .npy, .png, .tif, GSLIB or SGeMS text."),
    ],
    output: Annotated[Path, typer.Option(help="JSON of the figures; a page of pictures stands beside it as .png.")],
    key: Annotated[str | None, typer.Option(help="Which array of an .npz that holds several.")] = None,
    count: Annotated[int, typer.Option(min=MINIMUM, help="Number of fields.")] = 200,
    grid: Annotated[
        str | None,
        typer.Option(
            metavar="CELLS",
            help="ROWSxCOLUMNS, or LAYERSxROWSxCOLUMNS, of fields and patches.",
            show_default=f"{SHAPES[2]}, of three axes {SHAPES[3]}",
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of all randomness.")] = 0,
) -> None:
    """Compare a prior with its training image."""
    check_seed(seed)
    if output.suffix != ".json":
        raise InputError(f"{output} has no ending that can be written; give .json.")

    from latentinv.plotting import plot_realism
    from latentinv.priors import load_prior
    from latentinv.realism import measure_realism
    from latentinv.storage import atomic_file, require_new

    picture = output.with_suffix(".png")
    for path in (output, picture):
        require_new(path)
    model = load_prior(prior)
    cells = grid or SHAPES[model.ndim]
    place = Grid(parse_shape(cells))
    check_amount(3 * count, place, "give fewer or smaller ones")
    model.latent_size(place)
    patches = _patches(model, image, key, place, 2 * count, seed)
    facies = None if model.facies_model is None else len(model.facies_model.categories)
    console = make_console()
    with interruptible(lambda: "Stopped; nothing was written."), console.status(f"measuring {count} fields"):
        fields = _fields(model, place, count, seed)
        realism = measure_realism(fields, patches, facies, seed=seed)
    title = f"{prior} beside {image.stem}: {count} fields and {2 * count} patches of {cells} cells"
    plot_realism(realism, fields, patches, picture, facies=facies, title=title)
    with atomic_file(output) as file:
        file.write(json.dumps(as_json(realism), indent=1, allow_nan=False).encode())
    console.print(_table(realism))
    for sentence in (*realism.notes, realism.verdict(), f"Figures in {output}, pictures in {picture}"):
        console.print(sentence, soft_wrap=True)


def as_json(realism: "Realism") -> dict[str, Any]:
    """Give the figures of an assessment as JSON types; what is not finite is null."""
    figures: dict[str, Any] = {
        measure.name: {
            "group": measure.group,
            "distance": measure.distance,
            "floor": measure.floor,
            "times_floor": measure.times_floor if math.isfinite(measure.times_floor) else None,
            "band": list(measure.band),
            "prior": measure.fields.tolist(),
            "image": measure.image.tolist(),
        }
        for measure in realism.measures
    }
    return {
        "verdict": realism.verdict(),
        "anodi": realism.anodi,
        "copied_tiles": {"prior": realism.copied.fields, "image": realism.copied.image},
        "notes": list(realism.notes),
        "measures": figures,
    }


def _patches(model: "AbstractPrior", path: Path, key: str | None, grid: Grid, count: int, seed: int) -> np.ndarray:
    """Patches of the image: category indices, or of a continuous property its values."""
    from latentinv.realism import random_windows
    from latentinv.training.images import coarsen, read_training_image, sample_patches

    rng, continuous = np.random.default_rng(seed), model.facies_model is None
    recipe = _image_table(model)
    factor = int(recipe.get("coarsen", 1))
    reference = read_training_image(path, key=key, continuous=continuous, first_row=recipe.get("first_row"))
    reference = reference if factor == 1 else coarsen(reference, factor)
    if reference.values is not None:
        return random_windows(rng, reference.values[None], grid.shape, count)
    assert model.facies_model is not None
    categories = model.facies_model.categories
    if tuple(reference.categories) != tuple(categories):
        raise InputError(
            f"The image has the facies {tuple(reference.categories)}, the prior {tuple(categories)}; give the image "
            "that the prior was trained on."
        )
    return sample_patches(rng, reference, grid.shape, count)


def _image_table(model: "AbstractPrior") -> dict[str, Any]:
    """How the prior's recipe says that its image is read and coarsened."""
    from latentinv.io import tables_of
    from latentinv.priors.learned import GeneratorPrior

    recipe = model.provenance.get("recipe", "") if isinstance(model, GeneratorPrior) else ""
    # Other keys are not looked at, so that a recipe of an earlier version serves too.
    table: dict[str, Any] = tables_of(recipe, "prior's recipe").get("image", {})
    return table


def _fields(model: "AbstractPrior", grid: Grid, count: int, seed: int) -> np.ndarray:
    """Fields of the prior, in the terms of the patches."""
    if model.facies_model is None:
        import jax

        generate = jax.jit(lambda z: model.generate(z, grid))
        return np.stack([np.asarray(generate(draw_latents(model, grid, seed, n))) for n in range(count)])
    codes, _ = draw_fields(model, grid, count, seed)
    categories = model.facies_model.categories
    return np.argsort(categories)[np.searchsorted(np.sort(categories), codes)]


def _table(realism: "Realism") -> Any:
    from rich.table import Table

    table = Table("statistic", "distance", "95 % of resamples", "floor", "times the floor")
    group = realism.measures[0].group
    for measure in realism.measures:
        if measure.group != group:
            table.add_section()
            group = measure.group
        low, high = measure.band
        table.add_row(
            measure.name,
            f"{measure.distance:.3g}",
            f"{low:.3g} to {high:.3g}",
            f"{measure.floor:.3g}",
            f"{measure.times_floor:.3g}",
        )
    table.add_section()
    table.add_row("analysis of distance (1 as the image)", f"{realism.anodi:.3g}", "", "", "")
    fields, image = realism.copied
    copied = f"tiles repeated by another field (image {image:.1%}; much more is copying)"
    table.add_row(copied, f"{fields:.1%}", "", "", "")
    return table
