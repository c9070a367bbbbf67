"""Grids and properties as xtgeo (optional, LGPL) has them: corner-point grids, ``[column, row, layer]``, with depths.

The first layer is the uppermost, so layers are turned over where z is an elevation. A map is one layer at depth 0, one
metre thick; a section has one row or column of that width.
"""

from pathlib import Path
from typing import Any

import numpy as np

from latentinv.errors import InputError

from ._format import Maps


def xtgeo_library() -> Any:
    """The library.

    Raises
    ------
    InputError
        If it is not installed.
    """
    try:
        import xtgeo
    except ImportError:
        raise InputError("ROFF and GRDECL are written by xtgeo, which is not installed: pip install xtgeo.") from None
    return xtgeo


def box_grid(maps: Maps, shift: tuple[float, float] = (0.0, 0.0)) -> Any:
    """The cells as a corner-point grid, moved back by a shift of x and y."""
    grid = maps.grid
    parts = {axis: (edge, first) for axis, edge, first in zip(grid.axes, grid.spacing, grid.origin, strict=True)}  # type: ignore[arg-type]
    each = [parts.get(axis, (1.0, 0.0)) for axis in "xyz"]
    counts = column_order(np.zeros(grid.shape), maps).shape
    top = each[2][1] if grid.depth or "z" not in grid.axes else -(each[2][1] + counts[2] * each[2][0])
    return xtgeo_library().create_box_grid(
        counts,
        origin=(each[0][1] - shift[0], each[1][1] - shift[1], top),
        oricenter=False,
        increment=tuple(edge for edge, _ in each),
        rotation=grid.rotation,
        flip=1,
    )


def properties(maps: Maps, names: dict[str, str]) -> list[Any]:
    """The layers as properties, those of facies with their code table; called by `names`."""
    library, found = xtgeo_library(), []
    for layer, values in maps.all_layers().items():
        array, discrete = column_order(values, maps), values.dtype.kind in "biu"
        if discrete and np.abs(array.astype(float)).max(initial=0) >= 2**31:
            raise InputError(f"The codes of '{layer}' do not fit 32 bits, as ROFF and GRDECL have them; write .csv.")
        codes = (
            {int(code): maps.names.get(int(code), f"facies {code}") for code in np.unique(array)} if discrete else {}
        )
        codes |= {code: name for code, name in maps.names.items() if discrete}
        ncol, nrow, nlay = array.shape
        kind = np.int32 if discrete else np.float64
        settings = {"discrete": True, "codes": {code: _ascii(name) for code, name in sorted(codes.items())}}
        found.append(
            library.GridProperty(
                ncol=ncol,
                nrow=nrow,
                nlay=nlay,
                name=names[layer],
                values=array.astype(kind),
                **(settings if discrete else {}),
            )
        )
    return found


def column_order(layer: np.ndarray, maps: Maps) -> np.ndarray:
    """A layer as ``[column, row, layer]``, the uppermost first."""
    grid = maps.grid
    array = np.asarray(layer).transpose()  # in the order of the grid's axes
    missing = tuple(n for n, axis in enumerate("xyz") if axis not in grid.axes)
    array = np.expand_dims(array, missing)
    return array if grid.depth else array[:, :, ::-1]


def written(part: Any, path: Path, **settings: Any) -> bytes:
    """What xtgeo writes of a grid or property."""
    part.to_file(path, **settings)
    return path.read_bytes()


def _ascii(name: str) -> str:
    """A name in the letters that these formats have."""
    return name.encode("ascii", "replace").decode()
