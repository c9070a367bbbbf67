"""Runs of a tool of multiple-point statistics, or of ours, each in a process of its own that is ended in time.

A tool gets a job as an ``.npz`` file (image, wells, cells along an edge, draws, seed) and writes its draws and what
they took into another. How much of that is set-up is found from two runs of a peer, the first of one draw; that one
also tells how many draws fit into the time that is given. Ours says what it compiled.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Int

from benchmarks._data import ROOT
from latentinv.errors import StorageError

HERE = Path(__file__).parent
START = 60.0
"""Seconds that a process may take to start and to write its result, beyond those of its draws."""
MARGIN = 0.8
"""Share of the time that is left which draws may take if each takes as long as the first."""


class Job(NamedTuple):
    """What a tool is asked for."""

    image: Int[np.ndarray, "row column"]
    cells: Int[np.ndarray, "well axis"]
    codes: Int[np.ndarray, "well"]
    edge: int
    draws: int
    seed: int


class Drawn(NamedTuple):
    """What a tool gave; times in seconds, of all draws together."""

    fields: Int[np.ndarray, "draw row column"]
    seconds: float
    processor_seconds: float
    setup_seconds: float | None
    """None if it is not known."""
    effective: float
    """Number of independent draws that these are worth."""
    version: str
    sentences: str
    """As JSON, of data that could not be met, and warnings."""


Run = Callable[[Job, float], Drawn | None]
"""Runs a job within so many seconds, else gives None."""


class Peer(NamedTuple):
    """A tool of others and where its Python is looked for."""

    title: str
    script: tuple[str, ...]
    variable: str
    folder: str
    packages: str


PEERS = {
    "deesse": Peer("DeeSse", ("_deesse_peer.py",), "LATENTINV_GEONE_PYTHON", ".venv-geone", "geone"),
    "snesim": Peer(
        "SNESIM",
        ("_mpslib_peer.py", "mps_snesim_tree"),
        "LATENTINV_MPSLIB_PYTHON",
        ".venv-mpslib",
        "scikit-mps",
    ),
    "genesim": Peer(
        "GENESIM",
        ("_mpslib_peer.py", "mps_genesim"),
        "LATENTINV_MPSLIB_PYTHON",
        ".venv-mpslib",
        "scikit-mps",
    ),
}


def peer_python(peer: Peer, named: str | None = None) -> Path | None:
    """The Python that has a peer: the one named, that of its variable, or that of its folder here; else None.

    Raises
    ------
    StorageError
        If the one that is named does not exist.
    """
    named = named or os.environ.get(peer.variable)
    path = Path(named) if named else ROOT / peer.folder / "bin" / "python"
    if named and not path.exists():
        raise StorageError(f"The Python of {peer.title} is said to be {named}, which does not exist; name another.")
    return path if path.exists() else None


def peer_run(peer: Peer, python: Path) -> Run:
    """How a peer runs a job."""
    script, *method = peer.script
    return lambda job, seconds: in_a_process([str(python), str(HERE / script), *method], [], job, seconds)


def our_run(prior_file: Path, how: str) -> Run:
    """How we run a job: by a posterior, or by a prior that is given the wells."""
    command = [sys.executable, "-m", "benchmarks._mps_ours"]
    return lambda job, seconds: in_a_process(command, [str(prior_file), how], job, seconds)


def in_a_process(before: list[str], after: list[str], job: Job, seconds: float) -> Drawn | None:
    """Run a command with the files of a job and of its result; None if it does not end in time.

    Raises
    ------
    StorageError
        If it fails.
    """
    with tempfile.TemporaryDirectory() as folder:
        files = [str(Path(folder) / name) for name in ("job.npz", "result.npz")]
        np.savez(files[0], **job._asdict())
        try:
            done = subprocess.run(
                [*before, *files, *after], cwd=ROOT, timeout=seconds + START, stderr=subprocess.PIPE, text=True
            )
        except subprocess.TimeoutExpired:
            return None
        if done.returncode:
            last = done.stderr.strip().splitlines()[-1:] or ["it said nothing"]
            raise StorageError(f"The process of {' '.join(before[:2])} failed: {last[0]}")
        with np.load(files[1], allow_pickle=False) as file:
            return read(dict(file))


def read(result: dict[str, Any]) -> Drawn:
    """A result as it was written; draws of peers are independent."""
    fields = result["fields"]
    setup = result.get("setup_seconds")
    return Drawn(
        fields=fields,
        seconds=float(result["seconds"]),
        processor_seconds=float(result["processor_seconds"]),
        setup_seconds=None if setup is None else float(setup),
        effective=float(result.get("effective", len(fields))),
        version=str(result["version"]),
        sentences=str(result.get("sentences", "[]")),
    )


def draw_within(run: Run, job: Job, seconds: float) -> Drawn | None:
    """One draw first, then as many of the job's as fit; None if not even one ends in time."""
    first = run(job._replace(draws=1), seconds)
    if first is None:
        return None
    fits = draws_that_fit(first.seconds, seconds, job.draws)
    many = run(job._replace(draws=fits), seconds - first.seconds) if fits > 1 else None
    return first if many is None else many._replace(setup_seconds=setup(first, many))


def draws_that_fit(first: float, seconds: float, most: int) -> int:
    """How many draws fit after a first that took so long, with some time to spare; 0 if one does not."""
    return max(0, min(most, int(MARGIN * (seconds - first) / max(first, 1e-3))))


def setup(first: Drawn, many: Drawn) -> float:
    """Seconds before the first draw, if every draw takes as long: of a line through both runs."""
    more = len(many.fields) - 1
    return max(0.0, first.seconds - (many.seconds - first.seconds) / more)
