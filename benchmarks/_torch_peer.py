"""The PyTorch process beside ours: the same weights, one request at a time, idle while we measure."""

import json
import os
import subprocess
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from benchmarks._data import ROOT
from latentinv.errors import StorageError
from latentinv.networks import GeneratorArchitecture

SCRIPT = Path(__file__).with_name("_torch_generator.py")
TOLERANCE = 1e-3


def torch_python() -> Path | None:
    """The Python that has torch: ``$LATENTINV_TORCH_PYTHON``, else ``.venv-torch``'s; None without one.

    Raises
    ------
    StorageError
        If the variable names a file that does not exist.
    """
    named = os.environ.get("LATENTINV_TORCH_PYTHON")
    path = Path(named) if named else ROOT / ".venv-torch" / "bin" / "python"
    if named and not path.exists():
        raise StorageError(
            f"LATENTINV_TORCH_PYTHON names {named}, which does not exist; name a Python that has torch, or unset it."
        )
    return path if path.exists() else None


def write_case(
    path: Path,
    architecture: GeneratorArchitecture,
    size: int,
    weights: list[tuple[np.ndarray, np.ndarray]],
    results: dict[str, Float[np.ndarray, "..."]],
) -> None:
    """Write what torch needs: natural kernels and biases, the layers, and our results to agree with."""
    sizes = architecture.sizes(size)[1:]
    layers = [{**asdict(layer), "size": n} for layer, n in zip(architecture.layers, sizes, strict=True)]
    arrays = {f"kernel_{n}": kernel for n, (kernel, _) in enumerate(weights)}
    arrays |= {f"bias_{n}": bias for n, (_, bias) in enumerate(weights)}
    np.savez(path, layers=np.array(json.dumps(layers)), **arrays, **results)  # type: ignore[arg-type]


class TorchPeer:
    """The running process; a context that ends it."""

    def __init__(self, python: Path, case: Path) -> None:
        command = [str(python), str(SCRIPT), str(case)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        answer = self._ask({"what": "check"})
        self.version: str = answer["version"]
        self.difference: float = answer["difference"]
        if self.difference > TOLERANCE:
            self._process.kill()
            raise ArithmeticError(
                f"PyTorch's results differ from ours by {self.difference:.2g} relatively; expected below "
                f"{TOLERANCE:g}, so that both do the same work."
            )

    def milliseconds(self, what: str, repetitions: int) -> dict[str, float]:
        """Median milliseconds of one kind of call in each memory format."""
        return self._ask({"what": what, "repetitions": repetitions})

    def __enter__(self) -> "TorchPeer":
        return self

    def __exit__(self, *error: object) -> None:
        self._process.communicate()

    def _ask(self, request: dict[str, Any]) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            self._process.wait()
            raise StorageError("The torch process ended without an answer; see its message above and reinstall torch.")
        return json.loads(line)
