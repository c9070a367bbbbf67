"""16 Three dimensions: vertical and inclined boreholes in a sandy delta with a vertical curve of proportions.

There is no training image here. Sand bodies are truncated from a Gaussian field, 40 m long, 14 m wide and 4 m thick,
and their share is a vertical curve: a tenth of the lowest layer, half of the highest. A borehole is a collar, a survey
and logged intervals, which `read_boreholes` also reads from the tables of a geological database; two of these are
vertical, and the third one, 70 degrees from the vertical, ends 38 m farther east. Each cell that a hole crosses gets
the facies that is the longest in it, and every draw has it there. The picture shows three draws, from outside and in
slices: clay is left transparent, and dots are the logged cells, in the colours of what was seen. `latentinv report
output/delta.h5 --output delta.html` writes the page of the run.

Writes output/delta.h5 and output/delta.png.
"""

from pathlib import Path

import jax
import numpy as np
from common import OUTPUT, Printer

from latentinv import Covariance, Cut, Grid, HardData, PlurigaussianPrior, Posterior, Run, TruncationRule, sample
from latentinv.data import Borehole, log_cells
from latentinv.inference import TemperedSMC
from latentinv.plotting import plot_volumes
from latentinv.priors import SpectralPrior

HOLES = {"A": (12.5, 14.5, 0.0, 16), "B": (40.5, 34.5, 0.0, 16), "C": (8.5, 38.5, 70.0, 40)}
"""x, y, inclination and length of each hole."""


def main(draws: int = 48, waves: int = 512, output: Path = OUTPUT) -> Run:
    """Condition a delta to three boreholes, one of them inclined."""
    grid, rule = Grid((16, 48, 48)), TruncationRule(Cut(0, 0, 1), {0: 0.7, 1: 0.3})
    field = SpectralPrior(Covariance("gaussian", (40.0, 14.0, 4.0), azimuth=70.0), ndim=3, waves=waves)
    delta = PlurigaussianPrior([field], rule).named(("clay", "sand"))
    prior = delta.given(proportions={"sand": np.linspace(0.1, 0.5, 16)})
    z = jax.random.normal(jax.random.key(4), (prior.latent_size(grid),))
    truth = np.asarray(prior.facies(prior.generate(z, grid)))

    holes = []
    for name, (x, y, inclination, length) in HOLES.items():
        depths, survey = np.arange(length, dtype=float), np.array([[0.0, inclination, 95.0]])
        hole = Borehole(name, (x, y, 16.0), survey, np.stack([depths, depths + 1], axis=1), np.zeros(length, int))
        middles = grid.cells(hole.places(depths + 0.5, downward=-1.0))
        holes.append(hole._replace(facies=truth[tuple(middles.T)]))
    log = log_cells(holes, grid, facies_model=prior.facies_model)
    wells = HardData(grid, log.coordinates, log.facies, prior.facies_model, labels=log.labels)

    output.mkdir(parents=True, exist_ok=True)
    (output / "delta.h5").unlink(missing_ok=True)
    posterior, smc = Posterior(prior, grid, [wells]), TemperedSMC(particles=draws)
    run = sample(posterior, smc, seed=1, output=output / "delta.h5", listener=Printer())
    print(run.reports()[0][0].sentence)
    shown = run.realizations[np.linspace(0, len(run.realizations) - 1, 3).astype(int)]
    plot_volumes(shown, grid, output / "delta.png", categories=(0, 1), labels=("clay", "sand"), marks=wells.marks())
    return run


if __name__ == "__main__":
    main()
