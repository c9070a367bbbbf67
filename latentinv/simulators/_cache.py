"""Evaluations kept on disk, so that no simulation is run twice.

One file per evaluation, ``FOLDER/ab/abcd….npz``, named by the SHA-256 of the simulator's identity and of the property's
numbers; it holds ``values`` or, for a simulation that failed, the texts ``kind``, ``reason`` and ``place``. Files are
moved into place whole, so simultaneous runs may share a folder, and a killed run loses only simulations that were under
way. Failures are kept as well, because a resumed run must see the same outcomes as before; `forget_failures` removes
them once their cause is removed. A file that cannot be read counts as absent. Cost: one small file per evaluation.
"""

import hashlib
import io
import zipfile
from pathlib import Path
from typing import final

import numpy as np
from jaxtyping import Float

from latentinv.errors import StorageError

from ._simulator import Outcome

_UNREADABLE = (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile)


@final
class EvaluationCache:
    """A folder of evaluations.

    Parameters
    ----------
    folder
        Where; it is made if it is not there, and may be shared by runs and simulators.

    Raises
    ------
    StorageError
        If it cannot be made.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StorageError(f"The folder {folder} of evaluations cannot be made ({error.strerror}).") from error

    def get(self, key: str) -> Outcome | None:
        """The outcome of an evaluation; None if it was never made."""
        try:
            content = io.BytesIO(self._path(key).read_bytes())  # so that a damaged file is closed too
            with np.load(content, allow_pickle=False) as stored:
                if "values" in stored:
                    return Outcome(stored["values"])
                return Outcome(None, *(str(stored[name]) for name in ("kind", "reason", "place")))
        except _UNREADABLE:
            return None

    def put(self, key: str, outcome: Outcome) -> None:
        """Keep the outcome of an evaluation.

        Raises
        ------
        StorageError
            If it cannot be written.
        """
        from latentinv.storage import atomic_file  # imported here, since it imports JAX, which would delay workers

        path = self._path(key)
        path.parent.mkdir(exist_ok=True)
        arrays = {"values": outcome.values}
        if outcome.values is None:
            arrays = {name: np.asarray(getattr(outcome, name)) for name in ("kind", "reason", "place")}
        with atomic_file(path) as file:
            np.savez(file, **arrays)  # type: ignore[arg-type]

    def failures(self) -> dict[str, Outcome]:
        """Failed evaluations by name: what failed, where and why."""
        found = {path.stem: self.get(path.stem) for path in sorted(self.folder.glob("??/*.npz"))}
        return {key: outcome for key, outcome in found.items() if outcome is not None and outcome.values is None}

    def forget_failures(self) -> None:
        """Let failed evaluations be tried again."""
        for key in self.failures():
            self._path(key).unlink(missing_ok=True)

    def _path(self, key: str) -> Path:
        return self.folder / key[:2] / f"{key}.npz"


def evaluation_key(identity: str, property: Float[np.ndarray, "*grid"], count: int) -> str:
    """The name of an evaluation: a digest of the simulator, of the property, and of the number of data expected."""
    digest = hashlib.sha256(f"{identity}\0{count}\0{property.shape}\0{property.dtype.str}\0".encode())
    digest.update(np.ascontiguousarray(property).tobytes())
    return digest.hexdigest()
