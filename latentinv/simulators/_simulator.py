"""What a simulator is, and the possible outcomes of a call.

A simulator is any object with a method ``simulate(property) -> data``; one with an adjoint has
``adjoint(property, residual) -> gradient`` too, the gradient of ``residual · simulate(property)`` by the property of
each cell. Whatever a call does is turned into an `Outcome`: numbers, or the kind of failure and its reason. A failed
simulation is never turned into a number.
"""

from typing import Any, NamedTuple, Protocol

import numpy as np
from jaxtyping import Float

KINDS = ("crashed", "timed out", "not finite", "wrong length", "no output", "worker died")
"""The ways in which a simulation fails."""
LONGEST_REASON = 300


class Simulator(Protocol):
    """The user's simulator."""

    def simulate(self, property: Float[np.ndarray, "*grid"]) -> Float[np.ndarray, "datum"]:
        """Predict the data from the property of every cell."""
        ...


class SimulationFailure(Exception):
    """Raised by a simulator to say that a call failed.

    Parameters
    ----------
    kind
        One of `KINDS`.
    reason
        Why, in a sentence.
    place
        The folder that shows it, if it was kept.
    """

    def __init__(self, kind: str, reason: str, place: str = "") -> None:
        super().__init__(kind, reason, place)
        self.kind, self.reason, self.place = kind, reason, place


class Task(NamedTuple):
    """One call of a simulator."""

    method: str
    """``simulate`` or ``adjoint``."""
    arguments: tuple[np.ndarray, ...]
    shape: tuple[int, ...]
    """Shape of the array that is expected back."""


class Outcome(NamedTuple):
    """The outcome of a call."""

    values: np.ndarray | None
    """The numbers; None if it failed."""
    kind: str = ""
    """One of `KINDS` if it failed."""
    reason: str = ""
    place: str = ""
    """The folder that shows a failure, if it was kept."""


def failed(kind: str, reason: str, place: str = "") -> Outcome:
    """The outcome of a call that gave no numbers."""
    return Outcome(None, kind, reason[:LONGEST_REASON], place)


def attempt(simulator: Any, task: Task) -> Outcome:
    """Make a call, and turn whatever happens into an outcome."""
    arguments = [np.array(argument, dtype=float) for argument in task.arguments]  # a copy that the simulator may change
    try:
        if task.method == "simulate" and hasattr(simulator, "simulate_checked"):
            return simulator.simulate_checked(*arguments, task.shape)
        values = getattr(simulator, task.method)(*arguments)
    except SimulationFailure as failure:
        kind = failure.kind if failure.kind in KINDS else KINDS[0]
        return failed(kind, failure.reason, failure.place)
    except (Exception, SystemExit) as error:
        return failed("crashed", f"{type(error).__name__}: {error}")
    return checked(values, task.shape)


def checked(values: Any, shape: tuple[int, ...]) -> Outcome:
    """The outcome of a call that returned something."""
    if values is None:
        return failed("no output", "it gave nothing back")
    try:
        array = np.asarray(values, dtype=float)
    except (TypeError, ValueError):
        return failed("no output", f"it gave a {type(values).__name__}, which holds no numbers")
    if not array.size:
        return failed("no output", "it gave an array without numbers")
    if array.shape != shape:
        return failed("wrong length", f"it gave an array of shape {array.shape}; expected {shape}")
    lost = int(np.sum(~np.isfinite(array)))
    if lost:
        return failed("not finite", f"{lost} of {array.size} numbers are not finite")
    return Outcome(array)
