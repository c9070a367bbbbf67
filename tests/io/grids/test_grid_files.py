"""Grids from files: where a raster lies is where the grid lies, and what no grid can be is refused."""

import numpy as np
import pytest
from PIL import Image

from latentinv import Grid, InputError
from latentinv.cli._init import Found, _cell_size, _extent
from latentinv.errors import StorageError
from latentinv.io.grids import GRID_FORMATS, cell_size, read_grid
from latentinv.io.maps import Maps, write_maps
from latentinv.study import parse_study_file
from tests.problems import random_generator_prior

GRIDS = {
    "map": Grid((5, 4), spacing=(10.0, 20.0), origin=(1000.0, 2000.0)),
    "squares": Grid((5, 4), spacing=25.0, origin=(-1000.5, 2000.0)),
    "turned": Grid((5, 4), spacing=(10.0, 20.0), origin=(500_000.0, 4_000_000.0), rotation=30.0),
    "turned far": Grid((5, 4), spacing=(10.0, 20.0), origin=(1000.0, 2000.0), rotation=-120.0),
    "section": Grid((5, 4), spacing=(10.0, 2.0), origin=(7.0, -3.0), axes="xz"),
    "depths": Grid((5, 4), spacing=(10.0, 2.0), origin=(7.0, -3.0), axes="yz", z_axis="depth"),
    "volume": Grid((3, 5, 4), spacing=(10.0, 20.0, 5.0), origin=(1.0, 2.0, 3.0)),
}
HELD = [
    *((name, ".nc") for name in GRIDS),
    *((name, ".tif") for name in ("map", "squares", "turned", "turned far")),
    *((name, ending) for name in ("map", "squares", "section", "volume") for ending in (".gslib", ".sgems")),
    ("squares", ".asc"),
]
AFFINES = {
    "mirrored": (10.0, 0, 0, 0, 10.0, 0),
    "west first": (-10.0, 0, 0, 0, -10.0, 0),
    "sheared": (10.0, 3.0, 0, 0, -10.0, 0),
}


def geotiff(path, affine, crs=None):
    rasterio = pytest.importorskip("rasterio", reason="rasterio, of the extra 'export', is not installed")
    settings = {"driver": "GTiff", "count": 1, "height": 3, "width": 4, "dtype": "uint8"}
    with rasterio.open(path, "w", **settings, transform=rasterio.Affine(*affine), crs=crs) as data:
        data.write(np.zeros((1, 3, 4), np.uint8))
    return path


def same(one, other):
    assert (one.shape, one.axes, one.z_axis) == (other.shape, other.axes, other.z_axis)
    for name in ("spacing", "origin", "rotation"):
        np.testing.assert_allclose(getattr(one, name), getattr(other, name), rtol=1e-12, atol=1e-9)


def test_that_every_format_of_the_package_is_tested_here():
    own = {name for name, form in GRID_FORMATS.items() if form.__module__.startswith("latentinv.")}
    assert own == {"esri", "geotiff", "gslib", "netcdf", "run", "sgems"}


@pytest.mark.parametrize(("name", "ending"), HELD)
def test_that_the_grid_of_exported_maps_is_read_again(tmp_path, name, ending):
    if ending == ".tif":
        pytest.importorskip("rasterio", reason="rasterio, of the extra 'export', is not installed")
    grid = GRIDS[name]
    write_maps(tmp_path / f"a{ending}", Maps(grid, {"entropy": np.zeros(grid.shape, np.float32)}))
    same(read_grid(tmp_path / f"a{ending}"), grid)


@pytest.mark.parametrize("name", AFFINES)
def test_that_a_mirrored_or_sheared_geotiff_is_refused(tmp_path, name):
    with pytest.raises(InputError, match="sheared" if name == "sheared" else "is mirrored"):
        read_grid(geotiff(tmp_path / "a.tif", AFFINES[name]))


def test_that_degrees_are_refused_and_feet_become_metres(tmp_path):
    north_up = (10.0, 0, 1000.0, 0, -20.0, 5000.0)
    with pytest.raises(InputError, match="coordinates in degrees; project it to metres first"):
        read_grid(geotiff(tmp_path / "a.tif", north_up, "EPSG:4326"))
    feet = read_grid(geotiff(tmp_path / "b.tif", north_up, "EPSG:2263"))  # US survey feet
    same(feet, Grid((3, 4), np.array([10.0, 20.0]) * 1200 / 3937, np.array([1000.0, 4940.0]) * 1200 / 3937))
    same(read_grid(geotiff(tmp_path / "c.tif", north_up, "EPSG:32632")), Grid((3, 4), (10.0, 20.0), (1000.0, 4940.0)))
    Image.fromarray(np.zeros((3, 4), np.uint8)).save(tmp_path / "d.tif")
    with pytest.raises(InputError, match="does not say where it lies"):
        read_grid(tmp_path / "d.tif")


def test_that_an_esri_grid_may_state_the_middle_of_its_corner_cell(tmp_path):
    (tmp_path / "a.asc").write_text("NROWS 2\nncols 3\nXLLCENTER 5\nyllcenter 15\ncellsize 10\n1 2 3\n4 5 6\n")
    same(read_grid(tmp_path / "a.asc"), Grid((2, 3), 10.0, (0.0, 10.0)))


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a.asc", "ncols 3\nnrows 2\n1 2 3\n", "does not state ncols, nrows and cellsize"),
        ("a.asc", "ncols 3\nnrows 2\ncellsize 1\n1 2 3\n", "does not state xllcorner"),
        ("a.gslib", "4 5 1\n1\nfacies\n", "nine numbers"),
        ("a.gslib", "4 1 1 1 1 1 0 0 0\n", "a single row of cells"),
        ("a.nc", "no netCDF", "was not written by 'latentinv export'"),
        ("a.csv", "x,y", "unsupported file extension"),
        ("a.tif", "no picture", "cannot be read"),
        ("a.asc", "ncols 3.5\nnrows 2\ncellsize 1\nxllcorner 0\nyllcorner 0\n", "cannot be read"),
    ],
)
def test_that_a_file_without_a_grid_is_one_sentence(tmp_path, name, text, words):
    (tmp_path / name).write_text(text)
    with pytest.raises((InputError, StorageError), match=words):
        read_grid(tmp_path / name)
    with pytest.raises((InputError, StorageError), match=r"There is no file|unsupported"):
        read_grid(tmp_path / "none.nc" if name != "a.csv" else tmp_path / name)


def test_that_a_study_takes_its_grid_from_a_file(tmp_path):
    random_generator_prior().save(tmp_path / "prior.h5")
    grid = Grid((24, 30), spacing=(10.0, 20.0), origin=(1000.0, 2000.0), rotation=30.0)
    write_maps(tmp_path / "map.nc", Maps(grid, {"entropy": np.zeros(grid.shape, np.float32)}))
    text = '[study]\nprior = "prior.h5"\n{more}[grid]\nfrom = "map.nc"\n'
    same(parse_study_file(text.format(more=""), tmp_path).grid, grid)
    with pytest.raises(InputError, match=r"\[study\] has spacing, and \[grid\] takes it from map.nc"):
        parse_study_file(text.format(more="spacing = 2.0\n"), tmp_path)
    with pytest.raises(InputError, match=r"lacks 'grid'; give it, or a table \[grid\]"):
        parse_study_file('[study]\nprior = "prior.h5"\n', tmp_path)
    with pytest.raises(InputError, match="has a key 'file'"):
        parse_study_file(text.format(more="").replace("from", "file"), tmp_path)


def test_that_the_cells_of_an_image_are_those_of_the_grid_that_is_proposed(tmp_path):
    write_maps(tmp_path / "a.asc", Maps(GRIDS["squares"], {"entropy": np.zeros((5, 4), np.float32)}))
    assert cell_size(tmp_path / "a.asc") == (25.0, 25.0)
    assert cell_size(tmp_path / "a.png") is None
    size = _cell_size(Found(tmp_path / "a.asc", "image"))
    shape, spacing, origin = _extent(
        [Found(tmp_path / "w.csv", "wells", np.array([[0.0, 1000.0], [0.0, 500.0]]))], size
    )
    assert (shape, spacing, origin) == ((22, 44), [25.0, 25.0], [-50.0, -25.0])
