"""Volumes: a draw of a prior with a hundred million cells, and a case conditioned to boreholes, in bounded memory.

Both use a generator in three dimensions with random weights: there is no geology in its fields, but time and memory are
those of a trained one of this size. For the draw it takes noise at half resolution, as generators with fine texture do,
so that there are nearly as many latents as cells. `latentinv generate` writes it to chunked HDF5, tile by tile, in a
process of its own; the latents of a tile are drawn with it and, since there are so many, not stored. The peak is that
of the resident memory of this process, libraries included.

The conditioned case has ten boreholes of one cell, sampled by pCN chains into a run file, with few and with many draws,
each in a process of its own. Memory is bounded by the state (chains × (latents + cells)), by one field for each chain
at once with the activations of its network, and by the draws that wait for a checkpoint (64 MB, twice while it is
written); the number of draws adds nothing until the finished run is read, which takes its size. Both peaks are given:
at the last step, and after reading.

Run ``python -m benchmarks.volume [--shape 100x1000x1000]``. Nothing else should run on the machine meanwhile.
"""

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks._data import ROOT
from benchmarks._report import run, say, show

FEW, MANY = 2000, 6000


def draw(shape: str) -> dict[str, float]:
    """Write one draw by `latentinv generate`, in a process of its own."""
    with tempfile.TemporaryDirectory() as scratch:
        measured = _child("draw", shape, scratch)
        size = (Path(scratch) / "volume.h5").stat().st_size / 1e6
    return {**measured, "file_mb": size}


def conditioned(draws: int) -> dict[str, float]:
    """Sample a number of draws in a process of its own."""
    with tempfile.TemporaryDirectory() as scratch:
        return _child("conditioned", str(draws), scratch)


def _child(*arguments: str) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks._volume_case", *arguments]
    done = subprocess.run(command, cwd=ROOT, env=os.environ, check=True, stdout=subprocess.PIPE, text=True)
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return figures


def benchmark(arguments: argparse.Namespace) -> dict[str, Any]:
    """Measure the draw and the conditioned case."""
    begun = time.monotonic()
    cells = math.prod(int(n) for n in arguments.shape.split("x"))
    say(f"a draw of {arguments.shape} cells …")
    figures: dict[str, Any] = {"cells": cells, **draw(arguments.shape)}
    show("A draw of a prior", figures)
    for draws in (FEW, MANY):
        say(f"{draws} draws given ten boreholes …")
        found = conditioned(draws)
        show(f"{draws} draws, conditioned", found)
        figures |= {f"conditioned_{name}_{draws}": value for name, value in found.items()}
    return figures | {"all_seconds": time.monotonic() - begun}


def parse(words: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.volume", description="Measure volumes.")
    parser.add_argument("--shape", default="100x1000x1000", help="layers x rows x columns of the draw")
    return parser.parse_args(words)


if __name__ == "__main__":
    run(lambda: benchmark(parse()))
