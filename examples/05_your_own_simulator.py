"""05 Your own simulator: a function of ten lines of JAX, gradients included.

Whatever predicts data from a property of the ground can condition it. If the prediction can be written in JAX, a
function is enough: it takes the property of every cell, `[row, column]` with row 0 in the south, and returns one number
per datum. Gradients, compilation and batches follow. Here radar waves cross the site along every eighth row and column
of cells, and their travel times, known to 1 ns, show what boreholes miss. `FaciesProperty` says which velocity each
facies has. The scripts 13 and 14 couple a simulator that is a Python class without JAX, and one that is a program with
files.

Writes output/own_function.png.
"""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from common import OUTPUT, Panel, Printer, draw, make_site, some_draws
from jaxtyping import Array, Float

from latentinv import FaciesProperty, HardData, IndirectData, Posterior, Run, TemperedSMC, load_prior, sample

SD = 1.0  # ns


def travel_times(velocity: Float[Array, "row column"]) -> Float[Array, "datum"]:
    """Nanoseconds along every eighth row and column, from velocities in m/ns of cells of 1 m."""
    slowness = 1 / velocity
    return jnp.concatenate([slowness[4::8].sum(axis=1), slowness[:, 4::8].sum(axis=0)])


def main(particles: int = 32, cells: int = 64, prior: str = "meanders", output: Path = OUTPUT) -> Run:
    """Make the site and its travel times, sample, and show what the times add."""
    site = make_site(output, cells)
    generator = load_prior(prior)
    wells = HardData.from_csv(site.wells, site.grid, generator)
    velocity = FaciesProperty(generator.facies_model, (0.08, 0.06))  # m/ns, clay and sand
    exact = travel_times(jnp.where(site.truth == 1, 0.06, 0.08))
    observed = exact + SD * jax.random.normal(jax.random.key(5), exact.shape)
    times = IndirectData(site.grid, travel_times, observed, SD, property=velocity, name="travel times", unit="ns")
    posterior = Posterior(generator, site.grid, [wells, times])
    run = sample(posterior, TemperedSMC(particles=particles), seed=1, listener=Printer())

    for reports in run.reports()[:: len(run.latents) // 3]:
        print("; ".join(f"{report.name}: {report.sentence}" for report in reports))
    mean = Panel("probability of sand", np.mean(run.realizations, axis=0), "share of draws")
    draw(output / "own_function.png", [Panel("truth and boreholes", site.truth), mean, *some_draws(run, 6)], site)
    print(f"\npicture  {output / 'own_function.png'}")
    return run


if __name__ == "__main__":
    main()
