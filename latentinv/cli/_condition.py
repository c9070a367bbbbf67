"""`latentinv condition`: draw realizations that honour wells and block means."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from latentinv.errors import InputError

from ._console import Quiet, make_console
from ._files import require_new_run
from ._json import Json
from ._parse import Conditions, check_extension, check_seed, parse_given, parse_grid, parse_settings
from ._sampling import chosen_for, sample_and_print

OF_BLOCKS = ("mean", "sd", "facies")
"""Columns of block means besides their corners."""

if TYPE_CHECKING:
    from rich.console import Console


def condition(
    prior: Annotated[str, typer.Argument(metavar="PRIOR", help="Prior file, or the name of a shipped prior.")],
    grid: Annotated[str, typer.Option(metavar="CELLS", help="ROWSxCOLUMNS, or LAYERSxROWSxCOLUMNS; rows along y.")],
    output: Annotated[Path, typer.Option(help="Run file to write (.h5).")],
    wells: Annotated[
        list[Path] | None,
        typer.Option(help="Wells: CSV with x, y, facies (code or name); one row per borehole cell. Repeatable."),
    ] = None,
    blocks: Annotated[
        list[Path] | None,
        typer.Option(help="Block means: CSV with x_min, y_min, x_max, y_max, mean, sd; one row per block. Repeatable."),
    ] = None,
    spacing: Annotated[str, typer.Option(help="Edge of a cell in metres: one number, or x,y(,z).")] = "1",
    origin: Annotated[str, typer.Option(help="Least x,y(,z) of the grid in metres.")] = "0",
    draws: Annotated[
        int | None, typer.Option(help="Number of realizations; the algorithm's default if omitted.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of all random numbers.")] = 0,
    algorithm: Annotated[
        str | None,
        typer.Option(
            help="Algorithm that finds realizations, such as smc; 'latentinv algorithms' lists them. "
            "Chosen automatically if omitted."
        ),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="A setting of the algorithm, such as --set moves=4; 'latentinv algorithms NAME' describes them. "
            "Repeatable.",
        ),
    ] = None,
    given: Conditions = None,
    target: Annotated[
        str | None, typer.Option(help="thresholded (facies read exactly) or soft; chosen by the prior if omitted.")
    ] = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Condition a prior to wells and block means."""
    check_seed(seed)
    check_extension(output, ".h5")
    if draws is not None and draws < 1:
        raise InputError(f"The number of draws is {draws}; expected at least 1.")
    place, conditions = parse_grid(grid, spacing, origin), parse_given(given or [])
    if not wells and not blocks:
        raise InputError(
            "No data are given; give --wells or --blocks, or use 'latentinv generate' to draw from the prior."
        )

    from latentinv.data import BlockMeans, HardData
    from latentinv.data.core import AbstractObservation
    from latentinv.inference.run import Choice, make_algorithm
    from latentinv.posterior import Posterior
    from latentinv.priors import load_prior

    require_new_run(output)
    if algorithm is not None:
        choice = Choice(make_algorithm(algorithm, parse_settings(algorithm, settings or [], draws)), "")
    model = load_prior(prior)
    if conditions:
        from latentinv.study import bind

        model = bind(model, conditions, place, Path())
    model.latent_size(place)  # checked first: a grid with the wrong number of axes is refused before the data are read
    data: list[AbstractObservation] = [HardData.from_csv(path, place, model) for path in wells or []]
    data += [BlockMeans.from_csv(path, place, model) for path in blocks or []]
    posterior = Posterior(model, place, data, target=target)  # type: ignore[arg-type]
    console = make_console(quiet=quiet or as_json)
    _say_unused(console, wells or [], (*place.axes, "facies", "error_probability"))
    _say_unused(
        console, blocks or [], (*(f"{axis}_{end}" for axis in place.axes for end in ("min", "max")), *OF_BLOCKS)
    )
    if algorithm is None:
        choice = chosen_for(posterior, settings or [], draws)
        console.print(choice.reason, soft_wrap=True)
    batch = "--set batch_size=N"
    sample_and_print(console, posterior, choice, seed, output, title="condition", batch=batch, as_json=as_json)


def _say_unused(console: "Console", paths: list[Path], names: tuple[str, ...]) -> None:
    """Say which columns of tables are not looked at."""
    from latentinv.io import unused_columns

    for path in paths:
        if unused := unused_columns(path, names):
            console.print(f"{path.name}: not used: {', '.join(unused)}.", soft_wrap=True)
