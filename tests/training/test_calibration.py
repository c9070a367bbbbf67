"""Calibration: logits are read so that facies have the image's shares."""

import numpy as np
import pytest

from latentinv.training import TrainingImage
from latentinv.training._evaluation import calibrate, read

SHARES = (0.12, 0.6, 0.28)
IMAGE = TrainingImage.from_array(np.repeat([0, 1, 2], [12, 60, 28]).reshape(10, 10), "three")


@pytest.mark.parametrize("outputs", [1, 3])
@pytest.mark.parametrize("size", [0.01, 1.0, 50.0])
def test_that_facies_have_the_shares_of_the_image_whatever_the_size_of_logits(outputs, size):
    logits = size * np.random.default_rng(0).normal([0.0, 1.0, -2.0][:outputs], 1.0, (200, 500, outputs))
    shares = np.bincount(read(logits, IMAGE).ravel(), minlength=3) / logits[..., 0].size
    np.testing.assert_allclose(shares, SHARES, atol=1e-3)


def test_that_the_largest_number_typically_exceeds_the_second_by_one():
    logits = np.random.default_rng(0).normal(0.0, 7.0, (300_000, 3))
    calibration = calibrate(logits, IMAGE)
    field = (logits - calibration.shift) / calibration.scale
    first, second = np.sort(field, axis=1)[:, :0:-1].T
    assert np.median(first - second) == pytest.approx(1.0, abs=0.3)
    assert calibration.facies_model.categories == IMAGE.categories
