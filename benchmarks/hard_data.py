"""Exact wells: does every draw honour them, at what cost, and how much realism is lost.

The shipped channel prior is conditioned to the 49 wells of the flow case of Laloy et al. (2018,
doi:10.1002/2017WR022148) and to 25 to 250 random pixels of the image itself, by the sampler that is chosen
for it with 64 particles, on the thresholded target. Realism is measured against unconditioned draws of the
same prior on the same grid: the ratio of total variations, and the ratio of the distances (LBP of radius 1,
χ²) to patches of the training image. A distance of histograms grows as samples shrink, so the unconditioned fields
are measured in groups as large as the conditioned sample, and averaged. Conditioned draws resemble each
other, so their ratio is above 1 even when nothing is lost.

Run ``python -m benchmarks.hard_data [--only-wells] [--pixels 25,49] [--seed 0]``. Each case prints as it
finishes.
"""

import argparse
import dataclasses
import time
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int

from benchmarks._data import channel_image, steady_flow_wells
from benchmarks._fields import draw_facies, facies_model, pictures
from benchmarks._report import Steps, run, say, show
from latentinv import Grid, HardData, Posterior, TemperedSMC, choose_algorithm, load_prior, sample
from latentinv.priors import AbstractPrior
from latentinv.realism import chi_square, local_binary_pattern_histogram, total_variation
from latentinv.training import sample_patches

GRID = Grid((125, 125))
PARTICLES = 64
UNCONDITIONED = 256
PATCHES = 400
PIXELS = (25, 49, 100, 250)
PIXEL_KEYS = (
    "pixels",
    "min_honoured",
    "draws",
    "distinct_draws",
    "seconds",
    "gradients_per_draw",
    "forward_runs_per_draw",
    "tv_ratio",
    "lbp1_ratio",
)


class Case(NamedTuple):
    """Hard data to condition to."""

    name: str
    cells: Int[np.ndarray, "datum axis"]
    """Columns ``row, column``."""
    codes: Int[np.ndarray, "datum"]
    """Facies code seen in each cell."""


class Realism(NamedTuple):
    """What conditioned fields are compared with."""

    unconditioned: Float[np.ndarray, "image *grid"]
    patch_histogram: Float[np.ndarray, "code"]
    """Local binary patterns of patches of the training image."""

    def distance(self, images: Float[np.ndarray, "image *grid"]) -> float:
        """Distance of images to the patches of the training image."""
        return float(chi_square(local_binary_pattern_histogram(images, 1).pooled(), self.patch_histogram))


def well_case() -> Case:
    """The 49 wells of the flow case."""
    return Case("wells", *steady_flow_wells())


def pixel_case(patch: Int[np.ndarray, "row column"], count: int, seed: int) -> Case:
    """The first `count` of a patch's cells in a random order, so that larger cases hold the smaller ones."""
    order = np.random.default_rng([seed, 1]).permutation(patch.size)[:count]
    cells = np.stack(np.unravel_index(order, patch.shape), axis=1)
    return Case(f"{count} pixels", cells, patch[tuple(cells.T)])


def measure(
    prior: AbstractPrior, case: Case, grid: Grid, realism: Realism, settings: dict[str, Any], seed: int
) -> dict[str, Any]:
    """Condition the prior to a case, by the sampler that is chosen with some of its settings, and measure the draws."""
    model = facies_model(prior)
    posterior = Posterior(prior, grid, [HardData(grid, grid.centres(case.cells), case.codes, model)])
    algorithm = choose_algorithm(posterior).algorithm
    assert isinstance(algorithm, TemperedSMC)
    algorithm = dataclasses.replace(algorithm, **settings)
    begun = time.monotonic()
    result = sample(posterior, algorithm, seed=seed, listener=Steps(case.name))
    seconds = time.monotonic() - begun
    for sentence in result.results.get("infeasible_data", []):
        say(f"  {case.name}: out of reach: {sentence}")
    fields = np.asarray(result.realizations)
    honoured = (fields[(slice(None), *case.cells.T)] == case.codes).sum(axis=1)
    figures = {
        "draws": len(fields),
        "min_honoured": int(honoured.min()) if len(fields) else None,
        "distinct_draws": len(np.unique(fields.reshape(len(fields), -1), axis=0)) if len(fields) else 0,
        "seconds": seconds,
        "gradients_per_draw": result.results["gradients"] / algorithm.particles,
        "forward_runs_per_draw": result.results["forward_runs"] / algorithm.particles,
        "levels": result.results["levels"],
        "log_evidence": result.results.get("log_evidence"),
    }
    return {**figures, **compare(np.searchsorted(model.categories, fields), prior, realism)}


def compare(indices: Int[np.ndarray, "image *grid"], prior: AbstractPrior, realism: Realism) -> dict[str, float | None]:
    """Total variation and pattern distance of conditioned fields over those of unconditioned ones."""
    tv = float(total_variation(realism.unconditioned).pooled())
    group = min(max(len(indices), 1), len(realism.unconditioned))
    groups = [realism.unconditioned[n * group : (n + 1) * group] for n in range(len(realism.unconditioned) // group)]
    lbp = float(np.mean([realism.distance(images) for images in groups]))
    ratios: dict[str, float | None] = {"tv_ratio": None, "lbp1_ratio": None}
    if len(indices):
        conditioned = pictures(indices, facies_model(prior))
        ratios = {
            "tv_ratio": float(total_variation(conditioned).pooled()) / tv,
            "lbp1_ratio": realism.distance(conditioned) / lbp,
        }
    return {**ratios, "tv_unconditioned": tv, "lbp1_unconditioned": lbp}


def benchmark(arguments: argparse.Namespace) -> dict[str, Any]:
    """Run the wells, then the random pixels."""
    prior, image, seed = load_prior(arguments.prior), channel_image(), arguments.seed
    model, settings = facies_model(prior), {"particles": PARTICLES}
    patches = sample_patches(np.random.default_rng([seed, 0]), image, GRID.shape, PATCHES)
    # The sampler uses the seed too: the reference fields must not be its own first population.
    unconditioned = pictures(draw_facies(prior, GRID, UNCONDITIONED, seed + 1_000_003), model)
    realism = Realism(unconditioned, local_binary_pattern_histogram(pictures(patches, model), 1).pooled())

    wells = well_case()
    measured = measure(prior, wells, GRID, realism, settings, seed)
    figures: dict[str, Any] = {"wells": len(wells.codes), **measured, "random_pixels": []}
    show(
        "49 wells of the flow case, 125×125 cells",
        {name: figures[name] for name in figures if name != "random_pixels"},
    )
    if arguments.only_wells:
        return figures
    truth = np.asarray(image.categories)[sample_patches(np.random.default_rng([seed, 2]), image, GRID.shape, 1)[0]]
    for count in arguments.pixels:
        measured = measure(prior, pixel_case(truth, count, seed), GRID, realism, settings, seed)
        row = {name: measured.get(name, count) for name in PIXEL_KEYS}
        figures["random_pixels"].append(row)
        show(f"{count} random pixels of a patch of the image", row)
    return figures


def parse(words: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.hard_data", description="Condition the shipped prior to wells."
    )
    parser.add_argument("--only-wells", action="store_true", help="leave out the random pixels")
    parser.add_argument("--pixels", type=_counts, default=list(PIXELS), help="numbers of random pixels, such as 25,49")
    parser.add_argument("--seed", type=int, default=0, help="of all randomness")
    parser.add_argument("--prior", default="channels", help="a shipped prior's name, or a prior file")
    return parser.parse_args(words)


def _counts(text: str) -> list[int]:
    return [int(part) for part in text.split(",")]


if __name__ == "__main__":
    run(lambda: benchmark(parse()))
