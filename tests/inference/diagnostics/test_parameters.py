"""Unknown numbers of a prior before and after the data, in words, in tables and in the report."""

from types import SimpleNamespace

import numpy as np
import pytest

from latentinv import (
    BlockMeans,
    CholeskyPrior,
    Covariance,
    Grid,
    LogNormal,
    MixturePrior,
    Posterior,
    UncertainGaussianPrior,
)
from latentinv.inference.diagnostics import inferred
from latentinv.inference.diagnostics._functionals import functionals
from latentinv.report._unknowns import unknowns
from tests.problems import recorded

GRID = Grid((3, 4))
DATA = BlockMeans(GRID, np.zeros((1, 2)), np.ones((1, 2)), np.zeros(1), np.ones(1), None)


def run_with(prior, scores):
    """A run whose draws have these first latents, and zeros behind them."""
    posterior = Posterior(prior, GRID, [DATA])
    latents = np.zeros((len(scores), posterior.latent_size), np.float32)
    latents[:, 0] = scores
    return recorded(posterior, latents)


@pytest.fixture(scope="module")
def ranged():
    return run_with(UncertainGaussianPrior("exponential", LogNormal(4.0, 0.5)), np.linspace(0.9, 1.1, 41))


def test_that_a_range_is_given_before_and_after_the_data(ranged):
    """The prior's quantiles are within four standard errors of 2 000 draws, at most 0.24 in the upper tail."""
    (found,) = inferred(ranged)
    assert found.name == "range (m)"
    assert found.words()[0] == "6.59 (6.3 to 6.9)"
    expected = 4 * np.exp(0.5 * np.array([-1.645, 0, 1.645]))
    np.testing.assert_allclose(np.quantile(found.before, (0.05, 0.5, 0.95)), expected, rtol=0.1)
    np.testing.assert_allclose(functionals(ranged)["range (m)"].ravel(), found.after)


def test_that_the_report_has_a_table_and_a_histogram_of_it(ranged):
    (section,) = unknowns(SimpleNamespace(run=ranged, spread_counts=True))
    assert "6.59 (6.3 to 6.9)" in section.body
    assert section.body.count("<img") == 1
    assert unknowns(SimpleNamespace(run=ranged, spread_counts=False)) == []


def test_that_a_scenario_is_given_as_a_probability():
    prior = MixturePrior([CholeskyPrior(Covariance("exponential", 4.0), mean=m) for m in (0, 1)], (0.25, 0.75))
    found = inferred(run_with(prior, np.repeat([-2.0, 2.0], [12, 8])))
    assert [one.words()[0] for one in found] == ["60 %", "40 %"]
    assert all(one.is_choice for one in found)
    np.testing.assert_allclose([one.before.mean() for one in found], [0.25, 0.75], atol=0.04)


def test_that_most_priors_have_none():
    assert inferred(run_with(CholeskyPrior(Covariance("exponential", 4.0)), [0.0, 1.0])) == []
