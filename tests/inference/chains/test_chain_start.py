"""Where chains start: at draws of the prior that were taken by their likelihood."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import norm

from latentinv import BlockMeans, Grid, Posterior
from latentinv.inference.chains._chain_start import likely_draws
from latentinv.pytrees import pytree, replace
from tests.problems import LinearPrior

CHAINS, CANDIDATES = 4000, 32
ALARM = 1e-4
"""Rate of false alarms of each test."""


@pytree("matrix")
class _HalfPrior(LinearPrior):
    """Whose fields are no numbers for negative latents."""

    def generate(self, z, grid):
        return jnp.where(z < 0, jnp.nan, z).reshape(grid.shape)


def _posterior(observed):
    grid = Grid((1, 1))
    blocks = [BlockMeans(grid, [[0.0, 0.0]], [[1.0, 1.0]], [observed], 0.5, None)] if observed is not None else []
    return Posterior(LinearPrior(np.eye(1)), grid, blocks)


def _starts(posterior, candidates=CANDIDATES):
    return np.asarray(likely_draws(posterior, jax.random.key(3), (CHAINS, candidates)))[:, 0]


@pytest.mark.parametrize(("observed", "candidates"), [(None, CANDIDATES), (1.0, 1)])
def test_that_without_data_or_choice_starts_are_draws_of_the_prior(observed, candidates):
    starts = _starts(_posterior(observed), candidates)
    bound = norm.isf(ALARM / 4) / np.sqrt(CHAINS)
    assert abs(starts.mean()) < bound
    assert abs(np.mean(starts**2) - 1) < np.sqrt(2) * bound


def test_that_starts_lie_as_the_choice_among_a_few_draws_by_their_likelihood_says():
    # Independent reference: the same choice by NumPy, from other random numbers.
    starts, rng = _starts(_posterior(1.0)), np.random.default_rng(0)
    z = rng.standard_normal((100_000, CANDIDATES))
    weights = np.exp(-0.5 * ((z - 1.0) / 0.5) ** 2)
    mean = np.mean(np.sum(weights * z, axis=1) / weights.sum(axis=1))
    assert 0.7 < mean < 0.8  # the posterior's is 0.8
    assert abs(starts.mean() - mean) < norm.isf(ALARM / 2) * starts.std() / np.sqrt(CHAINS) + 0.003


def test_that_fields_that_are_no_numbers_are_no_starts():
    posterior = replace(_posterior(1.0), prior=_HalfPrior(np.eye(1)))
    assert (_starts(posterior) >= 0).all()
