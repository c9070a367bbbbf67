"""`latentinv walk`: interpolate between two draws of a prior, or vary one place of a draw, as a strip or a film."""

from pathlib import Path
from typing import Annotated

import typer

from ._console import make_console
from ._parse import PICTURES, check_amount, check_extension, check_seed, parse_box, parse_shape

FILM = ".gif"


def walk(
    prior: Annotated[str, typer.Argument(metavar="PRIOR", help="Prior file, or the name of a shipped prior.")],
    grid: Annotated[str, typer.Option(metavar="ROWSxCOLUMNS", help="Cells of the grid; rows along y.")],
    output: Annotated[Path, typer.Option(help="Strip of pictures (.png, .pdf, .svg) or film (.gif).")],
    steps: Annotated[int, typer.Option(min=2, help="Number of pictures.")] = 12,
    seed: Annotated[int, typer.Option(help="Seed of all random numbers.")] = 0,
    box: Annotated[
        str | None,
        typer.Option(
            metavar="X0,Y0,X1,Y1",
            help="Redraw only the latents of this box (metres) of the first field; nearby cells change too.",
        ),
    ] = None,
) -> None:
    """Walk from one draw of a prior to another, or vary one box of a draw."""
    check_extension(output, *PICTURES, FILM)
    check_seed(seed)
    shape = parse_shape(grid)
    check_amount(steps, shape, "give fewer steps or a smaller grid")

    import jax
    import jax.numpy as jnp
    import numpy as np

    from latentinv.grid import Grid
    from latentinv.keys import from_seed, named
    from latentinv.plotting import film_fields, plot_fields
    from latentinv.priors import interpolate, load_prior, walk_box
    from latentinv.storage import require_new

    from ._drawing import categories_of, draw_latents, labels_of

    require_new(output)
    model, place = load_prior(prior), Grid(shape)
    key_ends, key_box = named(from_seed(seed, "walk"), "ends", "box")
    z, z_end = (jnp.asarray(draw_latents(model, place, key_ends, number)) for number in (0, 1))
    corners = None
    if box is None:
        path = interpolate(z, z_end, steps)
    else:
        corners = parse_box(box, place.ndim)
        path = walk_box(key_box, model, place, z, *map(np.asarray, corners), steps=steps)
    fields = np.asarray(jax.lax.map(lambda one: model.realization(model.generate(one, place)), path))
    categories = categories_of(model)
    if output.suffix.lower() == FILM:
        outlined = None if corners is None else place.box_weights(*map(np.asarray, corners)) > 0
        film_fields(fields, place, output, categories=categories, outlined=outlined)
    else:
        names = [f"step {n + 1}" for n in range(steps)]
        title = "from one draw to another" if box is None else f"the box {box} varied"
        title, labels = f"{title}, seed {seed}", labels_of(model)
        plot_fields(fields, place, output, categories=categories, labels=labels, title=title, names=names, box=corners)
    make_console().print(f"{steps} steps in {output}", soft_wrap=True)
