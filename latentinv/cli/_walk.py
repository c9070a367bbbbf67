"""`latentinv walk`: from one draw of a prior or run to another, or round one place of a draw, as a strip or film."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from latentinv.errors import InputError

from ._console import make_console
from ._parse import PICTURES, check_amount, check_extension, check_seed, parse_box, parse_shape

if TYPE_CHECKING:
    import numpy as np
    from jax import Array

    from latentinv.grid import Grid
    from latentinv.priors.core import AbstractPrior

FILM = ".gif"


def walk(
    prior: Annotated[
        str, typer.Argument(metavar="PRIOR|RUN", help="Prior file, the name of a shipped prior, or a run file.")
    ],
    output: Annotated[Path, typer.Option(help="Strip of pictures (.png, .pdf, .svg) or film (.gif).")],
    grid: Annotated[
        str | None, typer.Option(metavar="ROWSxCOLUMNS", help="Cells of the grid; rows along y. A run has its own.")
    ] = None,
    steps: Annotated[int, typer.Option(min=2, help="Number of pictures.")] = 12,
    seed: Annotated[int, typer.Option(help="Seed of all random numbers.")] = 0,
    box: Annotated[
        str | None,
        typer.Option(
            metavar="X0,Y0,X1,Y1",
            help="Redraw only the latents of this box (metres) of the first field; nearby cells change too.",
        ),
    ] = None,
    between: Annotated[
        str | None,
        typer.Option(
            metavar="FROM,TO",
            help="Of a run: numbers of two draws, from 1; -1 is the last. Of a prior with an encoder: image files of "
            "two fields on the grid.",
            show_default="1,-1 of a run, two draws of a prior",
        ),
    ] = None,
) -> None:
    """Walk from one draw to another, of a prior or of a run, or vary one box of a draw.

    The fields on the way between two draws of a run all fit its data as these do.
    """
    check_extension(output, *PICTURES, FILM)
    check_seed(seed)

    from latentinv.priors import find_prior

    from ._files import kind_of

    path_of_file = find_prior(prior)
    if path_of_file.is_file() and kind_of(path_of_file) == "run":
        if grid is not None or box is not None:
            raise InputError("A run has a grid of its own, and its walks no box; leave --grid and --box out.")
        return _walk_run(path_of_file, output, steps, between or "1,-1")
    if grid is None:
        raise InputError("A walk through a prior needs a grid; give --grid ROWSxCOLUMNS.")
    if between is not None and box is not None:
        raise InputError("A walk goes between two fields or varies a box of one; leave --between or --box out.")
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
    if between is None:
        z, z_end = (jnp.asarray(draw_latents(model, place, key_ends, number)) for number in (0, 1))
    else:
        z, z_end = _encoded(between, model, place)
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
        title = f"from one draw to another, seed {seed}" if box is None else f"the box {box} varied, seed {seed}"
        title, labels = f"between {between}" if between else title, labels_of(model)
        plot_fields(fields, place, output, categories=categories, labels=labels, title=title, names=names, box=corners)
    make_console().print(f"{steps} steps in {output}", soft_wrap=True)


def _encoded(between: str, prior: "AbstractPrior", grid: "Grid") -> "tuple[Array, Array]":
    """Latents of the two fields whose files are named."""
    from latentinv.io.images import read_image

    files = between.split(",")
    if len(files) != 2:
        raise InputError(f"--between '{between}' names no two files; write two with a comma, such as a.png,b.png.")
    start, end = (prior.encode(read_image(file), grid) for file in files)
    return start, end


def _walk_run(path: Path, output: Path, steps: int, between: str) -> None:
    """Walk between two draws of a run."""
    import jax
    import jax.numpy as jnp
    import numpy as np

    from latentinv.inference import load_run, walk_between
    from latentinv.plotting import film_fields, plot_fields
    from latentinv.storage import require_new

    from ._drawing import categories_of, labels_of

    require_new(output)
    run = load_run(path)
    posterior, ends = run.posterior, _ends(between, run.latents)
    found = walk_between(posterior, jnp.asarray(ends[0]), jnp.asarray(ends[1]), steps)
    model, place = posterior.prior, posterior.grid
    fields = np.asarray(jax.lax.map(lambda z: model.realization(posterior.field(z)), jnp.asarray(found.latents)))
    categories = categories_of(model)
    if output.suffix.lower() == FILM:
        film_fields(fields, place, output, categories=categories)
    else:
        names = [f"step {n + 1}" + ("" if fits else ", misses data") for n, fits in enumerate(found.fits)]
        title = f"from draw to draw of {path.name} ({between})"
        plot_fields(fields, place, output, categories=categories, labels=labels_of(model), title=title, names=names)
    words = f"{steps} steps in {output}; {found.fits.sum()} of them fit the data as both draws do"
    make_console().print(f"{words}, {found.moved} were moved for it", soft_wrap=True)


def _ends(between: str, latents: "np.ndarray") -> "np.ndarray":
    """Latents of the two draws that are named."""
    try:
        numbers = [int(part) for part in between.split(",")]
        positions = [number - 1 if number > 0 else len(latents) + number for number in numbers]
    except ValueError:
        positions = []
    if len(positions) != 2 or not all(0 <= one < len(latents) for one in positions) or positions[0] == positions[1]:
        raise InputError(
            f"--between '{between}' names no two of the run's {len(latents)} draws; write two numbers such as 1,-1."
        )
    return latents[positions]
