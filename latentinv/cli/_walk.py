"""`latentinv walk`: go from one draw of a prior to the next, or round one place of a draw, as a strip or a film."""

from pathlib import Path
from typing import Annotated

import typer

from latentinv.errors import InputError
from latentinv.grid import Grid

from ._display import make_console
from ._generate import categories_of, draw_latents
from ._parse import check_amount, check_seed, parse_box, parse_shape

FILM = ".gif"


def walk(
    prior: Annotated[str, typer.Argument(metavar="PRIOR", help="Prior file, or a shipped prior's name.")],
    grid: Annotated[str, typer.Option(metavar="ROWSxCOLUMNS", help="Cells of the grid; rows along y.")],
    output: Annotated[Path, typer.Option(help="Strip of pictures (.png, .pdf, .svg) or film (.gif).")],
    steps: Annotated[int, typer.Option(min=2, help="Number of pictures.")] = 12,
    seed: Annotated[int, typer.Option(help="Seed of all randomness.")] = 0,
    box: Annotated[
        str | None,
        typer.Option(
            metavar="X0,Y0,X1,Y1",
            help="Renew only what this box of the first draw is made from, in metres; cells near it change too.",
        ),
    ] = None,
) -> None:
    """Walk from one draw of a prior to the next, or round one box of a draw."""
    check_seed(seed)
    place = Grid(parse_shape(grid))
    check_amount(steps, place, "give fewer steps or a smaller grid")

    import jax
    import jax.numpy as jnp
    import numpy as np

    from latentinv.plotting import ENDINGS, film_fields, plot_fields
    from latentinv.priors import interpolate, load_prior, walk_box
    from latentinv.storage import require_new

    require_new(output)
    if output.suffix.lower() not in (*ENDINGS, FILM):
        endings = ", ".join((*ENDINGS, FILM))
        raise InputError(f"The output {output} has no ending that can be drawn; give one of {endings}.")
    model = load_prior(prior)
    z, z_end = (jnp.asarray(draw_latents(model, place, seed, number)) for number in (0, 1))
    corners = None
    if box is None:
        path = interpolate(z, z_end, steps)
    else:
        corners = parse_box(box, place.ndim)
        path = walk_box(jax.random.key(seed), model, place, z, *map(np.asarray, corners), steps=steps)
    fields = np.asarray(jax.lax.map(lambda one: model.realization(model.generate(one, place)), path))
    categories = categories_of(model)
    if output.suffix.lower() == FILM:
        outlined = None if corners is None else place.box_weights(*map(np.asarray, corners)) > 0
        film_fields(fields, place, output, categories=categories, outlined=outlined)
    else:
        names = [f"step {n + 1}" for n in range(steps)]
        title = "from one draw to the next" if box is None else f"round the box {box}"
        plot_fields(
            fields, place, output, categories=categories, title=f"{title}, seed {seed}", names=names, box=corners
        )
    make_console().print(f"{steps} steps in {output}", soft_wrap=True)
