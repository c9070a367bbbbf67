"""Each format of maps gives back what was written, with its place; what one cannot hold is refused."""

import re
import struct

import numpy as np
import pytest
import xarray

from latentinv import Grid, InputError
from latentinv.io.images import read_image
from latentinv.io.maps import MAP_FORMATS, Maps, write_maps

MAP = Grid((5, 4), spacing=(10.0, 20.0), origin=(1000.0, 2000.0))
TURNED = Grid((5, 4), spacing=(10.0, 20.0), origin=(1000.0, 2000.0), rotation=30.0)
SECTION = Grid((5, 4), spacing=(10.0, 2.0), origin=(7.0, -3.0), axes="xz", z_axis="depth")
VOLUME = Grid((3, 5, 4), spacing=(10.0, 20.0, 5.0), origin=(1.0, 2.0, 3.0))
GRIDS = {"map": MAP, "turned": TURNED, "section": SECTION, "volume": VOLUME}


def maps_on(grid, draws=2):
    rng = np.random.default_rng(0)
    layers = {
        "probability of 1": rng.random(grid.shape).astype(np.float32),
        "most probable facies": rng.integers(0, 3, grid.shape).astype(np.int32),
    }
    return Maps(grid, layers, rng.integers(0, 3, (draws, *grid.shape)).astype(np.int16) if draws else None)


def test_that_every_format_of_the_package_is_tested_here():
    own = {name for name, form in MAP_FORMATS.items() if form.__module__.startswith("latentinv.")}
    assert own == {"csv", "gslib", "netcdf", "esri", "geotiff", "vtk", "sgems", "roff", "grdecl", "zarr"}


@pytest.mark.parametrize("name", GRIDS)
def test_that_a_table_has_each_cell_by_its_centre(tmp_path, name):
    grid = GRIDS[name]
    maps = maps_on(grid)
    write_maps(tmp_path / "a.csv", maps)
    header, *lines = (tmp_path / "a.csv").read_text().splitlines()
    names = header.split(",")
    table = np.array([line.split(",") for line in lines], float)
    axes = ["depth" if axis == "z" and grid.depth else axis for axis in grid.axes]
    assert names == [*axes, *maps.layers, "realization 1", "realization 2"]
    cells = grid.cells(table[:, : grid.ndim])
    for column, layer in zip(table[:, grid.ndim :].T, maps.all_layers().values(), strict=True):
        np.testing.assert_allclose(column, layer[tuple(cells.T)], rtol=1e-6)
    assert len({*map(tuple, cells.tolist())}) == grid.size


@pytest.mark.parametrize("name", ["map", "section", "volume"])
def test_that_gslib_text_is_read_again_and_states_its_place(tmp_path, name):
    grid, maps = GRIDS[name], maps_on(GRIDS[name])
    write_maps(tmp_path / "a.gslib", maps)
    for layer, values in maps.all_layers().items():
        upwards = values[::-1] if grid.depth else values
        np.testing.assert_allclose(read_image(tmp_path / "a.gslib", key=layer), upwards, rtol=1e-6)
    first, *others = (tmp_path / "a.gslib").read_text().splitlines()
    expected = {"map": "4 5 1 10 20 1 1000 2000 0", "section": "4 1 5 10 1 2 7 0 -7", "volume": "4 5 3 10 20 5 1 2 3"}
    assert first == expected[name]
    assert len(others) == 5 + grid.size


@pytest.mark.parametrize("name", GRIDS)
def test_that_netcdf_is_read_again_with_coordinates(tmp_path, name):
    grid, maps = GRIDS[name], maps_on(GRIDS[name])
    write_maps(tmp_path / "a.nc", maps)
    with xarray.open_dataset(tmp_path / "a.nc", engine="scipy") as data:
        np.testing.assert_array_equal(data["probability_of_1"], maps.layers["probability of 1"])
        np.testing.assert_array_equal(data["most_probable_facies"], maps.layers["most probable facies"])
        np.testing.assert_array_equal(data["realization"], maps.realizations)
        assert data["realization"].dims == ("draw", *reversed(grid.axes))
        assert data.attrs["rotation"] == grid.rotation
        if grid.rotation:
            centre = [float(data[f"{axis}_world"][3, 1]) for axis in "xy"]
            np.testing.assert_allclose(centre, grid.centres([[3, 1]])[0])
        else:
            centre = [float(data[axis][1]) for axis in grid.axes]
            np.testing.assert_allclose(centre, grid.centres([[1] * grid.ndim])[0])
        if "z" in grid.axes:
            assert data["z"].attrs["positive"] == ("down" if grid.depth else "up")


def test_that_an_esri_grid_is_read_again(tmp_path):
    square = Grid((5, 4), spacing=25.0, origin=(1000.0, 2000.0))
    maps = Maps(square, {"entropy": maps_on(square).layers["probability of 1"]})
    write_maps(tmp_path / "a.asc", maps)
    np.testing.assert_allclose(read_image(tmp_path / "a.asc"), maps.layers["entropy"], rtol=1e-6)
    assert "xllcorner 1000\nyllcorner 2000\ncellsize 25\n" in (tmp_path / "a.asc").read_text()


@pytest.mark.parametrize("name", ["map", "turned"])
def test_that_a_geotiff_has_each_cell_in_its_place(tmp_path, name):
    rasterio = pytest.importorskip("rasterio")
    grid, maps = GRIDS[name], maps_on(GRIDS[name])
    write_maps(tmp_path / "a.tif", maps)
    with rasterio.open(tmp_path / "a.tif") as data:
        assert data.descriptions == tuple(maps.all_layers())
        for band, layer in enumerate(maps.all_layers().values(), 1):
            values = data.read(band)
            for cell in [(0, 0), (4, 3), (2, 1)]:
                row, column = data.index(*grid.centres([cell])[0])
                assert values[row, column] == pytest.approx(layer[cell], rel=1e-6)


@pytest.mark.parametrize("name", GRIDS)
def test_that_a_vtk_grid_has_its_corners_and_cells(tmp_path, name):
    pytest.importorskip("pyevtk")
    grid, maps = GRIDS[name], maps_on(GRIDS[name])
    write_maps(tmp_path / "a.vts", maps)
    points, cells = read_vts(tmp_path / "a.vts")
    sizes = [dict(zip(grid.axes, grid.shape[::-1], strict=True)).get(axis, 1) for axis in "xyz"]
    corners = points.reshape(*(n + 1 for n in reversed(sizes)), 3)  # x runs fastest
    middles = (corners[:-1, :-1, :-1] + corners[1:, 1:, 1:]) / 2
    middles = middles[..., ["xyz".index(axis) for axis in grid.axes]].reshape(-1, grid.ndim)
    if grid.depth:
        middles[:, -1] *= -1
    index = grid.cells(middles)
    np.testing.assert_allclose(middles, grid.centres(index), atol=1e-9)
    for layer, values in maps.all_layers().items():
        np.testing.assert_allclose(cells[layer], values[tuple(index.T)], rtol=1e-6)


def test_that_names_of_facies_go_along(tmp_path):
    rasterio = pytest.importorskip("rasterio")
    pytest.importorskip("pyevtk")
    maps = maps_on(MAP)
    named = Maps(MAP, maps.layers, maps.realizations, names={0: "clay", 1: "fine sand", 2: "gravel"})
    for ending in (".tif", ".vts", ".nc"):
        write_maps(tmp_path / f"a{ending}", named)
    with rasterio.open(tmp_path / "a.tif") as data:
        assert data.tags(2) == {"facies_0": "clay", "facies_1": "fine sand", "facies_2": "gravel"}
        assert data.tags(1) == {}
    _, cells = read_vts(tmp_path / "a.vts")
    assert {name: values.tolist() for name, values in cells.items() if name.startswith("code of")} == {
        "code of clay": [0], "code of fine sand": [1], "code of gravel": [2],
    }  # fmt: skip
    with xarray.open_dataset(tmp_path / "a.nc", engine="scipy") as data:
        assert data["most_probable_facies"].attrs["flag_meanings"] == "clay fine_sand gravel"
        assert "flag_meanings" not in data["probability_of_1"].attrs


def read_vts(path):
    """Points and cell data of a structured grid with raw data at its end."""
    head, _, tail = path.read_bytes().partition(b'<AppendedData encoding="raw">')
    tail = tail[tail.index(b"_") + 1 :]
    kinds = {"Float32": np.float32, "Float64": np.float64, "Int32": np.int32, "Int16": np.int16}
    cells, points = {}, None
    for found in re.finditer(rb"<DataArray ([^>]*)/?>", head):
        words = dict(re.findall(r'(\w+)="([^"]*)"', found[1].decode()))
        start, kind = int(words["offset"]), np.dtype(kinds[words["type"]])
        (size,) = struct.unpack_from("<Q", tail, start)
        values = np.frombuffer(tail, kind, size // kind.itemsize, start + 8)
        if words["Name"] == "points":
            points = values.reshape(-1, 3)
        else:
            cells[words["Name"]] = values
    return points, cells


@pytest.mark.parametrize(
    ("name", "ending", "words"),
    [
        ("turned", ".gslib", "GSLIB text cannot hold a rotated grid"),
        ("turned", ".asc", "An Esri ASCII grid cannot hold a rotated grid"),
        ("map", ".asc", "holds a map with square cells"),
        ("section", ".tif", "holds a map, not a section"),
        ("map", ".xyz", r"use one of \.asc, \.csv, \.dat"),
    ],
)
def test_that_what_a_format_cannot_hold_is_refused_and_writes_nothing(tmp_path, name, ending, words):
    with pytest.raises(InputError, match=words):
        write_maps(tmp_path / f"a{ending}", maps_on(GRIDS[name]))
    assert not list(tmp_path.iterdir())


def test_that_an_esri_grid_takes_one_layer(tmp_path):
    with pytest.raises(InputError, match="holds one layer, and there are 2: probability of 1, most probable facies"):
        write_maps(tmp_path / "a.asc", maps_on(Grid((5, 4)), draws=0))
