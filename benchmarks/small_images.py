"""How far from a small image a perfect prior lies: other realizations of the simulator that made the image.

A floor is the distance of sets of patches of one image from each other. It shrinks with the number of patches, even
where all of them overlap, while an image of few bodies tells little of their geology, however many patches are cut from
it. Here images of several sizes are made by the channel simulator, and 200 windows of a large, independent realization
are compared with 400 patches of each, in windows of several sizes; what comes out is what a prior that knew the
simulator itself would get. The mean over several images is printed.

Run ``python -m benchmarks.small_images [--images 5]``.
"""

import argparse
from typing import Any

import numpy as np

from benchmarks._report import run, say, show
from latentinv.realism import measure_statistics
from latentinv.training import ChannelSimulator, comparable_shape, sample_patches

FIELDS, LARGE = 200, 1200
CASES = ((250, 160), (250, 112), (250, 64), (400, 128), (400, 96), (1000, 128), (1000, 256))
"""Edges of image and windows, in cells."""
PATCH = 320
"""Edge of the patches that networks learn from."""
NAMES = (
    "total variation", "euler number", "largest body", "connectivity along y", "connectivity along x",
    "local binary patterns, radius 1", "multiple-point patterns",
)  # fmt: skip


def benchmark(images: int) -> dict[str, Any]:
    """Compare independent realizations, and put the means of each case together."""
    simulator = ChannelSimulator(width=9.0)
    found: dict[str, Any] = {}
    for edge, cells in CASES:
        each = [_times_floor(simulator, seed, edge, cells) for seed in range(images)]
        means = {name: float(np.mean([one[name] for one in each])) for name in NAMES}
        image = simulator.as_training_image(0, (edge, edge))
        used = comparable_shape(image, (PATCH, PATCH)) == (cells, cells)
        show(f"image of {edge} × {edge}, windows of {cells} × {cells}" + (", as cards have it" if used else ""), means)
        found[f"{edge}/{cells}"] = means
    say("A perfect prior would get these figures; from a large image it gets 1.")
    return {"times_floor": found}


def _times_floor(simulator: ChannelSimulator, seed: int, edge: int, cells: int) -> dict[str, float]:
    rng = np.random.default_rng(seed)
    image = simulator.as_training_image(seed, (edge, edge))
    other = simulator.as_training_image(1000 + seed, (LARGE, LARGE))
    fields, patches = (sample_patches(rng, one, (cells, cells), n) for one, n in ((other, FIELDS), (image, 2 * FIELDS)))
    return {name: one.times_floor for name, one in measure_statistics(fields, patches, 2, NAMES, seed=seed).items()}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.small_images", description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=5, help="images of each size")
    run(lambda: benchmark(parser.parse_args().images))
