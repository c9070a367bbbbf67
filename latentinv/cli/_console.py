"""What all commands say alike: the console, interrupts, durations and plain tables."""

import contextlib
import sys
from collections.abc import Callable, Iterator

import typer
from rich.console import Console

PLAIN_WIDTH = 120


def make_console() -> Console:
    """Give the console to write to; wide where nobody's window sets a width."""
    console = Console(highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console.width = PLAIN_WIDTH
    return console


@contextlib.contextmanager
def interruptible(how_to_go_on: Callable[[], str]) -> Iterator[None]:
    """Turn an interrupt from the keyboard into one sentence, asked for when it comes, and exit code 130."""
    try:
        yield
    except KeyboardInterrupt:
        print(f"latentinv: {how_to_go_on()}", file=sys.stderr)
        raise typer.Exit(130) from None


def say_seconds(seconds: float) -> str:
    """Say a duration as people do: ``45 s``, ``3 min 20 s``, ``2 h 5 min``."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
