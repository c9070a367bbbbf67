"""Condition channels to boreholes and to groundwater heads, which also inform about the ground between the boreholes.

Sand conducts a hundred times better than clay; water flows from west to east and a well pumps in the middle. Heads in
16 of the boreholes are known to 1 cm. Writes output/heads.png.
"""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from common import OUTPUT, Panel, Printer, draw, make_site, some_draws

from latentinv import FaciesProperty, HardData, IndirectData, Posterior, Run, TemperedSMC, load_prior, sample
from latentinv.forward import Aquifer, SteadyFlow

HEAD_SD = 0.01


def main(particles: int = 32, cells: int = 64, prior: str = "meanders", output: Path = OUTPUT) -> Run:
    """Make the site and its heads, sample, and show what the heads add."""
    site = make_site(output, cells)
    generator = load_prior(prior)
    wells = HardData.from_csv(site.wells, site.grid, generator)

    fixed = np.full(site.grid.shape, np.nan)
    fixed[:, 0], fixed[:, -1] = 10.0, 9.0
    sources = np.zeros(site.grid.shape)
    sources[cells // 2, cells // 2] = -1e-3
    places = site.grid.centres(wells.cells[:: max(1, wells.count // 16)][:16])
    flow = SteadyFlow(Aquifer(site.grid, fixed, sources), places)

    conductivity = FaciesProperty(generator.facies_model, (1e-4, 1e-2), mean="geometric")  # m/s, clay and sand
    exact = flow.predict(jnp.asarray(np.where(site.truth == 1, 1e-2, 1e-4), jnp.float32))
    observed = exact + HEAD_SD * jax.random.normal(jax.random.key(5), exact.shape)
    heads = IndirectData(site.grid, flow, observed, HEAD_SD, property=conductivity, name="heads", unit="m")

    run = sample(
        Posterior(generator, site.grid, [wells, heads]), TemperedSMC(particles=particles), seed=1, listener=Printer()
    )
    for reports in run.reports()[:: len(run.latents) // 3]:
        print("; ".join(f"{report.name}: {report.sentence}" for report in reports))
    right = np.mean((np.mean(run.realizations, axis=0) > 0.5) == site.truth)
    print(f"\ncells right, by the posterior mean  {100 * right:.1f} %")

    mean = Panel("posterior mean", np.mean(run.realizations, axis=0))
    draw(output / "heads.png", [Panel("truth and boreholes", site.truth), mean, *some_draws(run, 6)], site.wells)
    print(f"picture  {output / 'heads.png'}")
    return run


if __name__ == "__main__":
    main()
