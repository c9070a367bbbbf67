"""Which algorithm suits a posterior, and why.

- Nothing to condition to, or Gaussian and linear: Laplace's approximation is exact, and its draws are independent.
- Gaussian and linear, but with too many data and latents for one matrix: no-U-turn chains, since there is only one
  mode.
- Gradients: adaptive tempered SMC, which passes between modes and ends on the thresholded facies. Where bodies come and
  go as wholes, its moves are local ones.
- No gradients: the same, moved by random walks.
"""

from typing import Any, NamedTuple

import jax

from latentinv.inference.approximate import Laplace
from latentinv.inference.chains import NUTS
from latentinv.inference.core import AbstractAlgorithm, linear_gaussian
from latentinv.inference.tempering import TemperedSMC
from latentinv.posterior import Posterior

LARGEST_MATRIX = 2**25
"""Largest number of entries of a matrix of data by latents that is decomposed in memory: 128 MiB."""
BATCH_CELLS = 2**20
"""Largest number of cells, over all fields of a batch, whose gradients a CPU's machine holds in memory at once."""

REDRAWING: dict[str, Any] = {"local_moves": 16, "moves": 0}
"""Settings of `smc` for a prior whose derivatives tell little."""


class Choice(NamedTuple):
    """An algorithm, and the reason for its choice."""

    algorithm: AbstractAlgorithm
    reason: str
    """A sentence."""


def choose_algorithm(posterior: Posterior) -> Choice:
    """Choose an algorithm for a posterior; pass the choice, or its algorithm, to `sample`.

    Cost: five predictions, or none where the noise is not Gaussian.
    """
    if not posterior.observations:
        return _chosen(Laplace(starts=1), "without data the posterior is the prior, which it draws from exactly")
    if posterior.has_gradient and linear_gaussian(posterior):
        size = f"{posterior.count} data and {posterior.latent_size} latents"
        if posterior.count * posterior.latent_size <= LARGEST_MATRIX:
            why = f"predictions are linear and all noise is Gaussian ({size}), so its independent draws are exact"
            return _chosen(Laplace(starts=1), why)
        why = f"predictions are linear and all noise is Gaussian, so there is one mode, but {size} are too many for "
        return _chosen(NUTS(), f"{why}one matrix")
    return _tempered(posterior)


def _tempered(posterior: Posterior) -> Choice:
    together = max(1, min(TemperedSMC.usual_batch, BATCH_CELLS // posterior.grid.size))
    if not posterior.has_gradient:
        blind = ", ".join(f"'{o.name}'" for o in posterior.observations if not o.has_gradient)
        lacking = f"the forward model of {blind}" if blind else "the prior"
        why = (
            f"{lacking} has no gradients, and 'smc' needs none to pass between modes; 'es_mda' runs "
            "it far less often, but is approximate and may miss wells"
        )
    elif posterior.honoured is not None:
        why = "its prior is made to honour the certain wells, and it weighs fields by how likely that was without"
    elif posterior.certain:
        why = "it ends on the thresholded facies, so that every draw honours the certain wells"
    elif posterior.target == "thresholded":
        why = "it ends on the thresholded facies and passes between the modes that a posterior of facies has"
    else:
        why = "predictions are not linear with Gaussian noise, so there may be several modes, between which it passes"
    few = jax.default_backend() == "cpu" and together < TemperedSMC.usual_batch
    if few:
        why += f"; {posterior.grid.size} cells are many, so it works on {together} at a time"
    batch_size = together if few else 0
    if posterior.prior.stepwise:
        why += (
            "; in fields of its prior whole bodies appear or vanish at once, so it redraws windows instead of "
            "following gradients"
        )
        return _chosen(TemperedSMC(**REDRAWING, batch_size=batch_size), why)
    return _chosen(TemperedSMC(batch_size=batch_size), why)


def _chosen(algorithm: AbstractAlgorithm, why: str) -> Choice:
    return Choice(algorithm, f"'{algorithm.name}' was chosen: {why}.")
