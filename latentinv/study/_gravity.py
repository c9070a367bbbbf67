"""``[[gravity]]``: vertical gravity of density contrasts, on a vertical section or in three dimensions.

[[gravity]]
file = "gravity.csv"             # x(, y), z, value, sd and perhaps unit (mGal unless stated)
of_facies = [0.0, 250.0]         # density contrast of each facies in kg/m³; left out for a prior of densities
"""

from collections.abc import Mapping
from typing import Any, ClassVar, final

from latentinv.forward import gravity

from ._kind import NAMES, PLACES, POSITIVE, PROPERTY, STUDY_DATA, VALUES, AbstractStudyData, Given, Place, measured


@final
@STUDY_DATA.register("gravity")
class Gravity(AbstractStudyData):
    """Gravity at stations."""

    rules: ClassVar = {**NAMES, **PROPERTY, "points": PLACES, "values": VALUES, "sd": POSITIVE}

    @staticmethod
    def read(table: Mapping[str, Any], place: Place) -> Given:
        """Make gravity data."""
        grid = place.grid
        return measured(
            "gravity",
            table,
            place,
            lambda stations: gravity(grid, stations),
            what="density contrast",
            columns=tuple(grid.axes),  # stations may lie above the grid
        )
