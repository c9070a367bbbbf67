"""How like its training image the shipped channel prior is, on a thousand fields.

1 000 fields of 128×128 cells beside 2 000 patches of the image of Laloy et al. (2018, doi:10.1002/2017WR022148), by
`measure_realism`; the largest cluster of sand in fields of 1024×1024 cells; and how near windows of the fields come to
the nearest window of the image, beside windows of the image whose own place is left out, which says whether the
generator remembers. Beside this stands what patches of one half of the image measure beside those of the other half,
which says how much parts of one geology differ.

Run ``python -m benchmarks.realism [--count 1000] [--seed 0] [--prior channels]``. Takes five to six minutes.
"""

import argparse
import time
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from benchmarks._data import channel_image
from benchmarks._fields import draw_facies, facies_model, patches_of_halves
from benchmarks._report import run, say, show
from latentinv import Grid, load_prior
from latentinv.priors import AbstractPrior
from latentinv.realism import (
    Measure,
    Realism,
    largest_cluster_share,
    measure_realism,
    nearest_window_ratio,
)
from latentinv.training import TrainingImage, sample_patches

SHAPE = (128, 128)
LARGE = Grid((1024, 1024))
LARGE_FIELDS = 4
OVER_FLOOR: dict[str, tuple[str, ...]] = {
    "tv_over_floor": ("total variation",),
    "lbp1_over_floor": ("local binary patterns, radius 1",),
    "lbp2_over_floor": ("local binary patterns, radius 2",),
    "hog_over_floor": ("oriented gradients",),
    "connectivity_over_floor": ("connectivity along y", "connectivity along x"),
    "variogram_over_floor": ("variogram along y", "variogram along x"),
    "mph_over_floor": ("multiple-point patterns",),
    "power_spectrum_over_floor": ("power spectrum",),
    "euler_number_over_floor": ("euler number",),
}


def main() -> dict[str, Any]:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=1000, help="number of fields")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--prior", default="channels")
    arguments = parser.parse_args()
    started = time.perf_counter()
    prior, image = load_prior(arguments.prior), channel_image()
    figures = measure(prior, image, Grid(SHAPE), arguments.count, arguments.seed)
    figures["halves"] = halves(image, arguments.count, arguments.seed)
    figures["largest_cluster_1024"] = largest_cluster(prior, LARGE, arguments.seed)
    figures["minutes"] = (time.perf_counter() - started) / 60
    show(
        f"{arguments.count} fields of {SHAPE[0]}×{SHAPE[1]} cells", {k: v for k, v in figures.items() if k != "halves"}
    )
    for axis, found in figures["halves"].items():
        show(f"One half of the image along {axis} beside the other", found)
    return figures


def measure(prior: AbstractPrior, image: TrainingImage, grid: Grid, count: int, seed: int) -> dict[str, Any]:
    """Compare `count` fields on a grid with twice as many patches of the image."""
    fields = draw_facies(prior, grid, count, seed)
    patches = sample_patches(np.random.default_rng(seed), image, grid.shape, 2 * count)
    realism = measure_realism(fields, patches, len(facies_model(prior).categories), seed=seed)
    say(realism.verdict())
    ratio = nearest_window_ratio(np.random.default_rng(seed), fields, image.facies)
    return {**_figures(realism, image), "nearest_patch_ratio": ratio}


def halves(image: TrainingImage, count: int, seed: int) -> dict[str, dict[str, float]]:
    """Times the floor, of patches of one half of the image along each axis beside those of the other half."""
    found = {}
    for axis, name in enumerate(("y", "x")):
        ours, theirs = patches_of_halves(np.random.default_rng(seed), image, axis, SHAPE, count)
        realism = measure_realism(ours, theirs, len(image.categories), seed=seed)
        found[name] = over_floor({measure.name: measure for measure in realism.measures}, OVER_FLOOR)
    return found


def _figures(realism: Realism, image: TrainingImage) -> dict[str, Any]:
    """Relative errors against the whole image, and times the floor; of two axes the worse."""
    top = len(image.categories) - 1
    share, variation, anisotropic = (
        realism[name] for name in ("facies share", "total variation", "anisotropic variation")
    )
    sand = np.mean(image.facies == top)
    figures: dict[str, Any] = {
        "tv_iso_error": float(variation.fields[0] / variation.image[0] - 1),
        "tv_aniso_error": float(anisotropic.fields[0] / anisotropic.image[0] - 1),
        "sand_error": float(share.fields[0] / sand - 1),
    }
    measures = {measure.name: measure for measure in realism.measures}
    return {**figures, **over_floor(measures, OVER_FLOOR), "anodi": realism.anodi}


def over_floor(measures: Mapping[str, Measure], keys: Iterable[str]) -> dict[str, float]:
    """Times the floor by key; of two axes the worse."""
    return {key: max(measures[name].times_floor for name in OVER_FLOOR[key]) for key in keys}


def largest_cluster(prior: AbstractPrior, grid: Grid, seed: int) -> float:
    """Share of the highest facies in its largest cluster, over a few large fields."""
    fields = draw_facies(prior, grid, LARGE_FIELDS, seed)
    return float(largest_cluster_share(fields, int(fields.max())).pooled())


if __name__ == "__main__":
    run(main)
