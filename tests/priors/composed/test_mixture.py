"""Mixtures: the choice by its latent, fields of the chosen component, and the probability of a scenario given data."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from latentinv import (
    BlockMeans,
    CholeskyPrior,
    Covariance,
    EllipticalSlice,
    Grid,
    InputError,
    MixturePrior,
    Posterior,
    SpectralPrior,
    sample,
)
from latentinv.inference.core import check_algorithm
from latentinv.inference.diagnostics import parameters
from latentinv.inference.run import choose_algorithm, make_algorithm
from latentinv.priors import FaciesModel, prior_from_record
from tests.problems import random_generator_prior

GRID = Grid((3, 4))
COVARIANCE = Covariance("exponential", 6.0)
PARTS = (CholeskyPrior(COVARIANCE, mean=-2.0), SpectralPrior(COVARIANCE, waves=16, mean=1.0))
CUT = CholeskyPrior(COVARIANCE, facies_model=FaciesModel((0, 1), (0.0,)))
PRIOR = MixturePrior(PARTS, (0.3, 0.7), names=("low", "high"))


def test_that_the_first_latent_chooses_and_the_others_are_shared():
    others = np.random.default_rng(0).standard_normal(32).astype(np.float32)
    edge = stats.norm.ppf(0.3)
    for first, part in ((edge - 1e-3, PARTS[0]), (edge + 1e-3, PARTS[1])):
        z = jnp.asarray(np.concatenate([[first], others]), jnp.float32)
        own = others[: part.latent_size(GRID)]
        np.testing.assert_allclose(PRIOR.generate(z, GRID), part.generate(own, GRID), atol=1e-5)
    assert PRIOR.latent_size(GRID) == 33


def test_that_each_component_has_its_probability_over_draws():
    """Of 40 000 draws; four standard deviations of the share, a false-alarm rate of 6e-5."""
    z = jax.random.normal(jax.random.key(0), (40_000, 1))
    found = jax.vmap(lambda z: PRIOR.parameters(z, GRID))(z)
    shares = [float(found[f"is {name}"].mean()) for name in PRIOR.names]
    np.testing.assert_allclose(shares, PRIOR.weights, atol=4 * np.sqrt(0.21 / 40_000))


def test_that_it_is_read_from_its_file():
    again = prior_from_record(PRIOR.to_record())
    assert again.fingerprint() == PRIOR.fingerprint()
    assert (again.names, again.weights) == (PRIOR.names, PRIOR.weights)


def test_that_facies_can_be_named():
    named = MixturePrior([random_generator_prior(0), random_generator_prior(1)]).named(("clay", "sand"))
    assert [one.facies_model.names for one in (named, *named.components)] == [("clay", "sand")] * 3


def test_that_algorithms_with_gradients_refuse_it_and_another_is_chosen():
    grid = Grid((3, 4))
    data = BlockMeans(grid, np.array([[0.0, 0.0]]), np.array([[1.0, 1.0]]), np.array([0.5]), np.array([0.3]), None)
    posterior = Posterior(PRIOR, grid, [data])
    with pytest.raises(InputError, match="'nuts' needs gradients, but the prior has none, as its fields jump"):
        check_algorithm(make_algorithm("nuts", {}), posterior)
    choice = choose_algorithm(posterior)
    assert choice.algorithm.name == "smc"
    assert "the prior has no gradients" in choice.reason
    assert choose_algorithm(Posterior(PRIOR, grid, [])).algorithm.name == "laplace"


def test_that_the_probability_of_a_scenario_is_that_of_the_exact_evidence():
    """Elliptical slices over two Gaussian scenarios: 40 chains, Student's t, a false-alarm rate of 1e-4."""
    prior = MixturePrior([CholeskyPrior(COVARIANCE, mean=m) for m in (-0.8, 0.8)], (0.5, 0.5), names=("low", "high"))
    cells = np.array([[0, 0], [1, 3], [2, 1]])
    lower, observed, sd = GRID.centres(cells) - 0.5, np.array([0.3, 0.5, -0.1]), 0.5
    data = BlockMeans(GRID, lower, lower + 1, observed, np.full(3, sd), None)
    posterior = Posterior(prior, GRID, [data])
    settings = EllipticalSlice(chains=40, draws=3000, warmup=100, thinning=2)
    run = sample(posterior, settings, seed=1)
    separations = GRID.centres(cells)[:, None] - GRID.centres(cells)[None]
    law = COVARIANCE.correlation(separations) + sd**2 * np.eye(3)
    evidence = [stats.multivariate_normal.pdf(observed, np.full(3, m), law) for m in (-0.8, 0.8)]
    found = run.by_chain(parameters(posterior, run.latents)["is high"]).astype(float).mean(axis=1)
    error = abs(found.mean() - evidence[1] / sum(evidence))
    assert error < stats.t.isf(5e-5, 39) * found.std(ddof=1) / np.sqrt(40)
    assert evidence[1] / sum(evidence) > 0.6


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([PARTS[0]],), "given 1 components; give at least two"),
        (([PARTS[0], CUT],), "Component 2 .* has 2 axes"),
        ((PARTS, (0.5, 0.6)), r"the weights \[0.5, 0.6\]; give one above 0 for each"),
    ],
)
def test_that_components_and_weights_that_do_not_fit_are_refused(arguments, message):
    with pytest.raises(InputError, match=message):
        MixturePrior(*arguments)
