"""Adversarial losses and networks at equal time: which comes nearer to its image in minutes.

Each loss trains the same networks, those of the spatial GAN (Laloy et al. 2018) at an eighth of their widths, under the
conditions that its paper asks for: the non-saturating loss with batch statistics in the discriminator, hinge with its
spectrum normalised, Wasserstein with a penalty on slopes and five steps of the critic for one of the generator,
relativistic with R1 and R2. Beside them stand a DCGAN at an eighth of its widths and our own `compact` networks, both
with the non-saturating loss. All see 16 patches of 64 × 64 cells a step and have the same rates. Steps are as many as
take the processor so many minutes, by the pace of the first ones; compilation, and the four comparisons by which a
training keeps its best state, are not counted, so that other programs change little. Two images: channels of our
simulator, 1500 × 1500 cells, and the published `strebelle_250`. 200 fields of 64 × 64 cells are then compared with 400
patches.

A training of minutes says which loss learns fast here, not which would be best in days, and one seed is one seed.

Run ``python -m benchmarks.adversarial [--minutes 3.5] [--cases sgan/hinge,dcgan/wasserstein] [--images channels]``.
"""

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np

from benchmarks._data import data_file
from benchmarks._fields import draw_facies
from benchmarks._report import run, say, show_rows
from benchmarks.strangers import worst_connectivity
from latentinv import Grid
from latentinv.errors import InputError, StorageError
from latentinv.priors import AbstractPrior
from latentinv.realism import measure_statistics
from latentinv.training import Recipe, TrainingImage, parse_recipe, sample_patches, train, with_training

FIELDS, CELLS = 200, 64
NETWORKS = {
    "sgan": 'architecture = "sgan"\nwidth = 0.125',
    "dcgan": 'family = "dcgan"\nwidth = 0.125',
    "compact": 'architecture = "compact"',
}
MEASURES = {
    "total_variation": "total variation",
    "patterns": "multiple-point patterns",
    "texture": "local binary patterns, radius 1",
    "variety": "difference between fields",
}
COLUMNS = ("image", "steps", "score", "total_variation", "connectivity", "patterns", "texture", "variety", "minutes")
WARM, TRIAL, COMPARISONS = 5, 15, 4
"""Steps that are not counted in the pace, steps of a trial, and comparisons with the image."""
RECIPE = """
[image{table}]
{image}
[networks]
{networks}
normalisation = "{normalisation}"
[training]
seed = {seed}
steps = 1000
batch = 16
patch = [{cells}, {cells}]
edge_width = 1.3
evaluate_every = 250
loss = "{loss}"
{settings}
"""


class Paced(Exception):
    """A trial is over; its argument is the processor's seconds of a step."""


class Trial:
    """A listener that ends a training once its pace is known, before anything is compared."""

    begun = 0.0

    def on_plan(self, recipe: Recipe) -> None:
        """Do nothing."""

    def on_comparison(self, step: int, comparison: Any, kept: bool) -> None:
        """Do nothing."""

    def on_step(self, step: int, losses: Any) -> None:
        """Take the time, or end the training."""
        del losses
        if step == WARM:
            self.begun = time.process_time()
        elif step == TRIAL:
            raise Paced((time.process_time() - self.begun) / (TRIAL - WARM))


class Loss(NamedTuple):
    """What a loss asks of a training."""

    normalisation: str
    """Of the discriminator; that of the architecture is not used, so that losses differ in what they need alone."""
    settings: str = ""


LOSSES = {
    "non-saturating": Loss("batch"),
    "hinge": Loss("spectral"),
    "wasserstein": Loss("none", "gradient_penalty_between = 10\ngenerator_every = 5"),
    "relativistic": Loss("none", "gradient_penalty = 0.02\ngradient_penalty_generated = 0.02"),
}
USUAL = (*(f"sgan/{loss}" for loss in LOSSES), "dcgan/non-saturating", "compact/non-saturating")
IMAGES = {
    "channels": (".simulator", "shape = [1500, 1500]\nseed = 1"),
    "strebelle_250": ("", 'file = "strebelle_250.npz"\nflips = [0, 1]'),
}


def benchmark(cases: list[str], images: list[str], minutes: float, seed: int, keep: str | None) -> dict[str, Any]:
    """Train each case on each image, and measure."""
    rows = []
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(keep or scratch)
        folder.mkdir(parents=True, exist_ok=True)
        jax.config.update("jax_compilation_cache_dir", scratch)  # the trial compiles what the training uses again
        for image in at_hand(images):
            for case in cases:
                rows.append(row(case, image, minutes, seed, folder))
                say(f"{case}, {image}: {rows[-1]}")
    show_rows(f"Times the floor after {minutes:g} minutes", rows, COLUMNS)
    return {**summary(rows), "rows": rows}


def summary(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The nearest case of each image, and its score."""
    best: dict[str, Any] = {}
    for image in dict.fromkeys(one["image"] for one in rows):
        nearest = min((one for one in rows if one["image"] == image), key=lambda one: one["score"])
        best |= {f"best_{image}": nearest["name"], f"best_score_{image}": nearest["score"]}
    return best


def at_hand(images: list[str]) -> list[str]:
    """The images that can be had; a published one that is missing is left out and said."""
    found = []
    for name in images:
        try:
            if name != "channels":
                data_file(f"training_images/{name}.npz")
            found.append(name)
        except StorageError as missing:
            say(f"Without {name}: {missing}")
    return found


def recipe_of(case: str, image: str, seed: int, folder: Path) -> Recipe:
    """The recipe of a case such as ``sgan/hinge``."""
    networks, _, loss = case.partition("/")
    if networks not in NETWORKS or loss not in LOSSES:
        raise InputError(
            f"There is no case '{case}'; give one of {', '.join(NETWORKS)}, a slash, and one of {', '.join(LOSSES)}."
        )
    table, source = IMAGES[image]
    normalisation, settings = LOSSES[loss]
    if networks == "compact" and loss == "non-saturating":
        normalisation = "spectral"  # as in the recipes of the shipped priors
    text = RECIPE.format(
        table=table,
        image=source,
        networks=NETWORKS[networks],
        normalisation=normalisation,
        seed=seed,
        cells=CELLS,
        loss=loss,
        settings=settings,
    )
    return parse_recipe(text, folder)


def row(case: str, image: str, minutes: float, seed: int, folder: Path) -> dict[str, Any]:
    """Train one case and measure it."""
    output = folder / f"{case.replace('/', '_')}_{image}.h5"
    recipe = fitted(recipe_of(case, image, seed, folder), output, minutes)
    begun = time.process_time()
    result = train(recipe, output)
    spent = (time.process_time() - begun) / 60
    figures = measure(result.prior, recipe.load_image(), seed)
    return {"name": case, "image": image, "steps": result.steps, **figures, "minutes": spent}


def fitted(recipe: Recipe, output: Path, minutes: float) -> Recipe:
    """The recipe with as many steps as take the processor these minutes."""
    try:
        train(recipe, output, listener=Trial())
    except Paced as found:
        steps = max(TRIAL, int(60 * minutes / found.args[0]))
        return with_training(recipe, steps=steps, evaluate_every=-(-steps // COMPARISONS))
    raise InputError(f"The recipe has fewer than {TRIAL} steps; give more.")


def measure(prior: AbstractPrior, image: TrainingImage, seed: int) -> dict[str, float]:
    """Times the floor: four measures of structure and texture, their geometric mean, and how fields differ."""
    fields = draw_facies(prior, Grid((CELLS, CELLS)), FIELDS, seed)
    patches = sample_patches(np.random.default_rng(seed), image, (CELLS, CELLS), 2 * FIELDS)
    count = len(image.categories)
    found = measure_statistics(fields, patches, count, MEASURES.values(), seed=seed)
    figures = {key: found[name].times_floor for key, name in MEASURES.items()}
    figures["connectivity"] = worst_connectivity(fields, patches, count)
    four = [max(1.0, figures[key]) for key in ("total_variation", "connectivity", "patterns", "texture")]
    return {"score": float(np.exp(np.mean(np.log(four)))), **figures}


def parse(words: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.adversarial", description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=3.5, help="time of each training (default 3.5)")
    parser.add_argument("--cases", type=_names, default=list(USUAL), help=f"such as {', '.join(USUAL)}")
    parser.add_argument("--images", type=_names, default=list(IMAGES), help=f"of {', '.join(IMAGES)}")
    parser.add_argument("--seed", type=int, default=0, help="of all randomness")
    parser.add_argument("--keep", help="folder for the priors and their sheets of samples")
    return parser.parse_args(words)


def _names(text: str) -> list[str]:
    return text.split(",")


if __name__ == "__main__":
    given = parse()
    run(lambda: benchmark(given.cases, given.images, given.minutes, given.seed, given.keep))
