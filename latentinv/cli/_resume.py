"""`latentinv resume`: continue a run or a training as if it had never stopped."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from ._console import Quiet, interruptible, make_console, say_seconds, to_continue
from ._distributed import Coordinator, Distributed, Process, Processes, join_others
from ._files import kind_of
from ._json import Json
from ._memory import TRAINING_TOO_LARGE, fitting_in_memory
from ._programs import tell_programs
from ._summary import exit_if_infeasible, print_or_json
from ._train import TrainingDisplay, how_to_continue, print_training

if TYPE_CHECKING:
    from latentinv.forward import ExternalForward
    from latentinv.inference.run import Run

RUN_TOO_LARGE = "This run does not fit in memory; resume it with more memory, or start again with a smaller batch_size."


def resume(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Run file, or a training's checkpoint (.training.h5).")],
    study: Annotated[
        Path | None, typer.Option(help="Study file (.toml) of a run with external programs, which states them again.")
    ] = None,
    distributed: Distributed = False,
    coordinator: Coordinator = None,
    processes: Processes = None,
    process: Process = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Continue a run or a training that was stopped."""
    from latentinv.errors import InputError

    kind = kind_of(file)
    if kind == "prior":
        raise InputError(f"{file} is a prior, which is complete; give a run file or a training's checkpoint.")
    writer = join_others(distributed, coordinator, processes, process)
    console = make_console(quiet=quiet or as_json or not writer)
    if kind == "run":
        return _resume_run(file, study, console, as_json=as_json)
    if study is not None:
        raise InputError(f"{file} is a training, to which no study belongs; leave --study out.")
    if distributed:
        raise InputError(f"{file} is a training, which one process does alone; leave --distributed out.")
    _resume_training(file, console, as_json=as_json)


def _resume_run(file: Path, study: Path | None, console: Console, *, as_json: bool) -> None:
    from latentinv.inference.run import load_run
    from latentinv.inference.run import resume as resume_run
    from latentinv.storage import RunFile

    from ._display import Display, RunListener

    stored = RunFile.open(file)
    if stored.finished:
        console.print(f"{file} is finished; there is nothing left to do.", soft_wrap=True)
        return _print(console, load_run(file), {"file": str(file)}, as_json=as_json)
    forwards = None if study is None else _programs(study, console)
    begun = time.monotonic()
    with (
        fitting_in_memory(lambda: RUN_TOO_LARGE),
        interruptible(lambda: f"Stopped. {to_continue(file)}"),
        Display(console, "resume", begun=stored.done) as display,
    ):
        run = resume_run(file, forwards=forwards, listener=RunListener(display))
    rows = {"time": say_seconds(time.monotonic() - begun), "file": str(file)}
    _print(console, run, rows, as_json=as_json)


def _programs(study: Path, console: Console) -> "dict[str, ExternalForward]":
    """The external programs that a study states, by the name of their data."""
    from latentinv.study import read_study_file

    file = read_study_file(study)
    tell_programs(console, file.observations)
    return file.forwards


def _print(console: Console, run: "Run", rows: dict[str, str], *, as_json: bool) -> None:
    from latentinv.devices import is_writer

    if is_writer():
        print_or_json(console, run, rows, as_json=as_json)
    exit_if_infeasible(run)


def _resume_training(file: Path, console: Console, *, as_json: bool) -> None:
    from latentinv.training import read_plan, resume_training

    from ._display import Display

    recipe, output, _ = read_plan(file)
    begun = time.monotonic()
    with fitting_in_memory(lambda: TRAINING_TOO_LARGE), interruptible(lambda: how_to_continue(output)):
        with Display(console, "resume") as display:
            listener = TrainingDisplay(display, recipe, output)
            result = resume_training(file, listener=listener)
        print_training(console, result, recipe, output, time.monotonic() - begun, as_json=as_json)
