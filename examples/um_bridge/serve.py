"""A model behind UM-Bridge, with gradients: heads of steady flow from west to east. It knows nothing of latentinv.

Run ``python examples/um_bridge/serve.py 4242`` in one terminal, ``latentinv run examples/um_bridge/study.toml`` in
another.
"""

import sys
from typing import Any, NamedTuple

import numpy as np
import umbridge
from scipy.sparse import coo_array, csc_array
from scipy.sparse.linalg import splu

WEST, EAST = 1.0, 0.0  # fixed heads, m


class Solved(NamedTuple):
    """A conductivity field [row, column], row 0 in the south, with its heads."""

    conductivity: np.ndarray
    matrix: Any
    heads: np.ndarray
    faces: list[tuple[np.ndarray, np.ndarray]]


def solve(conductivity: np.ndarray) -> Solved:
    """Finite volumes: harmonic means between cells, half a cell to the sides."""
    number, k = np.arange(conductivity.size).reshape(conductivity.shape), conductivity.ravel()
    faces = [(number[1:].ravel(), number[:-1].ravel()), (number[:, 1:].ravel(), number[:, :-1].ravel())]
    a, b = (np.concatenate(ends) for ends in zip(*faces, strict=True))
    between = 2 * k[a] * k[b] / (k[a] + k[b])
    beside, drive = np.zeros(k.size), np.zeros(k.size)
    for side, head in ((number[:, 0], WEST), (number[:, -1], EAST)):
        beside[side] += 2 * k[side]
        drive[side] += 2 * k[side] * head
    places = (np.concatenate([a, b, a, b, number.ravel()]), np.concatenate([a, b, b, a, number.ravel()]))
    matrix = splu(csc_array(coo_array((np.concatenate([between, between, -between, -between, beside]), places))))
    return Solved(conductivity, matrix, matrix.solve(drive), faces)


class Heads(umbridge.Model):
    """Heads in every eighth cell along both axes."""

    def get_input_sizes(self, config: dict[str, Any]) -> list[int]:
        """One vector, a number for each cell."""
        return [config["rows"] * config["columns"]]

    def get_output_sizes(self, config: dict[str, Any]) -> list[int]:
        """One vector, a number for each place."""
        return [len(self.places(config))]

    def places(self, config: dict[str, Any]) -> np.ndarray:
        """Numbers of the cells where heads are observed."""
        return np.arange(config["rows"] * config["columns"]).reshape(config["rows"], -1)[4::8, 4::8].ravel()

    def solved(self, parameters: list[list[float]], config: dict[str, Any]) -> Solved:
        """The flow through what was sent."""
        return solve(np.reshape(parameters[0], (config["rows"], config["columns"])))

    def __call__(self, parameters: list[list[float]], config: dict[str, Any]) -> list[list[float]]:
        """Give the heads."""
        return [self.solved(parameters, config).heads[self.places(config)].tolist()]

    def gradient(
        self, out_wrt: int, in_wrt: int, parameters: list[list[float]], sens: list[float], config: dict[str, Any]
    ) -> list[float]:
        """Give the gradient of the heads' sum, weighted by `sens`, from one adjoint solution."""
        found = self.solved(parameters, config)
        k, heads, source = found.conductivity.ravel(), found.heads, np.zeros(found.heads.size)
        source[self.places(config)] = sens
        adjoint, gradient = found.matrix.solve(source), np.zeros(k.size)
        for a, b in found.faces:
            flow = -2 * (adjoint[a] - adjoint[b]) * (heads[a] - heads[b]) / (k[a] + k[b]) ** 2
            np.add.at(gradient, a, flow * k[b] ** 2)
            np.add.at(gradient, b, flow * k[a] ** 2)
        for column, head in ((0, WEST), (-1, EAST)):
            cells = np.arange(k.size).reshape(found.conductivity.shape)[:, column]
            gradient[cells] -= 2 * adjoint[cells] * (heads[cells] - head)
        return gradient.tolist()

    def supports_evaluate(self) -> bool:
        """It can."""
        return True

    def supports_gradient(self) -> bool:
        """It can."""
        return True


if __name__ == "__main__":
    umbridge.serve_models([Heads("heads")], int(sys.argv[1]) if len(sys.argv) > 1 else 4242, max_workers=4)
