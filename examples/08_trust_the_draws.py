"""How far to trust draws: chains that are too short, and what their diagnosis says.

Six boreholes and a block mean on a small map; the recommended algorithm and why, then chains and their table.
"""

from pathlib import Path

import numpy as np
from common import OUTPUT

from latentinv import (
    BlockMeans,
    Grid,
    HardData,
    Posterior,
    PreconditionedCrankNicolson,
    Run,
    choose_algorithm,
    load_prior,
    sample,
)

WELLS = ((6, 8, 0), (14, 40, 1), (24, 20, 0), (30, 52, 1), (38, 12, 1), (44, 36, 0))
"""Row, column and facies of each borehole."""


def main(draws: int = 800, warmup: int = 300, output: Path = OUTPUT) -> Run:
    """Make the posterior, draw from it, and print the diagnosis."""
    del output  # nothing is written
    prior, grid = load_prior("meanders"), Grid((48, 64))
    rows, columns, facies = np.array(WELLS).T
    wells = HardData(grid, grid.centres(np.stack([rows, columns], axis=1)), facies, prior.facies_model)
    blocks = BlockMeans(grid, [[16, 8]], [[40, 40]], [0.3], 0.05, prior.facies_model)
    posterior = Posterior(prior, grid, [wells, blocks])
    print(choose_algorithm(posterior).reason)
    run = sample(posterior, PreconditionedCrankNicolson(warmup=warmup, draws=draws, thinning=2), seed=1)
    print(run.diagnose())
    return run


if __name__ == "__main__":
    main()
