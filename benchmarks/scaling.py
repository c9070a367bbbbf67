"""Large fields: how time and memory of conditioning to wells grow with the number of cells.

The shipped channel prior is conditioned to three wells per thousand cells, at random cells of a patch of its training
image, on the thresholded target, by chains in windows (`WindowedCrankNicolson`) with two seeds. Each size runs in a
process of its own. Transitions are the same for all sizes, so the exponent says what a transition and the search for a
start cost; whether so many are enough, R-hat between the two runs says.

Run ``python -m benchmarks.scaling [--sizes 64,128,256] [--chains 4] [--draws 16] [--warmup 200] [--thinning 25]
[--seed 0]``, with nothing else on the machine.
"""

import argparse
import json
import subprocess
import sys
from typing import Any

import numpy as np

from benchmarks._data import ROOT
from benchmarks._report import run, say, show
from latentinv.priors import find_prior

LARGEST = 1024
"""Cells along an edge of the size that has keys of its own."""


def one_size(cells: int, arguments: argparse.Namespace) -> dict[str, Any]:
    """Measure a size in a process of its own."""
    numbers = (cells, arguments.chains, arguments.draws, arguments.warmup, arguments.thinning, arguments.seed)
    prior = str(find_prior(arguments.prior).resolve())
    command = [sys.executable, "-m", "benchmarks._scaling_case", prior, *map(str, numbers)]
    done = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    return {"cells": cells, **json.loads(done.stdout.splitlines()[-1])}


def summary(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The figures over all sizes; null where a size is missing."""
    largest: dict[str, Any] = next((row for row in rows if row["cells"] == LARGEST), {})
    seconds = largest.get("seconds")
    return {
        "exponent_area": exponent([row["cells"] ** 2 for row in rows], [row["seconds"] for row in rows]),
        "honoured": min((row["honoured"] for row in rows), default=None),
        f"rhat_{LARGEST}": largest.get("rhat_max"),
        f"minutes_{LARGEST}": None if seconds is None else seconds / 60,
        f"peak_mb_{LARGEST}": largest.get("peak_mb"),
    }


def exponent(areas: list[int], seconds: list[float]) -> float | None:
    """Slope of the logarithm of time over that of the area, by least squares."""
    if len(areas) < 2:
        return None
    return float(np.polyfit(np.log(areas), np.log(seconds), 1)[0])


def benchmark(arguments: argparse.Namespace) -> dict[str, Any]:
    """Measure all sizes, from the smallest."""
    rows: list[dict[str, Any]] = []
    for cells in sorted(arguments.sizes):
        say(f"{cells}×{cells} cells …")
        rows.append(one_size(cells, arguments))
        show(f"{cells}×{cells} cells", rows[-1])
    figures = summary(rows)
    show("All sizes", figures)
    return {**figures, "sizes": rows}


def parse(words: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scaling", description="Condition ever larger fields.")
    parser.add_argument("--sizes", type=_counts, default=[64, 128, 256], help="cells along an edge, such as 64,128")
    parser.add_argument("--chains", type=int, default=4, help="of each run")
    parser.add_argument("--draws", type=int, default=16, help="of each run")
    parser.add_argument("--warmup", type=int, default=200, help="transitions before the first draw")
    parser.add_argument("--thinning", type=int, default=25, help="transitions from one draw of a chain to the next")
    parser.add_argument("--seed", type=int, default=0, help="of all randomness")
    parser.add_argument("--prior", default="channels", help="a shipped prior's name, or a prior file")
    return parser.parse_args(words)


def _counts(text: str) -> list[int]:
    return [int(part) for part in text.split(",")]


if __name__ == "__main__":
    run(lambda: benchmark(parse()))
