"""The tables of the dilated spatial GAN paper, for the networks it compares and for ours, on its own image.

Ruffino et al. (2019, arXiv:1905.08613) compare the spatial GAN of Laloy et al. (2018, doi:10.1002/2017WR022148) with
their dilated variant on the channel image. Table 1 is the total variation of 100 and of 1 000 samples of 128×128 cells,
table 2 the χ² between histograms of samples and of the image (local binary patterns of radius 1 and 2, oriented
gradients), and a figure the connectivity of the sand. Here each is given for both networks at a quarter of their widths
(models/seed_sgan.toml, models/seed_dsgan.toml) and for ours (models/seed_compact.toml), which all saw as many patches,
and for the shipped channel prior, which is ours trained for longer. Patterns are compared between pooled normalised
histograms, ½ Σ (p − q)² / (p + q), which is not the published code's scale: only the ranking of theirs compares. Each
distance stands beside its floor, that of patches of the image from each other.

Run ``python -m benchmarks.seed_tables [--output connectivity.png] [--seed 0]``. Takes about five minutes.
"""

import argparse
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int

from benchmarks._data import ROOT, channel_image
from benchmarks._fields import draw_facies
from benchmarks._report import run, say, show
from latentinv import Grid, load_prior
from latentinv.errors import InputError
from latentinv.priors import GeneratorPrior
from latentinv.realism import Measure, anisotropic_total_variation, measure_statistics, total_variation
from latentinv.training import TrainingImage, parse_recipe, sample_patches

MODELS = ROOT / "models"
PRIORS = {"sgan": "seed_sgan", "dsgan": "seed_dsgan", "ours": "seed_compact", "shipped": "channels"}
PUBLISHED: dict[str, dict[str, float]] = {
    "real": {"tv_iso": 5.37e-2},
    "sgan": {"tv_iso": 7.41e-2, "lbp1": 10.13, "lbp2": 24.26, "hog": 5.79e-4},
    "dsgan": {"tv_iso": 6.07e-2, "lbp1": 2.39, "lbp2": 2.33, "hog": 2.37e-4},
}
SHAPE = (128, 128)
COUNTS = (100, 1000)
TABLE_1 = {"tv_iso": "total variation", "tv_aniso": "anisotropic variation"}
TABLE_2 = {
    "lbp1": "local binary patterns, radius 1",
    "lbp2": "local binary patterns, radius 2",
    "hog": "oriented gradients",
}
FIGURE = ("connectivity along y", "connectivity along x")
COLOURS = {"sgan": "#7a7a7a", "dsgan": "#3b6ea5", "ours": "#a5603b", "shipped": "#d9a441"}


def tables(
    prior: GeneratorPrior, image: TrainingImage, shape: tuple[int, ...], counts: tuple[int, int], seed: int
) -> tuple[dict[str, Any], dict[str, Measure]]:
    """Measure one prior: its rows of both tables, and the measures of the larger sample, with their curves."""
    few, many = counts
    facies = len(image.categories)
    fields = draw_facies(prior, Grid(shape), many, seed)
    patches = sample_patches(np.random.default_rng(seed), image, shape, 2 * many)
    small = measure_statistics(fields[:few], patches[: 2 * few], facies, TABLE_1.values(), seed=seed)
    names = (*TABLE_1.values(), *TABLE_2.values(), *FIGURE)
    large = measure_statistics(fields, patches, facies, names, seed=seed)
    rows: dict[str, Any] = {}
    for key, name in TABLE_1.items():
        for count, measures in ((few, small), (many, large)):
            rows[f"{key}_{count}"] = float(measures[name].fields[0])
            rows |= _beside(f"{key}_{count}", measures[name])
    for key, name in TABLE_2.items():
        rows |= {key: large[name].distance, **_beside(key, large[name])}
    worst = max((large[name] for name in FIGURE), key=lambda measure: measure.times_floor)
    rows |= {"connectivity": worst.distance, **_beside("connectivity", worst)}
    return {**rows, "images_seen": images_seen(prior)}, large


def _beside(key: str, measure: Measure) -> dict[str, float]:
    return {f"{key}_floor": measure.floor, f"{key}_over_floor": measure.times_floor}


def images_seen(prior: GeneratorPrior) -> int:
    """Patches that a training saw."""
    recipe = parse_recipe(prior.provenance["recipe"], MODELS)
    return prior.provenance["steps"] * recipe.training.batch


def ranking(measured: dict[str, dict[str, Any] | None], near: str, far: str, keys: list[str]) -> dict[str, bool | None]:
    """Say for each row whether one prior is nearer to the image than another; None where one is missing."""
    a, b = measured[near], measured[far]
    if a is None or b is None:
        return dict.fromkeys(keys)
    return {key: a[f"{key}_over_floor"] < b[f"{key}_over_floor"] for key in keys}


def load(name: str) -> GeneratorPrior | None:
    """Load a prior of the models' folder, or say how to train it."""
    path = MODELS / f"{name}.h5"
    if path.exists():
        prior = load_prior(path)
        assert isinstance(prior, GeneratorPrior)
        return prior
    recipe = f"models/{name}.toml"
    say(
        f"models/{name}.h5 is missing, so its figures are null; train it with "
        f"'LATENTINV_DATA=/path/to/data latentinv train {recipe} --output models/{name}.h5'."
    )
    return None


def plot_connectivity(measures: dict[str, dict[str, Measure]], path: Path) -> None:
    """Draw the connectivity of the sand along both axes, of the image with its band and of each prior."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 4.5), dpi=100, layout="constrained", facecolor="white")
    panels: Any = figure.subplots(1, len(FIGURE))
    for panel, name in zip(panels, FIGURE, strict=True):
        for position, (label, found) in enumerate(measures.items()):
            measure = found[name]
            image, band, ours = (_sand(curve) for curve in (measure.image, measure.image_band, measure.fields))
            lags = np.arange(1, ours.size + 1)
            if position == 0:
                panel.fill_between(lags, *band, color="#463f3a", alpha=0.25, linewidth=0, label="image, 95 %")
                panel.plot(lags, image, color="#463f3a", linewidth=1)
            panel.plot(lags, ours, color=COLOURS[label], linewidth=1.8, label=label)
        panel.set_title(name.replace("connectivity", "connectivity of the sand"))
        panel.set_xlabel("lag (cells)")
        panel.legend(frameon=False)
    figure.savefig(path)


def _sand(curves: Int[np.ndarray, "... both"]) -> np.ndarray:
    """The half of joined curves that belongs to the higher facies."""
    return curves[..., curves.shape[-1] // 2 :]


def benchmark(
    output: Path | None, seed: int, *, shape: tuple[int, ...] = SHAPE, counts: tuple[int, int] = COUNTS
) -> dict[str, Any]:
    """Measure each prior and set it beside what was published."""
    if output is not None and output.suffix != ".png":
        raise InputError(f"The figure {output} has no ending that can be drawn; give .png.")
    image, curves = channel_image(), {}
    measured: dict[str, dict[str, Any] | None] = dict.fromkeys(PRIORS)
    for label, name in PRIORS.items():
        prior = load(name)
        if prior is not None:
            measured[label], curves[label] = tables(prior, image, shape, counts, seed)
            show(f"{label} ({name})", measured[label] or {})
    whole = image.facies[None].astype(np.float32)
    real = {
        "tv_iso": float(total_variation(whole).pooled()),
        "tv_aniso": float(anisotropic_total_variation(whole).pooled()),
    }
    if output is not None and curves:
        plot_connectivity(curves, output)
        say(f"Connectivity curves in {output}")
    rows = {"table_1": [f"{key}_{count}" for key in TABLE_1 for count in counts], "table_2": list(TABLE_2)}
    return {
        "published": PUBLISHED,
        "image": real,
        **measured,
        "ranking_holds": {table: ranking(measured, "dsgan", "sgan", keys) for table, keys in rows.items()},
        "ours_nearer_than_dsgan": {table: ranking(measured, "ours", "dsgan", keys) for table, keys in rows.items()},
    }


def main() -> dict[str, Any]:
    """Read the command line and measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, help="PNG of the connectivity curves; none unless given")
    parser.add_argument("--seed", type=int, default=0, help="of all randomness")
    arguments = parser.parse_args()
    return benchmark(arguments.output, arguments.seed)


if __name__ == "__main__":
    run(main)
