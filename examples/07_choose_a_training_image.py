"""07 Which training image: let the data decide between two stories of the ground.

The choice of a training image is the strongest assumption of all, and it is usually made before any datum is looked at.
The evidence, the probability of the data under a prior, can compare such choices: a prior whose fields seldom agree
with the boreholes has little. Two stories are told here: channels along x (`meanders`), and lenses with the same share
of sand, the Gaussian field of a plurigaussian prior, cut at a level. The boreholes are those of a channel. `sample`
estimates the logarithm of the evidence with some scatter, so each run is repeated with other seeds, and the comparison
says whether the difference is larger than its standard error. Another trained prior takes the place of either in the
same way. Boreholes far apart say little of shapes, and then the sentence is that the two cannot be ranked.

Writes output/evidence.png: a draw of each posterior, and the log-evidence of each run.
"""

from pathlib import Path

import numpy as np
from common import OUTPUT, Panel, draw, make_site

from latentinv import (
    Covariance,
    Cut,
    HardData,
    PlurigaussianPrior,
    Posterior,
    SpectralPrior,
    TemperedSMC,
    TruncationRule,
    load_prior,
    sample,
)
from latentinv.calibration import EvidenceComparison, compare_evidence


def main(
    particles: int = 64, replicates: int = 3, cells: int = 64, prior: str = "meanders", output: Path = OUTPUT
) -> EvidenceComparison:
    """Make two posteriors of the same boreholes, and rank them."""
    site = make_site(output, cells)
    bodies = SpectralPrior(Covariance("gaussian", 12.0), waves=128)
    lenses = PlurigaussianPrior([bodies], TruncationRule(Cut(0, 0, 1), {0: 0.7, 1: 0.3}))
    priors = {"channels": load_prior(prior), "lenses": lenses}
    posteriors = {
        name: Posterior(one, site.grid, [HardData.from_csv(site.wells, site.grid, one)]) for name, one in priors.items()
    }
    algorithm = TemperedSMC(particles=particles)
    found = compare_evidence(
        posteriors, algorithm, replicates=replicates, on_run=lambda name, value: print(name, value, flush=True)
    )
    print(found.sentence())
    panels = [Panel("truth and boreholes", site.truth)]
    for model in found.models:
        one = sample(posteriors[model.name], algorithm, seed=0)
        title = f"{model.name}: log-evidence {model.log_evidence:.1f} ± {model.standard_error:.1f}"
        panels.append(Panel(title, one.realizations[0] if len(one.realizations) else np.zeros(site.grid.shape)))
    draw(output / "evidence.png", panels, site)
    return found


if __name__ == "__main__":
    main()
