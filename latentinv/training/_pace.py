"""How many steps of a recipe fit into a time, by the pace of the first ones on this machine."""

import dataclasses
import tempfile
import time
from pathlib import Path
from typing import Any

import jax

from ._evaluation import Comparison
from ._loop import train
from ._recipe import Recipe

TRIAL, TRIAL_COMPARISON = 60, 30
"""Steps of the trial, and steps between its comparisons, the first of which compiles."""
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


def steps_that_fit(recipe: Recipe, seconds: float) -> int:
    """How many steps of a recipe can be done in a time, with its comparisons, the trial that tells it counted in.

    As many comparisons are planned with as the recipe's own number of steps has.
    """
    training, clock = recipe.training, Clock()
    trial = dataclasses.replace(training, steps=TRIAL, evaluate_every=TRIAL_COMPARISON)
    with tempfile.TemporaryDirectory() as folder:
        train(dataclasses.replace(recipe, training=trial), Path(folder) / "trial.h5", listener=clock)
    steps, spent = clock.steps, time.monotonic() - clock.begun
    compilation, comparison = steps[0] - clock.begun, clock.comparisons[-1] - steps[-1]
    step = (steps[-1] - steps[TRIAL_COMPARISON]) / (TRIAL - TRIAL_COMPARISON - 1)
    left = (1 - RESERVE) * (seconds - spent - compilation - comparison * training.steps / training.evaluate_every)
    return max(1, min(training.steps, int(left / step)))
