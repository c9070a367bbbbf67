"""Gravity of cells against point masses, a wide slab, and the sum over smaller cells."""

import jax.numpy as jnp
import numpy as np
import pytest

from latentinv import Grid, InputError
from latentinv.forward import gravity

CONSTANT = 6.67430e-11 * 1e5


def attraction(grid, stations, density):
    """Milligals of a density on a grid."""
    return np.asarray(gravity(grid, stations).predict(jnp.asarray(density, jnp.float32)), float)


def test_that_a_far_cell_attracts_as_a_point_would():
    grid = Grid((3, 4, 5), spacing=(2.0, 3.0, 1.0), origin=(100.0, -50.0, 60.0))
    density = np.zeros(grid.shape)
    density[2, 1, 3] = 500.0
    centre = grid.centres(np.array([[2, 1, 3]]))[0]
    stations = np.array([[0.0, 0.0, 0.0], [107.0, -44.0, 0.0], [300.0, 20.0, 10.0]])
    apart = centre - stations
    expected = CONSTANT * 500 * 6.0 * apart[:, 2] / np.linalg.norm(apart, axis=1) ** 3
    np.testing.assert_allclose(attraction(grid, stations, density), expected, rtol=2e-3)


def test_that_a_far_cell_of_a_section_attracts_as_a_line_would():
    grid = Grid((4, 5), spacing=(2.0, 1.0), origin=(100.0, 60.0))
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
    grid = Grid(shape, spacing=spacing, origin=(-100_000.0,) * (ndim - 1) + (10.0,))
    found = attraction(grid, np.zeros((1, ndim)), np.full(shape, 1000.0))
    # At 100 km of half a width, what lies beyond takes 2 × 20 m / 1e5 m off, and the corners less.
    np.testing.assert_allclose(found, 2 * np.pi * CONSTANT * 1000 * 20, rtol=1e-3)


@pytest.mark.parametrize("ndim", [2, 3])
def test_that_a_cell_pulls_as_much_up_as_down(ndim):
    grid = Grid((1,) * ndim)
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
    grid = Grid(shape, spacing=spacing, origin=(-100_000.0,) * (ndim - 1) + (10.0,))
    depths = np.array([10.0, 15.0, 20.0, 26.0, 30.0])
    stations = np.array([[*(0.0,) * (ndim - 1), depth] for depth in depths])
    found = attraction(grid, stations, np.full(shape, 1000.0))
    whole = 2 * np.pi * CONSTANT * 1000 * 20
    np.testing.assert_allclose(found, whole * (20 - depths) / 10, atol=1e-3 * whole)


@pytest.mark.parametrize("ndim", [2, 3])
def test_that_halves_of_cells_attract_as_the_cells_from_corners_and_within(ndim):
    coarse, fine = Grid((3,) * ndim, spacing=(2.0,) * ndim), Grid((6,) * ndim)
    density = np.random.default_rng(2).normal(size=coarse.shape)
    refined = density
    for axis in range(ndim):
        refined = refined.repeat(2, axis=axis)
    stations = np.array([[0.0, 0.0, 0.0], [2.0, 4.0, 0.0], [6.0, 2.0, 4.0], [3.1, 2.2, 1.7]])[:, :ndim]
    ours = attraction(coarse, stations, density)
    assert np.all(np.isfinite(ours))
    np.testing.assert_allclose(attraction(fine, stations, refined), ours, rtol=1e-4, atol=1e-5 * np.abs(ours).max())


def test_that_stations_of_other_axes_are_refused():
    with pytest.raises(InputError, match="2 coordinates a station"):
        gravity(Grid((3, 3)), [[0.0, 0.0, 0.0]])
