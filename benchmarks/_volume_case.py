"""One case of `benchmarks.volume` in a process of its own: prints its peak memory and seconds as one JSON line.

``python -m benchmarks._volume_case draw LAYERSxROWSxCOLUMNS FOLDER`` or ``… conditioned DRAWS FOLDER``.
"""

import json
import resource
import sys
import time
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np

from latentinv import Grid, HardData, Posterior, PreconditionedCrankNicolson, sample
from latentinv.inference import Progress
from latentinv.networks import GeneratorArchitecture, Layer, to_folded_layer
from latentinv.priors import Calibration, FaciesModel, GeneratorPrior

SHAPE, CHAINS, WELLS = (24, 40, 40), 4, 10
FACIES = FaciesModel((0, 1), (0.0,))


def untrained_generator(noise: int) -> GeneratorPrior:
    """Random weights that keep the size of activations; four latents for 64 cells, and `noise` for eight."""
    layers = (Layer("same", 32, 3), Layer("up", 16, 4), Layer("up", 1, 4, noise=noise))
    architecture, rng, channels, folded = GeneratorArchitecture(3, 4, layers), np.random.default_rng(1), 4, []
    for layer in layers:
        taps = layer.window**3 / (8 if layer.kind == "up" else 1)
        kernel = rng.standard_normal((*(layer.window,) * 3, channels, layer.width)) * np.sqrt(1 / (taps * channels))
        mixing = jnp.full((layer.noise, channels), 0.3) if layer.noise else None
        folded.append(to_folded_layer(layer, jnp.asarray(kernel, jnp.float32), jnp.zeros(layer.width), mixing))
        channels = layer.width
    calibration = Calibration(FACIES, shift=0.0, scale=0.5)
    return GeneratorPrior(architecture, folded, calibration, provenance={})


def draw(shape: str, folder: Path) -> dict[str, float]:
    """Write a draw with 0.8 latents for each cell, as the command does."""
    from latentinv.cli import main

    untrained_generator(noise=6).save(folder / "prior.h5")
    begun = time.perf_counter()
    try:
        main(["generate", str(folder / "prior.h5"), "--grid", shape, "--output", str(folder / "volume.h5")])
    except SystemExit as ending:
        if ending.code:
            raise
    return {"peak_mb": peak(), "seconds": time.perf_counter() - begun}


class _Peak:
    """Notes the peak at each step."""

    last = 0.0

    def on_step(self, step: int, progress: Progress) -> None:
        """Note it."""
        del step, progress
        self.last = peak()


def conditioned(draws: int, folder: Path) -> dict[str, float]:
    """Sample a number of draws into a run file."""
    prior, grid, rng = untrained_generator(noise=0), Grid(SHAPE), np.random.default_rng(2)
    z = rng.standard_normal(prior.latent_size(grid)).astype(np.float32)
    facies = np.asarray(prior.facies(prior.generate(jnp.asarray(z), grid)))
    cells = np.stack(np.unravel_index(rng.choice(grid.size, WELLS, replace=False), SHAPE), axis=1)
    wells = HardData(grid, grid.centres(cells), facies[tuple(cells.T)], FACIES)
    settings = PreconditionedCrankNicolson(
        chains=CHAINS, draws=draws, warmup=20, thinning=1, local_moves=1, draws_per_step=5
    )
    begun, noted = time.perf_counter(), _Peak()
    sample(Posterior(prior, grid, [wells]), settings, seed=1, output=folder / "run.h5", listener=noted)
    return {"peak_mb": noted.last, "peak_read_mb": peak(), "seconds": time.perf_counter() - begun}


def peak() -> float:
    """Most resident memory of this process so far, in 10⁶ bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6


if __name__ == "__main__":
    what, how_many, place = sys.argv[1:]
    figures: dict[str, Any] = draw(how_many, Path(place)) if what == "draw" else conditioned(int(how_many), Path(place))
    print(json.dumps(figures), flush=True)
