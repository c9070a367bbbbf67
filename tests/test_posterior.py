"""The posterior: one number from prior and data, whichever way it is asked."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpyro.infer.util import log_density

from latentinv import BlockMeans, Grid, HardData, InputError, Posterior
from latentinv.posterior import map_batched
from tests.problems import LinearPrior, generator_posterior, linear_gaussian, random_generator_prior, wells_of_a_draw


def test_that_the_log_density_is_prior_plus_likelihood():
    posterior, mean, covariance, _ = linear_gaussian(5, 3)
    z = jnp.asarray(np.random.default_rng(0).standard_normal((2, 5)), jnp.float32)
    ours = posterior.log_density(z[0]) - posterior.log_density(z[1])
    a, b = (np.asarray(one, float) - mean for one in z)
    precision = np.linalg.inv(covariance)
    assert float(ours) == pytest.approx(-0.5 * (a @ precision @ a - b @ precision @ b), rel=1e-3)


def test_that_the_thresholded_target_is_zero_or_minus_infinity_for_certain_wells():
    posterior = generator_posterior()
    z = jax.random.normal(jax.random.key(0), (200, posterior.latent_size))
    values = np.asarray(map_batched(posterior.log_likelihood, z, 50))
    assert set(np.unique(values)) <= {-np.inf, 0.0}


def test_that_the_numpyro_model_has_the_soft_density():
    posterior = generator_posterior()
    z = jax.random.normal(jax.random.key(0), (posterior.latent_size,))
    value, _ = log_density(posterior.as_numpyro_model(), (), {}, {"z": z})
    constant = 0.5 * posterior.latent_size * np.log(2 * np.pi)
    assert float(value) + constant == pytest.approx(float(posterior.soft_log_density(z)), rel=1e-4)


def test_that_gradients_agree_with_differences():
    posterior = generator_posterior()
    key_z, key_d = jax.random.split(jax.random.key(1))
    z, d = (jax.random.normal(key, (posterior.latent_size,)) for key in (key_z, key_d))

    def along(step):
        return posterior.soft_log_density(z + step * d, 0.05)

    difference = (along(1e-2) - along(-1e-2)) / 2e-2
    assert float(jax.grad(along)(0.0)) == pytest.approx(float(difference), rel=2e-2)


def test_that_two_observations_of_one_name_are_refused():
    prior, grid = random_generator_prior(), Grid((20, 18))
    wells = wells_of_a_draw(prior, grid, 3)
    with pytest.raises(InputError, match="Two observations are called 'wells'"):
        Posterior(prior, grid, [wells, wells])


def test_that_certain_wells_of_two_files_that_contradict_are_refused_by_name():
    prior, grid = random_generator_prior(), Grid((20, 18))
    model, place = prior.facies_model, grid.centres([[3, 4]])
    first, second = HardData(grid, place, [1], model, name="old"), HardData(grid, place, [0], model, name="new")
    with pytest.raises(InputError, match=r"x 4\.5 m, y 3\.5 m 'old' shows facies 1 and 'new' facies 0"):
        Posterior(prior, grid, [first, second])
    Posterior(prior, grid, [first, HardData(grid, place, [0], model, error_probability=0.1, name="new")])


def test_that_data_of_another_grid_are_refused():
    prior = random_generator_prior()
    wells = wells_of_a_draw(prior, Grid((20, 18)), 3)
    with pytest.raises(InputError, match="grid"):
        Posterior(prior, Grid((16, 16)), [wells])


def test_that_a_continuous_prior_cannot_be_thresholded():
    with pytest.raises(InputError, match="nothing to threshold"):
        Posterior(LinearPrior(np.eye(4)), Grid((2, 2)), [], target="thresholded")
    with pytest.raises(InputError, match="expected 'thresholded' or 'soft'"):
        Posterior(LinearPrior(np.eye(4)), Grid((2, 2)), [], target="hard")


def test_that_reports_speak_of_each_observation_by_name():
    prior, grid = random_generator_prior(), Grid((20, 18))
    model = prior.facies_model
    wells = HardData(grid, grid.centres([[3, 4]]), [1], model, name="boreholes")
    blocks = BlockMeans(grid, [[0.0, 0.0]], [[6.0, 6.0]], [0.5], [0.5], model, name="pumping tests")
    reports = Posterior(prior, grid, [wells, blocks]).report(jnp.zeros(prior.latent_size(grid)))
    assert [report.name for report in reports] == ["boreholes", "pumping tests"]


def test_that_a_grid_too_large_for_one_array_is_refused_where_data_are_compared_with_it():
    prior, huge = random_generator_prior(), Grid((3_000_000_000, 3_000_000_000))
    assert huge.size == 9 * 10**18
    with pytest.raises(InputError, match="9000000000000000000 cells; one array holds at most 2147483647"):
        Posterior(prior, huge, [])
    with pytest.raises(InputError, match="holds at most 2147483647"):
        BlockMeans(huge, [0, 0], [1, 1], [0.5], 0.1, prior.facies_model)
