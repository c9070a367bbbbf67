"""The grid: which coordinate counts along which axis, and how much of a box falls in a cell."""

import numpy as np
import pytest

from latentinv.data import BlockMeans, HardData
from latentinv.errors import InputError
from latentinv.forward import CurvedRays, ray_lengths
from latentinv.grid import Grid
from latentinv.priors import FaciesModel

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


def decimal_grids(count):
    """Grids such as people type them: map coordinates and edges of cells with few decimals, and their far corner."""
    rng = np.random.default_rng(11)
    for number in range(count):
        shape = tuple(int(n) for n in rng.integers(1, 60, 2 + number % 2))
        decimals = int(rng.integers(0, 3))
        spacing = tuple(max(round(float(h), decimals), 10.0**-decimals) for h in rng.uniform(0.01, 30, len(shape)))
        origin = tuple(
            round(float(x), decimals) for x in rng.uniform([2e5, 4e6, -900.0], [8e5, 6e6, 900.0])[: len(shape)]
        )
        far = [round(o + h * n, decimals) for o, h, n in zip(origin, spacing, shape[::-1], strict=True)]
        axes = ("xyz" if len(shape) == 3 else ("xy", "xz")[number % 4 // 2]) if number % 3 else ""
        yield Grid(shape, spacing, origin, axes=axes), np.array(far)


def test_that_all_users_of_200_decimal_grids_find_the_far_corner_inside():
    for grid, far in decimal_grids(200):
        near = np.asarray(grid.origin)
        assert grid.inside(np.stack([near, far])).all()
        np.testing.assert_array_equal(grid.cells(far)[0], np.array(grid.shape) - 1)
        np.testing.assert_allclose(grid.box_weights(near, far), 1 / grid.size)
        assert ray_lengths(grid, near[None], far[None]).sum() == pytest.approx(np.linalg.norm(far - near))
        assert CurvedRays(grid, near[None], far[None]).count == 1
        facies_model = FaciesModel((0, 1), (0.0,))
        assert HardData(grid, far[None], [1], facies_model).count == 1
        assert BlockMeans(grid, near, far, 0.5, 0.1, facies_model).count == 1
        beyond = far + 1e-3 * np.asarray(grid.spacing)
        assert not grid.inside(beyond).any()
        with pytest.raises(InputError, match="outside the grid"):
            ray_lengths(grid, near[None], beyond[None])


def test_that_a_rotation_turns_the_grid_about_its_origin_from_x_towards_y():
    grid = Grid((3, 5), spacing=(2.0, 1.0), origin=(100.0, 50.0), rotation=90.0)
    np.testing.assert_allclose(grid.centres(np.array([[0, 4], [2, 0]])), [[99.5, 59.0], [97.5, 51.0]])
    np.testing.assert_array_equal(grid.cells(np.array([[99.5, 59.0], [97.5, 51.0]])), [[0, 4], [2, 0]])
    np.testing.assert_allclose([grid.lower, grid.upper], [[97.0, 50.0], [100.0, 60.0]])
    np.testing.assert_allclose(grid.extent, [10.0, 3.0])
    assert grid.describe() == "10 × 3 m, rotated by 90° about (100, 50)"


@pytest.mark.parametrize("rotation", [30.0, -117.3, 400.0])
def test_that_a_rotated_grid_finds_its_cells_and_faces_again(rotation):
    grid = Grid((4, 6, 7), (2.0, 3.0, 0.5), (4.5e5, 5.6e6, -20.0), rotation)
    cells = np.stack(np.unravel_index(np.arange(grid.size), grid.shape), axis=1)
    np.testing.assert_array_equal(grid.cells(grid.centres(cells)), cells)
    local = np.array([[0.0, 0.0, 0.0], [14.0, 18.0, 2.0], [14.0, 0.0, 1.0]])
    np.testing.assert_allclose(grid.local(grid.world(local)), local, atol=1e-8)
    np.testing.assert_array_equal(grid.positions(grid.world(local)), [[0, 0, 0], [7, 6, 4], [7, 0, 2]])
    assert not grid.inside(grid.world(local[1] + [0.1, 0.0, 0.0])).any()


def test_that_a_box_on_a_rotated_grid_is_refused():
    with pytest.raises(InputError, match="rotated by 30 degrees"):
        Grid((4, 4), rotation=30.0).box_weights(np.zeros(2), np.ones(2))


def test_that_a_section_and_a_depth_are_called_so():
    assert Grid((2, 3), axes="xz").describe() == "x 0–3 m, z 0–2 m"
    assert Grid((2, 3), axes="yz", z_axis="depth").describe() == "y 0–3 m, depth 0–2 m"
    assert [Grid((2, 3)).vertical, Grid((2, 3), axes="xz").vertical, Grid((1, 2, 3)).vertical] == [False, True, True]
    with pytest.raises(InputError, match="expected columns x, z"):
        Grid((2, 3), axes="xz").cells(np.zeros((1, 3)))


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
        ({"shape": (4, 4), "rotation": float("nan")}, "rotation nan is not finite"),
        ({"shape": (4, 4), "axes": "xz", "rotation": 10}, "vertical section and has a rotation of 10"),
        ({"shape": (4, 4), "axes": "zx"}, "axes 'zx'; give 'xy' or 'xz' or 'yz'"),
        ({"shape": (4, 4, 4), "axes": "xy"}, "of 3 axes has axes 'xy'; give 'xyz'"),
        ({"shape": (4, 4, 4), "z_axis": "down"}, "z_axis 'down'; give 'up'"),
        ({"shape": (4, 4), "z_axis": "depth"}, "is a map, which has no depth"),
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
