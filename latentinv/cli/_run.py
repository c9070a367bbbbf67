"""`latentinv run`: all that a study's file states, in one run."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from latentinv.errors import InputError

from ._console import Quiet, make_console, plain_table, say_seconds
from ._distributed import Coordinator, Distributed, Process, Processes, join_others
from ._files import require_new_run
from ._json import Json
from ._parse import check_extension
from ._programs import tell_programs
from ._sampling import choice_of_study, sample_and_print

if TYPE_CHECKING:
    from rich.console import Console

    from latentinv.inference.run import Choice
    from latentinv.posterior import Posterior
    from latentinv.study import StudyFile


def run(
    study: Annotated[
        Path,
        typer.Argument(
            metavar="STUDY", help="Study file (.toml): prior, grid, data and algorithm; see 'latentinv init'."
        ),
    ],
    output: Annotated[
        Path | None, typer.Option(help="Run file to write (.h5; default: the study's name, beside it).")
    ] = None,
    dry: Annotated[
        bool,
        typer.Option("--dry", help="Read and check everything, say what would be done and what it needs; then stop."),
    ] = False,
    distributed: Distributed = False,
    coordinator: Coordinator = None,
    processes: Processes = None,
    process: Process = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Condition a prior to all data of a study."""
    if dry and as_json:
        raise InputError("A dry run prints no JSON; leave out --dry or --json.")
    target = output or study.with_suffix(".h5")
    check_extension(target, ".h5")

    from latentinv.study import read_study_file

    writer = join_others(distributed, coordinator, processes, process)
    if not dry and writer:
        require_new_run(target)
    file = read_study_file(study)
    posterior = file.posterior()
    console = make_console(quiet=quiet or as_json or not writer)
    choice = choice_of_study(posterior, file)
    _describe(console, file, choice)
    if dry:
        return _tell_needs(console, posterior, choice)
    sample_and_print(
        console,
        posterior,
        choice,
        file.settings.get("seed", 0),
        target,
        title="run",
        batch="batch_size in [algorithm]",
        as_json=as_json,
    )


def _tell_needs(console: "Console", posterior: "Posterior", choice: "Choice") -> None:
    """Say how much memory and time the run will need; refuse what does not fit."""
    from latentinv.inference.run import available_memory, check_memory, memory_needed, say_bytes, seconds_needed

    need, free = memory_needed(posterior, choice.algorithm), available_memory()
    beside = "" if free is None else f", {say_bytes(free)} are free"
    console.print(f"memory: about {say_bytes(need.total)} at most{beside}", soft_wrap=True)
    check_memory(need, free)
    if posterior.external:
        console.print("time: not measured, since no program is started before the run itself", soft_wrap=True)
        return
    console.print("compiling, then taking the first steps to measure the pace: one to three minutes", soft_wrap=True)
    seconds = seconds_needed(posterior, choice.algorithm)
    time = "not known: no step was done by then" if seconds is None else f"about {say_seconds(seconds)}"
    console.print(f"time: {time}", soft_wrap=True)


def _describe(console: "Console", file: "StudyFile", choice: "Choice") -> None:
    """Say what was understood."""
    grid, table = file.grid, plain_table()
    model = file.prior.facies_model
    content = "a property" if model is None else f"facies {model.listed()}"
    table.add_row("prior", f"{file.settings['prior']}, {content}")
    cells = " × ".join(str(n) for n in grid.shape)
    table.add_row("grid", f"{cells} cells, {grid.describe()}")
    table.add_row("latents", str(file.prior.latent_size(grid)))
    for one in file.observations:
        unit = getattr(one, "unit", "")
        table.add_row(one.name, f"{one.count} data ({one.kind.replace('_', ' ')})" + (f" in {unit}" if unit else ""))
    console.print(table)
    tell_programs(console, file.observations)
    console.print(choice.reason, soft_wrap=True)
