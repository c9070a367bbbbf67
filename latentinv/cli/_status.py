"""`latentinv status`: how far runs and trainings have come, also while they go on.

A file does not say whether a process still works on it. What has not been saved for `SILENT` times as long as it
usually takes from one save to the next is said to be stopped.
"""

import time
from pathlib import Path
from typing import Annotated, Any

import typer

from ._console import make_console, say_seconds
from ._files import kind_of
from ._json import Json, print_json

SILENT = 10
"""Usual intervals without a save after which work is said to be stopped."""
SHORTEST, FIRST = 12.0, 180.0
"""Seconds that an interval is taken to be at least, and before the first step, which waits for the compiler."""
SAVED = 1e6
"""Bytes a second of an interval: a run is saved so seldom that saving takes little of its time."""


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
    file = path.stat()
    since, interval = max(0.0, time.time() - file.st_mtime), row.pop("interval", 0.0)
    usual = max(SHORTEST, interval if row["steps"] else FIRST, file.st_size / SAVED)
    row["stopped"] = done < 1 and since > SILENT * usual
    row["seconds_left"] = spent * (1 - done) / done if 0 < done < 1 and not row["stopped"] else None
    row["seconds_since_saved"] = since
    if row["stopped"]:
        row["state"] = f"stopped {row['state']}"
        row["message"] = f"{row['message']}{'; ' * bool(row['message'])}to continue: latentinv resume {path}"
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
        "interval": store.seconds / max(store.steps, 1),
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
        "interval": found.seconds / max(found.step, 1) * found.plan.recipe.training.evaluate_every,
        "message": message,
    }


def _sheet(output: Path) -> Path:
    from latentinv.training import sheet_path

    return sheet_path(output)
