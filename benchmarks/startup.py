"""How soon the program answers: import, help, and the first level of a run, with and without compiled programs at hand.

Each figure is of fresh processes. Two `latentinv condition` of the shipped prior `meanders` on 64×64 cells with nine
wells begin one after the other with an empty folder of compiled programs, and are stopped when they report their first
level: the first compiles, the second finds what the first compiled.

Run ``python -m benchmarks.startup``. Nothing else should run on the machine meanwhile.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks._data import ROOT
from benchmarks._report import run, show

REPETITIONS = 5
IMPORT = "import latentinv"
IMPORT_ALL = "import latentinv; [getattr(latentinv, name) for name in latentinv.__all__]"
PROGRAM = (sys.executable, "-c", "from latentinv.cli import main; main()")
WELLS = "\n".join(["x,y,facies", *(f"{x},{y},{(x + y) // 21 % 2}" for x in (10, 31, 52) for y in (11, 32, 53))])
FIRST_LEVEL = "step 1,"


def seconds_of(*command: str) -> float:
    """Median wall time of a command that ends by itself."""
    seconds = []
    for _ in range(REPETITIONS):
        begun = time.perf_counter()
        subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        seconds.append(time.perf_counter() - begun)
    return statistics.median(seconds)


def first_level(folder: Path, number: int) -> tuple[float, float]:
    """Wall time until a run reports its first level, and its peak memory until then in 10⁶ bytes."""
    arguments = (
        "--grid",
        "64x64",
        "--draws",
        "16",
        "--wells",
        folder / "wells.csv",
        "--output",
        folder / f"{number}.h5",
    )
    settings = {name: value for name, value in os.environ.items() if not name.startswith("JAX_COMPILATION_CACHE")}
    begun = time.perf_counter()
    process = subprocess.Popen(
        [*PROGRAM, "condition", "meanders", *arguments],
        cwd=ROOT,
        env=settings | {"LATENTINV_CACHE": str(folder / "cache")},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    for line in process.stdout:
        if FIRST_LEVEL in line:
            break
    seconds = time.perf_counter() - begun
    process.terminate()
    _, _, usage = os.wait4(process.pid, 0)
    process.stdout.close()
    return seconds, usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e6


def measure() -> dict[str, Any]:
    """Measure everything."""
    figures: dict[str, Any] = {
        "import_seconds": seconds_of(sys.executable, "-c", IMPORT),
        "import_all_seconds": seconds_of(sys.executable, "-c", IMPORT_ALL),
        "help_seconds": seconds_of(*PROGRAM, "--help"),
    }
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        (folder / "wells.csv").write_text(WELLS)
        figures["first_start_to_first_level_seconds"], _ = first_level(folder, 1)
        figures["second_start_to_first_level_seconds"], figures["peak_mb"] = first_level(folder, 2)
        figures["cache_mb"] = sum(path.stat().st_size for path in folder.glob("cache/*/*")) / 1e6
    show("start", figures)
    return figures


if __name__ == "__main__":
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    run(measure)
