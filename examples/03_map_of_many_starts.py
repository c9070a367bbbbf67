"""Find the most probable fields from many starts, with the data of the first example: fast, but not a posterior.

Each start is a draw of the prior. The differences between optima show in how many ways the data can be met; how often
each occurs says nothing about its probability. Writes output/map.png.
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
    mean = Panel("mean of the optima", np.mean(run.realizations, axis=0))
    draw(output / "map.png", [Panel("truth and boreholes", site.truth), mean, *optima], site.wells)
    print(f"\npicture  {output / 'map.png'}")
    return run


if __name__ == "__main__":
    main()
