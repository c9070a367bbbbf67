"""All families of priors side by side: how near each comes to its image, and whether it honours wells.

A row for each shipped prior, and for three that need no image (`_classic_priors.py`). 200 fields, or fewer volumes, are
compared with twice as many patches of the image on which a prior was trained, found or simulated as its recipe says;
what needs an image is null where there is none, and the table says why. An autoencoder encodes and decodes maps that
its training has not seen: of another seed of its simulator, or patches of its image. Then 25 wells are read from a draw
of the prior that is held out, so that they can be met, and draws are conditioned to them by the algorithm that
`choose_algorithm` names. A continuous property has no facies, and its families are measured by `benchmarks.gaussian`
and `benchmarks.clouds`.

Run ``python -m benchmarks.families [--priors meanders] [--draws 32] [--minutes 15] [--seed 0]``.
"""

import argparse
import dataclasses
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import numpy as np

from benchmarks._classic_priors import CLASSIC
from benchmarks._fields import draw_facies, facies_model
from benchmarks._report import Steps, run, say, show_rows
from benchmarks.strangers import worst_connectivity
from latentinv import Grid, HardData, Posterior, TemperedSMC, choose_algorithm, load_prior, sample
from latentinv.errors import InputError, StorageError
from latentinv.inference import Progress
from latentinv.priors import AbstractPrior, find_prior, shipped_priors
from latentinv.realism import contacts, measure_statistics
from latentinv.training import (
    Recipe,
    TrainingImage,
    comparable_count,
    comparable_shape,
    parse_recipe,
    sample_patches,
)

FIELDS, VOLUMES, ENCODED, WELLS = 200, 8, 16, 25
MOST = 128
"""Cells of a compared field along an axis, at most."""
GRIDS = {2: Grid((96, 96)), 3: Grid((16, 48, 48))}
"""Where wells are honoured, latents counted and maps encoded, by the axes of a prior whose fields have any size."""
COLUMNS = (
    "family", "dims", "latents", "weights_mb", "tv_iso_error", "connectivity_over_floor", "proportion_error",
    "contacts_wrong", "reconstruction_accuracy", "seconds_to_train", "wells_honoured", "draws", "minutes",
)  # fmt: skip


class Source(NamedTuple):
    """The image of a prior, or why there is none."""

    image: TrainingImage | None
    recipe: Recipe | None
    reason: str


class TimeUp(Exception):
    """A conditioning has taken all its minutes."""


class Effort(NamedTuple):
    """What a conditioning may take."""

    draws: int | None
    """As many as the algorithm takes by itself if None."""
    minutes: float


class Deadline:
    """A listener that prints each step and ends a run that takes too long."""

    def __init__(self, name: str, minutes: float) -> None:
        self.steps, self.end = Steps(name), time.monotonic() + 60 * minutes

    def on_step(self, step: int, progress: Progress) -> None:
        """Print, and end the run if its time is over."""
        self.steps.on_step(step, progress)
        if progress.done < 1 and time.monotonic() > self.end:
            raise TimeUp(progress.words)


def benchmark(names: list[str], effort: Effort, seed: int) -> dict[str, Any]:
    """Measure each prior, and put the worst together."""
    rows = []
    for name in names:
        rows.append(row(name, CLASSIC[name]() if name in CLASSIC else load_prior(name), effort, seed))
        say(f"{name}: {rows[-1]}")
    show_rows("A row for each prior", rows, COLUMNS)
    for one in rows:
        for reason in one["reasons"]:
            say(f"{one['name']}: {reason}")
    return {**summary(rows), "rows": rows}


def summary(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """How many families there are, and the worst of each figure; null if none has it."""

    def of(key: str, choose: Callable[..., Any]) -> Any:
        found = [one[key] for one in rows if one[key] is not None]
        return choose(found) if found else None

    return {
        "families": len({one["family"] for one in rows}),
        "wells_honoured": of("wells_honoured", min),
        "worst_contacts_wrong": of("contacts_wrong", max),
        "reconstruction_accuracy": of("reconstruction_accuracy", min),
    }


def row(name: str, prior: AbstractPrior, effort: Effort, seed: int) -> dict[str, Any]:
    """All figures of one prior."""
    grid, record = Grid(prior.only_shape) if prior.only_shape else GRIDS[prior.ndim], prior.record()
    source = source_of(name, prior)
    likeness = no_likeness() if source.image is None else measured_likeness(prior, source.image, seed)
    accuracy, why = reconstruction(prior, source, grid, seed)
    honoured = wells_honoured(name, prior, grid, effort, seed)
    seconds = prior.provenance.get("seconds")
    untimed = "" if seconds or not prior.provenance else "its file does not tell the time of its training"
    reasons = [reason for reason in (source.reason, why, untimed, honoured.pop("reason")) if reason]
    return {
        "name": name,
        "family": record.family,
        "dims": prior.ndim,
        "latents": prior.latent_size(grid),
        "weights_mb": sum(np.asarray(array).nbytes for array in record.arrays.values()) / 1e6,
        **likeness,
        "reconstruction_accuracy": accuracy,
        "seconds_to_train": seconds,
        **honoured,
        "reasons": reasons,
    }


def source_of(name: str, prior: AbstractPrior) -> Source:
    """The image on which a prior was trained, by the recipe that its file holds."""
    if "recipe" not in prior.provenance:
        return Source(None, None, "it needs no training image, so it cannot be compared with one")
    try:
        recipe = parse_recipe(prior.provenance["recipe"], find_prior(name).parent)
        return Source(recipe.load_image(), recipe, "")
    except (InputError, StorageError) as error:
        return Source(None, None, f"its training image cannot be had: {error}")


def no_likeness() -> dict[str, None]:
    """What is not known without an image."""
    return dict.fromkeys(("tv_iso_error", "connectivity_over_floor", "proportion_error", "contacts_wrong"))


def measured_likeness(prior: AbstractPrior, image: TrainingImage, seed: int) -> dict[str, float]:
    """Compare fields with patches of the image, and their shares and contacts with those of the whole image."""
    count = len(image.categories)
    shape = prior.only_shape or comparable_shape(image, (MOST,) * prior.ndim)
    fields = draw_facies(prior, Grid(shape), comparable_count(shape, FIELDS, VOLUMES), seed)
    patches = sample_patches(np.random.default_rng(seed), image, shape, 2 * len(fields))
    variation = measure_statistics(fields, patches, count, ["total variation"], seed=seed)["total variation"]
    shares = [np.bincount(x.ravel(), minlength=count) / x.size for x in (fields, image.facies)]
    pairs, known = (contacts(x, count).pooled() for x in (fields, image.facies[None]))
    return {
        "tv_iso_error": float(variation.fields[0] / variation.image[0] - 1),
        "connectivity_over_floor": worst_connectivity(fields, patches, count),
        "proportion_error": float(np.abs(shares[0] - shares[1]).max()),
        "contacts_wrong": float(pairs[known == 0].sum()),
    }


def reconstruction(prior: AbstractPrior, source: Source, grid: Grid, seed: int) -> tuple[float | None, str]:
    """Share of cells that are the same after encoding and decoding maps, and where there is none, why."""
    if not prior.has_encoder:
        return None, ""
    if source.image is None or source.recipe is None:
        return None, "there is no image to encode"
    image = source.recipe.held_out_image() or source.image
    indices = sample_patches(np.random.default_rng(seed), image, grid.shape, ENCODED)
    right = []
    for codes in np.asarray(image.categories)[indices]:
        again = prior.realization(prior.generate(prior.encode(codes, grid), grid))
        right.append(np.mean(np.asarray(again) == codes))
    return float(np.mean(right)), ""


def wells_honoured(name: str, prior: AbstractPrior, grid: Grid, effort: Effort, seed: int) -> dict[str, Any]:
    """Least share of the wells that a draw honours; 0 if there was no draw in time, and why."""
    key = jax.random.key(seed + 1)
    truth = np.asarray(prior.realization(prior.generate(jax.random.normal(key, (prior.latent_size(grid),)), grid)))
    places = np.random.default_rng(seed + 1).permutation(truth.size)[:WELLS]
    cells = np.stack(np.unravel_index(places, truth.shape), axis=1)
    posterior = Posterior(
        prior, grid, [HardData(grid, grid.centres(cells), truth[tuple(cells.T)], facies_model(prior))]
    )
    choice = choose_algorithm(posterior)
    algorithm = choice.algorithm
    if effort.draws is not None and isinstance(algorithm, TemperedSMC):
        algorithm = dataclasses.replace(algorithm, particles=effort.draws)
    begun, draws, reason = time.monotonic(), np.zeros((0, *grid.shape)), ""
    try:
        result = sample(posterior, algorithm, seed=seed, listener=Deadline(name, effort.minutes))
        draws = np.asarray(result.realizations)
        reason = " ".join(map(str, result.results.get("infeasible_data", [])))
    except TimeUp as last:
        reason = f"its wells were not met within {effort.minutes:g} minutes; the last step said: {last}"
    right = draws[(slice(None), *cells.T)] == truth[tuple(cells.T)]
    least = float(right.mean(axis=1).min()) if len(draws) else 0.0
    spent = (time.monotonic() - begun) / 60
    return {"wells_honoured": least, "draws": len(draws), "minutes": spent, "reason": reason}


def parse(words: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    every = [*shipped_priors(), *CLASSIC]
    parser = argparse.ArgumentParser(prog="python -m benchmarks.families", description=__doc__.splitlines()[0])
    parser.add_argument("--priors", type=lambda text: text.split(","), default=every, help=f"of {', '.join(every)}")
    parser.add_argument("--draws", type=int, help="draws of each conditioning; as the algorithm has it unless given")
    parser.add_argument("--minutes", type=float, default=15.0, help="most minutes of each conditioning (default 15)")
    parser.add_argument("--seed", type=int, default=0, help="of all randomness")
    return parser.parse_args(words)


if __name__ == "__main__":
    arguments = parse()
    run(lambda: benchmark(arguments.priors, Effort(arguments.draws, arguments.minutes), arguments.seed))
