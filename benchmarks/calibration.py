"""Whether the posteriors of each algorithm are right: simulation-based calibration and expected coverage.

Truths are drawn from a real GAN prior on a small grid (`_small_problems`), data simulated from each, and posteriors
sampled: six wells, four block means, or nine travel times that are linear in slowness. Sequential Monte Carlo and
parallel-tempered pCN sample the thresholded target, where certain wells are honoured exactly; NUTS and the
approximations the soft one. Which algorithms promise draws of which posterior is said in the figures; the others are
there to show by how much they miss. NUTS does not pass between modes that lie far apart: what weight a mode gets is a
matter of its chains' starts, likely ones among a few dozen draws of the prior each. So it promises the posteriors of
wells and block means, and not that of the tomography, where data are too many for such starts.

Run ``python -m benchmarks.calibration [--replicates 200] [--problems wells,tomography] [--algorithms smc,nuts]
[--output FOLDER]``. On one core the three that promise something take about two hours; of the approximations `rml` is
the slowest. It goes on from the replicates in the folder if it was stopped; empty the folder after a change of the code
that changes no version.
"""

import argparse
import time
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks._report import run, say, show
from benchmarks._small_problems import PROBLEMS, small_posterior
from latentinv import InputError
from latentinv.calibration import Calibration, Study, calibrate
from latentinv.inference import make_algorithm
from latentinv.plotting import plot_calibration
from latentinv.posterior import Target

FOLDER = Path("output") / "calibration"
EVERY = 20
"""Replicates between two lines of progress."""


class Setting(NamedTuple):
    """How an algorithm is run."""

    target: Target
    promises: tuple[str, ...]
    """Problems whose posterior its draws are said to follow."""
    options: dict[str, Any]


ALL, NONE = tuple(PROBLEMS), ()
ALGORITHMS = {
    "smc": Setting(
        "thresholded",
        ALL,
        {
            "particles": 48,
            "moves": 2,
            "leapfrogs": 3,
            "local_moves": 4,
            "probes": 1,
            "final_rounds": 3,
            "batch_size": 48,
        },
    ),
    "parallel_tempering": Setting(
        "thresholded",
        ALL,
        {"chains": 6, "rungs": 5, "warmup": 150, "draws": 126, "thinning": 5, "local_moves": 2},
    ),
    "nuts": Setting(
        "soft", ("wells", "block_means"), {"chains": 12, "warmup": 40, "draws": 60, "thinning": 1, "depth": 4}
    ),
    "es_mda": Setting("soft", NONE, {"members": 128, "localised": False}),
    "rml": Setting("soft", NONE, {"samples": 31, "max_iterations": 60, "batch_size": 1}),
    "variational": Setting("soft", NONE, {"guide": "low_rank", "iterations": 500, "elbo_samples": 4, "draws": 64}),
    "laplace": Setting("soft", NONE, {"draws": 64}),
}


def main() -> dict[str, Any]:
    """Run what is missing and print."""
    arguments = parse()
    return benchmark(arguments)


def parse(words: list[str] | None = None) -> argparse.Namespace:
    """Read the options."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--replicates", type=int, default=200, help="truths per problem")
    parser.add_argument("--problems", default=",".join(PROBLEMS), help="which, with commas")
    parser.add_argument("--algorithms", default=",".join(ALGORITHMS), help="which, with commas")
    parser.add_argument("--output", type=Path, default=FOLDER, help="folder of replicates and pages")
    parser.add_argument("--draws", type=int, default=31, help="draws of each posterior")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args(words)


def benchmark(arguments: argparse.Namespace) -> dict[str, Any]:
    """Calibrate each algorithm on each problem."""
    begun = time.perf_counter()
    problems = _chosen(arguments.problems, PROBLEMS, "problem")
    algorithms = _chosen(arguments.algorithms, ALGORITHMS, "algorithm")
    arguments.output.mkdir(parents=True, exist_ok=True)
    figures: dict[str, Any] = {}
    for algorithm in algorithms:  # those that promise first on every problem, should time run out
        for problem in problems:
            found = _calibrate(problem, algorithm, arguments)
            figures.setdefault(problem, {})[algorithm] = _figures(found, problem, algorithm)
            show(f"{problem}, {algorithm}", figures[problem][algorithm])
            say(found.verdict())
    return {**figures, "replicates": arguments.replicates, "minutes": (time.perf_counter() - begun) / 60}


def _calibrate(problem: str, algorithm: str, arguments: argparse.Namespace) -> Calibration:
    setting = ALGORITHMS[algorithm]
    study = Study(
        small_posterior(problem, setting.target),
        make_algorithm(algorithm, setting.options),
        replicates=arguments.replicates,
        draws=arguments.draws,
        seed=arguments.seed,
    )
    place = arguments.output / f"{problem}_{algorithm}.h5"

    def tell(done: int, words: str) -> None:
        if done % EVERY == 0 or words.startswith("failed"):
            say(f"{problem}, {algorithm}: replicate {done} of {study.replicates}, {words}")

    found = calibrate(study, place, tell)
    plot_calibration(found, place.with_suffix(".png"), title=f"{problem}, {algorithm}")
    return found


def _figures(found: Calibration, problem: str, algorithm: str) -> dict[str, Any]:
    setting, all_figures = ALGORITHMS[algorithm], found.as_json()
    names = ("sbc_p", "tarp_max_deviation", "tarp_band", "tarp_p", "replicates", "failed", "crps_skill")
    figures = {name: all_figures[name] for name in names}
    figures |= {f"coverage_{100 * level:.0f}": estimate.mean for level, estimate in found.coverage}
    worst = found.sbc.names[found.sbc.worst]
    return {
        **figures,
        "worst_quantity": worst,
        "target": setting.target,
        "promises": problem in setting.promises,
        "seconds_per_replicate": found.seconds,
    }


def _chosen(text: str, known: dict[str, Any], what: str) -> list[str]:
    names = text.split(",")
    for name in names:
        if name not in known:
            raise InputError(f"There is no {what} called '{name}'; choose among {', '.join(known)}.")
    return names


if __name__ == "__main__":
    run(main)
