"""Indirect data in every algorithm that promises the exact posterior of a linear forward, and through run files."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import chi2, norm, t

from latentinv import (
    ESMDA,
    CorrelatedNoise,
    FaciesProperty,
    Grid,
    HardData,
    IndirectData,
    InputError,
    Laplace,
    Posterior,
    RandomisedMaximumLikelihood,
    StudentNoise,
    TemperedSMC,
    resume,
    sample,
)
from latentinv.forward import LinearForward
from latentinv.priors import FaciesModel
from tests.problems import BlindForward, LinearPrior, generator_posterior, slowly

ALARM = 1e-4
GRID = Grid((3, 3))


def linear_problem(noise="correlated", *, latents=4, data=3):
    """A linear forward with noise: the posterior, its exact mean and covariance and its log-evidence."""
    rng = np.random.default_rng(4)
    matrix, operator = rng.standard_normal((9, latents)) / 2, rng.standard_normal((data, 9)) / 3
    correlation = np.exp(-np.abs(np.subtract.outer(np.arange(data), np.arange(data))))
    covariance = 0.09 * (correlation if noise == "correlated" else np.eye(data))
    forward = operator @ matrix
    observed = forward @ rng.standard_normal(latents) + np.linalg.cholesky(covariance) @ rng.standard_normal(data)
    stated = CorrelatedNoise(covariance) if noise == "correlated" else 0.3
    heads = IndirectData(GRID, LinearForward(operator, GRID), observed, stated, name="heads")
    posterior = Posterior(LinearPrior(matrix), GRID, [heads])
    precision = np.linalg.inv(covariance)
    exact = np.linalg.inv(np.eye(latents) + forward.T @ precision @ forward)
    marginal = forward @ forward.T + covariance
    evidence = -0.5 * (np.linalg.slogdet(2 * np.pi * marginal)[1] + observed @ np.linalg.solve(marginal, observed))
    return posterior, exact @ forward.T @ precision @ observed, exact, evidence


def assert_distribution(draws, mean, covariance, *, slack=0.0):
    """Independent draws: whitened they are standard normal, so sums are normal and sums of squares chi-square."""
    white = np.linalg.solve(np.linalg.cholesky(covariance), (draws - mean).T)
    latents, count = white.shape
    assert np.all(np.abs(white.mean(axis=1)) * np.sqrt(count) < norm.isf(ALARM / 4 / latents) + slack)
    low, high = chi2.ppf([ALARM / 4 / latents, 1 - ALARM / 4 / latents], count)
    squares = (white**2).sum(axis=1)
    assert np.all((low < squares) & (squares < high))


@pytest.mark.parametrize("noise", ["independent", "correlated"])
def test_that_laplace_gives_the_exact_distribution_and_evidence(noise):
    posterior, mean, covariance, evidence = linear_problem(noise)
    run = sample(posterior, Laplace(draws=2000, starts=1), seed=1)
    assert_distribution(run.latents, mean, covariance)
    assert run.results["log_evidence"] == pytest.approx(evidence, abs=2e-3)


@pytest.mark.parametrize("noise", [slowly("independent"), "correlated"])
def test_that_randomised_maximum_likelihood_gives_the_exact_distribution_and_evidence(noise):
    posterior, mean, covariance, evidence = linear_problem(noise)
    settings = RandomisedMaximumLikelihood(samples=1000, tolerance=1e-2, batch_size=250)
    # an error of a hundredth of an sd a draw, which the tolerance allows, adds at most 0.3 standard errors
    assert_distribution(sample(posterior, settings, seed=2).latents, mean, covariance, slack=0.3)
    weighted = sample(posterior, RandomisedMaximumLikelihood(samples=12, weighted=True))
    assert weighted.results["log_evidence"] == pytest.approx(evidence, abs=5e-3)


def assert_over_runs(values, expected, precise):
    """Independent runs: their spread is the estimator's own standard error, of as many degrees of freedom less one."""
    values = np.asarray(values)
    error = values.std(axis=0, ddof=1) / np.sqrt(len(values))
    allowed = t.isf(ALARM / 4 / values[0].size, len(values) - 1)
    assert np.all(np.abs(values.mean(axis=0) - expected) < allowed * error)
    assert np.all(error < precise)


def test_that_a_smoother_of_many_members_finds_the_mean_and_covariance_under_correlated_noise():
    posterior, mean, covariance, _ = linear_problem()
    settings = ESMDA(members=2000, assimilations=1, localised=False, batch_size=500)
    draws = [sample(posterior, settings, seed=seed).latents for seed in range(8)]
    assert_over_runs([of_run.mean(axis=0) for of_run in draws], mean, 0.02)
    assert_over_runs([np.cov(of_run.T) for of_run in draws], covariance, 0.02)


@pytest.mark.assure
@pytest.mark.parametrize("noise", ["independent", "correlated"])
def test_that_tempered_smc_finds_the_exact_mean_and_evidence(noise):
    posterior, mean, _, evidence = linear_problem(noise)
    runs = [sample(posterior, TemperedSMC(particles=256, batch_size=64), seed=seed) for seed in range(8)]
    assert_over_runs([run.latents.mean(axis=0) for run in runs], mean, 0.1)
    assert_over_runs([run.results["log_evidence"] for run in runs], evidence, 0.2)


@pytest.mark.parametrize("algorithm", [ESMDA(), RandomisedMaximumLikelihood(), Laplace()])
def test_that_heavy_tails_are_refused_by_algorithms_for_gaussian_noise(algorithm):
    posterior, *_ = linear_problem()
    (heads,) = posterior.observations
    heavy = IndirectData(GRID, heads.forward, heads.observed, StudentNoise(0.3, 3.0), name="heads")
    with pytest.raises(InputError, match="noise of the data 'heads' is not Gaussian, as this algorithm requires"):
        sample(Posterior(posterior.prior, GRID, [heavy]), algorithm)


def blunt_problem():
    """Two latents, facies by their signs, and a head whose soft reading is far from the exact one, seen exactly."""
    grid, model = Grid((1, 2)), FaciesModel((0, 1), (0.0,))
    well = HardData(grid, np.array([[0.5, 0.5]]), np.array([1]), model)
    reading = FaciesProperty(model, (0.5, 2.0), log_gradients=0.5, slope=1.0)
    heads = IndirectData(grid, LinearForward(np.array([[0.4, 0.6]]), grid), [1.2], 0.03, property=reading, name="heads")
    return Posterior(LinearPrior(np.eye(2), model), grid, [well, heads])


def blunt_exactly():
    """The posterior mean of both latents, and the log-evidence, summed on a lattice."""
    z = np.linspace(-6, 6, 3001)
    one, two = np.meshgrid(z, z, indexing="ij")
    first, second = (np.where(x > 0, 2.0, 0.5) * np.exp(0.5 * x) for x in (one, two))
    density = norm.pdf(one) * norm.pdf(two) * (one > 0) * norm.pdf(1.2, 0.4 * first + 0.6 * second, 0.03)
    means = [(density * value).sum() / density.sum() for value in (one, two)]
    return np.array(means), np.log(density.sum() * (z[1] - z[0]) ** 2)


@pytest.mark.assure
def test_that_a_soft_reading_far_from_the_exact_one_is_left_in_parts():
    means, evidence = blunt_exactly()
    posterior, settings = blunt_problem(), TemperedSMC(particles=128, batch_size=128, first_draws=128)
    runs = [sample(posterior, settings, seed=seed) for seed in range(10)]
    assert all(np.any((run.trace["bridge"] > 0) & (run.trace["bridge"] < 1)) for run in runs)
    assert all(run.trace["bridge"][-1] == 1 for run in runs)
    assert_over_runs([run.latents.mean(axis=0) for run in runs], means, 0.1)
    assert_over_runs([run.results["log_evidence"] for run in runs], evidence, 0.15)


def torn(property):
    """A simulation that fails for the upper half of what may be."""
    return jnp.where(property[0, 0] > 0, jnp.nan, property[0, 0])[None]


def test_that_smc_rejects_failed_simulations_and_counts_them_in_the_evidence():
    # The datum says nothing (sd 100), so the posterior is the lower half of the prior, of evidence 1/2 · N(0; 0, 100²).
    posterior = Posterior(LinearPrior(np.eye(1)), Grid((1, 1)), [IndirectData(Grid((1, 1)), torn, [0.0], 100.0)])
    run = sample(posterior, TemperedSMC(particles=512, batch_size=128), seed=1)
    assert np.all(run.latents <= 0)
    # The share of 512 draws has a standard error of 1/45, and its logarithm of 2/45; 4.5 of these for 1e-5.
    constant = norm(0, 100).logpdf(0)
    assert run.results["log_evidence"] == pytest.approx(np.log(0.5) + constant, abs=4.5 * 2 / 45)


def test_that_a_run_gives_its_data_back_and_goes_on_from_the_file(tmp_path):
    path = tmp_path / "run.h5"
    run = sample(posterior_with_generator(), ESMDA(members=8, assimilations=2), output=path)
    again = resume(path)
    z = jax.random.normal(jax.random.key(0), (run.posterior.latent_size,))
    assert float(again.posterior.log_likelihood(z)) == float(run.posterior.log_likelihood(z))
    assert again.reports() == run.reports()


def posterior_with_generator(forward=None):
    """Wells and two kinds of indirect data on one generator, which can be stored."""
    base = generator_posterior(wells=3)
    reading = FaciesProperty(base.prior.facies_model, (1.0, 5.0))
    operator = np.random.default_rng(1).uniform(0, 1 / 360, (2, base.grid.size))
    linear = LinearForward(operator, base.grid)
    heads = IndirectData(base.grid, forward or linear, [2.0, 1.0], 0.5, property=reading, name="heads", unit="m")
    times = IndirectData(base.grid, linear, [2.0, 1.0], 0.1, property=reading, name="times", unit="ms")
    return Posterior(base.prior, base.grid, [*base.observations, heads, times])


def mean_of_halves(property):
    """A forward model that is a function."""
    return jnp.stack([property[:10].mean(), property[10:].mean()])


def test_that_a_run_with_a_function_asks_for_it_again(tmp_path):
    path = tmp_path / "run.h5"
    run = sample(posterior_with_generator(mean_of_halves), ESMDA(members=8, assimilations=2), output=path)
    with pytest.raises(InputError, match="'heads' is a Python function, which a run file cannot hold; give it again"):
        resume(path)
    with pytest.raises(InputError, match="'heads' predicts different data"):
        resume(path, forwards={"heads": lambda p: 2 * mean_of_halves(p)})
    with pytest.raises(InputError, match="given for 'depths', but the run's data are 'wells', 'heads', 'times'"):
        resume(path, forwards={"heads": mean_of_halves, "depths": mean_of_halves})
    with pytest.raises(InputError, match="given for 'wells', which are not indirect data"):
        resume(path, forwards={"wells": mean_of_halves})
    again = resume(path, forwards={"heads": mean_of_halves})
    np.testing.assert_array_equal(again.latents, run.latents)
    assert again.reports() == run.reports()


def test_that_reports_speak_of_each_data_set_by_its_name_and_unit():
    posterior = posterior_with_generator()
    reports = posterior.report(jnp.zeros(posterior.latent_size))
    assert [report.name for report in reports] == ["wells", "heads", "times"]
    assert "observed cells honoured" in reports[0].sentence
    assert " m, stated 0.5 m; " in reports[1].sentence
    assert " ms, stated 0.1 ms; " in reports[2].sentence
    assert [report.rmse is None for report in reports] == [True, False, False]


def test_that_an_algorithm_that_needs_gradients_refuses_a_forward_model_without():
    posterior = Posterior(
        LinearPrior(np.eye(9)), GRID, [IndirectData(GRID, BlindForward(GRID), [0.0], 1.0, name="heads")]
    )
    assert not posterior.has_gradient
    assert Posterior(posterior.prior, GRID, []).has_gradient
    with pytest.raises(
        InputError, match=r"'laplace' needs gradients, but the forward model of 'heads' has none; .*'es_mda', .*'pcn'"
    ):
        sample(posterior, Laplace())
