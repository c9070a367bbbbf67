"""How time and memory of conditioning to wells grow: with cells, wells, chains and devices.

Part `area`: a prior is conditioned to three wells per thousand cells, at random cells of one of its own fields, on the
thresholded target, by exact chains in windows (`WindowedCrankNicolson`) with two seeds. Each size runs in a process of
its own. Transitions are the same for all sizes, so the exponent says what a transition and the search for a start
cost; whether so many are enough, R-hat between the two runs says. The prior is `strebelle`, whose networks see wells
and whose chains start with all of them; with ``--prior channels`` a start is searched for by gradients.

The other parts take the prior `strebelle`, too, and time what is done again and again, without compilation. `given`:
a realization given the wells by its networks, against area. `wells`: such a realization, and a transition of 4 exact
chains, on 128 × 128 cells against wells. `chains`: a transition on 64 × 64 cells against chains. `devices`: a
transition of 8 chains on 96 × 96 cells on 1, 2, 4 and 8 virtual devices, the first on one processor.

Run ``python -m benchmarks.scaling [--parts area,given,wells,chains,devices] [--sizes 64,128,256] [--chains 4]
[--draws 16] [--warmup 200] [--thinning 25] [--seed 0]``, with nothing else on the machine.
"""

import argparse
import contextlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from benchmarks._data import ROOT
from benchmarks._report import run, say, show
from latentinv.priors import find_prior

PARTS = ("area", "given", "wells", "chains", "devices")
SEEING, WELLS = "strebelle", 0.003
"""The usual prior, and wells of a cell where areas are compared."""
LARGEST = 1024
"""Cells along an edge of the size that has keys of its own."""


def one_size(cells: int, arguments: argparse.Namespace) -> dict[str, Any]:
    """Measure a size in a process of its own."""
    numbers = (cells, arguments.chains, arguments.draws, arguments.warmup, arguments.thinning, arguments.seed)
    prior = str(find_prior(arguments.prior).resolve())
    command = [sys.executable, "-m", "benchmarks._scaling_case", prior, *map(str, numbers)]
    done = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    return {"cells": cells, **json.loads(done.stdout.splitlines()[-1])}


def step(kind: str, cells: int, wells: int, chains: int, devices: int = 1) -> dict[str, Any]:
    """Time one way of drawing in a process of its own, on one processor if on one device."""
    flags = f"{os.environ.get('XLA_FLAGS', '')} --xla_force_host_platform_device_count={devices}".strip()
    command = [sys.executable, "-m", "benchmarks._scaling_step", kind, SEEING, *map(str, (cells, wells, chains))]
    own = sorted(os.sched_getaffinity(0))[: None if devices > 1 else 1]
    with processors(own):
        done = subprocess.run(
            command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True, env={**os.environ, "XLA_FLAGS": flags}
        )
    row = {"kind": kind, "cells": cells, "wells": wells, "chains": chains if kind == "chains" else None}
    return {**row, **json.loads(done.stdout.splitlines()[-1])}


@contextlib.contextmanager
def processors(own: Iterable[int]) -> Iterator[None]:
    """Run what is started within on these processors."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, own)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def measure_steps(part: str) -> list[dict[str, Any]]:
    """All cases of a part."""
    cases = {
        "given": [("given", n, round(WELLS * n**2), 1, 1) for n in (64, 128, 256, 512, 1024)],
        "wells": [(kind, 128, n, 4, 1) for kind in ("given", "chains") for n in (10, 50, 250, 1000)],
        "chains": [("chains", 64, 12, n, 1) for n in (2, 4, 8, 16, 32)],
        "devices": [("chains", 96, 25, 8, n) for n in (1, 2, 4, 8)],
    }[part]
    rows = []
    for case in cases:
        rows.append(step(*case))
        say(f"{part}: {rows[-1]}")
    return rows


def summary_of_steps(found: dict[str, list[dict[str, Any]]]) -> dict[str, float | None]:
    """Exponents, and the efficiency of two devices on two processors; null where a part is missing."""

    def slope(part: str, key: str, kind: str) -> float | None:
        rows = [row for row in found.get(part, []) if row["kind"] == kind]
        return exponent([row[key] for row in rows], [row["seconds"] for row in rows])

    area = slope("given", "cells", "given")
    seconds = {row["devices"]: row["seconds"] for row in found.get("devices", [])}
    return {
        "exponent_area_given": None if area is None else area / 2,
        "exponent_wells_given": slope("wells", "wells", "given"),
        "exponent_wells": slope("wells", "wells", "chains"),
        "exponent_chains": slope("chains", "chains", "chains"),
        "efficiency_2_devices": seconds[1] / (2 * seconds[2]) if {1, 2} <= set(seconds) else None,
    }


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
    """Measure all parts; sizes from the smallest."""
    rows: list[dict[str, Any]] = []
    for cells in sorted(arguments.sizes) if "area" in arguments.parts else ():
        say(f"{cells}×{cells} cells …")
        rows.append(one_size(cells, arguments))
        show(f"{cells}×{cells} cells", rows[-1])
    found = {part: measure_steps(part) for part in PARTS if part != "area" and part in arguments.parts}
    figures = {**summary(rows), **summary_of_steps(found)}
    show("All parts", figures)
    return {**figures, "sizes": rows, "steps": found}


def parse(words: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scaling", description="Condition ever larger fields.")
    parser.add_argument("--parts", type=_parts, default=PARTS, help=f"some of {','.join(PARTS)} (default all)")
    parser.add_argument("--sizes", type=_counts, default=[64, 128, 256], help="cells along an edge, such as 64,128")
    parser.add_argument("--chains", type=int, default=4, help="of each run")
    parser.add_argument("--draws", type=int, default=16, help="of each run")
    parser.add_argument("--warmup", type=int, default=200, help="transitions before the first draw")
    parser.add_argument("--thinning", type=int, default=25, help="transitions from one draw of a chain to the next")
    parser.add_argument("--seed", type=int, default=0, help="of the chains of part area; the wells stay")
    parser.add_argument("--prior", default=SEEING, help="of part area: a shipped prior's name, or a prior file")
    return parser.parse_args(words)


def _parts(text: str) -> tuple[str, ...]:
    found = tuple(text.split(","))
    if unknown := set(found) - set(PARTS):
        raise argparse.ArgumentTypeError(f"there is no part {min(unknown)}; give some of {', '.join(PARTS)}")
    return found


def _counts(text: str) -> list[int]:
    if not re.fullmatch(r"[1-9]\d*(,[1-9]\d*)*", text):
        raise argparse.ArgumentTypeError(f"'{text}' is no list of whole numbers above 0, such as 64,128")
    return [int(part) for part in text.split(",")]


if __name__ == "__main__":
    run(lambda: benchmark(parse()))
