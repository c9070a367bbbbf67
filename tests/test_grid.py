"""The grid: which coordinate counts along which axis, and how much of a box falls in a cell."""

import numpy as np
import pytest

from latentinv.errors import InputError
from latentinv.grid import Grid

PLANE = Grid((3, 5), spacing=(2.0, 0.5), origin=(100.0, -7.0))
VOLUME = Grid((2, 3, 5), spacing=(2.0, 0.5, 10.0), origin=(100.0, -7.0, 30.0))


def test_that_x_counts_columns_and_y_counts_rows():
    np.testing.assert_array_equal(PLANE.cells(np.array([[103.0, -6.9]])), [[0, 1]])
    np.testing.assert_array_equal(PLANE.cells(np.array([[100.1, -5.6]])), [[2, 0]])


def test_that_z_counts_layers():
    np.testing.assert_array_equal(VOLUME.cells(np.array([[109.0, -6.2, 45.0]])), [[1, 1, 4]])


@pytest.mark.parametrize("grid", [PLANE, VOLUME], ids=["plane", "volume"])
def test_that_a_unit_cell_comes_back_from_its_centre(grid):
    for flat in range(grid.size):
        cell = np.array(np.unravel_index(flat, grid.shape))
        np.testing.assert_array_equal(grid.cells(grid.centres(cell)), cell[None])


def test_that_the_centre_of_the_first_cell_is_half_a_cell_from_the_origin():
    np.testing.assert_allclose(VOLUME.centres(np.array([[0, 0, 0]])), [[101.0, -6.75, 35.0]])
    np.testing.assert_allclose(VOLUME.centres(np.array([[1, 0, 0]])), [[101.0, -6.75, 45.0]])


def test_that_the_extent_follows_shape_spacing_and_origin():
    np.testing.assert_allclose(VOLUME.lower, [100.0, -7.0, 30.0])
    np.testing.assert_allclose(VOLUME.upper, [110.0, -5.5, 50.0])
    assert (VOLUME.ndim, VOLUME.size) == (3, 30)
    assert VOLUME.describe() == "x 100–110 m, y -7–-5.5 m, z 30–50 m"


def test_that_far_map_coordinates_are_written_in_full():
    grid = Grid((2, 2), origin=(543210.0, 4521234.5))
    assert grid.describe() == "x 543210–543212 m, y 4521234.5–4521236.5 m"


def test_that_a_point_on_a_face_belongs_to_the_higher_cell_and_on_the_far_face_to_the_last():
    grid = Grid((4, 4))
    points = np.array([[1.0, 2.0], [4.0, 4.0], [0.0, 0.0]])
    np.testing.assert_array_equal(grid.cells(points), [[2, 1], [3, 3], [0, 0]])


def test_that_decimal_faces_fall_in_the_cell_their_digits_say():
    """0.3 / 0.1 is just below 3 in floating point, and 0.1 + 0.7 just below 0.8."""
    grid = Grid((1, 60), spacing=0.1)
    faces = np.round(np.arange(60) * 0.1, 1)
    cells = grid.cells(np.stack([faces, np.full(60, 0.05)], axis=1))
    np.testing.assert_array_equal(cells[:, 1], np.arange(60))
    assert Grid((1, 1), spacing=0.7, origin=0.1).inside(np.array([[0.8, 0.8]]))[0]


def test_that_points_are_told_inside_or_outside():
    grid = Grid((2, 3))
    points = np.array([[3.0, 2.0], [2.0, 3.0], [-0.01, 1.0], [0.0, 0.0]])
    np.testing.assert_array_equal(grid.inside(points), [True, False, False, True])


def test_that_a_box_along_faces_weighs_its_cells_alike_and_no_other():
    """The face between columns 2 and 3 is at 3 · 0.1, in floating point just above 0.3."""
    weights = Grid((4, 5), spacing=0.1).box_weights(np.array([0.3, 0.2]), np.array([0.5, 0.4]))
    expected = np.zeros((4, 5))
    expected[2:4, 3:5] = 0.25
    np.testing.assert_allclose(weights, expected, rtol=1e-12)
    assert np.count_nonzero(weights) == 4


def test_that_cells_cut_by_a_box_count_by_the_area_inside():
    """A box from (0.5, 0.75) to (2.0, 3.0) on unit cells: widths .5 and 1 in x; .25, 1 and 1 in y."""
    weights = Grid((4, 3)).box_weights(np.array([0.5, 0.75]), np.array([2.0, 3.0]))
    area = np.outer([0.25, 1.0, 1.0, 0.0], [0.5, 1.0, 0.0])
    np.testing.assert_allclose(weights, area / (1.5 * 2.25), rtol=1e-12)


def test_that_cut_cells_count_by_volume_on_anisotropic_cells_away_from_zero():
    weights = VOLUME.box_weights(np.array([101.0, -6.75, 35.0]), np.array([103.0, -6.5, 50.0]))
    volume = np.multiply.outer(np.array([5.0, 10.0]), np.outer([0.25, 0.0, 0.0], [1.0, 1.0, 0.0, 0.0, 0.0]))
    np.testing.assert_allclose(weights, volume / (2.0 * 0.25 * 15.0), rtol=1e-12)


def test_that_the_weights_of_any_box_sum_to_one_and_average_a_plane_at_its_middle():
    grid = Grid((40, 30), spacing=(0.5, 0.25), origin=(3.0, 1.0))
    low, high = np.array([4.0, 2.0]), np.array([9.5, 7.25])
    weights = grid.box_weights(low, high)
    x = grid.centres(np.stack(np.unravel_index(np.arange(grid.size), grid.shape), axis=1))
    np.testing.assert_allclose(weights.sum(), 1.0)
    np.testing.assert_allclose(weights.ravel() @ x, (low + high) / 2)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"shape": (4,)}, "has a length of 1; expected"),
        ({"shape": (4, 0)}, "an axis without cells"),
        ({"shape": (4, 2.5)}, "fractions of cells"),
        ({"shape": (4, 4), "spacing": (1.0, 0.0)}, "spacing .* is not positive"),
        ({"shape": (4, 4), "spacing": float("nan")}, "spacing nan is not positive"),
        ({"shape": (4, 4), "spacing": (1.0, 1.0, 1.0)}, "spacing has 3 numbers; expected one"),
        ({"shape": (4, 4), "origin": (0.0,)}, "origin has 1 numbers; expected one"),
        ({"shape": (4, 4), "origin": float("inf")}, "origin inf is not finite"),
    ],
)
def test_that_an_impossible_grid_is_refused(settings, sentence):
    with pytest.raises(InputError, match=sentence):
        Grid(**settings)


def test_that_a_point_outside_is_refused_by_number_and_place():
    with pytest.raises(InputError, match=r"Point 2 at \(1, 9\) lies outside the grid \(x 0–4 m, y 0–4 m\)"):
        Grid((4, 4)).cells(np.array([[1.0, 1.0], [1.0, 9.0]]))


def test_that_a_point_that_is_not_finite_or_has_other_axes_is_refused():
    with pytest.raises(InputError, match="Point 1 has a coordinate that is not a finite number"):
        Grid((4, 4)).cells(np.array([[np.nan, 1.0]]))
    with pytest.raises(InputError, match="3 coordinates on a grid of 2 axes; expected columns x, y"):
        Grid((4, 4)).cells(np.array([[1.0, 1.0, 1.0]]))


@pytest.mark.parametrize(
    ("low", "high", "sentence"),
    [
        ((1.0, 1.0), (1.0, 2.0), "has no area"),
        ((2.0, 1.0), (1.0, 2.0), "has no area"),
        ((1.0, 1.0), (3.0, 4.5), r"from \(1, 1\) to \(3, 4.5\) reaches outside the grid"),
    ],
)
def test_that_an_impossible_box_is_refused(low, high, sentence):
    with pytest.raises(InputError, match=sentence):
        Grid((4, 4)).box_weights(np.array(low), np.array(high))
