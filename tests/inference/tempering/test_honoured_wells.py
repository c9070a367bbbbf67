"""Sequential Monte Carlo with a prior that honours wells by itself: evidence and fields are those of rejection."""

import jax
import numpy as np
import pytest

from latentinv import Grid, HardData, Posterior, sample
from latentinv.inference import TemperedSMC
from latentinv.posterior import map_batched
from tests.problems import generate, random_sequential_prior

MANY, PARTICLES = 40_000, 512


@pytest.mark.parametrize(
    ("kind", "moves"),
    [({"windows": (1, 1)}, 1), ({"windows": (1, 0), "blocks": 1}, 0), ({"windows": (1, 1), "sees": True}, 0)],
    ids=["cells", "blocks", "seen"],
)
def test_that_draws_and_evidence_are_those_of_rejection(kind, moves):
    prior, grid = random_sequential_prior(**kind), Grid((4, 6))
    truth = np.asarray(
        prior.facies(generate(prior, jax.random.normal(jax.random.key(9), (prior.latent_size(grid),)), grid))
    )
    cells = np.array([[0, 1], [1, 1], [3, 4], [2, 5], [3, 5]])
    wells = HardData(grid, grid.centres(cells), truth[tuple(cells.T)], prior.facies_model)
    latents = jax.random.normal(jax.random.key(1), (MANY, prior.latent_size(grid)))
    own = np.asarray(map_batched(lambda z: prior.facies_model.index(prior.generate(z, grid)), latents, 500))
    kept = own[np.all(own[(slice(None), *cells.T)] == wells.observed, axis=1)]
    assert len(kept) > 300
    run = sample(Posterior(prior, grid, [wells]), TemperedSMC(particles=PARTICLES, local_moves=6, moves=moves), seed=3)
    np.testing.assert_array_equal(run.realizations[(slice(None), *cells.T)], np.tile(wells.codes, (PARTICLES, 1)))
    np.testing.assert_array_equal(run.predicted["wells"], 1)
    # Resampled particles are not independent: a quarter of them are counted; five standard errors for 24 cells.
    expected, found = (kept == 1).mean(axis=0), (run.realizations == 1).mean(axis=0)
    spread = np.sqrt(expected * (1 - expected) * (1 / len(kept) + 4 / PARTICLES)) + 1 / len(kept)
    assert np.all(np.abs(found - expected) < 5 * spread)
    if not moves:
        assert run.results["gradients"] == 0
        assert run.results["forward_runs"] == PARTICLES * (2 + 6 * run.results["levels"])  # two populations first
    share = len(kept) / MANY
    assert run.results["log_evidence"] == pytest.approx(np.log(share), abs=5 * np.sqrt(1 / len(kept) + 4 / PARTICLES))
