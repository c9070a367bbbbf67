"""``[[rays]]``: travel times along straight rays.

[[rays]]
sources = [[0.0, 4.0]]           # x, y(, z) in metres, one per ray; or a file with the columns source_x, source_y,
receivers = [[32.0, 28.0]]       # …, receiver_x, receiver_y, …, value and sd
of_facies = [0.08, 0.06]         # velocity of each facies; left out for a prior of velocities
values = [412.0]                 # not needed to calibrate
sd = 1.0                         # in the unit of metres over velocity
"""

from collections.abc import Mapping
from typing import Any, ClassVar, final

from latentinv.forward import StraightRays

from ._kind import NAMES, PLACES, POSITIVE, PROPERTY, STUDY_DATA, VALUES, AbstractStudyData, Given, Place, measured


@final
@STUDY_DATA.register("rays")
class Rays(AbstractStudyData):
    """Travel times."""

    rules: ClassVar = {**NAMES, **PROPERTY, "sources": PLACES, "receivers": PLACES, "values": VALUES, "sd": POSITIVE}

    @staticmethod
    def read(table: Mapping[str, Any], place: Place) -> Given:
        """Make travel times."""
        grid = place.grid
        return measured(
            "rays",
            {"name": "travel times", **table},
            place,
            lambda ends: StraightRays(grid, ends[:, : grid.ndim], ends[:, grid.ndim :]),
            what="velocity",
            points=("sources", "receivers"),
            columns=tuple(f"{end}_{axis}" for end in ("source", "receiver") for axis in grid.axes),
        )
