"""Laplace's approximation, which is exact where the forward is linear and the noise Gaussian."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import chi2, norm

from latentinv import Grid, HardData, InputError, Laplace, NonFiniteError, Posterior, sample
from latentinv.inference import likelihood_informed_subspace
from latentinv.inference.moves._linearisation import linearise
from latentinv.priors import FaciesModel
from tests.problems import LinearPrior, generator_posterior, linear_gaussian

ALARM = 1e-4


@pytest.mark.parametrize(("latents", "data"), [(20, 8), (4, 12)])
def test_that_a_linear_gaussian_posterior_and_its_evidence_are_exact(latents, data):
    posterior, mean, covariance, evidence = linear_gaussian(latents, data)
    run = sample(posterior, Laplace(draws=2000), seed=1)
    assert run.results["log_evidence"] == pytest.approx(evidence, abs=2e-3)
    assert run.results["informed_directions"] == np.sum(np.linalg.eigvalsh(np.linalg.inv(covariance)) > 2)
    assert "warnings" not in run.results
    white = np.linalg.solve(np.linalg.cholesky(covariance), (run.latents - mean).T)
    # independent standard normals, whose means are normal and sums of squares chi-square
    assert np.all(np.abs(white.mean(axis=1)) * np.sqrt(2000) < norm.isf(ALARM / 4 / latents))
    low, high = chi2.ppf([ALARM / 4 / latents, 1 - ALARM / 4 / latents], 2000)
    squares = (white**2).sum(axis=1)
    assert np.all((low < squares) & (squares < high))


def test_that_every_start_finds_the_mean_of_a_linear_gaussian_posterior():
    posterior, mean, _, _ = linear_gaussian(20, 8)
    kernel = Laplace(starts=3).build()
    assert kernel.samples_target(posterior)
    state = kernel.init(posterior, jax.random.key(0))
    while not kernel.finished(state):
        state, _ = kernel.step(posterior, jax.random.key(1), state)
    np.testing.assert_allclose(state.z, np.tile(mean, (3, 1)), atol=2e-3)


def test_that_the_informed_subspace_has_the_curvature_of_the_posterior():
    posterior, _, covariance, _ = linear_gaussian(20, 8)
    metric = likelihood_informed_subspace(posterior, jax.random.normal(jax.random.key(0), (2, 20)))
    curvature = np.eye(20) + np.asarray(metric.basis * metric.singular**2 @ metric.basis.T)
    np.testing.assert_allclose(curvature, np.linalg.inv(covariance), atol=1e-3)
    np.testing.assert_allclose(metric.solve(jnp.eye(20)), covariance, atol=1e-3)


def test_that_the_curvature_of_hard_data_is_that_of_the_logistic_likelihood():
    grid, model = Grid((1, 2)), FaciesModel((0, 1), (0.0,))
    wells = HardData(grid, grid.centres([[0, 0], [0, 1]]), [1, 0], model, slope=3.0)
    about = linearise(Posterior(LinearPrior(np.eye(2), model), grid, [wells]), jnp.asarray([0.4, -0.2]))
    hit = 1 / (1 + np.exp(-3.0 * np.array([0.4, 0.2])))
    assert float(about.log_likelihood) == pytest.approx(np.log(hit).sum(), rel=1e-5)
    np.testing.assert_allclose(about.gradient, 3.0 * (1 - hit) * [1, -1], rtol=1e-5)
    squared = np.asarray(about.scaled_jacobian.T @ about.scaled_jacobian)
    np.testing.assert_allclose(squared, np.diag(9.0 * hit * (1 - hit)), atol=1e-5)


def test_that_the_gradient_of_a_generator_is_the_posterior_s_own():
    posterior = generator_posterior(wells=5)
    z = jax.random.normal(jax.random.key(3), (posterior.latent_size,))
    about = linearise(posterior, z, batch_size=2)
    np.testing.assert_allclose(about.gradient - z, jax.grad(posterior.soft_log_density)(z), rtol=1e-3, atol=1e-4)


def test_that_draws_about_an_optimum_of_a_generator_meet_most_wells():
    posterior = generator_posterior(wells=6)
    run = sample(posterior, Laplace(draws=32, starts=3), seed=2)
    assert len(run.results["log_density"]) == 3
    assert run.trace["honoured"][-2] > 0.8
    assert np.all(np.diff(run.trace["best_log_density"]) >= 0)


def test_that_without_data_draws_are_of_the_prior():
    run = sample(Posterior(LinearPrior(np.eye(4)), Grid((2, 2)), []), Laplace(draws=500))
    assert run.results["log_evidence"] == pytest.approx(0.0, abs=1e-4)
    assert chi2.ppf(ALARM / 2, 2000) < np.sum(run.latents**2) < chi2.isf(ALARM / 2, 2000)


def test_that_a_search_cut_short_is_said_to_be():
    run = sample(generator_posterior(), Laplace(draws=4, starts=1, max_iterations=1))
    assert "raise max_iterations" in run.results["warnings"][0]


def test_that_starts_that_all_leave_the_finite_numbers_stop_the_run():
    posterior = linear_gaussian(9, 4)[0]
    kernel = Laplace(starts=2).build()
    state = kernel.init(posterior, jax.random.key(0))
    with pytest.raises(NonFiniteError, match="became NaN or infinite"):
        kernel.step(posterior, jax.random.key(0), state._replace(z=state.z * jnp.nan))


@pytest.mark.parametrize(("setting", "value"), [("draws", 0), ("starts", 0), ("max_iterations", 0), ("tolerance", 0.0)])
def test_that_a_senseless_setting_is_refused_by_name(setting, value):
    with pytest.raises(InputError, match=setting):
        Laplace(**{setting: value})
