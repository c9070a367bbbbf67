"""`latentinv resume`: continue a run or a training as if it had never stopped."""

import time
from pathlib import Path
from typing import Annotated

import typer

from ._console import interruptible, make_console, say_seconds, to_continue
from ._files import kind_of
from ._memory import TRAINING_TOO_LARGE, fitting_in_memory
from ._summary import exit_if_infeasible, print_run
from ._train import TrainingDisplay, how_to_continue, print_training

RUN_TOO_LARGE = "This run does not fit in memory; resume it with more memory, or start again with a smaller batch_size."


def resume(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Run file, or a training's checkpoint (.training.h5).")],
) -> None:
    """Continue a run or a training that was stopped."""
    from latentinv.errors import InputError

    kind = kind_of(file)
    if kind == "prior":
        raise InputError(f"{file} is a prior, which is complete; give a run file or a training's checkpoint.")
    (_resume_run if kind == "run" else _resume_training)(file)


def _resume_run(file: Path) -> None:
    from latentinv.inference.run import load_run
    from latentinv.inference.run import resume as resume_run
    from latentinv.storage import RunFile

    from ._display import Display, RunListener

    console = make_console()
    if RunFile.open(file).finished:
        console.print(f"{file} is finished; there is nothing left to do.", soft_wrap=True)
        run = load_run(file)
        print_run(console, run, {"file": str(file)})
        return exit_if_infeasible(run)
    begun = time.monotonic()
    with (
        fitting_in_memory(lambda: RUN_TOO_LARGE),
        interruptible(lambda: f"Stopped. {to_continue(file)}"),
    ):
        with Display(console, "resume", fresh=False) as display:
            run = resume_run(file, listener=RunListener(display))
        print_run(console, run, {"time": say_seconds(time.monotonic() - begun), "file": str(file)})
    exit_if_infeasible(run)


def _resume_training(file: Path) -> None:
    from latentinv.training import read_plan, resume_training

    from ._display import Display

    recipe, output, _ = read_plan(file)
    console = make_console()
    begun = time.monotonic()
    with fitting_in_memory(lambda: TRAINING_TOO_LARGE), interruptible(lambda: how_to_continue(output)):
        with Display(console, "resume", fresh=False) as display:
            listener = TrainingDisplay(display, recipe, output)
            result = resume_training(file, listener=listener)
        print_training(console, result, recipe, output, time.monotonic() - begun)
