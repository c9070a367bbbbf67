"""Gaussian priors: their covariances, samplers beside kriging, and the time of a field beside GSTools' and gstlearn's.

What is exact is in `_gaussian_exactness`. Times are those of one unconditional field of 1024×1024 cells, medians over
rounds in which ours and theirs take turns on the same cores:

* the SPDE prior beside gstlearn's matrix-free SPDE simulation, Matérn of smoothness 1, range 30 cells. gstlearn runs in
  an environment of its own, whose Python ``--peer-python`` names;
* the spectral prior beside GSTools' randomization method, exponential, range 30 cells, 1024 waves each.

Ours are float32 and compiled; what the first field takes besides, with set-up and compilation, is a figure of its own.

Run ``python -m benchmarks.gaussian [--peer-python PYTHON]``. Nothing else should run on the machine meanwhile.
"""

import argparse
import json
import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np

from benchmarks._gaussian_exactness import covariance_errors, kriging_case, kriging_errors
from benchmarks._report import run, say, show
from latentinv import Covariance, Grid, SPDEPrior, SpectralPrior
from latentinv.errors import StorageError
from latentinv.priors import AbstractPrior

RANGE = 30.0
WAVES = 1024
PEER = Path(__file__).with_name("_gstlearn_field.py")


class Times(NamedTuple):
    """Seconds of one field."""

    first: float
    """Of the first, with set-up and compilation."""
    further: float
    """Of every other."""


def time_prior(make: Callable[[], AbstractPrior], grid: Grid, rounds: int) -> Times:
    """Time the fields of a prior, from the random key on."""
    begun = time.perf_counter()
    prior = make()
    size = prior.latent_size(grid)
    field = jax.jit(lambda key: prior.generate(jax.random.normal(key, (size,)), grid))
    jax.block_until_ready(field(jax.random.key(0)))
    first = time.perf_counter() - begun
    return Times(first, _median_seconds(lambda n: field(jax.random.key(n)), rounds))


def varying_ranges(cells: int) -> np.ndarray:
    """Ranges of 10 to 30 cells that grow along x, twice as long along the first axis as along the second."""
    along = np.linspace(10.0, RANGE, cells) * np.ones((cells, cells))
    return np.stack([along, along / 2])


def time_gstools(cells: int, rounds: int) -> Times | None:
    """Seconds of GSTools' fields; None where it is not installed."""
    try:
        import gstools
    except ImportError:
        say("GSTools was not measured: install it by pip install gstools.")
        return None
    gstools.config.NUM_THREADS = len(os.sched_getaffinity(0))
    begun = time.perf_counter()
    model = gstools.Exponential(dim=2, len_scale=RANGE / 3)
    field = gstools.SRF(model, mode_no=WAVES, seed=0)
    places = np.arange(cells) + 0.5
    field.structured((places, places))
    first = time.perf_counter() - begun
    return Times(first, _median_seconds(lambda n: field.structured((places, places), seed=n), rounds))


def time_gstlearn(python: str | None, cells: int, rounds: int) -> dict[str, Any] | None:
    """What gstlearn says of its fields; None without a Python that has it.

    Raises
    ------
    StorageError
        If the Python is named but gives no answer.
    """
    if python is None:
        say("gstlearn was not measured: name a Python that has it with --peer-python.")
        return None
    command = [python, str(PEER), str(cells), str(RANGE), str(rounds)]
    try:
        answer = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        raise StorageError(f"{python} could not run gstlearn ({error}); name a Python that has it.") from error
    return dict(json.loads(answer.splitlines()[-1]))


def times(cells: int, rounds: int, peer_python: str | None) -> dict[str, Any]:
    """Seconds of fields and their ratios to the peers'."""
    grid = Grid((cells, cells))
    priors: dict[str, Callable[[], AbstractPrior]] = {
        "chebyshev": lambda: SPDEPrior(1.0, RANGE),
        "chebyshev_varying": lambda: SPDEPrior(1.0, varying_ranges(cells)),
        "spectral": lambda: SpectralPrior(Covariance("exponential", RANGE), waves=WAVES),
    }
    ours = {}
    for name, make in priors.items():
        ours[name] = time_prior(make, grid, rounds)
        say(f"{name}: first field {ours[name].first:.2f} s, every other {ours[name].further:.2f} s")
    figures: dict[str, Any] = {}
    for name, taken in ours.items():
        figures[f"{name}_megapixel_seconds"] = taken.further * 1024**2 / cells**2
        figures[f"{name}_megapixel_first_seconds"] = taken.first * 1024**2 / cells**2
    gstools = time_gstools(cells, rounds)
    gstlearn = time_gstlearn(peer_python, cells, rounds)
    learned = None if gstlearn is None else Times(gstlearn["first_seconds"], gstlearn["seconds"])
    for name, mine, theirs in (("gstlearn", ours["chebyshev"], learned), ("gstools", ours["spectral"], gstools)):
        figures[f"{name}_ratio"] = None if theirs is None else mine.further / theirs.further
        figures[f"{name}_first_ratio"] = None if theirs is None else mine.first / theirs.first
        figures[f"{name}_seconds"] = None if theirs is None else theirs.further
        figures[f"{name}_first_seconds"] = None if theirs is None else theirs.first
    figures["gstlearn_correlation"] = None if gstlearn is None else gstlearn["correlation"]
    model = Covariance("matern", RANGE, smoothness=1.0)
    figures["model_correlation"] = float(model.correlation(np.array([RANGE / 5, 0.0])))
    figures["gstlearn_version"] = None if gstlearn is None else gstlearn["version"]
    return figures


def benchmark(arguments: argparse.Namespace) -> dict[str, Any]:
    """Measure covariances, samplers beside kriging, then times."""
    errors = covariance_errors(arguments.covariance_cells)
    figures: dict[str, Any] = {"covariance_error": max(errors.values())}
    figures |= {f"covariance_error_{name}": error for name, error in errors.items()}
    found = kriging_errors(kriging_case(arguments.kriging_cells), arguments.replicates, arguments.draws)
    for what in ("mean", "sd"):
        figures[f"kriging_{what}_error"] = max(found[f"kriging_{what}_error_{name}"] for name in ("smc", "nuts"))
    figures |= found
    figures |= times(arguments.cells, arguments.rounds, arguments.peer_python)
    show("Gaussian priors", figures)
    return figures


def parse(words: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gaussian", description="Measure the Gaussian priors.")
    parser.add_argument("--cells", type=int, default=1024, help="edge of the timed fields (default 1024)")
    parser.add_argument("--rounds", type=int, default=5, help="fields of each time (default 5)")
    parser.add_argument("--covariance-cells", type=int, default=20, help="edge of the covariances' grid (default 20)")
    parser.add_argument("--kriging-cells", type=int, default=10, help="edge of the kriged grid (default 10)")
    parser.add_argument("--replicates", type=int, default=32, help="runs of SMC and chains of NUTS (default 32)")
    parser.add_argument("--draws", type=int, default=64, help="draws of each replicate (default 64)")
    parser.add_argument("--peer-python", help="a Python that has gstlearn")
    return parser.parse_args(words)


def _median_seconds(job: Callable[[int], Any], rounds: int) -> float:
    """Median over the rounds, whose number the job states."""
    taken = []
    for number in range(rounds):
        begun = time.perf_counter()
        jax.block_until_ready(job(number + 1))
        taken.append(time.perf_counter() - begun)
    return float(np.median(taken))


if __name__ == "__main__":
    run(lambda: benchmark(parse()))
