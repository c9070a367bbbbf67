"""Minkowski functionals against scikit-image, a Boolean model of disks and bodies of known surface."""

import itertools

import numpy as np
import pytest
import skimage.measure

from latentinv.errors import InputError
from latentinv.realism import minkowski_densities
from tests.realism.images import random_facies, standard_errors

DENSITY, RADIUS = 0.008, 5.0


def all_shifts(image):
    """The image moved round by all distances. Its means over windows are those of the whole body, exactly."""
    axes = tuple(range(image.ndim))
    return np.stack([np.roll(image, shift, axes) for shift in np.ndindex(*image.shape)])


@pytest.mark.parametrize("seed", range(4))
def test_that_a_body_has_the_area_perimeter_and_euler_number_of_scikit_image(seed):
    image = np.pad(random_facies(seed, (9, 11)), 1)
    measured = minkowski_densities(all_shifts(image), 1).pooled() * image.size
    perimeter = skimage.measure.perimeter_crofton(image, directions=4)
    euler = skimage.measure.euler_number(image, connectivity=1)
    np.testing.assert_allclose(measured, [image.sum(), perimeter, euler], rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("seed", range(3))
def test_that_a_body_in_three_dimensions_has_the_euler_number_of_scikit_image(seed):
    image = np.pad(random_facies(seed, (4, 5, 6)), 1)
    volume, _, euler = minkowski_densities(all_shifts(image), 1).pooled() * image.size
    assert volume == pytest.approx(image.sum())
    assert euler == pytest.approx(skimage.measure.euler_number(image, connectivity=1))


def test_that_a_ball_has_its_surface_and_a_plane_what_thirteen_directions_see_of_it():
    ball = (np.square(np.indices((44, 44, 44)) - 21.7).sum(axis=0) < 18.0**2)[None]
    # All means are over places: the ball is far from the border, where each direction has 44 or 43 places an axis.
    assert minkowski_densities(ball, 1).pooled()[1] * 43.5**3 == pytest.approx(4 * np.pi * 18**2, rel=0.02)
    directions = np.array([v for v in itertools.product((-1, 0, 1), repeat=3) if v > (0, 0, 0)])
    lengths = np.linalg.norm(directions, axis=1)
    points = np.random.default_rng(15).standard_normal((400_000, 3))
    shares = np.bincount(np.abs(points @ (directions / lengths[:, None]).T).argmax(axis=1)) / len(points)
    expected = 2 * np.sum(shares * np.abs(directions[:, 0]) / lengths)
    plane = np.zeros((1, 5, 6, 7), int)
    plane[:, 2:] = 1
    # Five standard errors of the shares: 1e-6.
    sd = 2 * np.std(np.abs(directions[:, 0]) / lengths) / np.sqrt(len(points))
    assert minkowski_densities(plane, 1).pooled()[1] * 4 == pytest.approx(expected, abs=5 * sd)


def disks(rng, count, size):
    """A Boolean model: cells whose centre lies within a radius of a germ of a Poisson process."""
    places = np.arange(size)
    images = np.zeros((count, size, size), bool)
    for image in images:
        germs = rng.uniform(-RADIUS, size - 1 + RADIUS, (rng.poisson(DENSITY * (size - 1 + 2 * RADIUS) ** 2), 2))
        for row, column in germs:
            image |= np.hypot(places[:, None] - row, places - column) < RADIUS
    return images


def union_area(corners, radius):
    """Area of the union of disks about some of the corners of a cell, by strips."""
    x = np.linspace(-radius, 1 + radius, 400_001)
    reach = {corner: np.sqrt(np.maximum(radius**2 - (x - corner[1]) ** 2, 0)) for corner in corners}
    half = [np.max([reach.get((row, column), 0 * x) for column in (0, 1)], axis=0) for row in (0, 1)]
    shared = np.minimum(half[0], 1 + half[1]) - np.maximum(-half[0], 1 - half[1])
    return np.trapezoid(2 * half[0] + 2 * half[1] - np.maximum(shared, 0), x)


def boolean_model_in_cells(density, radius):
    """Area, perimeter and Euler number densities that square cells of length one show of a Boolean model of disks."""

    def covered(*corners):
        """Probability that the cells at all these corners are covered: no germ of the Poisson process misses them."""
        subsets = itertools.chain.from_iterable(itertools.combinations(corners, n + 1) for n in range(len(corners)))
        return 1 + sum((-1) ** len(s) * np.exp(-density * union_area(s, radius)) for s in subsets)

    area, beside, diagonal = covered((0, 0)), covered((0, 0), (0, 1)), covered((0, 0), (1, 1))
    perimeter = np.pi / 2 * ((area - beside) * 2 + (area - diagonal) * 2 / np.sqrt(2)) / 2
    return area, perimeter, area - 2 * beside + covered(*itertools.product((0, 1), repeat=2))


def test_that_a_boolean_model_of_disks_has_its_densities():
    measured = minkowski_densities(disks(np.random.default_rng(16), 300, 64), 1)
    # Three checks at six standard errors with 299 degrees of freedom: 1e-7.
    assert standard_errors(measured, boolean_model_in_cells(DENSITY, RADIUS)).max() < 6


def test_that_a_boolean_model_in_fine_cells_has_the_densities_it_has_in_the_plane():
    mean, empty = DENSITY * np.pi * RADIUS**2, np.exp(-DENSITY * np.pi * RADIUS**2)
    area, perimeter, euler = boolean_model_in_cells(DENSITY / 30**2, RADIUS * 30)
    # Miles 1976. Gaps and chords shorter than a cell are lost, in proportion to its length.
    assert area == pytest.approx(1 - empty, rel=1e-6)
    assert perimeter * 30 == pytest.approx(2 * np.pi * RADIUS * DENSITY * empty, rel=0.002)
    # Tips of the wedges between overlapping disks become holes however fine the cells. The expansion of `covered` in
    # 1 / RADIUS, where the union of disks about some corners grows by the perimeter of the corners' hull, has
    # 8 (√2 − 1) = 3.31 where the plane has π.
    assert euler * 30**2 == pytest.approx(DENSITY * empty * (1 - 8 * (np.sqrt(2) - 1) * mean / np.pi), rel=0.02)


def test_that_an_image_of_one_row_is_refused():
    with pytest.raises(InputError, match="at least two along each axis"):
        minkowski_densities(np.zeros((1, 1, 9), int), 0)
