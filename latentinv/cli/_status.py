"""`latentinv status`: how far runs and trainings have come, also while they go on."""

import time
from pathlib import Path
from typing import Annotated, Any

import typer

from ._console import make_console, say_seconds
from ._files import kind_of
from ._json import Json, print_json


def status(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE …", help="Run files, or checkpoints of trainings (.training.h5).")
    ],
    as_json: Json = False,
) -> None:
    """Say how far runs and trainings have come, also while they go on."""
    from rich.table import Table

    rows = [_row(path) for path in files]
    if as_json:
        return print_json(rows)
    table = Table("file", "state", "done", "spent", "left", "last saved", box=None, padding=(0, 2, 0, 0))
    for row in rows:
        left = "" if row["seconds_left"] is None else f"about {say_seconds(row['seconds_left'])}"
        done = f"{100 * row['done']:.0f} %"
        saved = f"{say_seconds(row['seconds_since_saved'])} ago"
        table.add_row(row["file"], row["state"], done, say_seconds(row["seconds"]), left, saved)
    console = make_console()
    console.print(table)
    for row in rows:
        if row["message"]:
            lead = f"{row['file']}: " if len(rows) > 1 else ""
            console.print(f"{lead}{row['message']}", soft_wrap=True)


def _row(path: Path) -> dict[str, Any]:
    """What one file says; times in seconds."""
    kind = kind_of(path)
    row: dict[str, Any]
    if kind == "prior":
        row = {"kind": kind, "state": "finished", "steps": None, "done": 1.0, "seconds": 0.0, "message": ""}
    else:
        row = {"kind": kind} | (_run(path) if kind == "run" else _training(path))
    done, spent = row["done"], row["seconds"]
    row["seconds_left"] = spent * (1 - done) / done if 0 < done < 1 else None
    row["seconds_since_saved"] = max(0.0, time.time() - path.stat().st_mtime)
    return {"file": str(path)} | row


def _run(path: Path) -> dict[str, Any]:
    from latentinv.storage import RunFile

    store = RunFile.open(path)
    state = "finished" if store.finished else f"after step {store.steps}"
    if store.finished and "infeasible_data" in store.results:
        state = "finished; data cannot be met"
    draws = f"{store.draw_count} draws; " if store.draw_count and not store.finished else ""
    return {
        "state": state,
        "steps": store.steps,
        "draws": store.draw_count,
        "done": store.done,
        "seconds": store.seconds,
        "message": draws + store.message,
    }


def _training(path: Path) -> dict[str, Any]:
    from latentinv.training import read_training_progress

    found = read_training_progress(path)
    steps, message = found.plan.recipe.training.steps, ""
    if found.kept:
        best, score = int(found.kept["step"]), found.kept["score"]
        message = f"best state after step {best}, {score:.2f} times the floor; samples in {_sheet(found.plan.output)}"
    ended = found.plan.output.exists()
    return {
        "state": "finished" if ended else f"after step {found.step} of {steps}",
        "steps": found.step,
        "done": 1.0 if ended else min(1.0, found.step / steps),
        "seconds": found.seconds,
        "message": message,
    }


def _sheet(output: Path) -> Path:
    from latentinv.training import sheet_path

    return sheet_path(output)
