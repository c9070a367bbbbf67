"""Maps as netCDF (classic format), by xarray and SciPy: coordinates of the cells' centres, and the grid in attributes.

A rotated grid has axes of its own, counted in metres from its origin, and the coordinates of each cell beside them.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any, final

import numpy as np

from latentinv.storage import atomic_file

from ._format import MAP_FORMATS, AbstractMapFormat, Maps

if TYPE_CHECKING:
    from xarray import Dataset


@final
@MAP_FORMATS.register("netcdf")
class NetCDF(AbstractMapFormat):
    """A variable for each layer; realizations with an axis of their own."""

    endings = (".nc",)

    def write(self, path: Path, maps: Maps) -> None:
        """Write the data set."""
        data = to_xarray(maps)
        plain = {name: _plain(variable.values) for name, variable in data.data_vars.items()}
        data = data.assign({name: (data[name].dims, values, data[name].attrs) for name, values in plain.items()})
        content = data.rename({name: str(name).replace(" ", "_") for name in data.data_vars}).to_netcdf(engine="scipy")
        with atomic_file(path) as file:
            file.write(bytes(content))


def to_xarray(maps: Maps) -> "Dataset":
    """Maps as an xarray data set, with coordinates in metres and the grid in attributes."""
    from xarray import Dataset

    grid = maps.grid
    dims = tuple(reversed(grid.axes))
    variables: dict[str, Any] = {name: (dims, np.asarray(layer)) for name, layer in maps.layers.items()}
    if maps.realizations is not None:
        variables["realization"] = (("draw", *dims), np.asarray(maps.realizations))
    attributes: dict[str, Any] = {
        "spacing": np.ravel(grid.spacing), "origin": np.ravel(grid.origin), "rotation": grid.rotation,
        "axes": grid.axes, "z_axis": grid.z_axis, **maps.origin,
    }  # fmt: skip
    data = Dataset(variables, coords=_coordinates(maps, dims), attrs=attributes)
    for name, variable in data.data_vars.items():
        if maps.holds_codes(variable.values):
            data[name].attrs |= _flags(maps)
    for axis in grid.axes:
        data[axis].attrs["units"] = "m"
        if axis == "z":
            data[axis].attrs["positive"] = "down" if grid.depth else "up"
    return data


def _flags(maps: Maps) -> dict[str, Any]:
    """Names of codes as the CF conventions write them: words apart by blanks."""
    words = ("_".join(name.split()) for name in maps.names.values())
    return {"flag_values": np.array(list(maps.names), np.int32), "flag_meanings": " ".join(words)}


def _coordinates(maps: Maps, dims: tuple[str, ...]) -> dict[str, Any]:
    grid = maps.grid
    start = np.zeros(grid.ndim) if grid.rotation else np.ravel(grid.origin)
    steps = zip(grid.axes, grid.shape[::-1], start, np.ravel(grid.spacing), strict=True)
    coordinates: dict[str, Any] = {axis: first + spacing * (np.arange(n) + 0.5) for axis, n, first, spacing in steps}
    if maps.realizations is not None:
        coordinates["draw"] = np.arange(1, len(maps.realizations) + 1, dtype=np.int32)
    if grid.rotation:
        centres = grid.centres(np.indices(grid.shape).reshape(grid.ndim, -1).T).reshape(*grid.shape, grid.ndim)
        for axis, values in zip(grid.axes[:2], np.moveaxis(centres, -1, 0), strict=False):
            coordinates[f"{axis}_world"] = (dims, values)
    return coordinates


def _plain(values: np.ndarray) -> np.ndarray:
    """Numbers of a type that the classic format has."""
    return values.astype(np.int32) if values.dtype.kind in "biu" else values
