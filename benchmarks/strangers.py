"""A prior from anybody's image, by one command and without tuning.

``latentinv train IMAGE --output PRIOR --minutes M`` is run on five images that no recipe was tuned for: two published
channel images, the middle layer of a published folded volume, and two made here, thin connected lines and ragged
islands of four facies. 200 fields are then compared with 400 patches, and each prior is conditioned to 25 wells read
from a patch of its image.

The floor is the distance of patches of one image from each other, which lie upon one another where an image is small.
So it says nothing of how much one image differs from the next of the same geology. That is measured too: of images made
here by as many further realizations, one patch of each; of published ones by one half of the image beside the other.

Run ``python -m benchmarks.strangers [--minutes 40] [--images thin_lines,fold_slice] [--keep FOLDER]``.
"""

import argparse
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int

from benchmarks._fields import draw_facies, facies_model, patches_of_halves
from benchmarks._report import Steps, run, say, show
from benchmarks._stranger_images import IMAGES, SIMULATORS
from benchmarks._train_command import train_once
from latentinv import Grid, HardData, Posterior, choose_algorithm, load_prior, sample
from latentinv.priors import AbstractPrior
from latentinv.realism import Realism, axis_names, measure_realism, measure_statistics, nearest_window_ratio
from latentinv.training import Recipe, TrainingImage, comparable_shape, read_recipe, sample_patches

FIELDS, SEED, WELLS, EDGE, MOST = 200, 7, 25, 96, 128
STRUCTURE = ("total variation", "contacts", "largest body")
TEXTURE = ("local binary patterns, radius 1", "local binary patterns, radius 2", "multiple-point patterns")


def benchmark(arguments: argparse.Namespace) -> dict[str, Any]:
    """Train on each image, measure, and put the worst together."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(arguments.keep or scratch)
        rows = {name: stranger(name, folder, arguments.minutes) for name in arguments.images}
    worst = {
        "worst_over_floor": max(max(row["structure"].values()) for row in rows.values()),
        "worst_texture_over_floor": max(max(row["texture"].values()) for row in rows.values()),
        "worst_reference_over_floor": max(max(row["reference"]["structure"].values()) for row in rows.values()),
        "worst_reference_texture_over_floor": max(max(row["reference"]["texture"].values()) for row in rows.values()),
        "least_nearest_patch_ratio": min(row["nearest_patch_ratio"] for row in rows.values()),
        "most_minutes": max((row["minutes"] for row in rows.values() if row["minutes"] is not None), default=None),
        "wells_honoured": min(row["wells_honoured"] for row in rows.values()),
    }
    show("The worst of all images", worst)
    return {**worst, "images": rows}


def stranger(name: str, folder: Path, minutes: float) -> dict[str, Any]:
    """Train on one image, unless that is done already, and measure."""
    folder.mkdir(parents=True, exist_ok=True)
    picture, output = folder / f"{name}.npz", folder / f"{name}.h5"
    np.savez_compressed(picture, facies=IMAGES[name]())
    taken = train_once(picture, output, minutes)
    prior, recipe = load_prior(str(output)), read_recipe(output.with_suffix(".toml"))
    figures = measure(name, prior, recipe.load_image(), recipe)
    figures["minutes"] = taken
    figures["wells_honoured"] = wells_honoured(prior, recipe.load_image())
    numbers = {key: value for key, value in figures.items() if not isinstance(value, dict)}
    show(name, {**figures["structure"], **figures["texture"], **numbers})
    reference = figures["reference"]
    show(f"{name}: {reference['of']}", {**reference["structure"], **reference["texture"]})
    return figures


def measure(name: str, prior: AbstractPrior, image: TrainingImage, recipe: Recipe) -> dict[str, Any]:
    """Compare fields with patches of the image, of a quarter of it along each axis at most (`comparable_shape`)."""
    count = len(image.categories)
    shape = comparable_shape(image, tuple(min(n, MOST) for n in recipe.training.patch))
    fields = draw_facies(prior, Grid(shape), FIELDS, SEED)
    rng = np.random.default_rng(SEED)
    patches = sample_patches(rng, image, shape, 2 * FIELDS)
    figures, realism = compare(fields, patches, count)
    say(realism.verdict())
    return {
        **figures,
        "reference": reference(name, image, shape),
        "nearest_patch_ratio": nearest_window_ratio(rng, fields, image.facies),
        "copied_share": copied(realism),
    }


def compare(
    fields: Int[np.ndarray, "image *grid"], patches: Int[np.ndarray, "image *grid"], count: int
) -> tuple[dict[str, Any], Realism]:
    """Times the floor: structure, texture and all else."""
    realism = measure_realism(fields, patches, count, seed=SEED)
    found = {one.name: one.times_floor for one in realism.measures}
    structure = {name: found[name] for name in STRUCTURE if name in found}
    structure["connectivity"] = worst_connectivity(fields, patches, count)
    figures = {
        "structure": structure,
        "texture": {name: found[name] for name in TEXTURE},
        "others": {name: value for name, value in found.items() if name not in (*STRUCTURE, *TEXTURE)},
    }
    return figures, realism


def reference(name: str, image: TrainingImage, shape: tuple[int, ...]) -> dict[str, Any]:
    """What other images of the same geology measure: further realizations, or one half beside the other."""
    rng, count = np.random.default_rng(SEED), len(image.categories)
    if name in SIMULATORS:
        others = (TrainingImage.from_array(SIMULATORS[name](seed), name) for seed in range(1, FIELDS + 1))
        ours = np.concatenate([sample_patches(rng, other, shape, 1) for other in others])
        theirs, what = sample_patches(rng, image, shape, 2 * FIELDS), "further realizations"
    else:
        ours, theirs = patches_of_halves(rng, image, int(np.argmax(image.facies.shape)), shape, FIELDS)
        what = "one half of the image beside the other"
    return {"of": what, **compare(ours, theirs, count)[0]}


def copied(realism: Realism) -> float:
    """Share of tiles that the most alike fields have in common, beyond that of patches."""
    return max(0.0, realism.copied.fields - realism.copied.image)


def worst_connectivity(
    fields: Int[np.ndarray, "image *grid"], patches: Int[np.ndarray, "image *grid"], count: int
) -> float:
    """Times the floor, on the worst axis, of the worst facies beside all others together."""
    names = [f"connectivity along {axis}" for axis in axis_names(fields.shape[1:])]
    facies = range(1, 2) if count == 2 else range(count)
    pairs = (((fields == k).astype(np.uint8), (patches == k).astype(np.uint8)) for k in facies)
    each = (measure_statistics(ours, theirs, 2, names, seed=SEED) for ours, theirs in pairs)
    return max(one.times_floor for found in each for one in found.values())


def wells_honoured(prior: AbstractPrior, image: TrainingImage) -> float:
    """Share of draws that honour all wells, read at random cells of a patch of the image."""
    edge = min(EDGE, *image.facies.shape)
    grid, rng = Grid((edge, edge)), np.random.default_rng(SEED + 1)
    truth = np.asarray(image.categories)[sample_patches(rng, image, grid.shape, 1)[0]]
    cells = np.stack(np.unravel_index(rng.permutation(truth.size)[:WELLS], truth.shape), axis=1)
    wells = HardData(grid, grid.centres(cells), truth[tuple(cells.T)], facies_model(prior))
    posterior = Posterior(prior, grid, [wells])
    result = sample(posterior, choose_algorithm(posterior), seed=SEED, listener=Steps("wells"))
    fields = np.asarray(result.realizations)
    if not len(fields):
        return 0.0
    return float(np.mean(np.all(fields[(slice(None), *cells.T)] == truth[tuple(cells.T)], axis=1)))


def parse(words: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.strangers", description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=40.0, help="time for each training")
    parser.add_argument("--images", type=lambda text: text.split(","), default=list(IMAGES), help="which images")
    parser.add_argument("--keep", help="folder for images and priors; priors that are there are measured again")
    return parser.parse_args(words)


if __name__ == "__main__":
    run(lambda: benchmark(parse()))
