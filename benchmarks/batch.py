"""Many small studies in one process: what each costs beside the same study alone, once everything is compiled.

Studies of 128×128 cells with the shipped prior `meanders`, each with 50 wells of its own: other places, other facies,
read off a draw of the prior; `smc` makes few moves with few particles, so that a study takes seconds. First one is run
by `latentinv run`, as a user would who has nothing compiled. Then `latentinv batch` runs all; a study's time is that
from the end of the one before to its own end. A study alone is the second of a batch of two copies of one study, so
that its process has compiled everything and done nothing else.

Wall time counts what other programs on the machine take; time of the processors hardly does, so both are told (the
latter on Linux only).

Run ``python -m benchmarks.batch [--studies 20]``. Nothing else should run on the machine meanwhile.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np

from benchmarks._data import ROOT
from benchmarks._report import run, say, show
from latentinv import Grid, load_prior
from latentinv.errors import InputError

CELLS, WELLS, DRAWS = 128, 50, 8
ALONE = 3
"""Studies that are also run alone, spread over all but the first, which compiles."""
PROGRAM = (sys.executable, "-c", "from latentinv.cli import main; main()")
ENDED = re.compile(r"(\d+) of \d+ studies, (\S+): finished, .* (\d+) of (\d+) wells honoured")
STUDY = """[study]
prior = "meanders"
grid = [{cells}, {cells}]
seed = {seed}
draws = {draws}

[algorithm]
name = "smc"
moves = 1
leapfrogs = 4
local_moves = 4
probes = 1
final_rounds = 1

[[wells]]
file = "{wells}.csv"
"""


class Ending(NamedTuple):
    """A study's end, seen from outside."""

    seconds: float
    processor_seconds: float
    honoured: int


def make_study(folder: Path, number: int) -> Path:
    """Write a study with its wells."""
    prior, grid, rng = load_prior("meanders"), Grid((CELLS, CELLS)), np.random.default_rng(number)
    z = jnp.asarray(rng.standard_normal(prior.latent_size(grid)), jnp.float32)
    facies = np.asarray(prior.facies(prior.generate(z, grid)))
    cells = np.stack(np.unravel_index(rng.choice(grid.size, WELLS, replace=False), grid.shape), axis=1)
    rows = [f"{x},{y},{facies[tuple(cell)]}" for (x, y), cell in zip(grid.centres(cells), cells, strict=True)]
    name = f"site{number}"
    (folder / f"{name}.csv").write_text("\n".join(["x,y,facies", *rows]))
    study = folder / f"{name}.toml"
    study.write_text(STUDY.format(cells=CELLS, seed=number, draws=DRAWS, wells=name))
    return study


def batch(studies: list[Path], output: Path) -> list[Ending]:
    """Run `latentinv batch`, and hear when each study ends."""
    begun = time.perf_counter()
    process = subprocess.Popen(
        [*PROGRAM, "batch", *studies, "--output", output], cwd=ROOT, env=environment(output), stdout=subprocess.PIPE
    )
    endings, before, spent = [], begun, 0.0
    assert process.stdout is not None
    for line in process.stdout:
        if found := ENDED.search(line.decode()):
            now, used = time.perf_counter(), processor_seconds(process.pid)
            endings.append(Ending(now - before, used - spent, int(found[3])))
            before, spent = now, used
            say(f"  {found[2]}: {endings[-1].seconds:.1f} s, of processors {endings[-1].processor_seconds:.1f} s")
    if process.wait() or len(endings) != len(studies):
        raise InputError(f"Of {len(studies)} studies {len(endings)} finished; look at {output}.")
    return endings


def command(study: Path) -> float:
    """Wall time of `latentinv run` with nothing compiled before."""
    begun = time.perf_counter()
    arguments = ("run", study, "--quiet", "--output", study.with_suffix(".h5"))
    subprocess.run([*PROGRAM, *arguments], cwd=ROOT, env=environment(study.parent / "empty"), check=True)
    return time.perf_counter() - begun


def environment(folder: Path) -> dict[str, str]:
    """Of a program that finds nothing compiled."""
    settings = {name: value for name, value in os.environ.items() if not name.startswith("JAX_COMPILATION_CACHE")}
    return settings | {"LATENTINV_CACHE": str(folder / "cache")}


def processor_seconds(process: int) -> float:
    """What a process has used of processors; NaN where the system does not say."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return float("nan")
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(count: int) -> dict[str, Any]:
    """Measure everything."""
    chosen = np.unique(np.linspace(1, count - 1, ALONE).astype(int))
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        studies = [make_study(folder, number) for number in range(count)]
        say("latentinv run, nothing compiled")
        seconds_command = command(studies[0])
        say(f"  {seconds_command:.1f} s\nlatentinv batch")
        together = batch(studies, folder / "together")
        alone = []
        for number in chosen:
            say("alone: a batch of two copies, of which the second counts")
            copy = folder / f"copy{number}.toml"
            copy.write_text(studies[number].read_text())
            alone.append(batch([studies[number], copy], folder / f"alone{number}")[1])
    same = [together[number] for number in chosen]
    each = float(np.mean([ending.seconds for ending in together[1:]]))
    figures = {
        "studies": count,
        "seconds_command": seconds_command,
        "seconds_first": together[0].seconds,
        "seconds_each": each,
        "seconds_alone": float(np.mean([ending.seconds for ending in alone])),
        "ratio": sum(ending.seconds for ending in same) / sum(ending.seconds for ending in alone),
        "processor_seconds_each": float(np.mean([ending.processor_seconds for ending in together[1:]])),
        "processor_seconds_alone": float(np.mean([ending.processor_seconds for ending in alone])),
        "processor_ratio": sum(e.processor_seconds for e in same) / sum(e.processor_seconds for e in alone),
        "wells_honoured_least": min(ending.honoured for ending in together),
        "projected_hours_1000": (together[0].seconds + 999 * each) / 3600,
    }
    show("batch", figures)
    return figures


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--studies", type=int, default=20, help="how many, at least 2")
    arguments = parser.parse_args()
    run(lambda: measure(arguments.studies))
