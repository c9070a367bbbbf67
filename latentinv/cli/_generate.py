"""`latentinv generate`: draw fields from a prior."""

from pathlib import Path
from typing import Annotated

import typer

from ._console import interruptible, make_console
from ._files import FieldsOutput, require_new_fields
from ._parse import Conditions, check_seed, parse_given, parse_grid


def generate(
    prior: Annotated[str, typer.Argument(metavar="PRIOR", help="Prior file, or the name of a shipped prior.")],
    grid: Annotated[str, typer.Option(metavar="CELLS", help="ROWSxCOLUMNS, or LAYERSxROWSxCOLUMNS; rows along y.")],
    output: FieldsOutput,
    count: Annotated[int, typer.Option(min=1, help="Number of fields.")] = 1,
    seed: Annotated[int, typer.Option(help="Seed of all random numbers.")] = 0,
    spacing: Annotated[str, typer.Option(help="Edge of a cell in metres: one number, or x,y(,z).")] = "1",
    origin: Annotated[str, typer.Option(help="Least x,y(,z) of the grid in metres.")] = "0",
    given: Conditions = None,
) -> None:
    """Draw fields from a prior."""
    check_seed(seed)
    place, conditions = parse_grid(grid, spacing, origin), parse_given(given or [])
    drawn = require_new_fields(output, count, place.shape)

    from latentinv.priors import load_prior

    from ._display import Display
    from ._field_files import draw_picture, fields_to_write, write_drawn

    model = load_prior(prior)
    if conditions:
        from latentinv.study import bind

        model = bind(model, conditions, place, Path())
    model.latent_size(
        place
    )  # checked first: a grid with the wrong number of axes, or far too large, is refused before the file is begun
    console = make_console()
    with (
        interruptible(lambda: "Stopped; nothing was written."),
        Display(console, "generate") as display,
    ):
        if drawn:
            draw_picture(output, model, place, count, seed, display)
        else:
            write_drawn(output, fields_to_write(model, place, count, seed, display))
    console.print(f"{count} {'field' if count == 1 else 'fields'} of {grid} cells in {output}", soft_wrap=True)
