"""Randomised maximum likelihood, which is exact draw by draw where the forward is linear and the noise Gaussian."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import chi2, norm

from latentinv import BlockMeans, Grid, InputError, NonFiniteError, Posterior, RandomisedMaximumLikelihood, sample
from latentinv.inference.approximate._randomised_maximum_likelihood import Perturbation
from latentinv.keys import from_seed, named
from latentinv.pytrees import pytree
from tests.problems import LinearPrior, generator_posterior, linear_gaussian

ALARM = 1e-4


def test_that_each_draw_is_the_minimum_worked_out_in_closed_form():
    posterior, mean, covariance, _ = linear_gaussian(20, 8)
    kernel = RandomisedMaximumLikelihood(samples=5, tolerance=1e-3).build()
    state = kernel.init(posterior, jax.random.key(1))
    anchor, (noise,) = state.perturbation
    while not kernel.finished(state):
        state, _ = kernel.step(posterior, jax.random.key(0), state)
    (blocks,) = posterior.observations
    forward = blocks.forward.weights() @ np.asarray(posterior.prior.matrix, float)
    expected = (
        mean + (np.asarray(anchor) + np.asarray(noise) / blocks.noise.spread(blocks.count) ** 2 @ forward) @ covariance
    )
    # curvature is one or more, so a gradient of 1e-3 is at most so far from the minimum; float32 doubles it
    np.testing.assert_allclose(kernel.draws(posterior, state).z, expected, atol=2e-3)


def test_that_draws_of_a_linear_gaussian_posterior_have_its_distribution():
    posterior, mean, covariance, _ = linear_gaussian(9, 4)
    run = sample(posterior, RandomisedMaximumLikelihood(samples=1000, tolerance=1e-2, batch_size=250), seed=3)
    white = np.linalg.solve(np.linalg.cholesky(covariance), (run.latents - mean).T)
    # independent standard normals: their sum is normal, their sum of squares chi-square; an error of a hundredth of an
    # sd a draw, which the tolerance allows, adds at most 0.3 standard errors to the mean if it never changed sign
    score = np.abs(white.mean(axis=1)) * np.sqrt(1000)
    assert np.all(score < norm.isf(ALARM / 4 / 9) + 0.3)
    low, high = chi2.ppf([ALARM / 4 / 9, 1 - ALARM / 4 / 9], 1000)
    squares = (white**2).sum(axis=1)
    assert np.all((low < squares) & (squares < high))
    assert "warnings" not in run.results


def test_that_weights_of_a_linear_forward_are_constant_and_the_evidence_is_exact():
    posterior, _, _, evidence = linear_gaussian(20, 8)
    run = sample(posterior, RandomisedMaximumLikelihood(samples=12, weighted=True))
    assert run.results["effective_sample_size"] == pytest.approx(12, rel=1e-3)
    assert run.results["log_evidence"] == pytest.approx(evidence, abs=5e-3)
    assert len(np.unique(run.latents, axis=0)) == 12


@pytree("matrix")
class _Cubed(LinearPrior):
    """A field that grows with the latents as they are and their cube: one answer to each datum, but not linear."""

    def __init__(self):
        super().__init__(np.eye(1))

    def generate(self, z, grid):
        return (z + 0.15 * z**3).reshape(grid.shape)


@pytest.mark.assure
def test_that_weights_correct_draws_of_a_nonlinear_forward_as_far_as_theory_says():
    grid, sd, datum, count = Grid((1, 1)), 0.5, 2.0, 4000
    blocks = BlockMeans(grid, np.zeros((1, 2)), np.ones((1, 2)), np.array([datum]), sd, None)
    posterior = Posterior(_Cubed(), grid, [blocks])
    # By brute force: the density of the draws is that of (z*, ε) times the Jacobian, second derivative included.
    z, noise = np.linspace(-4, 4, 4001)[:, None], np.linspace(-2.5, 2.5, 1001)
    value, slope, bend = z + 0.15 * z**3, 1 + 0.45 * z**2, 0.9 * z
    residual = (value - datum - noise) / sd**2
    jacobian = np.maximum(1 + slope**2 / sd**2 + bend * residual, 0)
    proposal = (norm.pdf(z + slope * residual) * norm.pdf(noise, 0, sd) * jacobian).sum(axis=1)
    z, value, slope = z[:, 0], value[:, 0], slope[:, 0]
    proposal /= proposal.sum()
    density = norm.pdf(z) * norm.pdf(datum, value, sd)
    curvature = 1 + slope**2 / sd**2
    uphill = z + slope * (value - datum) / sd**2
    weight = np.sqrt(2 * np.pi) * density * np.exp(0.5 * uphill**2 / curvature) / np.sqrt(curvature)
    exact = (z * density).sum() / density.sum()
    evidence, mean = (weight * proposal).sum(), (weight * z * proposal).sum() / (weight * proposal).sum()
    assert abs(mean - exact) < 0.5 * abs((z * proposal).sum() - exact)

    plain, weighted = (
        sample(posterior, RandomisedMaximumLikelihood(samples=count, weighted=w, batch_size=500), seed=2)
        for w in (False, True)
    )
    # five errors of the mean each; the second of a ratio, with what independent draws from the weights would add
    spread = np.sqrt((proposal * z**2).sum() - (z * proposal).sum() ** 2)
    assert abs(plain.latents.mean() - (z * proposal).sum()) < 5 * spread / np.sqrt(count)
    error = np.sqrt((proposal * weight**2).sum() - evidence**2) / np.sqrt(count)
    assert abs(np.exp(weighted.results["log_evidence"]) - evidence) < 5 * error
    ratio = np.sqrt((proposal * weight**2 * (z - mean) ** 2).sum()) / evidence
    assert abs(weighted.latents.mean() - mean) < 5 * np.hypot(ratio, spread) / np.sqrt(count)


@pytest.mark.assure
def test_that_hard_data_keep_their_soft_likelihood_and_are_met_by_most_draws():
    posterior = generator_posterior(wells=6)
    kernel = RandomisedMaximumLikelihood(samples=4).build()
    assert not np.any(kernel.init(posterior, jax.random.key(0)).perturbation.noise[0])
    run = sample(posterior, RandomisedMaximumLikelihood(samples=16, max_iterations=60), seed=1)
    assert run.trace["honoured"][-1] > 0.9
    weighted = sample(posterior, RandomisedMaximumLikelihood(samples=16, max_iterations=60, weighted=True), seed=1)
    assert 1 <= weighted.results["effective_sample_size"] <= 16.01
    assert np.isfinite(weighted.results["log_evidence"])


def test_that_without_data_draws_are_the_prior_s():
    posterior = Posterior(LinearPrior(np.eye(4)), Grid((2, 2)), [])
    run = sample(posterior, RandomisedMaximumLikelihood(samples=6, weighted=True))
    assert run.results["log_evidence"] == pytest.approx(0.0, abs=1e-5)
    kernel = RandomisedMaximumLikelihood(samples=6).build()
    anchors = kernel.init(posterior, named(from_seed(0, "run"), "start")).perturbation.anchor
    np.testing.assert_array_equal(run.latents, anchors)


def test_that_draws_that_run_out_of_iterations_are_said_to():
    posterior, *_ = linear_gaussian(20, 8)
    run = sample(posterior, RandomisedMaximumLikelihood(samples=4, max_iterations=1))
    assert "4 of 4 draws did not reach" in run.results["warnings"][0]


def test_that_weights_that_leave_few_draws_are_said_to():
    posterior, *_ = linear_gaussian(9, 4)
    kernel = RandomisedMaximumLikelihood(samples=40, weighted=True).build()
    state = kernel.init(posterior, jax.random.key(0))
    state = state._replace(weighted=jnp.array(True), effective_size=jnp.float32(1.5), slope=jnp.zeros(40))
    assert "raise samples" in kernel.results(posterior, state)["warnings"][0]


def test_that_draws_that_all_leave_the_finite_numbers_stop_the_run():
    posterior, *_ = linear_gaussian(9, 4)
    kernel = RandomisedMaximumLikelihood(samples=4).build()
    state = kernel.init(posterior, jax.random.key(0))
    noise = state.perturbation.noise
    broken = state._replace(perturbation=Perturbation(state.perturbation.anchor * jnp.nan, noise))
    with pytest.raises(NonFiniteError, match="became NaN or infinite"):
        kernel.step(posterior, jax.random.key(0), broken)


@pytest.mark.parametrize(
    ("setting", "value"), [("samples", 0), ("max_iterations", 0), ("tolerance", 0.0), ("batch_size", -1)]
)
def test_that_a_senseless_setting_is_refused_by_name(setting, value):
    with pytest.raises(InputError, match=setting):
        RandomisedMaximumLikelihood(**{setting: value})
