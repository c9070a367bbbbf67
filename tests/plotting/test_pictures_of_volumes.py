"""Volumes: what is in front hides what is behind, the right way up and round, and sheets of them."""

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from latentinv.errors import InputError
from latentinv.grid import Grid
from latentinv.plotting import draw_volume, is_volume, plot_volumes
from latentinv.plotting._volume import RIGHT, UP, _first, _rays, show_volume

GRID = Grid((8, 8, 8), (2.0, 2.0, 2.0))
SIZE = np.ones(3)


def seen(cell, grid=GRID):
    """Mean place on the picture, rightwards and upwards, of a single cell that is not of the matrix, and expected."""
    field = np.zeros(grid.shape, int)
    field[cell] = 1
    axes = Figure().add_subplot()
    show_volume(axes, field, grid, (0, 1))
    (image,) = axes.images
    rows, columns = np.nonzero(np.asarray(image.get_array())[..., 3] > 0)
    left, right, bottom, top = image.get_extent()
    count = image.get_array().shape[0] - 1
    return left + columns.mean() / count * (right - left), bottom + rows.mean() / count * (top - bottom)


@pytest.mark.parametrize("cell", [(0, 0, 0), (7, 0, 0), (0, 7, 0), (0, 0, 7), (5, 2, 6)])
def test_that_a_cell_is_seen_where_it_lies(cell):
    centre = (np.array(cell[::-1]) + 0.5) / 8
    np.testing.assert_allclose(seen(cell), (centre @ RIGHT, centre @ UP), atol=0.015)


def test_that_depth_runs_downwards():
    deep = Grid(GRID.shape, GRID.spacing, z_axis="depth")
    np.testing.assert_allclose(seen((7, 3, 3), deep), seen((0, 3, 3)), atol=1e-6)


def test_that_rays_meet_the_nearest_solid_cell():
    """A cell in the middle is met behind the face of the box, at which a full box is met."""
    solid = np.zeros((10, 10, 10), bool)
    ray = _rays(np.array([0.55 * RIGHT.sum()]), np.array([0.55 * UP.sum()]), SIZE)
    empty, _ = _first(solid, ray, SIZE)
    assert not empty.any()
    solid[5, 5, 5] = True
    (hit,), (near,) = _first(solid, ray, SIZE)
    solid[:] = True
    (_,), (entry,) = _first(solid, ray, SIZE)
    assert hit
    assert entry == pytest.approx(ray.near[0], abs=1e-5)
    assert 0.3 < near - entry < 0.9


def test_that_a_property_shows_the_colours_of_its_faces():
    """The top of a volume that is 1 in its upper layer and 0 elsewhere has the last colour."""
    field = np.zeros(GRID.shape)
    field[-1] = 1
    axes = Figure().add_subplot()
    show_volume(axes, field, GRID)
    colours = np.asarray(axes.images[0].get_array())[..., :3]
    assert np.any(np.all(np.abs(colours - [0.993, 0.906, 0.144]) < 0.01, axis=-1))


@pytest.mark.parametrize("categories", [(0, 1), None])
def test_that_a_sheet_has_a_row_for_each_volume(tmp_path, categories):
    fields = np.random.default_rng(0).integers(0, 2, (2, *GRID.shape))
    sizes = []
    for count in (1, 2):
        plot_volumes(fields[:count], GRID, tmp_path / f"{count}.png", categories=categories, title="two")
        with Image.open(tmp_path / f"{count}.png") as picture:
            sizes.append(picture.size)
    assert sizes[0][0] == sizes[1][0] == 1600
    assert sizes[1][1] - sizes[0][1] == 370


def test_that_panels_are_pngs_and_flat_grids_are_no_volumes(tmp_path):
    assert draw_volume(np.zeros(GRID.shape, int), GRID, categories=(0, 1)).startswith(b"\x89PNG")
    assert is_volume(GRID)
    assert not any(map(is_volume, (Grid((8, 8)), Grid((1, 8, 8)), Grid((8, 1, 8)))))
    with pytest.raises(InputError, match="several cells along each of three axes"):
        plot_volumes(np.zeros((1, 1, 8, 8)), Grid((1, 8, 8)), tmp_path / "flat.png")
