"""Stein variational gradient descent against fixed points that are known, and against an independent solution."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from latentinv import BlockMeans, Grid, InputError, NonFiniteError, Posterior, SteinVariational, sample
from latentinv.inference.approximate._stein import stein_direction
from tests.problems import LinearPrior, generator_posterior, linear_gaussian


def _one_datum(value=1.0, sd=0.5):
    grid = Grid((1, 1))
    blocks = BlockMeans(grid, np.zeros((1, 2)), np.ones((1, 2)), np.array([value]), sd, None)
    precision = 1 + 1 / sd**2
    return Posterior(LinearPrior(np.eye(1)), grid, [blocks]), value / sd**2 / precision, 1 / np.sqrt(precision)


def test_that_two_particles_come_to_rest_where_the_equations_say():
    # In 1-D at mean ± a, k = 1/2 whatever a (h = (2a)² / log 2), and φ = 0 where a = σ √(log 2).
    posterior, mean, sd = _one_datum()
    run = sample(posterior, SteinVariational(particles=2, iterations=600), seed=1)
    expected = mean + sd * np.sqrt(np.log(2)) * np.array([-1, 1])
    np.testing.assert_allclose(np.sort(run.latents[:, 0]), expected, atol=1e-3)
    assert run.results["gradients"] == 1200


def _direction(z, gradient):
    """φ in float64, pair by pair, as the paper writes it."""
    count = len(z)
    distances = np.array([np.linalg.norm(a - b) for i, a in enumerate(z) for b in z[:i]])
    bandwidth = np.median(distances**2) / np.log(count)
    phi = np.zeros_like(z)
    for i in range(count):
        for j in range(count):
            kernel = np.exp(-np.sum((z[j] - z[i]) ** 2) / bandwidth)
            phi[i] += kernel * gradient[j] - 2 / bandwidth * (z[j] - z[i]) * kernel
    return phi / count


def test_that_the_direction_is_the_published_sum():
    rng = np.random.default_rng(0)
    z, gradient = rng.standard_normal((7, 3)) + 5.0, rng.standard_normal((7, 3))
    found = stein_direction(jnp.asarray(z, jnp.float32), jnp.asarray(gradient, jnp.float32))
    np.testing.assert_allclose(found, _direction(z, gradient), atol=1e-5)


@pytest.mark.assure
def test_that_more_particles_settle_where_a_slow_flow_in_float64_comes_to_rest():
    posterior, mean, sd = _one_datum()
    run = sample(posterior, SteinVariational(particles=9, iterations=1500), seed=2)
    z = mean + sd * np.linspace(-1.5, 1.5, 9)[:, None]
    for _ in range(3000):
        direction = _direction(z, -(z - mean) / sd**2)
        z = z + 0.05 * direction
    assert np.abs(direction).max() < 1e-6
    np.testing.assert_allclose(np.sort(run.latents[:, 0]), z[:, 0], atol=5e-3)


def test_that_particles_settle_about_the_mean_of_a_linear_gaussian_posterior():
    # Moments are exact where the kernel holds linear functions (Liu and Wang 2018, arXiv:1810.11693); this one does
    # not, but errs no more than the distance between neighbours, N^(−1/2) sd in two dimensions, here an eighth; the
    # spread falls short by as much on either side.
    posterior, mean, covariance, _ = linear_gaussian(2, 3)
    run = sample(posterior, SteinVariational(particles=64, iterations=800), seed=4)
    sd = np.sqrt(np.diag(covariance))
    assert np.all(np.abs(run.latents.mean(axis=0) - mean) < sd / 8)
    ratio = run.latents.std(axis=0, ddof=1) / sd
    assert np.all((ratio > 1 - 2 / 8) & (ratio < 1 + 1 / 8))
    assert run.trace["force"][-1] < 0.01 * run.trace["force"][0]


def test_that_too_few_particles_for_the_dimensions_are_said_to_be():
    run = sample(generator_posterior(wells=3), SteinVariational(particles=4, iterations=10, iterations_per_step=10))
    assert "lie too close together" in run.results["warnings"][0]


def test_that_particles_that_leave_the_finite_numbers_stop_the_run():
    posterior, kernel = _one_datum()[0], SteinVariational(particles=4).build()
    state = kernel.init(posterior, jax.random.key(0))
    with pytest.raises(NonFiniteError, match="became NaN or infinite"):
        kernel.step(posterior, jax.random.key(0), state._replace(z=state.z.at[0].set(jnp.nan)))


@pytest.mark.parametrize(
    ("setting", "value"), [("particles", 1), ("iterations", 0), ("learning_rate", 0.0), ("batch_size", -1)]
)
def test_that_a_senseless_setting_is_refused_by_name(setting, value):
    with pytest.raises(InputError, match=setting):
        SteinVariational(**{setting: value})
