"""Pooling and resampling by image against the same statistic of stacks that really hold the images so often."""

import numpy as np
import pytest

from latentinv.errors import InputError
from latentinv.realism import PerImage, connectivity, facies_share
from tests.realism.images import smooth_facies

LAGS = np.outer([1, 3, 8], (0, 1))


def test_that_images_are_pooled_in_proportion_to_what_was_counted():
    measured = PerImage(np.array([[1.0, 0.0], [3.0, 0.0]]), np.array([[2.0, 0.0], [10.0, 0.0]]))
    assert measured.pooled().tolist() == [4 / 12, 0]
    assert measured.values().tolist() == [[0.5, 0], [0.3, 0]]


def test_that_weights_pool_as_stacks_with_repeated_images_do():
    facies = smooth_facies(1, (6, 24, 24))
    taken = np.array([[0, 0, 1, 4, 4, 4], [0, 1, 2, 3, 4, 5], [2, 2, 2, 2, 2, 2]])
    weights = np.array([np.bincount(row, minlength=6) for row in taken])
    measured = connectivity(facies, 1, LAGS)
    expected = [connectivity(facies[row], 1, LAGS).pooled() for row in taken]
    np.testing.assert_allclose(measured.pooled(weights), expected, rtol=1e-12)
    np.testing.assert_allclose(measured.pooled(weights[0]), expected[0], rtol=1e-12)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: facies_share(np.zeros((5, 5), int), 0), "expected \\[image, row, column\\]"),
        (lambda: facies_share(np.full((1, 5, 5), np.nan), 0), "25 values that are not finite"),
    ],
)
def test_that_what_cannot_be_pooled_is_refused(call, message):
    with pytest.raises(InputError, match=message):
        call()
