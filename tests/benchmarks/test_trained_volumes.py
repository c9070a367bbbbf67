"""Figures of trained volumes, and the image of clouds."""

import numpy as np
import pytest

from benchmarks._cloud_image import CLEAR, EXPONENT, cloud_image
from benchmarks.clouds import statistics, to_the_rest
from benchmarks.trained_volumes import figures


def test_that_a_volume_differs_by_its_share_surface_and_pairs():
    rng = np.random.default_rng(0)
    one = (rng.random((2, 16, 16, 16)) < 0.3).astype(np.uint8)
    same = figures(one, 2, 4).differences(figures(one, 2, 4))
    assert same == {"share": 0.0, "specific_surface": 0.0, "two_point": 0.0}
    thick = np.repeat(one[:, :8], 2, axis=1)  # as many cells, half of the contacts along the first axis
    other = figures(thick, 2, 4).differences(figures(one, 2, 4))
    assert other["share"] < 0.05
    assert 0.03 < other["specific_surface"] < 0.3
    # Half of the neighbours along this axis are alike: p² becomes (p + p²) / 2, over the share p of the facies.
    assert other["two_point"] == pytest.approx((1 - 0.3) / 2, abs=0.06)


def test_that_the_image_of_clouds_has_the_stated_spectrum_and_clear_sky():
    image = cloud_image(3)
    assert np.mean(image == 0) == pytest.approx(CLEAR, abs=1e-3)
    cut = np.stack([image[a : a + 96, b : b + 96] for a in (0, 200, 400) for b in (0, 200, 400)])
    found = statistics(cut)
    assert found["spectral_slope"] == pytest.approx(
        -(EXPONENT + 1), abs=0.4
    )  # clear sky and the exponential flatten it
    assert found["difference_shape"] < 1  # peaked, with long tails
    assert found["clear_share"] == pytest.approx(CLEAR, abs=0.1)


def test_that_a_mosaic_is_near_to_itself():
    field = np.random.default_rng(0).normal(size=(192, 192))
    mosaic = np.tile(field[:64, :64], (3, 3))
    assert to_the_rest(np.random.default_rng(1), mosaic) < 0.1 * to_the_rest(np.random.default_rng(1), field)
