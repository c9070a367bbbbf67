"""`latentinv assess`: how like its training image a prior is; a table, a JSON, a page of figures, and a verdict."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from latentinv.errors import InputError
from latentinv.grid import Grid

from ._display import interruptible, make_console
from ._generate import draw_fields
from ._parse import check_amount, check_seed, parse_shape

if TYPE_CHECKING:
    from latentinv.assessment import Realism

MINIMUM = 16
"""Fewest fields whose floor means anything."""


def assess(
    prior: Annotated[str, typer.Argument(metavar="PRIOR", help="Prior file, or a shipped prior's name.")],
    image: Annotated[Path, typer.Option(help="Training image: .npz, .npy, .png, .tif, GSLIB or SGeMS text.")],
    output: Annotated[Path, typer.Option(help="JSON of the figures; a page of pictures stands beside it as .png.")],
    key: Annotated[str | None, typer.Option(help="Which array of an .npz that holds several.")] = None,
    count: Annotated[int, typer.Option(min=MINIMUM, help="Number of fields.")] = 200,
    shape: Annotated[str, typer.Option(metavar="CELLS", help="ROWSxCOLUMNS of fields and patches.")] = "128x128",
    seed: Annotated[int, typer.Option(help="Seed of all randomness.")] = 0,
) -> None:
    """Compare a prior with its training image."""
    check_seed(seed)
    grid = Grid(parse_shape(shape))
    check_amount(3 * count, grid, "give fewer or smaller ones")

    import numpy as np

    from latentinv.assessment import measure_realism
    from latentinv.plotting import plot_realism
    from latentinv.priors import load_prior
    from latentinv.storage import atomic_file, require_new
    from latentinv.training import read_training_image, sample_patches

    if output.suffix != ".json":
        raise InputError(f"{output} has no ending that can be written; give .json.")
    picture = output.with_suffix(".png")
    for path in (output, picture):
        require_new(path)
    if grid.ndim != 2:
        raise InputError(f"The shape {shape} has {grid.ndim} axes; assess draws pages of two, give ROWSxCOLUMNS.")
    model = load_prior(prior)
    model.latent_size(grid)
    reference = read_training_image(image, key=key)
    assert model.facies_model is not None
    categories = model.facies_model.categories
    if tuple(reference.categories) != tuple(categories):
        raise InputError(
            f"The image has the facies {tuple(reference.categories)}, the prior {tuple(categories)}; give the image "
            "that the prior was trained on."
        )
    patches = sample_patches(np.random.default_rng(seed), reference, grid.shape, 2 * count)
    console = make_console()
    with interruptible(lambda: "Stopped; nothing was written."), console.status(f"measuring {count} fields"):
        codes, _ = draw_fields(model, grid, count, seed)
        fields = np.argsort(categories)[np.searchsorted(np.sort(categories), codes)]
        realism = measure_realism(fields, patches, len(categories), seed=seed)
    title = f"{prior} beside {reference.name}: {count} fields and {2 * count} patches of {shape} cells"
    plot_realism(realism, fields, patches, picture, facies=len(categories), title=title)
    with atomic_file(output) as file:
        file.write(json.dumps(as_json(realism), indent=1).encode())
    console.print(_table(realism))
    console.print(realism.verdict(), soft_wrap=True)
    console.print(f"Figures in {output}, pictures in {picture}", soft_wrap=True)


def as_json(realism: "Realism") -> dict[str, Any]:
    """Give the figures of an assessment as JSON types."""
    figures: dict[str, Any] = {
        measure.name: {
            "distance": measure.distance,
            "floor": measure.floor,
            "times_floor": measure.times_floor,
            "band": list(measure.band),
            "prior": measure.fields.tolist(),
            "image": measure.image.tolist(),
        }
        for measure in realism.measures
    }
    return {"verdict": realism.verdict(), "anodi": realism.anodi, "measures": figures}


def _table(realism: "Realism") -> Any:
    from rich.table import Table

    table = Table("statistic", "distance", "95 % band", "floor", "times the floor")
    for measure in realism.measures:
        low, high = measure.band
        table.add_row(
            measure.name,
            f"{measure.distance:.3g}",
            f"{low:.3g} to {high:.3g}",
            f"{measure.floor:.3g}",
            f"{measure.times_floor:.3g}",
        )
    table.add_row("analysis of distance (1 as the image)", f"{realism.anodi:.3g}", "", "", "")
    return table
