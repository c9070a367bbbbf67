"""Files written and read again, and files of other programs read: every number should be in its place.

*Round trips*: maps and realizations of grids (a map, a turned one, a section, a volume) are written in each format that
can hold them, and read again by a library or reader of that format; so are grids of random shapes, places, turns and
senses of z. A format is lossless if every cell comes back with its value (to the digits written) and its place; one
whose library is not installed is left out. *Misread*: files with missing-value codes, ambiguous titles, several
variables, sections, palettes, blurred edges, decimal commas, other column names, names of facies, logs in feet,
mirrored rasters and other units are read, and compared with what they mean.

Run ``python -m benchmarks.roundtrip``.
"""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import xarray
from PIL import Image

from benchmarks._report import run, show
from latentinv import Grid, HardData, InputError
from latentinv.data import read_las
from latentinv.io import read_table
from latentinv.io.grids import read_grid
from latentinv.io.images import read_image
from latentinv.io.maps import MAP_FORMATS, Maps, write_maps
from latentinv.priors import FaciesModel, SPDEPrior
from latentinv.training import read_training_image
from latentinv.units import unit_factor

RANDOM = 20
"""Grids of random shapes and places."""
GRIDS = {
    "map": Grid((5, 4), spacing=10.0, origin=(1000.0, 2000.0)),
    "turned": Grid((5, 4), spacing=10.0, origin=(1000.0, 2000.0), rotation=30.0),
    "section": Grid((5, 4), spacing=(10.0, 2.0), origin=(7.0, -3.0), axes="xz", z_axis="depth"),
    "volume": Grid((3, 5, 4), spacing=(10.0, 20.0, 5.0)),
}


def _random_grids(count: int) -> dict[str, Grid]:
    rng, found = np.random.default_rng(11), {}
    for number in range(count):
        axes = str(rng.choice(["xy", "xz", "yz", "xyz"]))
        found[f"random {number}"] = Grid(
            tuple(int(n) for n in rng.integers(2, 7, len(axes))),
            tuple(float(f"{edge:.3f}") for edge in rng.uniform(0.5, 40, len(axes))),
            tuple(float(f"{place:.2f}") for place in rng.uniform(-900, 900, len(axes))),
            rotation=float(rng.integers(-179, 180)) if axes.startswith("xy") and rng.random() < 0.5 else 0.0,
            axes=axes,
            z_axis="depth" if axes.endswith("z") and rng.random() < 0.5 else "up",
        )
    return found


GRIDS |= _random_grids(RANDOM)


def benchmark() -> dict[str, Any]:
    """Write, read and compare."""
    with tempfile.TemporaryDirectory() as folder:
        trips = {name: held for name in MAP_FORMATS if (held := _lossless(name, Path(folder))) is not None}
        wrong = [name for name, right in CASES.items() if not _is_right(right, Path(folder))]
    named = {name: [place for place in held if not place.startswith("random")] for name, held in trips.items()}
    rows = {name: f"{', '.join(named[name])}, {len(held) - len(named[name])} random" for name, held in trips.items()}
    show("Round trips: grids held and given back", rows)
    show("Left out, as a library is missing", {"formats": ", ".join(set(MAP_FORMATS) - set(trips)) or "none"})
    show("Cases read", {"right": len(CASES) - len(wrong), "wrong": ", ".join(wrong) or "none"})
    lossless = sum(bool(held) for held in trips.values()) / len(trips)
    return {"formats": len(trips), "lossless": lossless, "misread": len(wrong), "cases": len(CASES)}


def _lossless(name: str, folder: Path) -> list[str] | None:
    """Which grids a format holds; empty if one of them does not come back as it was, None if its library is missing."""
    held = []
    for place, grid in GRIDS.items():
        rng = np.random.default_rng(0)
        maps = Maps(grid, {"share": rng.random(grid.shape).astype(np.float32)})
        path = folder / f"{place}{MAP_FORMATS[name].endings[0]}"
        try:
            write_maps(path, maps)
        except InputError as error:
            if "not installed" in str(error):
                return None
            continue  # the format says that it cannot hold this grid
        if not np.allclose(READ[name](path, grid), maps.layers["share"], rtol=1e-6):
            return []
        held.append(place)
    return held


def _from_table(path: Path, grid: Grid) -> np.ndarray:
    names = ["depth" if axis == "z" and grid.depth else axis for axis in grid.axes]
    table = read_table(path, (*names, "share"))
    found = np.full(grid.shape, np.nan)
    found[tuple(grid.cells(table.points(names)).T)] = table.columns["share"]
    return found


def _from_netcdf(path: Path, grid: Grid) -> np.ndarray:
    with xarray.open_dataset(path, engine="scipy") as data:
        return np.asarray(data["share"].transpose(*reversed(grid.axes)))


def _from_geotiff(path: Path, grid: Grid) -> np.ndarray:
    import rasterio

    with rasterio.open(path) as data:
        values, found = data.read(1), np.full(grid.shape, np.nan)
        for cell in np.ndindex(grid.shape):
            found[cell] = values[data.index(*grid.centres(np.array([cell]))[0])]
    return found


def _from_vtk(path: Path, grid: Grid) -> np.ndarray:
    """Cell data lie behind the points at the file's end: the last floats, x fastest."""
    tail = path.read_bytes().partition(b'<AppendedData encoding="raw">')[2]
    tail = tail[tail.index(b"_") + 1 :]
    head = path.read_bytes().partition(b'Name="share"')[2]
    start = int(head.partition(b'offset="')[2].partition(b'"')[0])
    return np.frombuffer(tail, np.float32, grid.size, start + 8).reshape(grid.shape)


def _from_sgems(path: Path, grid: Grid) -> np.ndarray:
    """Of a grid, its property; of points, that of the cell that each lies in."""
    if not grid.rotation:
        return read_image(path, key="share")[:: -1 if grid.depth else 1]
    content = path.read_bytes().partition(b"share\0")[2]
    numbers = np.frombuffer(content, ">f4").astype(float)
    places = numbers[: 3 * grid.size].reshape(-1, 3)[:, ["xyz".index(axis) for axis in grid.axes]]
    places[:, -1] *= -1 if grid.depth else 1
    found = np.full(grid.shape, np.nan)
    found[tuple(grid.cells(places).T)] = numbers[3 * grid.size :]
    return found


def _by_xtgeo(form: str, name: str) -> Callable[[Path, Grid], np.ndarray]:
    """Read by xtgeo, each cell from its centre."""

    def read(path: Path, grid: Grid) -> np.ndarray:
        import xtgeo

        model = xtgeo.grid_from_file(path, fformat=form)
        x, y, depth = (part.values.filled(np.nan).ravel() for part in model.get_xyz())
        own = {"x": x, "y": y, "z": depth if grid.depth else -depth}
        cells = grid.cells(np.stack([own[axis] for axis in grid.axes], axis=1))
        values = xtgeo.gridproperty_from_file(path, fformat=form, name=name, grid=model).values
        found = np.full(grid.shape, np.nan)
        found[tuple(cells.T)] = values.filled(np.nan).ravel()
        return found

    return read


def _from_zarr(path: Path, grid: Grid) -> np.ndarray:
    with xarray.open_zarr(path) as data:
        return np.asarray(data["share"].transpose(*reversed(grid.axes)))


READ: dict[str, Callable[[Path, Grid], np.ndarray]] = {
    "csv": _from_table,
    "esri": lambda path, _: read_image(path),
    "geotiff": _from_geotiff,
    "gslib": lambda path, grid: read_image(path, key="share")[:: -1 if grid.depth else 1],
    "grdecl": _by_xtgeo("grdecl", "SHARE"),
    "netcdf": _from_netcdf,
    "roff": _by_xtgeo("roff", "share"),
    "sgems": _from_sgems,
    "zarr": _from_zarr,
    "vtk": _from_vtk,
}

FACIES = np.kron(np.random.default_rng(3).integers(0, 2, (10, 15)), np.ones((4, 4), int))


def _gslib(title: str, columns: list[np.ndarray], names: list[str]) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        lines = [" ".join(map(str, row)) for row in zip(*(column.ravel() for column in columns), strict=True)]
        path = folder / "case.dat"
        path.write_text("\n".join([title, str(len(names)), *names, *lines]) + "\n")
        return path

    return write


def _picture(array: np.ndarray, width: int | None = None) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        picture = Image.fromarray(array.astype(np.uint8))
        size = picture.size if width is None else (width, picture.size[1])
        picture.resize(size, Image.Resampling.BILINEAR).save(folder / "case.png")
        return folder / "case.png"

    return write


def _text(text: str, name: str = "case.csv") -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        (folder / name).write_text(text, encoding="utf-8-sig" if text.startswith("x;") else "utf-8")
        return folder / name

    return write


def _facies_are(write: Callable[[Path], Path], expected: np.ndarray, **settings: Any) -> Callable[[Path], bool]:
    def right(folder: Path) -> bool:
        image = read_training_image(write(folder), **settings)
        known = np.isfinite(expected.astype(float))
        found = np.asarray(image.categories)[image.facies]
        same = found.shape == expected.shape and np.array_equal(found[known], expected[known].astype(int))
        return bool(same and (image.known is None or np.array_equal(image.known, known)))

    return right


def _points_are(write: Callable[[Path], Path]) -> Callable[[Path], bool]:
    def right(folder: Path) -> bool:
        table = read_table(write(folder), ("x", "y", "facies"))
        return table.points(("x", "y", "facies")).tolist() == [[1.5, 2.0, 0.0], [3.0, 4.0, 1.0]]

    return right


def _refused(write: Callable[[Path], Path], words: str) -> Callable[[Path], bool]:
    def right(folder: Path) -> bool:
        try:
            read_table(write(folder), ("x", "y", "facies"))
        except InputError as error:
            return words in str(error)
        return False

    return right


def _wells_are(text: str) -> Callable[[Path], bool]:
    def right(folder: Path) -> bool:
        prior = SPDEPrior(1.0, 5.0, facies_model=FaciesModel((0, 1), (0.0,), names=("clay", "fine sand")))
        return HardData.from_csv(_text(text)(folder), Grid((8, 8)), prior).codes.tolist() == [0, 1]

    return right


def _log_is(unit: str, depths: list[float]) -> Callable[[Path], bool]:
    """A log with a null in its third sample."""

    def right(folder: Path) -> bool:
        rows = [f"{depth} {value}" for depth, value in zip(depths, (0, 0, -999.25, 1, 1), strict=True)]
        head = ["~Version", "VERS. 2.0 :", "WRAP. NO :", "~Well", f"STRT.{unit} {depths[0]} :", "NULL. -999.25 :"]
        head += ["WELL. A :", "~Curve", f"DEPT.{unit} :", "LITH. :", "~ASCII"]
        path = _text("\n".join([*head, *rows]) + "\n", "a.las")(folder)
        (hole,) = read_las([path], _text("hole,x,y,z\nA,1,1,0\n", "collars.csv")(folder), "lith")
        return np.allclose(hole.intervals, [[0, 1.5], [2.5, 4]]) and hole.facies.tolist() == [0, 1]

    return right


def _raster_lies(affine: tuple[float, ...], crs: str | None, expected: Grid | None) -> Callable[[Path], bool]:
    """A GeoTIFF states a grid, or is refused."""

    def right(folder: Path) -> bool:
        import rasterio

        settings = {"driver": "GTiff", "count": 1, "height": 3, "width": 4, "dtype": "uint8", "crs": crs}
        path = folder / "place.tif"
        with rasterio.open(path, "w", **settings, transform=rasterio.Affine(*affine)) as data:
            data.write(np.zeros((1, 3, 4), np.uint8))
        try:
            found = read_grid(path)
        except InputError:
            return expected is None
        return (
            expected is not None
            and found.shape == expected.shape
            and np.allclose(
                [*found.spacing, *found.origin, found.rotation],  # type: ignore[misc]
                [*expected.spacing, *expected.origin, expected.rotation],  # type: ignore[misc]
            )
        )

    return right


def _is_right(case: Callable[[Path], bool], folder: Path) -> bool:
    try:
        return case(folder)
    except Exception as error:
        show("not read", {type(error).__name__: str(error)})
        return False


def _with_code(code: float) -> np.ndarray:
    array = FACIES.astype(float)
    array[:8, :12] = code
    return array


MISSING = np.where(np.indices(FACIES.shape)[0] < 8, np.where(np.indices(FACIES.shape)[1] < 12, np.nan, FACIES), FACIES)
CODES = (-99, -999, -999.25, -9999, -9966699, 1e21, -1e30, float("nan"))
SECTION = FACIES[:, None, :]
COLOURS = np.array([[20, 20, 90], [240, 220, 130]], np.uint8)
CASES: dict[str, Callable[[Path], bool]] = {
    **{f"missing {code}": _facies_are(_gslib("60 40 1", [_with_code(code)], ["facies"]), MISSING) for code in CODES},
    "title TI_1 (60x40x1)": _facies_are(_gslib("TI_1 (60x40x1)", [FACIES], ["facies"]), FACIES),
    "title with a number": _facies_are(_gslib("Layer 1 of lower unit 60 40 1", [FACIES], ["facies"]), FACIES),
    "long header": _facies_are(_gslib("60 40 1 1 1 1 0 0 0", [FACIES], ["facies"]), FACIES),
    "several variables": _facies_are(_gslib("60 40 1", [1 - FACIES, FACIES], ["porosity", "facies"]), FACIES),
    "variable by name": _facies_are(_gslib("60 40 1", [FACIES, 1 - FACIES], ["a", "b"]), 1 - FACIES, key="b"),
    "vertical section": _facies_are(_gslib("60 1 40", [SECTION], ["facies"]), FACIES),
    "picture": _facies_are(_picture(255 * FACIES), FACIES[::-1] * 255),
    "transparent": _facies_are(
        _picture(np.dstack([255 * FACIES, 255 * FACIES, 255 * FACIES, np.where(np.isnan(MISSING), 0, 255)])),
        MISSING[::-1] * 255,
    ),
    "colours": _facies_are(_picture(COLOURS[FACIES]), FACIES[::-1]),
    "blurred edges": _facies_are(_picture(255 * FACIES, 120), np.repeat(FACIES[::-1], 2, axis=1) * 255, classes=2),
    "Esri grid": _facies_are(
        _text(
            "ncols 60\nnrows 40\nxllcorner 0\nyllcorner 0\ncellsize 1\nNODATA_value 7\n"
            + "\n".join(" ".join("7" if np.isnan(v) else str(int(v)) for v in row) for row in MISSING[::-1]),
            "case.asc",
        ),
        MISSING,
    ),
    "byte-order mark, semicolons, decimal commas": _points_are(_text("x;y;facies\n1,5;2;0\n3,0;4;1\n")),
    "sep=;": _points_are(_text("sep=;\nx;y;facies\n1,5;2;0\n3,0;4;1\n")),
    "blanks": _points_are(_text("x y  facies\n1.5 2 0\n3  4 1\n")),
    "synonyms": _points_are(_text("Easting,Y_UTM,Lith\n1.5,2,0\n3,4,1\n")),
    "GSLIB point set": _points_are(_text("boreholes\n3\nX\nY\nfacies\n1.5 2 0\n3 4 1\n")),
    "feet": _refused(_text("x (ft),y (ft),facies\n1.5,2,0\n"), "coordinates are in metres"),
    "missing head": _refused(_text("x,y,facies\n1.5,-999.25,0\n"), "usually stands for a missing value"),
    "two decimal signs": _refused(_text("x;y;facies\n1,5;2;0\n3.5;4;1\n"), "write all of them with a point"),
    "facies by name": _wells_are("x,y,facies\n0.5,0.5, CLAY\n1.5,0.5,Fine sand \n"),
    "facies by name or code": _wells_are("x;y;lith\n0.5;0.5;0\n1.5;0.5;FINE SAND\n"),
    "log in metres": _log_is("M", [0.0, 1.0, 2.0, 3.0, 4.0]),
    "log in feet": _log_is("FT", [n / 0.3048 for n in range(5)]),
    "raster": _raster_lies((10.0, 0, 5.0, 0, -20.0, 90.0), "EPSG:32632", Grid((3, 4), (10.0, 20.0), (5.0, 30.0))),
    "raster in feet": _raster_lies((10.0, 0, 0, 0, -10.0, 30.0), "EPSG:2263", Grid((3, 4), 12000 / 3937, (0.0, 0.0))),
    "mirrored raster": _raster_lies((10.0, 0, 0, 0, 10.0, 0), "EPSG:32632", None),
    "raster in degrees": _raster_lies((0.1, 0, 5.0, 0, -0.1, 50.0), "EPSG:4326", None),
    "feet of heads": lambda _: abs(unit_factor("ft", "m", "Heads") - 0.3048) < 1e-12,
}


if __name__ == "__main__":
    run(benchmark)
