"""Couple a forward model of your own: ten lines of JAX, gradients included.

Radar waves cross the site along every eighth row and column of cells; their travel times show what boreholes miss.
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

    run = sample(
        Posterior(generator, site.grid, [wells, times]), TemperedSMC(particles=particles), seed=1, listener=Printer()
    )
    for reports in run.reports()[:: len(run.latents) // 3]:
        print("; ".join(f"{report.name}: {report.sentence}" for report in reports))

    mean = Panel("posterior mean", np.mean(run.realizations, axis=0))
    draw(output / "own_function.png", [Panel("truth and boreholes", site.truth), mean, *some_draws(run, 6)], site.wells)
    print(f"\npicture  {output / 'own_function.png'}")
    return run


if __name__ == "__main__":
    main()
