"""`latentinv forecast`: what forward models predict of every draw of a run."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from latentinv.errors import InputError

from ._console import make_console
from ._json import Json, print_json
from ._parse import check_extension
from ._programs import tell_programs

if TYPE_CHECKING:
    from latentinv.data import IndirectData
    from latentinv.decisions import Forecast

QUANTILES = ("p10", "p50", "p90", "mean", "sd")


def forecast(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Run file (.h5).")],
    what: Annotated[
        Path,
        typer.Argument(
            metavar="FORECAST", help="What to predict (.toml): the tables of a study, such as heads, without values."
        ),
    ],
    output: Annotated[
        Path | None, typer.Option(help="Table to write (.csv): quantiles, and what each draw predicts.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Predict heads, travel times, gravity or what a program gives from every draw."""
    from latentinv import decisions
    from latentinv.inference.run import load_run
    from latentinv.storage import require_new
    from latentinv.study import read_forecast_file

    if output is not None:
        check_extension(output, ".csv")
        require_new(output)
    found = load_run(run)
    asked = read_forecast_file(what, found.posterior.prior, found.posterior.grid)
    tell_programs(make_console(quiet=as_json), asked)
    made = [(one, decisions.forecast(found, one.forward, property=one.property)) for one in asked]
    rows = [row for one, predicted in made for row in _rows(one, predicted)]
    if output is not None:
        _write(output, rows, made)
    if as_json:
        return print_json(rows)
    _print(rows, made, output)


def _rows(one: "IndirectData", predicted: "Forecast") -> list[dict[str, Any]]:
    """A row for each number that a model predicts."""
    head = {"name": one.name, "unit": predicted.unit}
    labels = zip(one.labels, predicted.quantiles(), strict=True)
    return [{**head, "datum": label, **{key: getattr(found, key) for key in QUANTILES}} for label, found in labels]


def _print(rows: list[dict[str, Any]], made: "list[tuple[IndirectData, Forecast]]", output: Path | None) -> None:
    from rich.table import Table

    console = make_console()
    table = Table("forecast", "", "P10", "P50", "P90", "mean", "sd", "unit", box=None, padding=(0, 2, 0, 0))
    for row in rows:
        table.add_row(row["name"], row["datum"], *(f"{row[key]:.4g}" for key in QUANTILES), row["unit"])
    console.print(table)
    for one, predicted in made:
        ran = len(predicted.values)
        lost = f"; it failed for {predicted.failed}" if predicted.failed else ""
        console.print(f"{one.name}: {ran} draws{lost}.", soft_wrap=True)
    if output is not None:
        console.print(f"table in {output}", soft_wrap=True)


def _write(output: Path, rows: list[dict[str, Any]], made: "list[tuple[IndirectData, Forecast]]") -> None:
    import csv
    import io

    from latentinv.storage import atomic_file

    counts = {len(predicted.values) for _, predicted in made}
    if len(counts) > 1:
        raise InputError("The models failed for different draws; forecast them one by one to write their tables.")
    draws = [column for _, predicted in made for column in predicted.values.T]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    names = ("name", "datum", "unit", *QUANTILES)
    writer.writerow([*names, *(f"draw {n}" for n in range(1, counts.pop() + 1))])
    for row, values in zip(rows, draws, strict=True):
        writer.writerow([*(row[key] for key in names), *values.tolist()])
    with atomic_file(output) as file:
        file.write(text.getvalue().encode())
