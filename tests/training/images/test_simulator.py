"""The channel simulator: its parameters are what it draws, and its borders are like its interior."""

import numpy as np
import pytest
import scipy.ndimage

from latentinv.errors import InputError
from latentinv.training.images._channels import BANDWIDTH, ChannelSimulator


@pytest.mark.parametrize("proportion", [0.1, 0.3, 0.6])
def test_that_the_proportion_is_met_within_about_one_channel(proportion):
    image = ChannelSimulator(proportion=proportion).simulate(np.random.default_rng(1), (500, 300))
    # One channel covers about 7 · 1.2 of 500 rows; the circle beyond the image adds as much again.
    assert image.mean() == pytest.approx(proportion, abs=2.5 * 7 * 1.2 / 500)


@pytest.mark.assure
def test_that_low_images_have_the_proportion_in_expectation():
    rng, simulator = np.random.default_rng(2), ChannelSimulator(amplitude=20, spread_degrees=0)
    shares = np.array([simulator.simulate(rng, (40, 600)).mean() for _ in range(250)])
    # 4 standard errors: false alarm 6e-5.
    assert shares.mean() == pytest.approx(0.3, abs=4 * shares.std() / np.sqrt(shares.size))


@pytest.mark.assure
@pytest.mark.parametrize("azimuth", [90.0, 55.0, 0.0])
def test_that_the_borders_hold_as_much_sand_as_the_interior(azimuth):
    rng, simulator = np.random.default_rng(3), ChannelSimulator(azimuth=azimuth)
    images = np.stack([simulator.simulate(rng, (40, 48)) for _ in range(500)])
    interior = images[:, 12:-12, 12:-12].mean(axis=(1, 2))
    for border in (images[:, :3], images[:, -3:], images[:, :, :3], images[:, :, -3:]):
        difference = border.mean(axis=(1, 2)) - interior
        # 4.5 standard errors, 12 comparisons: false alarm 8e-5.
        assert abs(difference.mean()) < 4.5 * difference.std() / np.sqrt(difference.size)


def test_that_straight_channels_have_the_stated_width():
    simulator = ChannelSimulator(proportion=0.2, width=20, amplitude=0, spread_degrees=0)
    widths = []
    for seed in range(25):
        clusters, _ = scipy.ndimage.label(simulator.simulate(np.random.default_rng(seed), (600, 1))[:, 0])
        widths += np.bincount(clusters)[1:].tolist()
    # About 150 channels, each within 11 % of the mean: 1 % standard error; the median is robust to channels
    # that touch.
    assert len(widths) > 100
    assert np.median(widths) == pytest.approx(20, rel=0.05)


def test_that_a_channel_has_the_stated_amplitude_and_wavelength():
    simulator = ChannelSimulator(proportion=0.008, width=4, amplitude=6, wavelength=64, spread_degrees=0)
    for seed in range(50):
        image = simulator.simulate(np.random.default_rng(seed), (300, 8000))
        if scipy.ndimage.label(image)[1] == 1 and not image[[0, -1]].any():
            break
    centre = (image * np.arange(300)[:, None]).sum(axis=0) / image.sum(axis=0)
    centre -= centre.mean()
    crossings = np.count_nonzero(np.diff(np.sign(scipy.ndimage.gaussian_filter1d(centre, 3))))
    # 8000 cells hold about 125 bends each way: standard errors near 6 % and 2 %; bounds at 4 of them (false
    # alarm 1e-4).
    assert centre.std() == pytest.approx(6, rel=0.24)
    # Rice: crossings follow the rms frequency, sqrt(1 + BANDWIDTH²) above the central one.
    assert 2 * 8000 / crossings * np.sqrt(1 + BANDWIDTH**2) == pytest.approx(64, rel=0.08)


@pytest.mark.parametrize(
    ("azimuth", "east", "north"), [(90, 1, 0), (45, 1, 1), (0, 0, 1), (135, 1, -1), (60, 1.732, 1)]
)
def test_that_channels_run_along_their_azimuth_clockwise_from_north(azimuth, east, north):
    """Of shifts of 30 cells, the one along the azimuth leaves most of the image as it is."""
    simulator = ChannelSimulator(azimuth=azimuth, amplitude=2, spread_degrees=2)
    image = simulator.simulate(np.random.default_rng(5), (200, 200))

    def alike(east, north):
        x, y = np.rint(30 * np.array([east, north]) / np.hypot(east, north)).astype(int)
        return np.mean(image[40:-40, 40:-40] == np.roll(image, (-y, -x), axis=(0, 1))[40:-40, 40:-40])

    others = [alike(np.sin(a), np.cos(a)) for a in np.radians(azimuth + np.array([30, 60, 90, 120, 150]))]
    assert alike(east, north) > max(others) + 0.1


def test_that_channels_cross_the_image_without_a_break():
    image = ChannelSimulator(proportion=0.2).simulate(np.random.default_rng(6), (300, 300))
    clusters, count = scipy.ndimage.label(image[:, 20:-20], np.ones((3, 3)))
    inner = {*clusters[100:-100].ravel().tolist()} - {0}
    assert count >= 2
    assert inner <= {*clusters[:, 0].tolist()} & {*clusters[:, -1].tolist()}


def test_that_a_seed_gives_the_same_training_image_and_another_gives_another():
    simulator = ChannelSimulator()
    first, again, other = (simulator.as_training_image(seed, (64, 80)) for seed in (7, 7, 8))
    assert first.sha256 == again.sha256 != other.sha256
    assert first.facies.shape == (64, 80)
    assert first.categories == (0, 1)
    assert first.name == again.name != other.name


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"proportion": 1.0}, "proportion is 1; expected a share between 0 and 1"),
        ({"width": 1.0}, "width is 1; expected at least 2 cells"),
        ({"amplitude": -1.0}, "amplitude is -1"),
        ({"wavelength": 10.0}, "wavelength is 10; expected at least twice the width"),
        ({"azimuth": float("nan")}, "azimuth is nan"),
        ({"spread_degrees": 60.0}, "spread_degrees is 60"),
    ],
)
def test_that_impossible_parameters_are_refused(parameters, message):
    with pytest.raises(InputError, match=message):
        ChannelSimulator(**parameters)


def test_that_a_shape_of_three_axes_is_refused():
    with pytest.raises(InputError, match="expected \\(rows, columns\\)"):
        ChannelSimulator().simulate(np.random.default_rng(0), (4, 5, 6))
