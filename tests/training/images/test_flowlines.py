"""The simulator of channels along a map: channels run as its directions say, as wide as its widths, with its share."""

import numpy as np
import pytest

from latentinv.errors import InputError
from latentinv.training.images import FlowlineSimulator


def _direction(image):
    """Degrees clockwise from north along which bodies run, from the mean structure tensor."""
    y, x = np.gradient(image.astype(float))
    across = 0.5 * np.arctan2(2 * np.sum(x * y), np.sum(x * x - y * y))
    return np.mod(90 - np.degrees(across) + 90, 180)


@pytest.mark.parametrize("azimuth", [20.0, 90.0, 150.0])
def test_that_channels_run_along_the_direction_of_the_map(azimuth):
    maps = np.stack([np.full((160, 200), azimuth), np.full((160, 200), 7.0)])
    image = FlowlineSimulator().simulate(np.random.default_rng(0), maps)
    away = (_direction(image) - azimuth + 90) % 180 - 90
    # Meanders of 20°, some 60 independent bends: 3 standard errors.
    assert abs(away) < 3 * 20 / np.sqrt(60)


def test_that_channels_are_as_wide_as_the_map_says():
    shape, found = (200, 200), []
    for width in (5.0, 15.0):
        maps = np.stack([np.full(shape, 90.0), np.full(shape, width)])
        image = FlowlineSimulator(proportion=0.1, meanders=0.0, length=400.0).simulate(np.random.default_rng(1), maps)
        begins = np.sum((image[1:] == 1) & (image[:-1] == 0))
        found.append(image.sum() / begins)
    # Ends taper, and some channels touch.
    np.testing.assert_allclose(found, [5.0, 15.0], rtol=0.25)


def test_that_directions_half_a_turn_apart_are_the_same():
    azimuth = np.tile(np.where(np.arange(120) < 60, 170.0, 10.0), (100, 1))
    pair = [
        FlowlineSimulator().simulate(np.random.default_rng(0), np.stack([one, np.full(one.shape, 7.0)]))
        for one in (azimuth, np.where(azimuth > 90, azimuth - 180, azimuth))
    ]
    # The second runs the other way along each line.
    assert abs(_direction(pair[0][:, 70:]) - _direction(pair[1][:, 70:])) < 15


@pytest.mark.parametrize("proportion", [0.15, 0.4])
def test_that_the_proportion_is_met_within_about_one_channel(proportion):
    simulator = FlowlineSimulator(proportion=proportion)
    image = simulator.as_training_image(3, (300, 300))
    assert image.facies.mean() == pytest.approx(proportion, abs=225 * 12 / 300**2)
    assert [one.name for one in image.maps] == ["azimuth", "width"]
    assert image.maps[0].values.shape == (300, 300)


def test_that_the_seed_determines_image_and_maps():
    pair = [FlowlineSimulator().as_training_image(5, (60, 70)) for _ in range(2)]
    assert pair[0].fingerprint == pair[1].fingerprint
    assert pair[0].fingerprint != FlowlineSimulator().as_training_image(6, (60, 70)).fingerprint


@pytest.mark.parametrize(("name", "value"), [("proportion", 1.0), ("width", 1.0), ("turning", -1.0), ("length", 3.0)])
def test_that_parameters_out_of_range_are_refused(name, value):
    with pytest.raises(InputError, match=f"channels' {name} is {value:g}; expected"):
        FlowlineSimulator(**{name: value})
