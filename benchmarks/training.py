"""The quality of a prior trained from scratch in a given time.

Trains by a recipe (`models/channels.toml` unless another is named) for at most the given minutes: a trial of some steps
tells how many fit, and a longer recipe is shortened to these, so its learning rates still fall to zero. Then draws 256
fields of 128×128 cells and compares them with the training image: the share of sand and the total variation with the
whole image, the patterns (Jensen–Shannon divergence of 4×4 patterns on three scales) with the whole image, and
connectivity curves (lags 1 to 64, both axes, both facies; root mean square difference) with 1024 patches of the same
size, since a cluster in a window is not a cluster in the image. Two ``floor`` figures give the same distances for 256
patches of the image itself in place of the fields. Last, total variation, local binary patterns of
radius 1 and connectivity of 1 000 fields are set against 1 000 patches as in `benchmarks.realism`, in times the floor.

Run ``python -m benchmarks.training --minutes 30 [--recipe FILE] [--output FILE]``. Nothing else should run on the
machine meanwhile.
"""

import argparse
import dataclasses
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int

from benchmarks._data import ROOT, data_file
from benchmarks._fields import draw_facies, facies_model, pictures
from benchmarks._report import run, say, show
from benchmarks.realism import OVER_FLOOR, over_floor
from latentinv.grid import Grid
from latentinv.priors import AbstractPrior
from latentinv.realism import (
    connectivity,
    facies_share,
    measure_statistics,
    pattern_distance,
    pattern_histogram,
    total_variation,
)
from latentinv.training import (
    Comparison,
    Recipe,
    TrainingImage,
    read_recipe,
    sample_patches,
    train,
)

FIELDS = 256
PATCHES = 1024
SAMPLES = 1000
"""Fields whose distances are given in times the floor."""
FLOORS = ("tv_over_floor", "lbp1_over_floor", "connectivity_over_floor")
CELLS = 128
SEED = 20
SAY_EVERY = 50


class Progress:
    """A listener that prints a line now and then, and remembers which state was kept."""

    def __init__(self) -> None:
        self.begun = time.monotonic()
        self.kept_step = 0

    def on_plan(self, recipe: Recipe) -> None:
        """Print how many steps fit."""
        say(f"{self.minutes():5.1f} min  {recipe.training.steps} steps fit")

    def on_step(self, step: int, losses: Any) -> None:
        """Print every fiftieth step."""
        if step % SAY_EVERY == 0:
            each = "  ".join(f"{name} {float(loss):.3f}" for name, loss in losses._asdict().items())
            say(f"{self.minutes():5.1f} min  step {step:5d}  {each}")

    def on_comparison(self, step: int, comparison: Comparison, kept: bool) -> None:
        """Print each comparison with the image."""
        if kept:
            self.kept_step = step
        say(
            f"{self.minutes():5.1f} min  step {step:5d}  score {comparison.score:.4f}  "
            f"share {comparison.share:.3f}  "
            f"total variation {comparison.total_variation:.4f} "
            f"(image {comparison.total_variation_reference:.4f})" + ("  best so far" if kept else "")
        )

    def minutes(self) -> float:
        """Minutes since the listener was made."""
        return (time.monotonic() - self.begun) / 60


def train_and_measure(recipe: Recipe, output: Path, minutes: float) -> dict[str, Any]:
    """Train a prior by a recipe for at most some minutes, and measure it."""
    progress = Progress()
    result = train(recipe, output, minutes=minutes, fill=True, listener=progress)
    spent = progress.minutes()
    say(f"{spent:5.1f} min  step {result.steps:5d}  training ended; measuring {FIELDS} fields")
    training = {"steps": result.steps, "minutes": spent, "kept_step": progress.kept_step}
    return {**measure(result.prior, recipe.load_image()), **training}


def measure(
    prior: AbstractPrior,
    image: TrainingImage,
    *,
    cells: int = CELLS,
    fields: int = FIELDS,
    patches: int = PATCHES,
    samples: int = SAMPLES,
) -> dict[str, float]:
    """Compare fields of a prior with its training image."""
    shape, model = (cells,) * image.facies.ndim, facies_model(prior)
    drawn = draw_facies(prior, Grid(shape), fields, SEED)
    reference = sample_patches(np.random.default_rng(SEED), image, shape, patches)
    others = sample_patches(np.random.default_rng(SEED + 1), image, shape, fields)
    whole, top = image.facies[None], len(image.categories) - 1
    curves, patterns = connectivity_curves(reference, top), pattern_histogram(whole)
    return {
        "sand": float(facies_share(drawn, top).pooled()),
        "sand_reference": float(facies_share(whole, top).pooled()),
        "tv_iso": float(total_variation(pictures(drawn, model)).pooled()),
        "tv_iso_reference": float(total_variation(pictures(whole, model)).pooled()),
        "pattern_distance": float(pattern_distance(pattern_histogram(drawn), patterns)),
        "pattern_distance_floor": float(pattern_distance(pattern_histogram(others), patterns)),
        "connectivity_rms": _rms(connectivity_curves(drawn, top) - curves),
        "connectivity_rms_floor": _rms(connectivity_curves(others, top) - curves),
        **floors(prior, image, shape, samples),
    }


def floors(prior: AbstractPrior, image: TrainingImage, shape: tuple[int, ...], count: int) -> dict[str, float]:
    """Distances of `count` fields from as many patches, in times the floor."""
    fields = draw_facies(prior, Grid(shape), count, SEED + 2)
    patches = sample_patches(np.random.default_rng(SEED + 2), image, shape, 2 * count)
    names = [name for key in FLOORS for name in OVER_FLOOR[key]]
    return over_floor(measure_statistics(fields, patches, len(image.categories), names, seed=SEED), FLOORS)


def connectivity_curves(indices: Int[np.ndarray, "image *grid"], top: int) -> np.ndarray:
    """Connectivity at lags up to half an image, for each axis and facies."""
    lags = np.arange(1, indices.shape[1] // 2 + 1)
    vectors = np.concatenate([np.outer(lags, axis) for axis in np.eye(indices.ndim - 1, dtype=int)])
    return np.array([connectivity(indices, index, vectors).pooled() for index in range(top + 1)])


def benchmark(arguments: argparse.Namespace) -> dict[str, Any]:
    """Train in the output's place, or in a folder that is removed at the end."""
    recipe = read_recipe(arguments.recipe)
    if recipe.image.file is not None:
        recipe = dataclasses.replace(recipe, folder=data_file(f"training_images/{recipe.image.file}").parent)
    with tempfile.TemporaryDirectory() as scratch:
        output = Path(arguments.output or Path(scratch) / "prior.h5")
        figures = train_and_measure(recipe, output, arguments.minutes)
    show(
        f"The {recipe.networks.architecture} generator after {figures['minutes']:.1f} minutes, {FIELDS} fields",
        figures,
    )
    return figures


def parse(words: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.training", description="Train a prior and measure it.")
    parser.add_argument("--minutes", type=float, default=30.0, help="train for at most this time")
    parser.add_argument("--recipe", default=str(ROOT / "models" / "channels.toml"), help="the training's recipe")
    parser.add_argument("--output", help="keep the prior in this file, which must not exist")
    return parser.parse_args(words)


def _rms(difference: np.ndarray) -> float:
    return float(np.sqrt(np.mean(difference**2)))


if __name__ == "__main__":
    run(lambda: benchmark(parse()))
