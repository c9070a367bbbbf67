"""How many steps of a recipe fit into a time, by the pace of the first ones on this machine."""

import dataclasses
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

import jax

from ._evaluation import Comparison
from ._loop import train
from ._recipe import Recipe

TRIAL, TRIAL_COMPARISON = 60, 30
"""Steps of the trial, and steps between its comparisons, the first of which compiles."""
LEAST, COMPARING = 4, 0.1
"""Comparisons in a training, and the share of the time that more may take."""
RESERVE = 0.03
"""Share of the time left for steps that is not planned with."""


class Clock:
    """A listener that notes when steps and comparisons end."""

    def __init__(self) -> None:
        self.begun = time.monotonic()
        self.steps: list[float] = []
        self.comparisons: list[float] = []

    def on_step(self, step: int, losses: Any) -> None:
        """Note a step's end."""
        del step
        jax.block_until_ready(losses)
        self.steps.append(time.monotonic())

    def on_comparison(self, step: int, comparison: Comparison, kept: bool) -> None:
        """Note a comparison's end."""
        del step, comparison, kept
        self.comparisons.append(time.monotonic())


class Pace(NamedTuple):
    """What fits into a time."""

    steps: int
    comparisons: int
    """With the image."""


def pace_that_fits(recipe: Recipe, seconds: float) -> Pace:
    """How many steps of a recipe, and how many comparisons, fit into a time, the trial that tells it counted in.

    Comparisons are as many as the recipe's own number of steps has, or as take `COMPARING` of the time if that is
    fewer, but at least `LEAST`.
    """
    training, clock = recipe.training, Clock()
    trial = dataclasses.replace(training, steps=TRIAL, evaluate_every=TRIAL_COMPARISON)
    with tempfile.TemporaryDirectory() as folder:
        train(dataclasses.replace(recipe, training=trial), Path(folder) / "trial.h5", listener=clock)
    steps, spent = clock.steps, time.monotonic() - clock.begun
    compilation, comparison = steps[0] - clock.begun, clock.comparisons[-1] - steps[-1]
    step = (steps[-1] - steps[TRIAL_COMPARISON]) / (TRIAL - TRIAL_COMPARISON - 1)
    comparisons = min(training.steps // training.evaluate_every, max(LEAST, int(COMPARING * seconds / comparison)))
    left = (1 - RESERVE) * (seconds - spent - compilation - comparison * comparisons)
    return Pace(max(1, min(training.steps, int(left / step))), comparisons)
