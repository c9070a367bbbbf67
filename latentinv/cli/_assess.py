"""`latentinv assess`: how closely a prior resembles its training image; a table, JSON, pictures and a verdict."""

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ._console import interruptible, make_console
from ._parse import check_amount, check_extension, check_seed, parse_files, parse_shape

if TYPE_CHECKING:
    from latentinv.realism import Realism

MINIMUM = 16
"""Fewest fields for which the floor is meaningful."""
SHAPES = {2: (128, 128), 3: (48, 48, 48)}
"""Most cells of fields and patches along each axis unless they are given, by the number of axes."""


def assess(
    prior: Annotated[str, typer.Argument(metavar="PRIOR", help="Prior file, or the name of a shipped prior.")],
    image: Annotated[
        Path,
        typer.Option(help="Training image: .npz, .npy, .png, .tif, GSLIB or SGeMS text."),
    ],
    output: Annotated[
        Path, typer.Option(help="JSON file of the figures; a page of pictures (.png) is written beside it.")
    ],
    key: Annotated[str | None, typer.Option(help="Name of the array, where an .npz holds several.")] = None,
    count: Annotated[int, typer.Option(min=MINIMUM, help="Number of fields.")] = 200,
    grid: Annotated[
        str | None,
        typer.Option(
            metavar="CELLS",
            help="Shape of fields and patches, ROWSxCOLUMNS or LAYERSxROWSxCOLUMNS.",
            show_default="a quarter of the image, at most 128x128, of three axes 48x48x48",
        ),
    ] = None,
    maps: Annotated[
        list[str] | None,
        typer.Option(
            "--map",
            metavar="NAME=FILE",
            help="Auxiliary map of the image, for a prior that was trained with maps; one for each.",
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of all random numbers.")] = 0,
) -> None:
    """Compare a prior with its training image."""
    check_seed(seed)
    check_extension(output, ".json")
    shape, files = None if grid is None else parse_shape(grid), parse_files(maps or [])

    from latentinv.grid import Grid
    from latentinv.plotting import plot_realism
    from latentinv.priors import load_prior
    from latentinv.realism import measure_realism
    from latentinv.storage import atomic_file, require_new
    from latentinv.training.images import comparable_shape

    from ._assess_fields import fields_and_patches, read_reference

    picture = output.with_suffix(".png")
    for path in (output, picture):
        require_new(path)
    model = load_prior(prior)
    if shape is not None:
        model.latent_size(Grid(shape))  # a grid that the prior cannot fill is refused before the image is read
    reference = read_reference(model, image, key, files)
    place = Grid(shape or model.only_shape or comparable_shape(reference, SHAPES[model.ndim]))
    check_amount(3 * count, place.shape, "give fewer or smaller fields")
    labels = None if model.facies_model is None else model.facies_model.labels
    facies = None if labels is None else len(labels)
    cells = "x".join(str(n) for n in place.shape)
    console = make_console()
    with interruptible(lambda: "Stopped; nothing was written."), console.status(f"measuring {count} fields"):
        fields, patches, notes = fields_and_patches(model, reference, place, count, seed)
        realism = measure_realism(fields, patches, facies, seed=seed)
    title = f"{prior} beside {image.stem}: {count} fields and {2 * count} patches of {cells} cells"
    plot_realism(realism, fields, patches, picture, facies=facies, labels=labels, title=title)
    with atomic_file(output) as file:
        file.write(json.dumps(as_json(realism), indent=1, allow_nan=False).encode())
    console.print(_table(realism))
    for sentence in (*notes, *realism.notes, realism.verdict(), f"Figures in {output}, pictures in {picture}"):
        console.print(sentence, soft_wrap=True)


def as_json(realism: "Realism") -> dict[str, Any]:
    """The figures of an assessment as JSON types; numbers that are not finite become null."""
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
            measure.told,
        )
    table.add_section()
    table.add_row("analysis of distance (1: as varied as the image)", f"{realism.anodi:.3g}", "", "", "")
    fields, image = realism.copied
    copied = f"tiles repeated by another field (image {image:.1%}; much more is copying)"
    table.add_row(copied, f"{fields:.1%}", "", "", "")
    return table
