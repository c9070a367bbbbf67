"""Unconditioned generation: speed, tiles against the whole, borders, and memory for a very large field.

Four measurements of the shipped channel prior: the time of a 1024×1024 field in one call; the largest
difference between that field made in tiles and made whole; the total variation within 16 cells of the
border over that further inside, pooled over 2048 fields of 128×128, with its standard error (1 if borders
are like the interior); the time and peak memory of an 8192×8192 field written to HDF5 by tiles, in a
process of its own.

Run ``python -m benchmarks.generation``. Nothing else should run on the machine meanwhile.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from benchmarks._data import ROOT
from benchmarks._fields import draw_facies, facies_model, pictures
from benchmarks._report import run, say, show
from latentinv import Grid, load_prior
from latentinv.priors import AbstractPrior, find_prior

REPETITIONS = 5
BORDER = 16
SEED = 30


def one_call(prior: AbstractPrior, grid: Grid) -> dict[str, float]:
    """Time a field in one call, with and without compilation."""
    generate = jax.jit(lambda z: prior.generate(z, grid))
    z = _latent(prior, grid)
    seconds = []
    for _ in range(1 + REPETITIONS):
        begun = time.perf_counter()
        generate(z).block_until_ready()
        seconds.append(time.perf_counter() - begun)
    return {"megapixel_seconds": float(np.median(seconds[1:])), "megapixel_first_seconds": seconds[0]}


def tile_difference(prior: AbstractPrior, grid: Grid, tile: int = 512) -> dict[str, float]:
    """Largest absolute difference between a field made in tiles and made whole, in units of the field."""
    z = _latent(prior, grid)
    whole = np.asarray(jax.jit(lambda z: prior.generate(z, grid))(z))
    largest = max(np.abs(field - whole[place]).max() for place, field in prior.tiles(np.asarray(z), grid, tile))
    return {"tile_max_difference": float(largest)}


def edge_ratio(images: Float[np.ndarray, "image row column"], border: int = BORDER) -> dict[str, float]:
    """Total variation near the border over that further inside, pooled over images, with its standard error.

    The standard error is that of a ratio of means of independent images, by linearisation (Cochran
    1977, *Sampling Techniques*, 3rd ed., section 6.3).
    """
    variation = _variation(images)
    inside = np.zeros(variation.shape[1:], bool)
    inside[border:-border, border:-border] = True
    edge, interior = variation[:, ~inside].mean(axis=1), variation[:, inside].mean(axis=1)
    ratio = edge.mean() / interior.mean()
    error = np.std(edge - ratio * interior, ddof=1) / interior.mean() / np.sqrt(len(images))
    return {"edge_tv_ratio": float(ratio), "edge_tv_ratio_standard_error": float(error)}


def _variation(
    images: Float[np.ndarray, "image row column"],
) -> Float[np.ndarray, "image inner_row inner_column"]:
    """Isotropic gradient at each inner corner, the mean of four one-sided ones as in `total_variation`."""
    down, right = np.diff(images, axis=1) ** 2, np.diff(images, axis=2) ** 2
    return sum(np.sqrt(d + r) for d in (down[:, :, :-1], down[:, :, 1:]) for r in (right[:, :-1], right[:, 1:])) / 4


def large_field(prior: Path, cells: int) -> dict[str, float]:
    """Write a field by tiles in a process of its own; its seconds and peak memory in 10⁶ bytes."""
    with tempfile.TemporaryDirectory() as scratch:
        command = [
            sys.executable,
            "-m",
            "benchmarks._large_field",
            str(prior),
            str(Path(scratch) / "field.h5"),
            str(cells),
        ]
        done = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def benchmark(arguments: argparse.Namespace) -> dict[str, Any]:
    """Run the four measurements."""
    path = find_prior(arguments.prior).resolve()
    prior = load_prior(path)
    # First, because a child's peak memory counts from its parent's at the time it is started.
    say("8192×8192 cells by tiles …")
    large = large_field(path, 8192)
    megapixel = Grid((1024, 1024))
    say("1024×1024 cells in one call, and by tiles …")
    figures = {**one_call(prior, megapixel), **tile_difference(prior, megapixel)}
    say("borders of 2048 fields of 128×128 …")
    images = pictures(draw_facies(prior, Grid((128, 128)), 2048, SEED), facies_model(prior))
    figures |= edge_ratio(images)
    figures |= {"peak_mb_8k": large["peak_mb"], "seconds_8k": large["seconds"]}
    show("Unconditioned generation", figures)
    return figures


def parse(words: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.generation", description="Measure generation by the shipped prior."
    )
    parser.add_argument("--prior", default="channels", help="a shipped prior's name, or a prior file")
    return parser.parse_args(words)


def _latent(prior: AbstractPrior, grid: Grid) -> jax.Array:
    return jax.random.normal(jax.random.key(SEED), (prior.latent_size(grid),), jnp.float32)


if __name__ == "__main__":
    run(lambda: benchmark(parse()))
