"""Shares by hand, moments against scipy.stats."""

import numpy as np
import pytest
import scipy.stats

from latentinv.errors import InputError
from latentinv.realism import facies_share, moments, power_means


def test_that_the_facies_share_counts_all_images():
    facies = np.zeros((2, 4, 5), np.uint8)
    facies[0, :2] = 1
    assert facies_share(facies, 1).pooled() == 0.25
    assert facies_share(facies, 1).values().tolist() == [0.5, 0]
    assert facies_share(facies, 2).pooled() == 0.0


@pytest.mark.parametrize("offset", [0.0, -9.0])
def test_that_moments_are_those_of_scipy(offset):
    pictures = np.random.default_rng(5).gamma(2.0, size=(3, 5, 6, 7)) + offset
    powers = power_means(pictures)
    values = pictures.ravel()
    expected = values.mean(), values.std(), scipy.stats.skew(values), scipy.stats.kurtosis(values)
    np.testing.assert_allclose(moments(powers.pooled()), expected, rtol=1e-9)
    batch = moments(powers.pooled(np.eye(3)))
    np.testing.assert_allclose(batch.kurtosis, scipy.stats.kurtosis(pictures.reshape(3, -1), axis=1), rtol=1e-9)


@pytest.mark.parametrize("pictures", [np.full((2, 4, 4), 0.3), 1e4 + np.random.default_rng(6).random((2, 4, 4))])
def test_that_values_that_hardly_vary_have_no_moments(pictures):
    with pytest.raises(InputError, match="subtract their mean"):
        moments(power_means(pictures).pooled())
