"""Simulated data follow the distribution that their likelihood states, whatever the observation."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

from latentinv import BlockMeans, FaciesProperty, Grid, HardData, IndirectData, InputError, Posterior
from latentinv.priors import FaciesModel
from tests.data.reports import reported
from tests.problems import LinearPrior

GRID = Grid((2, 3))
FACIES = FaciesModel((4, 7), (0.0,))
FIELD = jnp.asarray([[-0.3, 0.2, 1.0], [0.05, -1.0, 0.4]])
COUNT, ALARM = 4000, 1e-5


def _wells(facies_model=FACIES, **settings):
    cells = np.stack(np.unravel_index(np.arange(GRID.size), GRID.shape), axis=1)
    codes = np.full(GRID.size, facies_model.categories[0])
    return HardData(GRID, GRID.centres(cells), codes, facies_model, slope=3.0, **settings)


def _simulated(observation, exact):
    keys = jax.random.split(jax.random.key(0), COUNT)
    return np.asarray(jax.vmap(lambda key: observation.simulate(key, FIELD, exact=exact))(keys))


def _assert_shares(hits, probability):
    """Binomial shares at the false-alarm rate `ALARM` for all data together."""
    p = scipy.stats.binomtest
    values = [p(int(n), COUNT, float(q)).pvalue for n, q in zip(hits, probability, strict=True)]
    assert min(values) > ALARM / len(values)


@pytest.mark.parametrize("exact", [True, False])
def test_that_simulated_wells_show_each_facies_as_often_as_its_likelihood_says(exact):
    wells = _wells(error_probability=0.1)
    shown = _simulated(wells, exact)
    likelihood = []
    for position in (0, 1):
        seen = wells.with_data(np.full(GRID.size, position))
        prediction = seen.predict_exact(FIELD) if exact else seen.predict(FIELD)
        density = seen.exact_log_likelihood if exact else (lambda p, seen=seen: seen.tempered_log_likelihood(p, 1.0))
        alone = [
            jnp.exp(density(prediction) - density(prediction.at[n].set(1e3 if not exact else 1.0)))
            for n in range(GRID.size)
        ]
        likelihood.append(0.9 * np.array(alone))
    np.testing.assert_allclose(likelihood[0] + likelihood[1], 1.0, rtol=1e-5)
    _assert_shares(np.sum(shown == 1, axis=0), likelihood[1])


def test_that_simulated_certain_wells_show_the_thresholded_facies():
    wells = _wells()
    shown = _simulated(wells, exact=True)
    np.testing.assert_array_equal(shown, np.broadcast_to(np.asarray(FIELD).ravel() >= 0, shown.shape))
    again = wells.with_data(shown[0])
    np.testing.assert_array_equal(again.codes, np.where(np.asarray(FIELD).ravel() >= 0, 7, 4))
    assert reported(again, FIELD).fulfilled == GRID.size


def test_that_a_wrong_facies_is_any_of_the_others_alike():
    three = FaciesModel((1, 2, 3), (-0.5, 0.5))
    shown = _simulated(_wells(three, error_probability=0.3), exact=True)[:, 4]  # facies 1
    assert scipy.stats.chisquare(np.bincount(shown, minlength=3), COUNT * np.array([0.7, 0.15, 0.15])).pvalue > ALARM


def test_that_soft_wells_of_three_facies_are_not_simulated():
    with pytest.raises(InputError, match="thresholded"):
        _simulated(_wells(FaciesModel((1, 2, 3), (-0.5, 0.5))), exact=False)


@pytest.mark.parametrize("exact", [True, False])
def test_that_simulated_numbers_lie_about_their_prediction_as_their_noise_says(exact):
    blocks = BlockMeans(GRID, [[0, 0], [1, 0]], [[2, 2], [3, 2]], [0.5, 0.5], [0.1, 0.3], FACIES)
    sums = IndirectData(
        GRID, lambda x: jnp.sum(x, axis=0), np.zeros(3), 0.2, property=FaciesProperty(FACIES, (1.0, 3.0))
    )
    for observation in (blocks, sums):
        predicted = observation.predict_exact(FIELD) if exact else observation.predict(FIELD)
        data = _simulated(observation, exact)
        sd = observation.noise.spread(observation.count)
        standard = (data - np.asarray(predicted)) / sd
        assert min(scipy.stats.kstest(column, "norm").pvalue for column in standard.T) > ALARM / 3


def test_that_a_posterior_simulates_under_its_target_and_takes_the_data_up():
    prior = LinearPrior(np.eye(6), FACIES)
    posterior = Posterior(prior, GRID, [_wells()])
    z, traced = FIELD.ravel(), []

    @jax.jit
    def likelihood(posterior, z):
        traced.append(posterior.target)
        return posterior.log_likelihood(z)

    assert float(likelihood(posterior, z)) == -np.inf  # the wells say that all is clay
    data = posterior.simulate(jax.random.key(0), z)
    posterior = posterior.with_data(data)
    assert float(likelihood(posterior, z)) == 0.0
    assert len(traced) == 1
    assert float(posterior.log_likelihood(z)) == 0.0
    np.testing.assert_array_equal(posterior.observed[0], data[0])
