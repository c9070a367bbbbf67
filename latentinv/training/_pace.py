"""How many steps of a recipe fit into a time, by the pace of the first ones on this machine."""

import math
from typing import NamedTuple

from latentinv.errors import InputError

from ._recipe import Recipe, with_training

TRIAL, WARM, KNOWN = 60, 20, 40
"""Steps by which the pace is measured, how many of them are not counted, and after how many it is roughly known."""
LEAST, COMPARING = 4, 0.1
"""Comparisons in a training, and the share of the time that more may take."""
RESERVE = 0.03
"""Share of the time left that is not planned with."""
LEAST_STEPS = 200
"""Fewer steps teach nothing, and are refused."""
USUAL_MINUTES = 10
"""Enough for these on a core of its own, compilation included."""


class Pace(NamedTuple):
    """Seconds that work takes on this machine."""

    step: float
    comparison: float
    """With the image, and the drawing of a sheet of samples."""


def fitted(recipe: Recipe, done: int, seconds: float, pace: Pace) -> Recipe:
    """The recipe with as many steps and comparisons as fit into the seconds left after some steps, at most its own.

    Comparisons are as many as the recipe's own number of steps has, or as take `COMPARING` of the time if that is
    fewer, but at least `LEAST`; the training's patience stays the same share of them.
    """
    training = recipe.training
    own = max(1, training.steps // training.evaluate_every)
    comparisons = min(own, max(LEAST, int(COMPARING * seconds / pace.comparison)))
    left = (1 - RESERVE) * (seconds - pace.comparison * comparisons)
    steps = min(training.steps, done + max(0, int(left / pace.step)))
    patience = max(2, round(training.patience * comparisons / own)) if training.patience else 0
    every = max(1, steps // comparisons)
    return with_training(recipe, steps=steps, evaluate_every=every, patience=patience)


def missing(done: int, pace: Pace) -> float:
    """Seconds that the fewest steps and comparisons take, after some steps."""
    return (LEAST_STEPS - done) * pace.step / (1 - RESERVE) + LEAST * pace.comparison


def require_compiled(left: float, minutes: float) -> None:
    """Check that time is left, in seconds, before the pace is known.

    Raises
    ------
    InputError
        If it is not.
    """
    if left <= 0:
        raise InputError(
            f"{minutes:g} minutes were over before the networks were compiled and the first {WARM} steps taken; give "
            f"at least --minutes {max(USUAL_MINUTES, math.ceil(2 * minutes))}."
        )


def require_enough(steps: int, minutes: float, least: float) -> None:
    """Check that a time is enough to learn something.

    Parameters
    ----------
    steps
        That fit into it.
    minutes
        The time.
    least
        Minutes that would be enough, by the pace so far.

    Raises
    ------
    InputError
        If it is not.
    """
    if steps < LEAST_STEPS:
        raise InputError(
            f"{minutes:g} minutes are enough for {steps} steps on this machine; expected at least {LEAST_STEPS}, for "
            f"fewer teach nothing. Give at least --minutes {math.ceil(least)}."
        )
