"""Progress display: a live bar on a terminal, plain lines elsewhere."""

from typing import TYPE_CHECKING

from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.text import Text

from latentinv.units import say_seconds
from latentinv.working_time import TimeLeft, WorkingTime

if TYPE_CHECKING:
    from latentinv.inference.core import Progress as RunProgress


class Display:
    """A bar with the time left and a line of words below it, or plain lines.

    Parameters
    ----------
    console
        Where to show it.
    title
        What goes on.
    begun
        Share of the work that was done before; if it is not known, time counts from the first report.
    """

    def __init__(self, console: Console, title: str, begun: float | None = None) -> None:
        self._console = console
        self._title = title
        self._clock = WorkingTime()
        self._time_left = TimeLeft(self._clock, begun)
        self._words = Text("compiling …", style="dim", overflow="ellipsis")
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=40),
            TaskProgressColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[left]}"),
            console=console,
        )
        self._task = self._bar.add_task(title, total=1.0, left="")
        self._live = Live(Group(self._bar, self._words), console=console, refresh_per_second=4, transient=True)

    def __enter__(self) -> "Display":
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()
        self._clock.stop()

    def update(self, done: float, words: str, *, line: bool = True, to_compile: float = 0.0) -> None:
        """Report progress.

        Parameters
        ----------
        done
            Share of the work done, 0 to 1.
        words
            One line.
        line
            Whether to print a plain line where there is no bar.
        to_compile
            What compilation is still to take, as a share of what it took so far.
        """
        seconds = self._time_left.seconds(done, to_compile=to_compile)
        left = "" if seconds is None else f"about {say_seconds(seconds)} left"
        self._bar.update(self._task, completed=done, left=left)
        self._words.plain = words
        if line and not self._console.is_terminal:
            parts = [f"{self._title} {100 * done:3.0f} %", words, left]
            self._console.print(" · ".join(part for part in parts if part), soft_wrap=True)

    def note(self, text: str) -> None:
        """Print a line that stays above the bar."""
        self._console.print(text, soft_wrap=True)


class RunListener:
    """Shows the steps of a run."""

    def __init__(self, display: Display) -> None:
        self._display = display

    def on_step(self, step: int, progress: "RunProgress") -> None:
        """Show a finished step."""
        self._display.update(progress.done, f"step {step}, {progress.words}", to_compile=progress.to_compile)
