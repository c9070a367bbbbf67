"""Forecasts by each kind of forward model over the draws of a run."""

from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from latentinv import FaciesProperty, Grid, InputError, Posterior
from latentinv.decisions import forecast
from latentinv.forward import ExternalForward, LinearForward
from latentinv.inference.core import realize
from tests.problems import random_generator_prior

GRID = Grid((12, 10))


@pytest.fixture(scope="module")
def run():
    prior = random_generator_prior()
    latents = jax.random.normal(jax.random.key(0), (20, prior.latent_size(GRID)))
    return SimpleNamespace(posterior=Posterior(prior, GRID, []), latents=np.asarray(latents))


@pytest.fixture(scope="module")
def reading(run):
    return FaciesProperty(run.posterior.prior.facies_model, (2.0, 5.0))


@pytest.fixture(scope="module")
def expected(run):
    values = np.where(realize(run.posterior, run.latents) == 1, 5.0, 2.0)
    return np.stack([values.mean(axis=(1, 2)), values[:, 3, 4]], axis=1)


def weights():
    rows = np.zeros((2, *GRID.shape))
    rows[0], rows[1, 3, 4] = 1 / GRID.size, 1.0
    return rows


class Program:
    """A simulator outside JAX, which fails where the first cell is of facies 1."""

    def simulate(self, property):
        if property[0, 0] > 3:
            raise RuntimeError("no convergence")
        return np.array([property.mean(), property[3, 4]])


def test_that_the_models_predictions_of_every_draw_are_given(run, reading, expected):
    for forward in (LinearForward(weights(), GRID), lambda p: jnp.stack([p.mean(), p[3, 4]])):
        found = forecast(run, forward, property=reading)
        np.testing.assert_allclose(found.values, expected, rtol=1e-5)
        assert found.failed == 0
    assert found.quantiles()[0].p50 == pytest.approx(np.median(expected[:, 0]), rel=1e-5)


def test_that_failed_simulations_are_counted_and_left_out(run, reading, expected):
    fails = realize(run.posterior, run.latents)[:, 0, 0] == 1
    assert 0 < fails.sum() < len(fails)
    found = forecast(run, ExternalForward(Program(), GRID, 2), property=reading)
    assert found.failed == fails.sum()
    np.testing.assert_allclose(found.values, expected[~fails], rtol=1e-5)


def test_that_what_cannot_be_forecast_is_refused(run, reading):
    with pytest.raises(InputError, match="The run has no draw"):
        forecast(SimpleNamespace(latents=run.latents[:0]), LinearForward(weights(), GRID))
    with pytest.raises(InputError, match="failed for every draw"):
        forecast(run, lambda p: jnp.full(1, jnp.nan) * p.sum(), property=reading)
