"""Sampling a posterior on the command line: progress, an interrupt, and the table at the end."""

import dataclasses
import time
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from ._console import interruptible, say_seconds, to_continue
from ._memory import fitting_in_memory
from ._parse import draws_setting, parse_settings
from ._summary import exit_if_infeasible, print_or_json

if TYPE_CHECKING:
    from latentinv.inference.run import Choice
    from latentinv.posterior import Posterior
    from latentinv.study import StudyFile


def sample_and_print(
    console: Console,
    posterior: "Posterior",
    choice: "Choice",
    seed: int,
    output: Path,
    *,
    title: str,
    batch: str,
    as_json: bool = False,
) -> None:
    """Sample a posterior into a run file, showing progress, and print its table; exit code 1 if data cannot be met.

    `title` is the command's name, and `batch` says where the user sets the batch size.
    """
    from latentinv.devices import is_writer
    from latentinv.inference.run import available_memory, check_memory, memory_needed, sample

    from ._display import Display, RunListener

    begun = time.monotonic()

    def how_to_continue() -> str:
        return f"Stopped. {to_continue(output)}" if output.exists() else "Stopped; nothing was written."

    def how_to_fit() -> str:
        cells = " x ".join(str(n) for n in posterior.grid.shape)
        advice = (
            f"This many fields of {cells} cells do not fit in memory at once; give a smaller {batch}, fewer "
            "draws or a smaller grid."
        )
        return advice + (f" To continue with more memory: latentinv resume {output}" if output.exists() else "")

    check_memory(memory_needed(posterior, choice.algorithm), available_memory())
    with fitting_in_memory(how_to_fit), interruptible(how_to_continue):
        with Display(console, title, begun=0.0) as display:
            run = sample(posterior, choice, seed=seed, output=output, listener=RunListener(display))
        if is_writer():
            print_or_json(
                console, run, {"time": say_seconds(time.monotonic() - begun), "file": str(output)}, as_json=as_json
            )
    exit_if_infeasible(run)


def chosen_for(posterior: "Posterior", settings: list[str], draws: int | None) -> "Choice":
    """The algorithm that suits a posterior, with the settings that the user gave."""
    from latentinv.inference.run import choose_algorithm, make_algorithm

    choice = choose_algorithm(posterior)
    name, chosen = choice.algorithm.name, dataclasses.asdict(choice.algorithm)  # type: ignore[call-overload]
    return choice._replace(algorithm=make_algorithm(name, chosen | parse_settings(name, settings, draws)))


def choice_of_study(posterior: "Posterior", file: "StudyFile") -> "Choice":
    """The algorithm that the study names, or else the one that suits the posterior."""
    from latentinv.inference.run import Choice, make_algorithm

    draws = file.settings.get("draws")
    if file.algorithm is None:
        return chosen_for(posterior, [], draws)
    if draws is None:
        return Choice(file.algorithm, f"'{file.algorithm.name}' is what the study names.")
    name, settings = file.algorithm.name, dataclasses.asdict(file.algorithm)  # type: ignore[call-overload]
    algorithm = make_algorithm(name, settings | {draws_setting(name): draws})
    return Choice(algorithm, f"'{name}' is what the study names.")
