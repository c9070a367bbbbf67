"""Leaving a datum out by weights, against the exact posterior without it."""

import numpy as np
import pytest

from latentinv import InputError
from latentinv.decisions import leverage


def posterior(rows, data, sd):
    """Mean and covariance of z ~ N(0, I) given rows z + noise = data."""
    precision = np.eye(rows.shape[1]) + rows.T @ rows / sd**2
    covariance = np.linalg.inv(precision)
    return covariance @ rows.T @ data / sd**2, covariance


def test_that_the_map_moves_as_the_exact_posterior_without_the_datum_does():
    rows, data, sd = np.array([[1.0, 0.2], [0.1, 1.0], [0.7, 0.7]]), np.array([0.8, -0.5, 0.1]), 0.9
    mean, covariance = posterior(rows, data, sd)
    draws = np.random.default_rng(0).multivariate_normal(mean, covariance, 40_000)
    found = leverage(draws, draws @ rows.T, data, sd)
    np.testing.assert_allclose(found.misfit, (rows @ mean - data) / sd, atol=0.02)
    assert found.trusted.all()
    for k in range(3):
        without, _ = posterior(np.delete(rows, k, 0), np.delete(data, k), sd)
        assert found.moved[k] == pytest.approx(np.sqrt(np.mean((without - mean) ** 2)), abs=0.02)


def test_that_a_datum_that_decides_all_is_not_trusted():
    rows, data = np.array([[1.0], [1.0]]), np.array([4.0, 0.2])
    mean, covariance = posterior(rows[:1], data[:1], 0.05)
    draws = np.random.default_rng(1).multivariate_normal(mean, covariance, 2000)
    found = leverage(draws, draws @ rows[:1].T, data[:1], 0.05)
    assert not found.trusted[0]


def test_that_few_draws_and_other_shapes_are_refused():
    with pytest.raises(InputError, match="at least 25 draws"):
        leverage(np.zeros((20, 3)), np.zeros((20, 1)), np.zeros(1), 1.0)
    with pytest.raises(InputError, match=r"predictions of shape \(30, 2\) for 1 data"):
        leverage(np.zeros((30, 3)), np.zeros((30, 2)), np.zeros(1), 1.0)


def test_that_equal_weights_are_used_as_they_are_and_have_no_shape():
    """Of a datum of one cell's facies: left out, draws with facies 1 weigh exp(½) as much as those with facies 0."""
    facies = np.array([[0.0]] * 30 + [[1.0]] * 10)
    found = leverage(facies, facies, np.zeros(1), np.ones(1))
    without = 10 * np.exp(0.5) / (30 + 10 * np.exp(0.5))
    assert found.moved[0] == pytest.approx(without - 0.25)
    assert np.isnan(found.shape[0])
    assert not found.trusted[0]
