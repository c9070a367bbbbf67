"""Priors learned from volumes: porosity, specific surface and two-point function beside the image's, and two boreholes.

``latentinv train VOLUME --output PRIOR --minutes M`` is run on the published volumes of a carbonate and of folded
layers, unless a prior is there already: one that ships, or one that an earlier run kept. Fields are drawn as large as
patches, and compared with the whole volume: for each facies its share, the surface between it and others per volume
(Crofton), and the probability that two cells some way apart along an axis are both of it. Differences of shares and
surfaces are relative; that of the probability is the largest over all lags up to a quarter of the field along each
axis, over the probability at lag 0, the share. Beside them stand those of as many patches of the volume, which differ
by chance; then all measures of realism. Last, facies are read along a vertical and an inclined borehole through a patch
of the volume, and draws are conditioned to them.

Run ``python -m benchmarks.trained_volumes [--volumes ketton_3d,fold_3d] [--minutes 40] [--fields 48] [--edge 64]
[--draws 16] [--keep FOLDER]``.
"""

import argparse
import dataclasses
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int

from benchmarks._data import data_file
from benchmarks._fields import draw_facies, facies_model
from benchmarks._report import Steps, run, say, show
from benchmarks._train_command import train_once
from latentinv import Grid, HardData, Posterior, TemperedSMC, choose_algorithm, load_prior, sample
from latentinv.data import Borehole, log_cells
from latentinv.plotting import plot_volumes
from latentinv.priors import AbstractPrior
from latentinv.realism import measure_realism, minkowski_densities, two_point_probability
from latentinv.training import TrainingImage, read_training_image, sample_patches

SEED, EDGE = 11, 32
"""Of all randomness; cells along an axis of the grid with the boreholes."""
HOLES = {"V": (0.3, 0.4, 0.0), "I": (0.1, 0.75, 40.0)}
"""Where each begins, as shares of the edges along x and y, and its inclination in degrees, towards east."""


class Figures(NamedTuple):
    """What is compared of each facies."""

    share: Float[np.ndarray, "facies"]
    surface: Float[np.ndarray, "facies"]
    pairs: Float[np.ndarray, "facies lag"]

    def differences(self, other: "Figures") -> dict[str, float]:
        """The largest relative difference of each."""
        each = {
            "share": self.share / other.share - 1,
            "specific_surface": self.surface / other.surface - 1,
            "two_point": (self.pairs - other.pairs) / other.share[:, None],
        }
        return {name: float(np.abs(one).max()) for name, one in each.items()}


def benchmark(arguments: argparse.Namespace) -> dict[str, Any]:
    """Measure each volume's prior."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(arguments.keep or scratch)
        folder.mkdir(parents=True, exist_ok=True)
        rows = {name: volume(name, folder, arguments) for name in arguments.volumes}
    return {
        "worst_difference": max(max(row["differences"].values()) for row in rows.values()),
        "wells_honoured": min(row["wells_honoured"] for row in rows.values()),
        "volumes": rows,
    }


def volume(name: str, folder: Path, arguments: argparse.Namespace) -> dict[str, Any]:
    """All figures of the prior of one volume."""
    source, output = data_file(f"training_images/{name}.npz"), folder / f"{name}.h5"
    minutes = train_once(source, output, arguments.minutes)
    prior, image = load_prior(str(output)), read_training_image(source)
    shape = (arguments.edge,) * 3
    begun = time.process_time()
    fields = draw_facies(prior, Grid(shape), arguments.fields, SEED)
    seconds = (time.process_time() - begun) / arguments.fields
    patches = sample_patches(np.random.default_rng(SEED), image, shape, 2 * arguments.fields)
    count, lags = len(image.categories), arguments.edge // 4
    whole = figures(image.facies[None], count, lags)
    differences = figures(fields, count, lags).differences(whole)
    chance = figures(patches[: arguments.fields], count, lags).differences(whole)
    show(f"{name}: largest relative difference to the whole volume", differences)
    show(f"{name}: that of as many of its own patches", chance)
    realism = measure_realism(fields, patches, count, seed=SEED)
    say(realism.verdict())
    times = {one.name: one.times_floor for one in realism.measures}
    show(f"{name}: times the floor", times)
    plot_volumes(
        np.asarray(image.categories)[np.concatenate([patches[:1], fields[:2]])],
        Grid(shape),
        folder / f"{name}.volumes.png",
        categories=image.categories,
        title=f"{name}: a patch of the volume, then two fields",
    )
    return {
        "differences": differences,
        "by_chance": chance,
        "times_floor": times,
        "minutes": minutes,
        "cpu_seconds_a_field": seconds,
        **boreholes(name, prior, image, arguments.draws, folder),
    }


def figures(facies: Int[np.ndarray, "image layer row column"], count: int, lags: int) -> Figures:
    """Share, specific surface and two-point function of each facies, of all images together."""
    vectors = np.concatenate([np.outer(np.arange(1, lags + 1), along) for along in np.eye(3, dtype=int)])
    densities = np.stack([minkowski_densities(facies, k).pooled() for k in range(count)])
    pairs = np.stack([two_point_probability(facies, k, vectors).pooled() for k in range(count)])
    return Figures(densities[:, 0], densities[:, 1], pairs)


def boreholes(name: str, prior: AbstractPrior, image: TrainingImage, draws: int, folder: Path) -> dict[str, Any]:
    """Condition draws to two boreholes through a patch of the image, and draw two of them."""
    grid, model = Grid((EDGE,) * 3), facies_model(prior)
    truth = np.asarray(image.categories)[sample_patches(np.random.default_rng(SEED + 1), image, grid.shape, 1)[0]]
    holes = []
    for label, (x, y, inclination) in HOLES.items():
        depths = np.arange(int(EDGE / np.cos(np.radians(inclination))), dtype=float)
        collar = (np.floor(x * EDGE) + 0.5, np.floor(y * EDGE) + 0.5, float(EDGE))
        survey, intervals = np.array([[0.0, inclination, 90.0]]), np.stack([depths, depths + 1], axis=1)
        hole = Borehole(label, collar, survey, intervals, np.zeros(len(depths), int))
        middles = grid.cells(hole.places(depths + 0.5, downward=-1.0))
        holes.append(hole._replace(facies=truth[tuple(middles.T)]))
    log = log_cells(holes, grid, facies_model=model)
    wells = HardData(grid, log.coordinates, log.facies, model, labels=log.labels)
    begun = time.process_time()
    posterior = Posterior(prior, grid, [wells])
    algorithm = choose_algorithm(posterior).algorithm
    if isinstance(algorithm, TemperedSMC):
        algorithm = dataclasses.replace(algorithm, particles=draws)
    result = sample(posterior, algorithm, seed=SEED, listener=Steps(name))
    fields, cells = np.asarray(result.realizations), grid.cells(log.coordinates)
    right = fields[(slice(None), *cells.T)] == log.facies
    plot_volumes(
        fields[:3], grid, folder / f"{name}.boreholes.png", categories=image.categories, marks=wells.marks(),
        title=f"{name}: draws that honour two boreholes",
    )  # fmt: skip
    return {
        "wells_honoured": float(right.mean(axis=1).min()),
        "logged_cells": len(cells),
        "different_draws": len(np.unique(fields.reshape(len(fields), -1), axis=0)),
        "cpu_seconds_conditioning": time.process_time() - begun,
    }


def parse(words: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.trained_volumes", description=__doc__.splitlines()[0])
    parser.add_argument("--volumes", type=lambda text: text.split(","), default=["ketton_3d", "fold_3d"])
    parser.add_argument("--minutes", type=float, default=40.0, help="of each training (default 40)")
    parser.add_argument("--fields", type=int, default=48, help="that are compared (default 48)")
    parser.add_argument("--edge", type=int, default=64, help="cells of a field along each axis (default 64)")
    parser.add_argument("--draws", type=int, default=16, help="that honour the boreholes (default 16)")
    parser.add_argument("--keep", help="folder for priors and pictures; priors that are there are not trained again")
    return parser.parse_args(words)


if __name__ == "__main__":
    run(lambda: benchmark(parse()))
