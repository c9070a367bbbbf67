"""Lineal paths of images that are known, against counting line by line, and with their symmetry."""

import numpy as np
import pytest

from latentinv.errors import InputError
from latentinv.realism import lineal_path
from tests.realism.images import random_facies, stripes


def test_that_lines_along_stripes_are_as_long_as_the_image():
    facies = stripes((16, 20), 0, 2)
    assert lineal_path(facies, 1, 1, 20).pooled().tolist() == [0.5] * 20
    assert lineal_path(facies, 1, 0, 4).pooled().tolist()[2:] == [0, 0]


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_that_it_is_what_counting_line_by_line_gives(axis):
    facies = random_facies(0, (2, 5, 6, 7))
    for length, found in enumerate(lineal_path(facies, 1, axis, 4).values().T, 1):
        windows = np.lib.stride_tricks.sliding_window_view(facies == 1, length, axis=axis + 1)
        np.testing.assert_allclose(found, windows.all(axis=-1).mean(axis=(1, 2, 3)))


def test_that_an_independent_field_has_powers_of_its_share():
    """Of 64³ independent cells; four standard errors of counts of at most 0.5 √(4 / 64³) = 0.002."""
    facies = (np.random.default_rng(0).random((1, 64, 64, 64)) < 0.6).astype(int)
    np.testing.assert_allclose(lineal_path(facies, 1, 1, 4).pooled(), 0.6 ** np.arange(1, 5), atol=0.008)


@pytest.mark.parametrize(("axis", "longest"), [(2, 3), (0, 9), (0, 0)])
def test_that_lines_that_do_not_fit_are_refused(axis, longest):
    with pytest.raises(InputError, match="give an axis and at most its cells"):
        lineal_path(stripes((8, 8), 0, 1), 1, axis, longest)
