"""Contacts between facies, counted by hand."""

import numpy as np
import pytest

from latentinv.realism import contacts


def test_that_pairs_of_neighbours_are_counted_along_all_axes_whichever_comes_first():
    image = np.array([[[0, 1, 1], [2, 1, 0]]])
    # Along rows 01, 11, 21, 10; along columns 02, 11, 10.
    expected = {"00": 0, "01": 3, "02": 1, "11": 2, "12": 1, "22": 0}
    np.testing.assert_allclose(contacts(image, 3).pooled(), np.array(list(expected.values())) / 7)


@pytest.mark.parametrize("shape", [(9, 8), (4, 5, 6)])
def test_that_the_shares_sum_to_one_and_a_mirrored_image_has_the_same(shape):
    images = np.random.default_rng(0).integers(0, 4, (3, *shape))
    found = contacts(images, 4)
    np.testing.assert_allclose(found.pooled().sum(), 1.0)
    np.testing.assert_array_equal(found.sums, contacts(np.flip(images, -1), 4).sums)
