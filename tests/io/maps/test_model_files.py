"""Maps for SGeMS, reservoir models and Zarr come back from other libraries, or from our reader, as they were."""

import csv

import numpy as np
import pytest
import xarray

from latentinv import Grid, InputError
from latentinv.errors import StorageError
from latentinv.io.images import read_image, read_sgems
from latentinv.io.maps import Maps, write_maps
from latentinv.io.maps._grdecl import keywords

MAP = Grid((5, 4), spacing=(10.0, 20.0), origin=(1000.0, 2000.0))
FAR = Grid((5, 4), spacing=(10.0, 20.0), origin=(500_000.25, 4_000_000.125), rotation=30.0)
SECTION = Grid((5, 4), spacing=(10.0, 2.0), origin=(7.0, -3.0), axes="xz", z_axis="depth")
ALONG_Y = Grid((5, 4), spacing=(10.0, 2.0), origin=(7.0, -3.0), axes="yz")
VOLUME = Grid((3, 5, 4), spacing=(10.0, 20.0, 5.0), origin=(1.0, 2.0, 3.0))
TURNED = Grid((3, 5, 4), spacing=(10.0, 20.0, 5.0), origin=(1.0, 2.0, 3.0), rotation=-70.0, z_axis="depth")
GRIDS = {"map": MAP, "far": FAR, "section": SECTION, "along y": ALONG_Y, "volume": VOLUME, "turned": TURNED}
NAMES = {0: "clay", 1: "fine sand", 2: "gravel"}


def maps_on(grid, seed=0):
    rng = np.random.default_rng(seed)
    layers = {
        "probability of fine sand": rng.random(grid.shape).astype(np.float32),
        "most probable facies": rng.integers(0, 3, grid.shape).astype(np.int32),
    }
    return Maps(grid, layers, rng.integers(0, 3, (2, *grid.shape)).astype(np.int16), names=NAMES)


def some_grids(count=8):
    """Grids of random shapes and places."""
    rng = np.random.default_rng(7)
    for _ in range(count):
        ndim = int(rng.integers(2, 4))
        axes = "xyz" if ndim == 3 else str(rng.choice(["xy", "xz", "yz"]))
        settings = {"axes": axes, "z_axis": "depth" if axes.endswith("z") and rng.random() < 0.5 else "up"}
        yield Grid(
            tuple(int(n) for n in rng.integers(2, 6, ndim)),
            tuple(np.round(rng.uniform(0.5, 30, ndim), 3)),
            tuple(np.round(rng.uniform(-500, 500, ndim), 2)),
            rotation=float(rng.integers(-180, 180)) if axes.startswith("xy") and rng.random() < 0.5 else 0.0,
            **settings,
        )


ALL = [*GRIDS.values(), *some_grids()]


@pytest.mark.parametrize("grid", ALL, ids=range(len(ALL)))
def test_that_sgems_gives_back_values_and_places(tmp_path, grid):
    path = tmp_path / "a.sgems"
    maps = maps_on(grid)
    if grid is FAR:
        with pytest.raises(InputError, match="single precision, which is too coarse"):
            write_maps(path, maps)
        return
    write_maps(path, maps)
    if grid.rotation:
        return check_points(path, maps)
    found = read_sgems(path)
    own = ["xyz".index(axis) for axis in grid.axes]
    lowest = grid.shape[0] - 1 if grid.depth else 0
    centre = grid.centres([[lowest, *[0] * (grid.ndim - 1)]])[0]
    centre[-1] *= -1 if grid.depth else 1
    np.testing.assert_allclose(np.array(found.centre)[own], centre, rtol=1e-6, atol=1e-4)
    np.testing.assert_allclose(np.array(found.spacing)[own], grid.spacing, rtol=1e-6)
    for name, layer in maps.all_layers().items():
        upward = layer[::-1] if grid.depth else layer
        np.testing.assert_array_equal(read_image(path, key=name), upward)


def check_points(path, maps):
    """A set of points: each has the value of the cell that it lies in."""
    grid, content = maps.grid, path.read_bytes()
    count, layers = grid.size, maps.all_layers()
    start = content.index(b"realization 2\0") + len(b"realization 2\0")
    table = np.frombuffer(content, ">f4", 3 * count, start).reshape(count, 3).astype(float)
    places = table[:, ["xyz".index(axis) for axis in grid.axes]]
    places[:, -1] *= -1 if grid.depth else 1
    values = np.frombuffer(content, ">f4", offset=start + 12 * count).reshape(len(layers), count)
    assert b"Point_set\0" in content
    for found, layer in zip(values, layers.values(), strict=True):
        np.testing.assert_array_equal(found, layer[tuple(grid.cells(places).T)])


def test_that_a_truncated_or_other_file_of_sgems_is_one_sentence(tmp_path):
    write_maps(tmp_path / "a.sgems", maps_on(MAP))
    content = (tmp_path / "a.sgems").read_bytes()
    for end in (3, 10, 40, 90, len(content) - 1):
        (tmp_path / "b.sgems").write_bytes(content[:end])
        with pytest.raises((StorageError, InputError)):
            read_image(tmp_path / "b.sgems", key="realization 1")
    write_maps(tmp_path / "c.sgems", maps_on(TURNED))
    with pytest.raises(InputError, match="an object of kind Point_set"):
        read_image(tmp_path / "c.sgems", key="realization 1")


@pytest.mark.parametrize("ending", [".roff", ".grdecl"])
@pytest.mark.parametrize("grid", ALL, ids=range(len(ALL)))
def test_that_xtgeo_reads_cells_values_and_codes(tmp_path, grid, ending):
    xtgeo = pytest.importorskip("xtgeo", reason="xtgeo, of the extra 'petroleum', is not installed")
    maps, path, form = maps_on(grid), tmp_path / f"a{ending}", ending[1:]
    write_maps(path, maps)
    model = xtgeo.grid_from_file(path, fformat=form)
    x, y, depth = (part.values.filled(np.nan).ravel() for part in model.get_xyz())
    z = depth if grid.depth else -depth
    centres = np.stack([{"x": x, "y": y, "z": z}[axis] for axis in grid.axes], axis=1)
    cells = grid.cells(centres)
    np.testing.assert_allclose(centres, grid.centres(cells), atol=0.02 if grid is FAR else 2e-3)
    words = dict(zip(maps.all_layers(), keywords(maps.all_layers()), strict=True))
    for name, layer in maps.all_layers().items():
        called = name if form == "roff" else words[name]
        found = xtgeo.gridproperty_from_file(path, fformat=form, name=called, grid=model)
        values = found.values.filled(-1).ravel()
        np.testing.assert_allclose(values, layer[tuple(cells.T)], rtol=1e-6)
        if form == "roff" and name == "most probable facies":
            assert found.isdiscrete
            assert found.codes == NAMES
    if form == "grdecl":
        with (tmp_path / "a.names.csv").open() as file:
            rows = list(csv.DictReader(file))
        assert {"keyword": "FACIES", "code": "1", "meaning": "fine sand"} in rows
        assert {row["meaning"]: row["keyword"] for row in rows if not row["code"]} == words
        assert path.read_text().startswith("-- P_FINE_S: probability of fine sand\n")


def test_that_keywords_are_short_and_different():
    layers = [
        "probability of 1",
        "probability of fine sand",
        "probability of fine sandstone",
        "COORD",
        "realization 12",
    ]
    assert keywords(layers) == ["P_1", "P_FINE_S", "P_FINE_2", "COORD2", "REAL12"]


@pytest.mark.parametrize("grid", ALL, ids=range(len(ALL)))
def test_that_zarr_has_what_netcdf_has(tmp_path, grid):
    pytest.importorskip("zarr", reason="zarr, of the extra 'zarr', is not installed")
    maps = maps_on(grid)
    for ending in (".nc", ".zarr"):
        write_maps(tmp_path / f"a{ending}", maps)
    with xarray.open_dataset(tmp_path / "a.nc", engine="scipy") as one, xarray.open_zarr(tmp_path / "a.zarr") as other:
        for name in one.data_vars:
            np.testing.assert_array_equal(one[name], other[name])
            assert one[name].dims == other[name].dims
            assert one[name].attrs.get("flag_meanings") == other[name].attrs.get("flag_meanings")
        for name in one.coords:
            np.testing.assert_array_equal(one[name], other[name])
        for name in ("spacing", "origin", "rotation"):
            np.testing.assert_array_equal(np.ravel(one.attrs[name]), np.ravel(other.attrs[name]))
        assert (one.attrs["axes"], one.attrs["z_axis"]) == (other.attrs["axes"], other.attrs["z_axis"])
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["a.nc", "a.zarr"]
