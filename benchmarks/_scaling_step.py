"""Time one way of drawing on one case and print it, as one JSON line.

``python -m benchmarks._scaling_step KIND PRIOR CELLS WELLS CHAINS``; started by `benchmarks.scaling` in a process of
its own, with the devices and processors that it is to have. KIND is ``given`` for realizations by a prior's networks,
which see the wells, or ``chains`` for transitions of `windowed_pcn`. Wells are read from a field of the prior.
"""

import itertools
import json
import sys
import time
from typing import Any

import jax
import numpy as np

from benchmarks._fields import draw_facies, facies_model
from benchmarks.hard_data import pixel_case
from latentinv import Grid, HardData, Posterior, WindowedCrankNicolson, load_prior, sample
from latentinv.devices import compiled
from latentinv.inference import Progress
from latentinv.priors import AbstractPrior

TIMES = 7
"""Draws, or steps of chains, of which the median is told, after some that compile."""
THINNING = 4
"""Transitions of a step."""


class Clock:
    """A listener that notes when each step ended."""

    def __init__(self) -> None:
        self.times: list[float] = []

    def on_step(self, step: int, progress: Progress) -> None:
        """Note it."""
        del step, progress
        self.times.append(time.perf_counter())


def wells_of(prior: AbstractPrior, grid: Grid, count: int) -> HardData:
    """Wells at random cells of a field of the prior."""
    model = facies_model(prior)
    case = pixel_case(np.asarray(model.categories)[draw_facies(prior, grid, 1, 1)[0]], count, 0)
    return HardData(grid, grid.centres(case.cells), case.codes, model)


def given(prior: AbstractPrior, grid: Grid, wells: HardData) -> list[float]:
    """Seconds of realizations, one after the other."""
    known = prior.given(wells=wells)
    draw = compiled(lambda known, z: known.realization(known.generate(z, grid)), of_networks=True)
    z = np.random.default_rng(0).standard_normal((TIMES + 2, prior.latent_size(grid))).astype(np.float32)
    seconds = []
    for one in z:
        begun = time.perf_counter()
        jax.block_until_ready(draw(known, one))
        seconds.append(time.perf_counter() - begun)
    return seconds[2:]


def chains(prior: AbstractPrior, grid: Grid, wells: HardData, count: int) -> list[float]:
    """Seconds of a transition of all chains."""
    steps, clock = TIMES + 2, Clock()
    algorithm = WindowedCrankNicolson(
        chains=count, draws=count * steps, warmup=2 * THINNING, thinning=THINNING, draws_per_step=1, start="prior"
    )
    sample(Posterior(prior, grid, [wells]), algorithm, seed=0, listener=clock)
    return [(b - a) / THINNING for a, b in itertools.pairwise(clock.times)][-TIMES:]


def main(words: list[str]) -> dict[str, Any]:
    """Measure one case."""
    kind, name, cells, wells, count = words[0], words[1], *map(int, words[2:])
    prior, grid = load_prior(name), Grid((cells, cells))
    known = wells_of(prior, grid, wells)
    seconds = given(prior, grid, known) if kind == "given" else chains(prior, grid, known, count)
    return {"devices": jax.device_count(), "seconds": float(np.median(seconds))}


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1:])))
