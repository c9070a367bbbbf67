"""Local means: trends of a property, and through thresholds local proportions of truncated Gaussian facies."""

import jax
import numpy as np
import pytest
from scipy import stats

from latentinv import Anamorphosis, CholeskyPrior, Covariance, Grid, InputError, SPDEPrior, SpectralPrior
from latentinv.priors import FaciesModel, prior_from_record
from tests.problems import generate

GRID = Grid((6, 8))
COVARIANCE = Covariance("exponential", 4.0, standard_deviation=2.0)
TREND = np.add.outer(np.arange(6.0), 10 * np.arange(8.0))
PRIORS = {
    "cholesky": CholeskyPrior(COVARIANCE, mean=5.0),
    "spectral": SpectralPrior(COVARIANCE, mean=5.0, waves=16),
    "spde": SPDEPrior(1.0, 3.0, standard_deviation=2.0, mean=5.0),
}


def latents(prior, grid=GRID):
    return jax.random.normal(jax.random.key(0), (prior.latent_size(grid),))


@pytest.mark.parametrize("name", PRIORS)
def test_that_a_trend_is_added_and_kept_in_files(name):
    prior = PRIORS[name]
    bound, z = prior.given(mean=TREND), latents(prior)
    np.testing.assert_allclose(generate(bound, z, GRID), generate(prior, z, GRID) - 5 + TREND, atol=1e-4)
    again = prior_from_record(bound.to_record())
    assert again.fingerprint() == bound.fingerprint() != prior.fingerprint()
    np.testing.assert_array_equal(generate(again, z, GRID), generate(bound, z, GRID))
    assert "mean from 0 to 75" in bound.describe()["marginal distribution"]


def test_that_a_curve_runs_along_the_first_axis():
    prior = SpectralPrior(COVARIANCE, ndim=3, waves=16)
    z, grid = latents(prior), Grid((3, 4, 5))
    curve = generate(prior.given(mean=[1.0, 2.0, 4.0]), z, grid) - generate(prior, z, grid)
    np.testing.assert_allclose(curve, np.array([1.0, 2.0, 4.0])[:, None, None] * np.ones((3, 4, 5)), atol=1e-5)


def test_that_tiles_take_their_part_and_ranges_can_be_local_too():
    prior = PRIORS["spde"].given(mean=TREND)
    z, field = latents(prior), np.full(GRID.shape, np.nan, np.float32)
    for place, values in prior.tiles(np.asarray(z), GRID, tile=4):
        field[place] = values
    np.testing.assert_allclose(field, generate(prior, z, GRID), atol=1e-4)
    both = PRIORS["spde"].given(mean=TREND, azimuth=30.0)
    assert both.fingerprint() == PRIORS["spde"].given(azimuth=30.0).given(mean=TREND).fingerprint()
    assert both.fingerprint() == PRIORS["spde"].given(mean=TREND).given(azimuth=30.0).fingerprint()


def test_that_facies_cut_from_a_trend_have_local_proportions():
    """Of 2 000 draws; the binomial bound of each of 48 shares, together a false-alarm rate of 1e-4."""
    prior = CholeskyPrior(Covariance("exponential", 4.0), facies_model=FaciesModel((0, 1), (0.0,)))
    bound, mean = prior.given(mean=TREND / 40 - 1).on(GRID), TREND / 40 - 1
    z = jax.random.normal(jax.random.key(1), (2000, bound.latent_size(GRID)))
    found = np.mean(jax.jit(lambda z: jax.lax.map(lambda one: bound.facies(bound.generate(one, GRID)), z))(z), axis=0)
    share = stats.norm.cdf(mean)
    assert np.all(np.abs(found - share) < stats.norm.isf(1e-4 / 96) * np.sqrt(share * (1 - share) / 2000))


def test_that_means_that_cannot_be_used_are_refused():
    prior = PRIORS["spectral"]
    with pytest.raises(InputError, match=r"local means are for \(6, 8\) cells, the grid has \(6, 9\)"):
        prior.given(mean=TREND).generate(latents(prior), Grid((6, 9)))
    with pytest.raises(InputError, match="not all finite"):
        prior.given(mean=np.nan)
    with pytest.raises(InputError, match="local means have 3 axes"):
        prior.given(mean=np.zeros((2, 6, 8)))
    with pytest.raises(InputError, match="takes none"):
        SpectralPrior(Covariance("exponential", 4.0), anamorphosis=Anamorphosis.log_normal(1.0, 1.0)).given(mean=1.0)
