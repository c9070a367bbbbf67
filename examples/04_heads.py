"""04 Heads: groundwater levels, which also tell of the ground between the boreholes.

Sand conducts a hundred times better than clay. Water flows from a head of 10 m in the west to 9 m in the east, and a
well pumps 1 litre a second in the middle. Heads in 16 of the boreholes are known to 1 cm. The forward model solves the
flow through each field that is proposed, and its gradient comes with it. A head depends on the whole path of the water:
it tells whether a channel connects a borehole to the boundary or to the pumped well, which no borehole sees. Beside
the boreholes alone the probability map is sharper where a connection decides, and unchanged where water hardly moves.

Writes output/heads.png.
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
    fixed, pumping = np.full(site.grid.shape, np.nan), np.zeros(site.grid.shape)
    fixed[:, 0], fixed[:, -1] = 10.0, 9.0
    pumping[cells // 2, cells // 2] = -1e-3
    places = site.grid.centres(wells.cells[:: max(1, wells.count // 16)][:16])
    flow = SteadyFlow(Aquifer(site.grid, fixed, pumping), places)

    conductivity = FaciesProperty(generator.facies_model, (1e-4, 1e-2), mean="geometric")  # m/s, clay and sand
    exact = flow.predict(jnp.asarray(np.where(site.truth == 1, 1e-2, 1e-4), jnp.float32))
    observed = exact + HEAD_SD * jax.random.normal(jax.random.key(5), exact.shape)
    heads = IndirectData(site.grid, flow, observed, HEAD_SD, property=conductivity, name="heads", unit="m")
    posterior = Posterior(generator, site.grid, [wells, heads])
    run = sample(posterior, TemperedSMC(particles=particles), seed=1, listener=Printer())

    for reports in run.reports()[:: len(run.latents) // 3]:
        print("; ".join(f"{report.name}: {report.sentence}" for report in reports))
    sand = np.mean(run.realizations, axis=0)
    print(f"\ncells right, by the more frequent facies  {100 * np.mean((sand > 0.5) == site.truth):.1f} %")
    mean = Panel("probability of sand", sand, "share of draws")
    draw(output / "heads.png", [Panel("truth and boreholes", site.truth), mean, *some_draws(run, 6)], site)
    print(f"picture  {output / 'heads.png'}")
    return run


if __name__ == "__main__":
    main()
