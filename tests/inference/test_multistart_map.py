"""Multi-start MAP against optima that are known exactly."""

import numpy as np
import pytest

from latentinv import Grid, InputError, MultistartMAP, Posterior, sample
from tests.problems import LinearPrior, generator_posterior, linear_gaussian


def test_that_all_starts_find_the_mean_of_a_linear_gaussian_posterior():
    posterior, mean, _, _ = linear_gaussian(20, 8)
    run = sample(posterior, MultistartMAP(starts=4, adam_iterations=50, lbfgs_iterations=40))
    # the optimum of a float32 quadratic is found to about the root of the rounding error
    np.testing.assert_allclose(run.latents, np.tile(mean, (4, 1)), atol=2e-3)


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


@pytest.mark.parametrize(
    ("setting", "value"), [("starts", 0), ("adam_iterations", -1), ("lbfgs_iterations", 1.5), ("learning_rate", 0.0)]
)
def test_that_a_senseless_setting_is_refused_by_name(setting, value):
    with pytest.raises(InputError, match=setting):
        MultistartMAP(**{setting: value})
