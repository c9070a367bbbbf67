"""11 Where to drill next: what a hole is expected to tell, before it is drilled.

The draws of a posterior are all grounds that agree with the data so far. Suppose the question is how much sand lies in
a block that shall be dug. For every place where a hole could be drilled, the draws split into those with sand there and
those with clay, and within each group the volume varies less than over all: by that much the hole is expected to reduce
the variance of the answer. The best place is not where the facies is least known, but where it tells most of the
volume. A forecast head, or whether two wells are connected, can take the place of the volume: any one number per draw
will do. With few draws the map is noisy; use hundreds.

Writes output/drill.png.
"""

from pathlib import Path

import numpy as np
from common import OUTPUT, Panel, Printer, draw, make_site, some_draws

from latentinv import BlockMeans, HardData, Posterior, TemperedSMC, load_prior, sample
from latentinv.decisions import DataWorth, inside, quantiles, target_worth, volume, within_polygon


def main(draws: int = 256, cells: int = 64, prior: str = "meanders", output: Path = OUTPUT) -> DataWorth:
    """Condition, ask for a volume, and map what a hole at each place would tell."""
    site = make_site(output, cells)
    generator = load_prior(prior)
    wells = HardData.from_csv(site.wells, site.grid, generator)
    data = [wells, BlockMeans.from_csv(site.blocks, site.grid, generator)]
    run = sample(Posterior(generator, site.grid, data), TemperedSMC(particles=draws), seed=1, listener=Printer())

    sand, low, high = inside(run, 1), 0.3 * cells, 0.7 * cells
    pit = within_polygon(site.grid, [[low, low], [high, low], [high, high], [low, high]])
    target = volume(site.grid, sand, pit)
    truth = volume(site.grid, site.truth[None] == 1, pit)[0]
    print(f"sand in the pit: {quantiles(target).words('m²')}; in truth {truth:.0f} m²")
    places = site.grid.centres(np.indices(site.grid.shape).reshape(2, -1).T)
    worth = target_worth(site.grid, run.realizations, target, places)
    print(
        f"drill at x {worth.best[0]:.1f} m, y {worth.best[1]:.1f} m: the variance is expected to fall by "
        f"{100 * worth.relative.max():.0f} %"
    )

    told = np.clip(worth.relative, 0, None).reshape(site.grid.shape)
    panels = [
        Panel("truth and boreholes", site.truth),
        Panel("probability of sand", sand.mean(axis=0), "share of draws"),
        Panel("worth of a hole for the pit", told, "share of the variance", largest=float(told.max()) or 1.0),
        *some_draws(run, 1),
    ]
    draw(output / "drill.png", panels, site, outline=(low, low, high, high), star=worth.best)
    return worth


if __name__ == "__main__":
    main()
