"""How a benchmark speaks: tables and progress as it goes, its figures as JSON in the very last line."""

import json
import math
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from latentinv.errors import InputError, NonFiniteError, StorageError
from latentinv.inference import Progress


def say(sentence: str) -> None:
    """Print a line at once, so that a run that is cut still shows it."""
    print(sentence, flush=True)


def show(title: str, figures: dict[str, Any]) -> None:
    """Print figures as a table, one row each."""
    table = Table(title=title, title_justify="left", show_header=False)
    for name, value in figures.items():
        table.add_row(name, _in_words(value))
    Console(soft_wrap=True).print(table)
    sys.stdout.flush()


def show_rows(title: str, rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> None:
    """Print figures of several things as one table, a row each, which begins with its name."""
    table = Table("name", *(name.replace("_", " ") for name in columns), title=title, title_justify="left")
    for row in rows:
        table.add_row(row["name"], *(_in_words(row[name]) for name in columns))
    Console(soft_wrap=True, width=180).print(table)
    sys.stdout.flush()


def last_line(figures: dict[str, Any]) -> str:
    """One line of JSON; a figure that is not a finite number is null."""
    return json.dumps(_finite(figures), allow_nan=False)


def run(benchmark: Callable[[], dict[str, Any]]) -> None:
    """Run a benchmark and print its figures as the last line; end with one sentence if it cannot be run."""
    try:
        figures = benchmark()
    except (InputError, StorageError, NonFiniteError) as error:
        sys.exit(str(error))
    say(last_line(figures))


class Steps:
    """A listener that prints each step of a run."""

    def __init__(self, name: str) -> None:
        self.name = name

    def on_step(self, step: int, progress: Progress) -> None:
        """Print a step."""
        del step
        say(f"  {self.name}: {progress.words}")


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _finite(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_finite(part) for part in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def _in_words(value: Any) -> str:
    if value is None:
        return "–"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
