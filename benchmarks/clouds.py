"""A prior of a continuous property, learned from a synthetic image of clouds: the statistics of its physics.

``latentinv train IMAGE --continuous --output PRIOR --minutes M`` is run on an image of the optical thickness of broken
clouds (`_cloud_image.py`), unless the prior is there already. Fields are compared with patches of the image: the slope
of the power spectrum, the generalised Laplace distribution of the differences of neighbours, quantiles of steps at
edges, the share of clear sky, and all other measures of realism, each in times the floor. A field of more cells than
the image is searched for copies: the distance of its windows to the image's nearest (`nearest_patch_ratio`), and of
its own to the rest of it (`mosaic_ratio`; a mosaic repeats itself), both over that of the image's own to the rest of
it.

Run ``python -m benchmarks.clouds [--minutes 12] [--fields 64] [--keep FOLDER]``.
"""

import argparse
import tempfile
from pathlib import Path
from typing import Any

import jax
import numpy as np
from jaxtyping import Array, Float

from benchmarks._cloud_image import cloud_image
from benchmarks._report import run, say, show
from benchmarks._train_command import train_once
from latentinv import Grid, load_prior
from latentinv.plotting import plot_fields
from latentinv.posterior import map_batched
from latentinv.priors import AbstractPrior
from latentinv.realism import (
    fit_generalised_laplace,
    measure_realism,
    nearest_window_distance,
    nearest_window_ratio,
    neighbour_differences,
    radial_power_spectrum,
    random_windows,
    spectral_slope,
)

SEED, EDGE, LARGE = 5, 96, 640
"""Of all randomness; edges of a compared and of the large field."""
WINDOW, WINDOWS = 32, 64
"""Edge and number of windows that are searched for."""


def benchmark(arguments: argparse.Namespace) -> dict[str, Any]:
    """Train, compare, and search for copies."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(arguments.keep or scratch)
        folder.mkdir(parents=True, exist_ok=True)
        picture, output = folder / "clouds.npy", folder / "clouds.h5"
        np.save(picture, cloud_image())
        minutes = train_once(picture, output, arguments.minutes, "--continuous")
        prior = load_prior(str(output))
        figures = {**physics(prior, arguments.fields), **large(prior, folder), "minutes": minutes}
    for title in ("fields", "image", "times_floor"):
        show(f"Clouds: {title.replace('_', ' ')}", figures[title])
    show("Clouds", {name: value for name, value in figures.items() if not isinstance(value, dict)})
    return figures


def draw(prior: AbstractPrior, edge: int, count: int) -> Float[np.ndarray, "field row column"]:
    """Fields of the property."""
    grid = Grid((edge, edge))

    def one(z: Float[Array, "latent"]) -> Float[Array, "row column"]:
        return prior.realization(prior.generate(z, grid))

    z = jax.random.normal(jax.random.key(SEED), (count, prior.latent_size(grid)))
    return np.asarray(jax.jit(lambda z: map_batched(one, z, min(count, 16)))(z))


def physics(prior: AbstractPrior, count: int) -> dict[str, Any]:
    """Slope, differences and clear sky of fields and of patches of the image, and distances in times the floor."""
    fields = draw(prior, EDGE, count)
    patches = random_windows(np.random.default_rng(SEED), cloud_image()[None], (EDGE, EDGE), 2 * count)
    realism = measure_realism(fields, patches, None, seed=SEED)
    say(realism.verdict())
    both = {"fields": statistics(fields), "image": statistics(patches)}
    return {**both, "times_floor": {one.name: one.times_floor for one in realism.measures}}


def statistics(fields: Float[np.ndarray, "field row column"]) -> dict[str, float]:
    """The statistics of the physics."""
    law = fit_generalised_laplace(neighbour_differences(fields, 1).pooled())
    return {
        "spectral_slope": float(spectral_slope(radial_power_spectrum(fields).pooled())),
        "difference_shape": float(law.shape),
        "difference_scale": float(law.scale),
        "clear_share": float(np.mean(fields <= 1e-3)),
        "mean": float(fields.mean()),
        "standard_deviation": float(fields.std()),
    }


def large(prior: AbstractPrior, folder: Path) -> dict[str, float]:
    """Whether a field larger than the image repeats the image or itself."""
    image, field = cloud_image(), draw(prior, LARGE, 1)[0]
    shown = np.log1p(np.stack([np.pad(image, (0, LARGE - len(image)), constant_values=np.nan), field]))
    plot_fields(
        shown, Grid(field.shape), folder / "clouds.large.png", names=("the image", "a larger field"),
        title="logarithm of one more than the optical thickness",
    )  # fmt: skip
    rng, part = np.random.default_rng(SEED), field[tuple(slice(0, n) for n in image.shape)]
    return {
        "nearest_patch_ratio": nearest_window_ratio(rng, field[None], image),
        "mosaic_ratio": to_the_rest(rng, part) / to_the_rest(rng, image),
    }


def to_the_rest(rng: np.random.Generator, field: Float[np.ndarray, "row column"]) -> float:
    """Mean distance of windows of a field to the nearest that do not overlap them."""
    corners = rng.integers(0, np.asarray(field.shape) - WINDOW + 1, (WINDOWS, 2))
    windows = np.stack([field[a : a + WINDOW, b : b + WINDOW] for a, b in corners])
    return float(nearest_window_distance(windows, field, corners).mean())


def parse(words: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.clouds", description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=12.0, help="of the training (default 12)")
    parser.add_argument("--fields", type=int, default=64, help="that are compared (default 64)")
    parser.add_argument("--keep", help="folder for the prior and pictures; a prior that is there is not trained again")
    return parser.parse_args(words)


if __name__ == "__main__":
    run(lambda: benchmark(parse()))
