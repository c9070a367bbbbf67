"""01 A first conditioning: 49 boreholes and 8 block means, and how near the draws come to the truth.

A site is invented by the simulator whose images the prior `meanders` has learned; the prior has never seen it. Each
borehole says which facies it met, each block mean how much sand there is in a box, within 0.05. Conditioning gives
draws: fields that honour every borehole, agree with the block means within their error, and otherwise look like the
training image. What all draws share is known; where they differ the ground is unknown, and the standard deviation says
how much. The table compares the share of cells that the draws get right with that of fields that know nothing of the
site. Sampling takes some minutes; the progress lines show the way from the prior (inverse temperature 0) to the
posterior.

Writes to output/: wells.csv and blocks.csv (the data), demo.h5 (the run) and demo.png (the picture).
"""

import time
from pathlib import Path

from common import OUTPUT, Panel, Printer, draw, make_site, show_table, some_draws

from latentinv import BlockMeans, HardData, Posterior, Run, TemperedSMC, load_prior, sample


def main(draws: int = 64, cells: int = 96, prior: str = "meanders", output: Path = OUTPUT) -> Run:
    """Make the site, condition, and show what came out."""
    site = make_site(output, cells)
    generator = load_prior(prior)
    wells = HardData.from_csv(site.wells, site.grid, generator)
    blocks = BlockMeans.from_csv(site.blocks, site.grid, generator)
    posterior = Posterior(generator, site.grid, [wells, blocks])
    print(f"{draws} draws on {cells} × {cells} cells: {wells.count} boreholes, {blocks.count} block means")

    file = output / "demo.h5"
    file.unlink(missing_ok=True)  # a run file is never overwritten, so an earlier demo's must go first
    begun = time.perf_counter()
    run = sample(posterior, TemperedSMC(particles=draws), seed=1, output=file, listener=Printer())
    show_table(run, site, time.perf_counter() - begun)

    sand = run.realizations == 1
    mean = Panel("probability of sand", sand.mean(axis=0), "share of draws")
    deviation = Panel("standard deviation", sand.std(axis=0), "standard deviation", largest=0.5)
    draw(output / "demo.png", [Panel("truth and boreholes", site.truth), mean, deviation, *some_draws(run, 5)], site)
    print(f"\nrun      {file}\npicture  {output / 'demo.png'}")
    return run


if __name__ == "__main__":
    main()
