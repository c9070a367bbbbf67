"""Condition one field of a size to wells with two seeds and print what it took, as one JSON line.

``python -m benchmarks._scaling_case PRIOR CELLS CHAINS DRAWS WARMUP THINNING SEED``; started by `benchmarks.scaling`
in a process of its own, so that nothing else counts in its peak memory.
"""

import json
import resource
import sys
import time
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from benchmarks._fields import facies_model
from benchmarks._scaling_step import wells_of
from benchmarks.flow_case import largest_rhat
from latentinv import Grid, Posterior, Run, WindowedCrankNicolson, load_prior, sample

WELLS = 0.003
"""Per cell."""
BLOCKS, LATTICE = 4, 8
"""Blocks and pixels along each side at which runs are compared."""


def functionals(sand: Bool[np.ndarray, "draw row column"]) -> Float[np.ndarray, "draw number"]:
    """Shares of sand in blocks, and a lattice of pixels."""
    rows, columns = (np.array_split(np.arange(n), BLOCKS) for n in sand.shape[1:])
    shares = [sand[:, r[0] : r[-1] + 1, c[0] : c[-1] + 1].mean(axis=(1, 2)) for r in rows for c in columns]
    step = [max(1, n // LATTICE) for n in sand.shape[1:]]
    pixels = sand[:, step[0] // 2 :: step[0], step[1] // 2 :: step[1]].reshape(len(sand), -1)
    return np.concatenate([np.stack(shares, axis=1), pixels], axis=1).astype(float)


def measure(posterior: Posterior, algorithm: WindowedCrankNicolson, seed: int) -> dict[str, Any]:
    """Two runs: how long the first took, how many wells their draws honour, and whether they agree."""
    begun = time.perf_counter()
    first = sample(posterior, algorithm, seed=seed)
    seconds = time.perf_counter() - begun
    runs = [first, sample(posterior, algorithm, seed=seed + 1)]
    sand = facies_model(posterior.prior).categories[-1]
    each = [one.by_chain(functionals(np.asarray(one.realizations) == sand)) for one in runs if len(one.latents)]
    largest, typical = largest_rhat([chain for chains in each for chain in chains])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {
        "wells": posterior.count,
        "latents": posterior.latent_size,
        "draws": len(first.latents),
        "seconds": seconds,
        "fields": first.results["forward_runs"],
        "gradients": first.results["gradients"],
        "acceptance": first.results.get("acceptance"),
        "window_sizes": first.results.get("window_sizes"),
        "window_steps": first.results.get("window_steps"),
        "honoured": min(honoured(one) for one in runs),
        "rhat_max": largest,
        "rhat_median": typical,
        # Linux counts kilobytes, macOS bytes.
        "peak_mb": peak * (1 if sys.platform == "darwin" else 1024) / 1e6,
    }


def honoured(one: Run) -> float:
    """Least share of wells that a draw honours; 0 if no start was found that honours all."""
    shares = [report.fulfilled / report.total for reports in one.reports() for report in reports]
    return min(shares, default=0.0)


def main(words: list[str]) -> dict[str, Any]:
    """Measure one size."""
    prior_file, cells, chains, draws, warmup, thinning, seed = words[0], *map(int, words[1:])
    prior, grid = load_prior(prior_file), Grid((cells, cells))
    algorithm = WindowedCrankNicolson(
        chains=chains, draws=draws, warmup=warmup, thinning=thinning, draws_per_step=1, start="prior"
    )
    wells = wells_of(prior, grid, max(1, round(WELLS * grid.size)))
    return measure(Posterior(prior, grid, [wells]), algorithm, seed)


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1:])))
