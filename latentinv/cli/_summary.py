"""The end of a run in a table: how the draws agree with the data, and single numbers."""

import statistics
import sys
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console
from rich.table import Table

from ._console import plain_table

if TYPE_CHECKING:
    from latentinv.data.core import AbstractObservation, Report
    from latentinv.inference.run import Run

DATA_WORDS = {
    "hard_data": "pixels honoured",
    "block_means": "block means within two sd",
    "indirect_data": "data within twice the stated noise",
}
SENTENCES = ("unmet", "strained", "warnings", "choice", "forward_failures")
FEW = 12


def print_run(console: Console, run: "Run", rows: dict[str, str], *, noun: str = "draws") -> None:
    """Print the table of a run, with further rows at its end; `noun` says what its latents are."""
    table = plain_table()
    reports = run.reports()
    for position, observation in enumerate(run.posterior.observations):
        table.add_row(observation.name, over_draws(observation, [of_draw[position] for of_draw in reports], noun))
    add_block_rows(table, run, noun)
    diagnosis = run.diagnose()
    table.add_row(noun, f"{diagnosis.draws}, {diagnosis.distinct} of them distinct" if diagnosis.draws else "none")
    words = diagnosis.words()
    for name, value in run.results.items():
        if name not in SENTENCES and name not in words:
            table.add_row(name.replace("_", " "), say_result(value))
    for name, text in {"steps": str(run.steps), **words, **rows}.items():
        table.add_row(name, text)
    console.print(table)
    for sentence in diagnosis.warnings:
        console.print(f"Warning: {sentence}", markup=False)
    if "strained" in run.results:
        console.print(f"The {noun} miss these data, which contradict others, or which the algorithm has not met yet:")
        for sentence in run.results["strained"]:
            console.print(f"  {sentence}", markup=False)


def exit_if_unmet(run: "Run") -> None:
    """End with exit code 1 if the data could not be met, saying which."""
    if "unmet" not in run.results:
        return
    print("The data could not be met:", file=sys.stderr)
    apart = ["each datum alone is met by most draws, but all of them together are not"]
    for sentence in run.results["unmet"] or apart:
        print(f"  {sentence}", file=sys.stderr)
    raise typer.Exit(1)


def over_draws(observation: "AbstractObservation", reports: "list[Report]", noun: str = "draws") -> str:
    """One sentence on an observation over all draws: ``49 of 49 pixels honoured in 64 of 64 draws``."""
    data = DATA_WORDS.get(observation.kind, "data fulfilled")
    if not reports:
        return f"no {noun} to compare with {observation.count} data"
    whole = sum(report.fulfilled == report.total for report in reports)
    words = f"{observation.count} of {observation.count} {data} in {whole} of {len(reports)} {noun}"
    if whole < len(reports):
        fulfilled = [report.fulfilled for report in reports]
        words += f"; on average {statistics.mean(fulfilled):.1f}, at worst {min(fulfilled)}"
    return words + _rmse_words(observation, reports)


def _rmse_words(observation: "AbstractObservation", reports: "list[Report]") -> str:
    """The draws' root mean square errors beside the stated noise, where data have them."""
    from latentinv.data import IndirectData

    errors = [report.rmse for report in reports if report.rmse is not None]
    if not errors or not isinstance(observation, IndirectData):
        return ""
    best, worst = observation.say(min(errors)), observation.say(max(errors))
    return f"; rmse {observation.say(statistics.median(errors))} ({best} to {worst}), {observation.say_spread()}"


def add_block_rows(table: Table, run: "Run", noun: str) -> None:
    """Add one row for each block mean, where they are few: the data and the draws' mean and spread."""
    from latentinv.data import BlockMeans

    for blocks in run.posterior.observations:
        if not isinstance(blocks, BlockMeans) or blocks.count > FEW or not len(run.realizations):
            continue
        cells = run.realizations.reshape(len(run.realizations), -1)
        for i in range(blocks.count):
            values = cells if blocks.facies is None else cells == blocks.facies[i]
            drawn = values @ blocks.weights[i]
            words = f"data {blocks.mean[i]:.3g} ± {blocks.sd[i]:.2g}, {noun} {drawn.mean():.3g} ± {drawn.std():.2g}"
            table.add_row(f"  block {i + 1}", words)


def say_result(value: Any) -> str:
    """Say a single number, or the range of a list of them."""
    if isinstance(value, list) and value:
        return f"{max(value):.2f} to {min(value):.2f}"
    return f"{value:.2f}" if isinstance(value, float) else str(value)
