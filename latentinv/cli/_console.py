"""What all commands share in what they print: the console, interrupts, durations and plain tables."""

import contextlib
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from latentinv.units import say_seconds as say_seconds

PLAIN_WIDTH = 120
ENDINGS = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))
"""Signals that ask a program to end."""


Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print warnings and errors only.")]


def make_console(*, quiet: bool = False) -> Console:
    """The console to write to; its width is fixed where there is no terminal. A quiet one says nothing."""
    console = Console(highlight=False, markup=False, emoji=False, quiet=quiet)
    if not console.is_terminal:
        console.width = PLAIN_WIDTH
    return console


def warn(console: Console, sentence: str) -> None:
    """Print a warning; on stderr where the console is quiet."""
    if console.quiet:
        print(f"Warning: {sentence}", file=sys.stderr)
    else:
        console.print(f"Warning: {sentence}", soft_wrap=True)


def to_continue(path: Path) -> str:
    """Say how to continue with a stopped run or training."""
    return f"To continue: latentinv resume {path}"


@contextlib.contextmanager
def interruptible(how_to_continue: Callable[[], str]) -> Iterator[None]:
    """Turn an interrupt from the keyboard, or a request to end, into one sentence, composed at that time, and exit code
    130.
    """
    try:
        with _ending_as_interrupted():
            yield
    except KeyboardInterrupt:
        print(f"latentinv: {how_to_continue()}", file=sys.stderr)
        raise typer.Exit(130) from None


@contextlib.contextmanager
def _ending_as_interrupted() -> Iterator[None]:
    """Take the signals of a closed terminal and of a system that shuts down, or makes room, for Ctrl-C."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():  # where no handler can be set
        yield
        return
    heard = [name for name in ENDINGS if signal.getsignal(name) is not signal.SIG_IGN]  # nohup ignores SIGHUP
    usual = {name: signal.signal(name, interrupt) for name in heard}
    try:
        yield
    finally:
        for name, handler in usual.items():
            signal.signal(name, handler)


def plain_table() -> Table:
    """Make a table of names and words without lines."""
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    return table
