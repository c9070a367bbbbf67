"""15 How far to trust draws: chains that are too short, and what their diagnosis says.

Draws are not independent, and a picture does not show it: a chain that never left the place where it began gives sharp
and wrong maps. So chains are run side by side, and their diagnosis compares them, for quantities that mean something:
facies shares, pixels, predicted data. R-hat above 1.01 means that chains still disagree; the effective sample size says
how many independent draws a mean is worth. Here six boreholes and a block mean condition a small map, with chains that
are deliberately short, and the diagnosis warns of them. The script also prints the algorithm that would be recommended,
and why. Draw longer, or use `smc`, and compare runs of several seeds with `diagnose([run_1, run_2])`.

Writes output/trust.png: what each of the first four chains believes.
"""

from pathlib import Path

import numpy as np
from common import OUTPUT, Panel, draw

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
    output.mkdir(parents=True, exist_ok=True)
    prior, grid = load_prior("meanders"), Grid((48, 64))
    rows, columns, facies = np.array(WELLS).T
    wells = HardData(grid, grid.centres(np.stack([rows, columns], axis=1)), facies, prior.facies_model)
    blocks = BlockMeans(grid, [[16, 8]], [[40, 40]], [0.3], 0.05, prior.facies_model)
    posterior = Posterior(prior, grid, [wells, blocks])
    print(choose_algorithm(posterior).reason)
    run = sample(posterior, PreconditionedCrankNicolson(warmup=warmup, draws=draws, thinning=2), seed=1)
    print(run.diagnose())
    chains = run.by_chain(run.realizations).mean(axis=1)
    panels = [Panel(f"chain {n + 1}", mean, "share of draws with sand") for n, mean in enumerate(chains[:4])]
    draw(output / "trust.png", panels)
    return run


if __name__ == "__main__":
    main()
