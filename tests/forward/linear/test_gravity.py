"""Gravity of cells against point masses, a wide slab, and the sum over smaller cells."""

import jax.numpy as jnp
import numpy as np
import pytest

from latentinv import Grid, InputError
from latentinv.forward import gravity

CONSTANT = 6.67430e-11 * 1e5
AXES = {2: "xz", 3: "xyz"}


def attraction(grid, stations, density):
    """Milligals of a density on a grid."""
    return np.asarray(gravity(grid, stations).predict(jnp.asarray(density, jnp.float32)), float)


def test_that_a_far_cell_attracts_as_a_point_would():
    grid = Grid((3, 4, 5), spacing=(2.0, 3.0, 1.0), origin=(100.0, -50.0, 60.0), z_axis="depth")
    density = np.zeros(grid.shape)
    density[2, 1, 3] = 500.0
    centre = grid.centres(np.array([[2, 1, 3]]))[0]
    stations = np.array([[0.0, 0.0, 0.0], [107.0, -44.0, 0.0], [300.0, 20.0, 10.0]])
    apart = centre - stations
    expected = CONSTANT * 500 * 6.0 * apart[:, 2] / np.linalg.norm(apart, axis=1) ** 3
    np.testing.assert_allclose(attraction(grid, stations, density), expected, rtol=2e-3)


def test_that_a_far_cell_of_a_section_attracts_as_a_line_would():
    grid = Grid((4, 5), spacing=(2.0, 1.0), origin=(100.0, 60.0), axes="xz", z_axis="depth")
    density = np.zeros(grid.shape)
    density[3, 1] = 500.0
    centre = grid.centres(np.array([[3, 1]]))[0]
    stations = np.array([[0.0, 0.0], [103.0, 0.0], [150.0, 80.0]])
    apart = centre - stations
    expected = CONSTANT * 2 * 500 * 2.0 * apart[:, 1] / np.sum(apart**2, axis=1)
    np.testing.assert_allclose(attraction(grid, stations, density), expected, rtol=2e-3)


@pytest.mark.parametrize("ndim", [2, 3])
def test_that_a_wide_slab_attracts_as_bouguer_says(ndim):
    spacing = (4000.0,) * (ndim - 1) + (5.0,)
    shape = (4, *(50,) * (ndim - 1))
    grid = Grid(shape, spacing=spacing, origin=(-100_000.0,) * (ndim - 1) + (10.0,), axes=AXES[ndim], z_axis="depth")
    found = attraction(grid, np.zeros((1, ndim)), np.full(shape, 1000.0))
    # At 100 km of half a width, what lies beyond takes 2 × 20 m / 1e5 m off, and the corners less.
    np.testing.assert_allclose(found, 2 * np.pi * CONSTANT * 1000 * 20, rtol=1e-3)


@pytest.mark.parametrize("ndim", [2, 3])
def test_that_a_cell_pulls_as_much_up_as_down(ndim):
    grid = Grid((1,) * ndim, axes=AXES[ndim], z_axis="depth")
    across = [np.array([0.5, 0.5]), np.array([0.1, 0.7]), np.array([-3.0, 2.0])]
    depths = np.array([-2.0, 0.0, 0.2, 0.8, 1.0, 3.0])
    for place in across:
        stations = np.array([[*place[: ndim - 1], depth] for depth in depths])
        found = attraction(grid, stations, np.ones(grid.shape))
        np.testing.assert_allclose(found, -found[::-1], rtol=1e-5, atol=1e-7 * np.abs(found).max())
        assert np.all(found[:3] > 0)


@pytest.mark.parametrize("ndim", [2, 3])
def test_that_stations_within_a_slab_feel_what_is_below_less_what_is_above(ndim):
    spacing, shape = (4000.0,) * (ndim - 1) + (5.0,), (4, *(50,) * (ndim - 1))
    grid = Grid(shape, spacing=spacing, origin=(-100_000.0,) * (ndim - 1) + (10.0,), axes=AXES[ndim], z_axis="depth")
    depths = np.array([10.0, 15.0, 20.0, 26.0, 30.0])
    stations = np.array([[*(0.0,) * (ndim - 1), depth] for depth in depths])
    found = attraction(grid, stations, np.full(shape, 1000.0))
    whole = 2 * np.pi * CONSTANT * 1000 * 20
    np.testing.assert_allclose(found, whole * (20 - depths) / 10, atol=1e-3 * whole)


@pytest.mark.parametrize("ndim", [2, 3])
def test_that_halves_of_cells_attract_as_the_cells_from_corners_and_within(ndim):
    coarse, fine = (Grid((n,) * ndim, spacing=6 / n, axes=AXES[ndim]) for n in (3, 6))
    density = np.random.default_rng(2).normal(size=coarse.shape)
    refined = density
    for axis in range(ndim):
        refined = refined.repeat(2, axis=axis)
    stations = np.array([[0.0, 0.0, 0.0], [2.0, 4.0, 0.0], [6.0, 2.0, 4.0], [3.1, 2.2, 1.7]])[:, :ndim]
    ours = attraction(coarse, stations, density)
    assert np.all(np.isfinite(ours))
    np.testing.assert_allclose(attraction(fine, stations, refined), ours, rtol=1e-4, atol=1e-5 * np.abs(ours).max())


@pytest.mark.parametrize("ndim", [2, 3])
def test_that_elevations_give_what_depths_give_of_the_same_ground(ndim):
    density = np.random.default_rng(3).normal(size=(4, 3, 5)[3 - ndim :])
    stations = np.random.default_rng(4).uniform(-1, 6, (7, ndim))
    down = Grid(density.shape, 1.5, (2.0,) * (ndim - 1) + (10.0,), axes=AXES[ndim], z_axis="depth")
    up = Grid(density.shape, 1.5, (2.0,) * (ndim - 1) + (-10.0 - 1.5 * len(density),), axes=AXES[ndim])
    mirror = np.array([1.0] * (ndim - 1) + [-1.0])
    expected = attraction(down, stations, density)
    np.testing.assert_allclose(attraction(up, stations * mirror, density[::-1]), expected, rtol=1e-4, atol=1e-9)
    assert np.all(attraction(up, stations * mirror, np.ones(density.shape)) > 0)


def test_that_a_rotated_body_attracts_as_it_does_from_where_it_is_seen():
    density = np.random.default_rng(5).normal(size=(2, 3, 4))
    straight, turned = (Grid(density.shape, (3.0, 2.0, 1.0), (10.0, 20.0, -5.0), angle) for angle in (0.0, 30.0))
    local = np.random.default_rng(6).uniform(-2, 9, (6, 3))
    expected = attraction(straight, straight.world(local), density)
    np.testing.assert_allclose(attraction(turned, turned.world(local), density), expected, rtol=1e-4, atol=1e-9)


def test_that_a_map_and_stations_of_other_axes_are_refused():
    with pytest.raises(InputError, match="2 coordinates per station"):
        gravity(Grid((3, 3), axes="xz"), [[0.0, 0.0, 0.0]])
    with pytest.raises(InputError, match=r"Given a map.*axes='xz'"):
        gravity(Grid((3, 3)), [[0.0, 0.0]])
