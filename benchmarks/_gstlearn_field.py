"""Unconditional Matérn fields by gstlearn, by its SPDE method, timed; run by `benchmarks.gaussian` with its own Python.

``python _gstlearn_field.py CELLS RANGE ROUNDS`` simulates a square of unit cells, smoothness 1, the range in the sense
of Lindgren et al. (2011), by the matrix-free polynomial (the sparse Cholesky factor is gstlearn's slower way at such
sizes) on a mesh of about one node a cell. It prints one JSON line: seconds of the first field, of a further one of the
same call, and the first's correlation at a fifth of the range, which tells that it is the same job. It imports nothing
of latentinv.
"""

import contextlib
import json
import math
import os
import sys
import time
from typing import Any

import gstlearn as gl
import numpy as np

FURTHER = 2


def simulate(cells: int, model: Any, refinement: int, count: int) -> tuple[float, Any]:
    """Seconds of so many fields in one call, and the first."""
    grid = gl.DbGrid.create([cells, cells], [1.0, 1.0])
    settings = gl.SPDEParam.create()
    settings.setRefineS(refinement)
    settings.setNxMax(0)
    begun = time.perf_counter()
    gl.simulateSPDE(None, grid, model, nbsimu=count, useCholesky=0, params=settings)
    took = time.perf_counter() - begun
    return took, grid.getColumn(grid.getAllNames()[-count]).reshape(cells, cells)


def measure(cells: int, length: float, rounds: int) -> dict[str, Any]:
    """Medians over rounds."""
    practical = length * math.sqrt(12 / 8)  # gstlearn's range is √(12 ν) scales, Lindgren's √(8 ν)
    model = gl.Model.createFromParam(gl.ECov.MATERN, practical, 1.0, 1.0)
    lag = round(length / 5)
    figures: dict[str, list[float]] = {"first_seconds": [], "seconds": [], "correlation": []}
    for _ in range(rounds):
        first, field = simulate(cells, model, round(practical), 1)
        several, _ = simulate(cells, model, round(practical), 1 + FURTHER)
        figures["first_seconds"].append(first)
        figures["seconds"].append((several - first) / FURTHER)
        figures["correlation"].append(float(np.mean(field[:, lag:] * field[:, :-lag]) / np.mean(field**2)))
    return {"version": gl.__version__, **{name: float(np.median(values)) for name, values in figures.items()}}


if __name__ == "__main__":
    cells, length, rounds = sys.argv[1:]
    # gstlearn writes to standard output as it pleases.
    with open(os.dup(1), "w") as answers, contextlib.redirect_stdout(sys.stderr):
        os.dup2(2, 1)
        print(json.dumps(measure(int(cells), float(length), int(rounds))), file=answers)
