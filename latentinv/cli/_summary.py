"""The summary table of a run: how the draws agree with the data, and its results."""

import sys
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console

from ._console import plain_table, warn
from ._json import print_json

if TYPE_CHECKING:
    from latentinv.inference.run import Run

SENTENCES = ("infeasible_data", "misfit_data", "warnings", "choice", "forward_failures")
"""Results that are not shown as numbers."""
FEW = 12
"""Larger data sets are only summarised."""


def print_run(console: Console, run: "Run", rows: dict[str, str], *, noun: str = "draws") -> None:
    """Print the table of a run, with further rows at its end; `noun` says what its rows are, such as draws."""
    from latentinv.data import over_draws
    from latentinv.inference.diagnostics import inferred

    table = plain_table()
    reports = run.reports()
    for position, observation in enumerate(run.posterior.observations):
        table.add_row(observation.name, over_draws(observation, [of_draw[position] for of_draw in reports], noun))
        if reports and observation.count <= FEW:
            for label, words in observation.beside(run.predicted[observation.name], noun):
                table.add_row(f"  {label}", words)
    for one in inferred(run):
        after, before = one.words()
        table.add_row(one.name, f"{after}; before the data {before}")
    diagnosis = run.diagnose()
    table.add_row(noun, f"{diagnosis.draws}, {diagnosis.distinct} of them distinct" if diagnosis.draws else "none")
    known = diagnosis.words()
    for name, value in run.results.items():
        if name not in SENTENCES and name not in known:
            table.add_row(name.replace("_", " "), say_result(value))
    for name, text in {"steps": str(run.steps), **known, **rows}.items():
        table.add_row(name, text)
    console.print(table)
    for sentence in diagnosis.warnings:
        warn(console, sentence)
    if "misfit_data" in run.results:
        console.print(f"The {noun} miss these data, which contradict others or have not been fitted yet:")
        for sentence in run.results["misfit_data"]:
            console.print(f"  {sentence}")


def print_or_json(console: Console, run: "Run", rows: dict[str, str], *, as_json: bool) -> None:
    """Print a run's table, or the same as JSON; `rows` are added to the table, and of them the file to JSON."""
    from latentinv.devices import one_device

    with one_device():  # other processes are not asked
        if as_json:
            print_json(run_record(run, file=rows["file"]))
        else:
            print_run(console, run, rows)


def run_record(run: "Run", **more: Any) -> dict[str, Any]:
    """What `print_run` says, for other programs; `more` is added to it."""
    diagnosis, reports = run.diagnose(), run.reports()
    data = [
        {
            "name": observation.name,
            "kind": observation.kind,
            "count": observation.count,
            "criterion": observation.fulfilled,
            "fulfilled": [of_draw[position].fulfilled for of_draw in reports],
            "rmse": [of_draw[position].rmse for of_draw in reports],
            "unit": observation.unit,
        }
        for position, observation in enumerate(run.posterior.observations)
    ]
    return {
        **more,
        "algorithm": run.algorithm,
        "finished": run.finished,
        "steps": run.steps,
        "seconds": run.seconds,
        "draws": diagnosis.draws,
        "distinct_draws": diagnosis.distinct,
        "data": data,
        "results": {name: value for name, value in run.results.items() if name != "warnings"},
        "quantities": list(diagnosis.quantities),
        "warnings": list(diagnosis.warnings),
    }


def exit_if_infeasible(run: "Run") -> None:
    """End with exit code 1 if no field was found that fits the data, saying which data."""
    if "infeasible_data" not in run.results:
        return
    print("The data could not be met:", file=sys.stderr)
    together = ["most draws meet each datum on its own, but none was found that meets all of them together"]
    for sentence in run.results["infeasible_data"] or together:
        print(f"  {sentence}", file=sys.stderr)
    print("Fewer than 64 draws may fail where such fields exist: try more before you doubt the data.", file=sys.stderr)
    raise typer.Exit(1)


def say_result(value: Any) -> str:
    """Put a number into words, or a list of numbers as its range."""
    if isinstance(value, list) and value:
        return f"{min(value):.2f} to {max(value):.2f}"
    return f"{value:.2f}" if isinstance(value, float) else str(value)
