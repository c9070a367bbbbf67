"""Multi-start MAP against optima that are known exactly."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from latentinv import Grid, InputError, MultistartMAP, Posterior, sample
from latentinv.inference.optimisation._lbfgs import begin_descent, descend
from latentinv.inference.optimisation._multistart_map import _stage
from tests.problems import LinearPrior, generator_posterior, linear_gaussian


def test_that_all_starts_find_the_mean_of_a_linear_gaussian_posterior():
    posterior, mean, _, _ = linear_gaussian(20, 8)
    run = sample(posterior, MultistartMAP(starts=4, adam_iterations=50, lbfgs_iterations=40))
    # the optimum of a float32 quadratic is found to about the root of the rounding error
    np.testing.assert_allclose(run.latents, np.tile(mean, (4, 1)), atol=2e-3)


@pytest.mark.assure
def test_that_optima_of_a_generator_are_stationary_and_sorted():
    posterior = generator_posterior()
    run = sample(posterior, MultistartMAP(starts=3, adam_iterations=100, lbfgs_iterations=100))
    values = [float(posterior.soft_log_density(z)) for z in run.latents]
    assert values == sorted(values, reverse=True)
    np.testing.assert_allclose(run.results["log_density"], values, rtol=1e-4)
    assert max(values) > float(posterior.soft_log_density(np.zeros_like(run.latents[0])))


def test_that_the_norm_shell_keeps_optima_at_the_norm_of_draws():
    # without data the density of the norm, (n − 1) log r − ½r², is highest at r = √(n − 1) in any direction
    free = Posterior(LinearPrior(np.eye(25)), Grid((5, 5)), [])
    run = sample(free, MultistartMAP(starts=3, adam_iterations=30, lbfgs_iterations=30, norm_shell=True))
    np.testing.assert_allclose(np.linalg.norm(run.latents, axis=1), np.sqrt(24.0), rtol=1e-3)
    np.testing.assert_allclose(run.results["log_density"], 12 * np.log(24.0) - 12, rtol=1e-4)


def test_that_a_continuation_ends_at_the_stated_model():
    posterior, mean, _, _ = linear_gaussian(20, 8)
    algorithm = MultistartMAP(
        starts=4,
        adam_iterations=100,
        lbfgs_iterations=40,
        first_inverse_temperature=0.04,
        first_sharpness=0.05,
        last_learning_rate=0.01,
        exchanges=2,
    )
    run = sample(posterior, algorithm)
    np.testing.assert_allclose(run.latents, np.tile(mean, (4, 1)), atol=2e-3)
    assert run.results["gradients"] >= 4 * (100 + 2 + 40)


def test_that_the_first_stage_has_the_optimum_of_weaker_data():
    # With a share t of the log-likelihood the mean is (I + t JᵀJ / s²)⁻¹ t Jᵀd / s²; the path is held there by a
    # continuation whose end lies far beyond the iterations done.
    posterior, mean, covariance, _ = linear_gaussian(20, 8)
    precision = np.linalg.inv(covariance)
    share = 0.05
    expected = np.linalg.solve(np.eye(20) + share * (precision - np.eye(20)), share * precision @ mean)
    settings = {"first_inverse_temperature": share, "continuation": 0.999, "last_learning_rate": 1e-6}
    kernel = MultistartMAP(starts=1, adam_iterations=100_000, iterations_per_step=1000, **settings).build()
    state, _ = kernel.step(posterior, jax.random.key(1), kernel.init(posterior, jax.random.key(0)))
    np.testing.assert_allclose(state.descent.z[0], expected, atol=0.05 * np.abs(expected).max())


def test_that_the_likelihood_is_whole_before_facies_are_read_as_stated():
    settings = {"first_inverse_temperature": 0.25, "first_sharpness": 0.01, "continuation": 0.8}
    both = MultistartMAP(adam_iterations=100, **settings)
    sooner = MultistartMAP(adam_iterations=100, likelihood_continuation=0.4, **settings)
    for iteration, t, whole, sharpness in ((0, 0.25, 0.25, 0.01), (20, 0.25**0.75, 0.5, 0.01**0.75), (40, 0.5, 1, 0.1)):
        assert _stage(both, jnp.int32(iteration)) == pytest.approx((t, sharpness), rel=1e-5)
        assert _stage(sooner, jnp.int32(iteration)) == pytest.approx((whole, sharpness), rel=1e-5)
    for algorithm in (both, sooner):
        assert _stage(algorithm, jnp.int32(90)) == pytest.approx((1.0, 1.0))


def test_that_poor_starts_go_on_beside_the_best():
    posterior, _, _, _ = linear_gaussian(20, 8)
    settings = {"starts": 8, "adam_iterations": 20, "lbfgs_iterations": 0, "learning_rate": 1e-6}
    stayed, moved = (sample(posterior, MultistartMAP(**settings, exchanges=n)).latents for n in (0, 1))
    distances = np.linalg.norm(moved[:, None] - stayed[None], axis=2)
    same = distances.min(axis=1) < 1e-3
    # Optima come best first, and nothing moves but by the exchange: the worst two of eight.
    assert sorted(distances[same].argmin(axis=1)) == [0, 1, 2, 3, 4, 5]
    # Steps of a fifth of the best ones' size: norms over twice as large are beyond 1e-6.
    assert np.all(distances[~same][:, :2].min(axis=1) < 0.4 * np.linalg.norm(stayed[:2], axis=1).max())


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("starts", 0),
        ("adam_iterations", -1),
        ("lbfgs_iterations", 1.5),
        ("learning_rate", 0.0),
        ("last_learning_rate", -1.0),
        ("first_inverse_temperature", 0.0),
        ("first_sharpness", np.inf),
        ("likelihood_continuation", -0.5),
        ("continuation", 1.5),
        ("exchanges", -1),
    ],
)
def test_that_a_senseless_setting_is_refused_by_name(setting, value):
    with pytest.raises(InputError, match=setting):
        MultistartMAP(**{setting: value})


def test_that_the_first_iterations_of_lbfgs_need_no_program_of_their_own():
    start = begin_descent(jnp.ones((2, 3)))
    later = descend(lambda z, _: jnp.sum(z**2), start, (), 2)
    assert [leaf.weak_type for leaf in jax.tree.leaves(start)] == [leaf.weak_type for leaf in jax.tree.leaves(later)]
