"""Condition a prior of meandering channels to 49 boreholes and 8 block means, and compare with the truth.

Writes to output/: wells.csv and blocks.csv (the data), demo.h5 (the run) and demo.png (the picture).
"""

import time
from pathlib import Path

import numpy as np
from common import OUTPUT, Panel, Printer, Site, draw, make_site, some_draws

from latentinv import BlockMeans, HardData, Posterior, Run, TemperedSMC, load_prior, sample
from latentinv.inference import realize


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
    seconds = time.perf_counter() - begun
    if "infeasible_data" in run.results:
        raise SystemExit("The data could not be met:\n" + "\n".join(run.results["infeasible_data"]))
    show_table(run, site, seconds)
    for sentence in run.results.get("warnings", []):
        print(f"Warning: {sentence}")
    draw(output / "demo.png", panels(run, site), site.wells)
    print(f"\nrun      {file}\npicture  {output / 'demo.png'}")
    return run


def show_table(run: Run, site: Site, seconds: float) -> None:
    """Print what was honoured, and how near the draws come to the truth."""
    wells, blocks = zip(*run.reports(), strict=True)
    honoured = min(report.fulfilled for report in wells)
    within = np.mean([report.fulfilled for report in blocks])
    latents = np.random.default_rng(0).standard_normal(run.latents.shape).astype(np.float32)
    unconditional = realize(run.posterior, latents)
    rows = {
        "borehole pixels honoured in every draw": f"{honoured} of {wells[0].total}",
        "block means within two sd, mean over draws": f"{within:.1f} of {blocks[0].total}",
        "distinct draws": f"{len(np.unique(run.realizations, axis=0))} of {len(run.realizations)}",
        "log-evidence": f"{run.results['log_evidence']:.1f}",
        "seconds": f"{seconds:.0f}",
        "cells right, by the posterior mean": f"{100 * share_right(run.realizations, site):.1f} %",
        "cells right, by the prior mean": f"{100 * share_right(unconditional, site):.1f} %",
    }
    print()
    for name, value in rows.items():
        print(f"{name:44s}{value:>12s}")


def share_right(facies: np.ndarray, site: Site) -> float:
    """Share of cells where the more frequent facies of the draws is the true one."""
    return float(np.mean((facies.mean(axis=0) > 0.5) == site.truth))


def panels(run: Run, site: Site) -> list[Panel]:
    """Truth, mean, standard deviation and five draws."""
    mean, deviation = run.realizations.mean(axis=0), run.realizations.std(axis=0)
    return [
        Panel("truth and boreholes", site.truth),
        Panel("posterior mean", mean),
        Panel("standard deviation", deviation, largest=0.5),
        *some_draws(run, 5),
    ]


if __name__ == "__main__":
    main()
