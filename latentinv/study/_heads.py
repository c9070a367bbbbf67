"""``[[heads]]``: steady heads of groundwater, confined, with heads fixed along sides of the grid and pumped wells.

[[heads]]
file = "heads.csv"               # x, y(, z), value, sd and perhaps unit; or points, values and sd
of_facies = [1e-5, 1e-3]         # conductivity of each facies in m/s; of a prior of its logarithm: logarithm = true
fixed = {west = 1.0, east = 0.0} # heads in metres along sides: west, east, south, north, bottom, top
pumping = [[60.0, 40.0, -0.001]] # x, y(, z) in metres and m³/s, negative for pumping; left out: none
thickness = 10.0                 # metres; of a map the saturated thickness
recharge = 0.0                   # m/s, on a map
"""

from collections.abc import Mapping
from typing import Any, ClassVar, final

import numpy as np

from latentinv.errors import InputError
from latentinv.forward import Aquifer, SteadyFlow
from latentinv.grid import Grid
from latentinv.io import Rule

from ._kind import (
    FINITE,
    NAMES,
    PLACES,
    POSITIVE,
    PROPERTY,
    STUDY_DATA,
    VALUES,
    AbstractStudyData,
    Given,
    Place,
    measured,
    needed,
)

SIDES: Mapping[str, tuple[str, int]] = {
    "west": ("x", 0), "east": ("x", -1), "south": ("y", 0), "north": ("y", -1), "bottom": ("z", 0), "top": ("z", -1),
}  # fmt: skip
"""By name, the axis that a side is at the end of, and which end, where z counts upwards."""


def _are_heads(value: Any) -> bool:
    return type(value) is dict and bool(value) and set(value) <= set(SIDES) and all(map(FINITE.accepts, value.values()))


FIXED = Rule(_are_heads, f"heads by side ({', '.join(SIDES)}) such as {{west = 1.0, east = 0.0}}")
OF_THE_AQUIFER = {"fixed": FIXED, "pumping": PLACES, "thickness": POSITIVE, "recharge": FINITE}


@final
@STUDY_DATA.register("heads")
class Heads(AbstractStudyData):
    """Steady heads."""

    rules: ClassVar = {**NAMES, **PROPERTY, **OF_THE_AQUIFER, "points": PLACES, "values": VALUES, "sd": POSITIVE}

    @staticmethod
    def read(table: Mapping[str, Any], place: Place) -> Given:
        """Make steady heads."""
        aquifer = _aquifer(table, place.grid)
        return measured(
            "heads",
            table,
            place,
            lambda wells: SteadyFlow(aquifer, wells),
            what="conductivity",
            beside=tuple(OF_THE_AQUIFER),
        )


def _aquifer(table: Mapping[str, Any], grid: Grid) -> Aquifer:
    fixed, sources = np.full(grid.shape, np.nan), np.zeros(grid.shape)
    for side, head in needed("heads", table, "fixed").items():
        axis, end = SIDES[side]
        if axis not in grid.axes:
            raise InputError(f"The study's [[heads]] fix a head in the {side}, but its grid has no axis {axis}.")
        end = end if axis != "z" or not grid.depth else -1 - end
        side_of: list[Any] = [slice(None)] * grid.ndim
        side_of[grid.ndim - 1 - grid.axes.index(axis)] = end
        fixed[tuple(side_of)] = head
    for *point, rate in table.get("pumping", ()):
        if len(point) != grid.ndim:
            raise InputError(
                f"A row of 'pumping' in the study's [[heads]] has {len(point) + 1} numbers; give {grid.ndim} "
                "coordinates and a rate."
            )
        try:
            sources[tuple(grid.cells(np.array([point]))[0])] += rate
        except InputError as error:
            raise InputError(f"A pumped well of the study's [[heads]] is not in the grid: {error}") from error
    return Aquifer(grid, fixed, sources, table.get("thickness", 1.0), table.get("recharge", 0.0))
