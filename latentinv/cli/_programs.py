"""What a study or a forecast will run besides latentinv: the programs of users, said before they start."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape

if TYPE_CHECKING:
    from latentinv.data import AbstractObservation


def tell_programs(console: Console, observations: "Sequence[AbstractObservation]") -> None:
    """Say for each external program what is run, where, and how many at a time."""
    for one in observations:
        if one.simulator is None or not hasattr(one.simulator.simulator, "states"):
            continue
        together = getattr(one.simulator.executor, "workers", 1)
        beside = f", {together} at a time" if together > 1 else ""
        console.print(escape(f"'{one.name}' {one.simulator.simulator.states()}{beside}"), soft_wrap=True)
