"""Total variation against images whose boundary is known: stripes, checkerboards, disks."""

import numpy as np
import pytest

from latentinv.errors import InputError
from latentinv.realism import anisotropic_total_variation, total_variation
from tests.realism.images import channels, checkerboard, random_facies, stripes

BOTH = pytest.mark.parametrize("variation", [total_variation, anisotropic_total_variation])


@BOTH
@pytest.mark.parametrize("shape", [(9, 17), (5, 9, 17)])
def test_that_stripes_vary_once_an_edge(variation, shape):
    assert variation(stripes(shape, -1, 4)).pooled() == pytest.approx(1 / 4)


@pytest.mark.parametrize("shape", [(8, 11), (5, 6, 7)])
def test_that_a_checkerboard_varies_in_all_directions_at_every_cell(shape):
    assert total_variation(checkerboard(shape)).pooled() == pytest.approx(np.sqrt(len(shape)))
    assert anisotropic_total_variation(checkerboard(shape)).pooled() == pytest.approx(len(shape))


def test_that_a_smooth_disk_varies_by_its_circumference():
    row, column = np.indices((201, 201)) - 100.0
    disk = np.clip((60.0 - np.hypot(row, column)) / 40 + 0.5, 0, 1)[None]
    assert total_variation(disk).pooled() * 200**2 == pytest.approx(2 * np.pi * 60, rel=0.005)
    # |cos| + |sin| has the mean 4 / π over directions. Of the last row and column, which are flat, none is lost.
    assert anisotropic_total_variation(disk).pooled() * 200 * 201 == pytest.approx(8 * 60, rel=0.005)


@BOTH
def test_that_a_mirrored_image_varies_as_much(variation):
    triangle = np.tril(np.ones((12, 12)))[None]
    assert variation(triangle).pooled() == pytest.approx(variation(triangle[:, ::-1]).pooled())


@pytest.mark.parametrize("shape", [(3, 5, 6), (2, 4, 5, 3)])
def test_that_anisotropic_variation_is_the_mean_step_along_each_axis(shape):
    images = random_facies(3, shape)
    expected = np.zeros(shape[0])
    for axis in range(1, len(shape)):
        steps = [
            [abs(float(image[place]) - float(image[tuple(np.add(place, unit))]))]
            for unit in [np.eye(len(shape) - 1, dtype=int)[axis - 1]]
            for image in images
            for place in np.ndindex(*(np.array(shape[1:]) - unit))
        ]
        expected += np.reshape(steps, (shape[0], -1)).mean(axis=1)
    np.testing.assert_allclose(anisotropic_total_variation(images).values(), expected, rtol=1e-6)


def test_that_the_channel_image_varies_as_published():
    assert total_variation(channels(2500, 2500)[None]).pooled() == pytest.approx(5.37e-2, abs=5e-5)


@BOTH
def test_that_an_image_without_neighbours_is_refused(variation):
    with pytest.raises(InputError, match="no gradient"):
        variation(np.zeros((1, 1, 5)))
