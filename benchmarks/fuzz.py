"""Damaged and hostile files: every reader should end in a sentence, and take no memory for what a file only claims.

Valid files of every kind that users hand over (images of each format, tables, priors, runs, recipes, studies) are
damaged at random, by flipped, removed, repeated and inserted bytes and by cutting, and read. What a reader makes of it
is either accepted or an error with a sentence; anything else is unhandled, and so is a process that dies or does not
answer for a minute. A worker process reads, so that its end is seen and its memory measured.

Run ``python -m benchmarks.fuzz [--minutes 5]``.
"""

import argparse
import contextlib
import json
import resource
import subprocess
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks._report import run, say, show

SILENCE = 60.0
"""Seconds without an answer after which a worker counts as stuck."""
SLICE = 200
"""Files that a worker reads before it is asked for a report."""


def benchmark(minutes: float) -> dict[str, Any]:
    """Damage and read files for some minutes."""
    end, found, inputs, peak, seed = time.monotonic() + 60 * minutes, Counter[str](), 0, 0.0, 0
    with tempfile.TemporaryDirectory() as folder:
        while time.monotonic() < end:
            report = _slice(Path(folder), seed)
            inputs, peak = inputs + report["inputs"], max(peak, report["peak_mb"])
            found.update(report["unhandled"])
            seed += SLICE
    for words, count in found.most_common(20):
        say(f"{count} times: {words}")
    figures = {"inputs": inputs, "unhandled": sum(found.values()), "peak_mb": peak}
    show("Damaged files", figures)
    return figures


def _slice(folder: Path, seed: int) -> dict[str, Any]:
    """What a worker reports of some files; a worker that dies or is stuck counts as one unhandled."""
    words = [sys.executable, "-m", "benchmarks.fuzz", "--worker", str(folder), "--seed", str(seed)]
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=SILENCE + SLICE, check=False)
    except subprocess.TimeoutExpired:
        return {"inputs": SLICE, "peak_mb": 0.0, "unhandled": {f"stuck at seed {seed}": 1}}
    if done.returncode:
        return {"inputs": SLICE, "peak_mb": 0.0, "unhandled": {f"died with {done.returncode} at seed {seed}": 1}}
    report: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return report


def work(folder: Path, seed: int) -> dict[str, Any]:
    """Read damaged files; called in a worker."""
    from latentinv.errors import InputError, StorageError

    warnings.simplefilter("ignore")
    readers, found = _readers(folder), Counter[str]()
    names = sorted(readers)
    for number in range(seed, seed + SLICE):
        rng = np.random.default_rng(number)
        name = names[int(rng.integers(len(names)))]
        whole, read = readers[name]
        path = folder / f"damaged{whole.suffix}"
        path.write_bytes(_damaged(rng, whole.read_bytes()))
        try:
            read(path)
        except (InputError, StorageError) as error:
            if "\n" in str(error).strip():
                found[f"{name}: a message of several lines"] += 1
        except Exception as error:
            found[f"{name}: {type(error).__name__}: {str(error)[:80]} (seed {number})"] += 1
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"inputs": SLICE, "peak_mb": peak, "unhandled": dict(found)}


def _damaged(rng: np.random.Generator, content: bytes) -> bytes:
    """The content after some random changes."""
    data = bytearray(content)
    for _ in range(int(rng.integers(1, 12))):
        if not data:
            break
        begin = int(rng.integers(len(data)))
        length = min(len(data) - begin, 2 ** int(rng.integers(0, 8)))
        match int(rng.integers(6)):
            case 0:
                data[begin] ^= 1 << int(rng.integers(8))
            case 1:
                data[begin : begin + length] = rng.integers(0, 256, length, dtype=np.uint8).tobytes()
            case 2:
                del data[begin : begin + length]
            case 3:
                data[begin:begin] = data[begin : begin + length] * int(rng.integers(1, 5))
            case 4:
                data[begin : begin + length] = b"\xff" * length
            case _:
                del data[begin:]
    return bytes(data)


def _readers(folder: Path) -> dict[str, tuple[Path, Callable[[Path], Any]]]:
    """A valid file of each kind, and how such files are read."""
    from latentinv import Grid, HardData, load_prior, load_run
    from latentinv.data import read_boreholes
    from latentinv.io import read_table
    from latentinv.study import read_study_file
    from latentinv.training import read_recipe, read_training_image

    images = _images(folder)
    files = _files(folder)
    prior = load_prior(str(files["prior"]))
    grid = Grid((24, 30))
    readers: dict[str, tuple[Path, Callable[[Path], Any]]] = {
        f"image{path.suffix}": (path, lambda p: read_training_image(p, key=_key(p))) for path in images
    }
    readers |= {
        "table": (files["wells"], lambda p: HardData.from_csv(p, grid, prior)),
        "numbers": (files["wells"], lambda p: read_table(p, ("x", "y"))),
        "collars": (files["collars"], lambda p: read_boreholes(p, files["intervals"])),
        "prior": (files["prior"], lambda p: load_prior(str(p))),
        "run": (files["run"], load_run),
        "recipe": (files["recipe"], read_recipe),
        "study": (files["study"], read_study_file),
    }
    return readers


def _key(path: Path) -> str | None:
    return "facies" if path.suffix == ".npz" else None


def _images(folder: Path) -> list[Path]:
    """An image in each format."""
    from PIL import Image

    facies = np.kron(np.random.default_rng(0).integers(0, 2, (8, 9)), np.ones((4, 4), int)).astype(np.uint8)
    paths = [folder / f"image{ending}" for ending in (".npz", ".npy", ".png", ".tif", ".gslib", ".asc")]
    if not paths[-1].exists():
        np.savez_compressed(paths[0], facies=facies, other=1 - facies)
        np.save(paths[1], facies)
        Image.fromarray(255 * facies).save(paths[2])
        Image.fromarray(255 * facies).save(paths[3])
        rows, columns = facies.shape
        values = "\n".join(str(code) for code in facies.ravel())
        paths[4].write_text(f"{columns} {rows} 1\n1\nfacies\n{values}\n")
        lines = "\n".join(" ".join(map(str, row)) for row in facies.tolist())
        paths[5].write_text(f"ncols {columns}\nnrows {rows}\nxllcorner 0\nyllcorner 0\ncellsize 1\n{lines}\n")
    return paths


def _files(folder: Path) -> dict[str, Path]:
    """A file of each other kind."""
    from latentinv import Grid, HardData, Laplace, Posterior, load_prior, sample
    from latentinv.priors import find_prior

    names = {
        "wells": "wells.csv", "collars": "collars.csv", "intervals": "intervals.csv", "prior": "prior.h5",
        "run": "run.h5", "recipe": "recipe.toml", "study": "study.toml",
    }  # fmt: skip
    files = {name: folder / file for name, file in names.items()}
    if not files["study"].exists():
        files["wells"].write_text("x,y,facies\n1.5,2.5,0\n20.5,7.5,1\n10.5,12.5,1\n")
        files["collars"].write_text("hole,x,y,z\nA,5,5,20\nB,12,5,18\n")
        files["intervals"].write_text("hole,from,to,facies\nA,0,4,1\nB,2,6,0\n")
        files["prior"].write_bytes(Path(find_prior("seed_sgan")).read_bytes())
        files["recipe"].write_text((Path(find_prior("meanders")).with_suffix(".toml")).read_text())
        prior, grid = load_prior(str(files["prior"])), Grid((24, 30))
        with contextlib.suppress(FileNotFoundError):
            files["run"].unlink()
        wells = HardData.from_csv(files["wells"], grid, prior)
        sample(Posterior(prior, grid, [wells], target="soft"), Laplace(starts=2, draws=2), seed=0, output=files["run"])
        files["study"].write_text(
            '[study]\nprior = "prior.h5"\ngrid = [24, 30]\nspacing = 1.0\n\n[algorithm]\nname = "smc"\nparticles = 64\n'
            '\n[[wells]]\nfile = "wells.csv"\n\n[[blocks]]\nboxes = [[1, 1, 9, 9]]\nsd = 0.05\nvalues = [0.4]\n'
        )
    return files


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fuzz", description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--worker", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--seed", type=int, default=0, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker is not None:
        print(json.dumps(work(arguments.worker, arguments.seed)))
    else:
        run(lambda: benchmark(arguments.minutes))
