"""12 The most probable fields from many starts: fast, and no posterior.

Sometimes the question is only whether the data can be met at all, and by what kinds of ground. Each start is a draw of
the prior, from which an optimiser climbs to a field of high posterior density, with the data of the first script. Where
optima differ, the data can be met in several ways. How often each occurs says nothing about its probability: that
depends on how wide the basin of the optimiser is, not on how much posterior lies there. So maps of optima show what is
possible, and never how probable it is; for that use draws of `smc`. Certain boreholes may be missed, and the report of
each optimum says so.

Writes output/map.png.
"""

from pathlib import Path

import numpy as np
from common import OUTPUT, Panel, Printer, draw, make_site

from latentinv import BlockMeans, HardData, MultistartMAP, Posterior, Run, load_prior, sample


def main(
    starts: int = 16, iterations: int = 100, cells: int = 96, prior: str = "meanders", output: Path = OUTPUT
) -> Run:
    """Make the site, optimise, and show the best fields."""
    site = make_site(output, cells)
    generator = load_prior(prior)
    wells = HardData.from_csv(site.wells, site.grid, generator)
    blocks = BlockMeans.from_csv(site.blocks, site.grid, generator)
    posterior = Posterior(generator, site.grid, [wells, blocks])

    algorithm = MultistartMAP(starts=starts, adam_iterations=iterations, lbfgs_iterations=iterations // 2)
    run = sample(posterior, algorithm, seed=1, listener=Printer())
    print("\nlog-density  data")
    for log_density, reports in zip(run.results["log_density"], run.reports(), strict=True):
        print(f"{log_density:11.1f}  " + "; ".join(report.sentence for report in reports))

    optima = [Panel(f"optimum {n + 1}", facies) for n, facies in enumerate(run.realizations[:6])]
    mean = Panel("mean of the optima", np.mean(run.realizations, axis=0), "share of optima")
    draw(output / "map.png", [Panel("truth and boreholes", site.truth), mean, *optima], site)
    print(f"\npicture  {output / 'map.png'}")
    return run


if __name__ == "__main__":
    main()
