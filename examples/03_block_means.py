"""03 Block means: data that are averages, and what they say of places where nothing was measured.

A pumping test, a geophysical survey or a mine's production tells the share of sand in a volume, not the facies of a
cell. Such a datum has a *support*, the box that it averages over, and an error. It is compared with the mean of the
thresholded field over this box, so that no cell is forced to be anything, and all fields with the right share remain
possible. There are no boreholes here: every other one of 16 boxes is known to 0.05. The other eight are predicted. The
table gives P10 and P90 of their shares over the draws, beside the truth: channels cross from a known box to the next,
so that the known ones narrow what the others can hold, but not by much.

Writes output/blocks.png.
"""

from pathlib import Path

import numpy as np
from common import OUTPUT, Panel, Printer, draw, make_site, some_draws

from latentinv import BlockMeans, Posterior, Run, TemperedSMC, load_prior, sample
from latentinv.decisions import inside, quantiles, share, within_polygon


def main(draws: int = 64, cells: int = 64, prior: str = "meanders", output: Path = OUTPUT) -> Run:
    """Condition to block means alone, and predict the boxes between them."""
    site = make_site(output, cells)
    generator = load_prior(prior)
    blocks = BlockMeans.from_csv(site.blocks, site.grid, generator)
    run = sample(Posterior(generator, site.grid, [blocks]), TemperedSMC(particles=draws), seed=1, listener=Printer())
    print(run.reports()[0][0].sentence)

    sand, size = inside(run, 1), cells / 4
    print("\nboxes without data   P10   P90  truth")
    for row, column in np.argwhere(np.indices((4, 4)).sum(axis=0) % 2 == 1):
        corners = size * np.add([column, row], [[0, 0], [1, 0], [1, 1], [0, 1]])
        box = within_polygon(site.grid, corners)
        known, truth = quantiles(share(sand, box)), np.mean(site.truth[box])
        print(f"x {corners[0, 0]:3.0f} m, y {corners[0, 1]:3.0f} m   {known.p10:.2f}  {known.p90:.2f}   {truth:.2f}")

    mean = Panel("probability of sand", sand.mean(axis=0), "share of draws")
    draw(output / "blocks.png", [Panel("truth and blocks", site.truth), mean, *some_draws(run, 2)], site, boxes=True)
    print(f"\npicture  {output / 'blocks.png'}")
    return run


if __name__ == "__main__":
    main()
