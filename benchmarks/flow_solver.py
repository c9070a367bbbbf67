"""The groundwater solver: its heads beside MODFLOW's and Theis' formula, its time beside SciPy's sparse direct solver.

The published steady case (Laloy et al. 2018, doi:10.1002/2017WR022148) is solved on its true facies. Times are a
field's, the median over rounds that take turns: ours in one compiled batch, SciPy's one field after another, each from
conductivities to heads in wells, assembly included. The gradient is that of the squared misfit of the observed heads in
every cell's log-conductivity; `gradient_over_solve` is what it adds to a solve, over a solve.

Run ``python -m benchmarks.flow_solver [--fields 32] [--rounds 7]``. Nothing else should run on the machine meanwhile.
"""

import argparse
import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import scipy.sparse
import scipy.sparse.linalg
from scipy.special import exp1

from benchmarks._data import steady_flow_case
from benchmarks._report import run, show
from latentinv import Grid
from latentinv.forward import Aquifer, SteadyFlow, steady_heads, transient_heads

SAND, CLAY = 1e-2, 1e-4


def aquifer(cells: int) -> Aquifer:
    """The published aquifer: heads of 10 and 9 m at its ends along x, and a well in its middle."""
    grid = Grid((cells, cells))
    heads = np.full(grid.shape, np.nan)
    heads[:, 0], heads[:, -1] = 10.0, 9.0
    sources = np.zeros(grid.shape)
    sources[cells // 2, cells // 2] = -1e-3
    return Aquifer(grid, heads, sources)


def accuracy(case: dict[str, np.ndarray]) -> dict[str, float]:
    """Differences from MODFLOW's heads over all cells, in metres."""
    conductivity = jnp.asarray(np.where(case["true_facies"] == 1, SAND, CLAY), jnp.float32)
    heads = jax.jit(lambda k: steady_heads(aquifer(len(conductivity)), k))(conductivity)
    error = np.asarray(heads, float) - case["modflow_head"]
    return {"modflow_rms_m": float(np.sqrt(np.mean(error**2))), "modflow_max_m": float(np.abs(error).max())}


def theis_error(cells: int = 121) -> float:
    """Largest difference of drawdown about a well from Theis' (1935, doi:10.1029/TR016i002p00519), over the largest."""
    grid, rate, thickness, conductivity, storage = Grid((cells, cells), spacing=(10.0, 10.0)), 0.01, 10.0, 1e-3, 1e-4
    heads = np.full(grid.shape, np.nan)
    heads[0], heads[-1], heads[:, 0], heads[:, -1] = 0.0, 0.0, 0.0, 0.0
    sources = np.zeros(grid.shape)
    middle = cells // 2
    sources[middle, middle] = -rate
    times = np.geomspace(5, 2000, 80)
    field = jnp.full(grid.shape, conductivity, jnp.float32)
    model = Aquifer(grid, heads, sources, thickness)
    drawdown = -np.asarray(transient_heads(model, field, np.zeros(grid.shape), times, storage), float)
    late = times > 200
    distances = np.arange(5, 16)
    u = (10.0 * distances) ** 2 * storage / (4 * conductivity * times[late, None])
    expected = rate / (4 * np.pi * conductivity * thickness) * exp1(u)
    return float(np.abs(drawdown[late][:, middle, middle + distances] - expected).max() / expected.max())


def direct_heads(model: Aquifer, conductivity: np.ndarray) -> np.ndarray:
    """Heads by assembly in float64 and `scipy.sparse.linalg.spsolve`."""
    number = np.arange(conductivity.size).reshape(conductivity.shape)
    rows, columns, values = [], [], []
    for axis in range(conductivity.ndim):
        size = conductivity.shape[axis]
        low, high = (np.take(conductivity, np.arange(s, s + size - 1), axis=axis) for s in (0, 1))
        first, second = (np.take(number, np.arange(s, s + size - 1), axis=axis).ravel() for s in (0, 1))
        conductance = (2 * low * high / (low + high)).ravel()
        rows += [first, second, first, second]
        columns += [second, first, first, second]
        values += [-conductance, -conductance, conductance, conductance]
    free = ~model.fixed.ravel()
    pairs = (np.concatenate(rows), np.concatenate(columns))
    matrix = scipy.sparse.csr_matrix((np.concatenate(values), pairs), shape=(number.size, number.size))
    heads = np.nan_to_num(model.fixed_heads).ravel()
    drive = model.sources.ravel() - matrix @ heads
    inner = matrix[free][:, free].tocsc()
    heads[free] = scipy.sparse.linalg.spsolve(inner, drive[free])
    return heads.reshape(conductivity.shape)


def times(case: dict[str, np.ndarray], fields: int, rounds: int) -> dict[str, float]:
    """Milliseconds per field of our solve, our gradient and SciPy's solve, and the ratios."""
    model = aquifer(len(case["true_facies"]))
    cells = np.stack([case["head_row"], case["head_column"]], axis=1)
    forward = SteadyFlow(model, model.grid.centres(cells))
    shifts = np.random.default_rng(0).integers(0, len(case["true_facies"]), (fields, 2))
    facies = np.stack([np.roll(case["true_facies"], tuple(shift), (0, 1)) for shift in shifts])
    batch = np.where(facies == 1, SAND, CLAY)
    observed = jnp.asarray(case["head_observed"], jnp.float32)

    def misfit(log_conductivity: jax.Array) -> jax.Array:
        return jnp.sum((forward.predict(jnp.exp(log_conductivity)) - observed) ** 2)

    logs = jnp.log(jnp.asarray(batch, jnp.float32))
    solve = jax.jit(jax.vmap(misfit))
    gradient = jax.jit(jax.vmap(jax.value_and_grad(misfit)))
    took: dict[str, list[float]] = {"solve": [], "gradient": [], "direct": []}
    jobs: dict[str, Callable[[], Any]] = {
        "solve": lambda: jax.block_until_ready(solve(logs)),
        "gradient": lambda: jax.block_until_ready(gradient(logs)),
        "direct": lambda: [direct_heads(model, one)[tuple(cells.T)] for one in batch],
    }
    for name in ("solve", "gradient"):
        jobs[name]()
    for _ in range(rounds):
        for name, job in jobs.items():
            begun = time.perf_counter()
            job()
            took[name].append(1e3 * (time.perf_counter() - begun) / fields)
    median = {name: float(np.median(values)) for name, values in took.items()}
    return {
        "solve_ms": median["solve"],
        "gradient_ms": median["gradient"],
        "scipy_ms": median["direct"],
        "gradient_over_solve": (median["gradient"] - median["solve"]) / median["solve"],
        "value_and_gradient_over_solve": median["gradient"] / median["solve"],
        "scipy_ratio": median["solve"] / median["direct"],
    }


def benchmark(arguments: argparse.Namespace) -> dict[str, Any]:
    """Measure accuracy, then times."""
    case = steady_flow_case()
    figures = {**accuracy(case), "transient_error": theis_error(), **times(case, arguments.fields, arguments.rounds)}
    show("Groundwater flow", figures)
    return figures


def parse(words: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.flow_solver", description="Measure the groundwater solver."
    )
    parser.add_argument("--fields", type=int, default=32, help="fields of a batch (default 32)")
    parser.add_argument("--rounds", type=int, default=7, help="rounds of each time (default 7)")
    return parser.parse_args(words)


if __name__ == "__main__":
    run(lambda: benchmark(parse()))
