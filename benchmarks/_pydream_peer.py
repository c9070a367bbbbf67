"""PyDREAM beside us: its process samples, ours answers its questions for likelihoods and counts them."""

import os
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable
from multiprocessing.connection import Connection, Listener
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from benchmarks._data import ROOT
from latentinv.errors import StorageError

SCRIPT = Path(__file__).with_name("_pydream_chains.py")
VARIABLE = "LATENTINV_PYDREAM_PYTHON"


class PeerChains(NamedTuple):
    """What PyDREAM gave."""

    latents: Float[np.ndarray, "chain iteration latent"]
    evaluations: int
    seconds: float
    version: str


def pydream_python(named: str | None = None) -> Path | None:
    """The Python that has PyDREAM: the one named, ``$LATENTINV_PYDREAM_PYTHON``, or ``.venv-pydream``'s; else None.

    Raises
    ------
    StorageError
        If the one that is named does not exist.
    """
    named = named or os.environ.get(VARIABLE)
    path = Path(named) if named else ROOT / ".venv-pydream" / "bin" / "python"
    if named and not path.exists():
        raise StorageError(f"PyDREAM's Python is said to be {named}, which does not exist; name one that has PyDREAM.")
    return path if path.exists() else None


def sample_by_pydream(
    python: Path, log_likelihood: Callable[[np.ndarray], float], *, latents: int, chains: int, iterations: int
) -> PeerChains:
    """Let PyDREAM sample the posterior of N(0, I) latents.

    Raises
    ------
    StorageError
        If its process fails.
    """
    with tempfile.TemporaryDirectory() as folder:
        socket, result = Path(folder) / "socket", Path(folder) / "chains.npy"
        with _Answerer(str(socket), log_likelihood) as answerer:
            words = [str(python), str(SCRIPT), str(socket), str(latents), str(chains), str(iterations), str(result)]
            begun = time.monotonic()
            done = subprocess.run(words, capture_output=True, text=True, check=False)
            seconds = time.monotonic() - begun
        if done.returncode:
            last = done.stderr.strip().splitlines()[-1:] or ["it said nothing"]
            raise StorageError(f"PyDREAM's process failed ({last[0]}); install pydream and numpy<2 for {python}.")
        drawn = np.load(result, allow_pickle=False)
        return PeerChains(drawn, answerer.evaluations, seconds, done.stdout.strip().splitlines()[-1])


class _Answerer:
    """Answers every process that connects, one question at a time; a context that ends it."""

    def __init__(self, address: str, log_likelihood: Callable[[np.ndarray], float]) -> None:
        self.evaluations = 0
        self._log_likelihood, self._lock = log_likelihood, threading.Lock()
        self._listener = Listener(address, "AF_UNIX")
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                connection = self._listener.accept()
            except OSError:  # closed
                return
            threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: Connection) -> None:
        while True:
            try:
                z = np.frombuffer(connection.recv_bytes(), np.float64)
            except EOFError:
                return
            with self._lock:
                self.evaluations += 1
                value = self._log_likelihood(z)
            connection.send_bytes(np.float64(value).tobytes())

    def __enter__(self) -> "_Answerer":
        return self

    def __exit__(self, *error: object) -> None:
        self._listener.close()
