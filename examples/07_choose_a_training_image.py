"""07 Which training image: let the data decide between two stories of the ground.

The choice of a training image is the strongest assumption of all, and it is usually made before any datum is looked at.
The evidence, the probability of the data under a prior, can compare such choices: a prior whose fields seldom agree
with the boreholes has little. Two stories are told here: channels along x (`meanders`), and lenses with the same share
of sand, the Gaussian field of a plurigaussian prior, cut at a level. The boreholes are those of a channel. `sample`
estimates the logarithm of the evidence with some scatter, so each run is repeated with other seeds, and the comparison
says whether the difference is larger than its standard error. Another trained prior takes the place of either in the
same way. Boreholes far apart say little of shapes, and then the sentence is that the two cannot be ranked.

Writes output/evidence.png: the truth, and a field of each prior with its log-evidence.
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
)
from latentinv.calibration import EvidenceComparison, compare_evidence


def main(
    particles: int = 64, replicates: int = 3, cells: int = 64, prior: str = "meanders", output: Path = OUTPUT
) -> EvidenceComparison:
    """Make two posteriors of the same boreholes, and rank them."""
    site = make_site(output, cells)
    rule = TruncationRule(Cut(0, 0, 1), {0: 0.7, 1: 0.3})
    lenses = PlurigaussianPrior([SpectralPrior(Covariance("gaussian", 12.0), waves=128)], rule)
    models = {}
    for name, one in {"channels": load_prior(prior), "lenses": lenses}.items():
        models[name] = Posterior(one, site.grid, [HardData.from_csv(site.wells, site.grid, one)])
    found = compare_evidence(models, TemperedSMC(particles=particles), replicates=replicates, on_run=print)
    print(found.sentence())

    panels = [Panel("truth and boreholes", site.truth)]
    for name, evidence, error, *_ in found.models:
        model = models[name].prior
        z = np.random.default_rng(1).standard_normal(model.latent_size(site.grid), np.float32)
        field = np.asarray(model.facies(models[name].field(z)))
        panels.append(Panel(f"{name}: log-evidence {evidence:.1f} ± {error:.1f}", field))
    draw(output / "evidence.png", panels, site)
    return found


if __name__ == "__main__":
    main()
