"""Progress in words, and durations."""

import io

import pytest
from rich.console import Console

from latentinv.cli._console import say_seconds
from latentinv.cli._display import Display


@pytest.mark.parametrize(("seconds", "words"), [(44.6, "45 s"), (200, "3 min 20 s"), (7500, "2 h 5 min")])
def test_that_durations_are_said_as_people_do(seconds, words):
    assert say_seconds(seconds) == words


def test_that_a_terminal_gets_a_bar_and_a_file_gets_lines():
    bar, lines = (Console(file=io.StringIO(), force_terminal=terminal, width=100) for terminal in (True, False))
    for console in (bar, lines):
        with Display(console, "condition") as display:
            display.update(0.5, "level 3")
            display.note("samples in a file")

    assert "━" in bar.file.getvalue()
    assert "50%" in bar.file.getvalue()
    assert "condition  50 % · level 3" in lines.file.getvalue()
    assert "━" not in lines.file.getvalue()
