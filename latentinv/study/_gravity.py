"""``[[gravity]]``: vertical gravity of density contrasts, on a vertical section or in three dimensions.

[[gravity]]
file = "gravity.csv"             # x(, y), z, value, sd and perhaps unit (mGal unless stated)
of_facies = [0.0, 250.0]         # density contrast of each facies in kg/m³; left out for a prior of densities
"""

from collections.abc import Mapping
from typing import Any, ClassVar, final

import numpy as np

from latentinv.data import IndirectData
from latentinv.forward import gravity

from ._kind import (
    NAMES,
    PLACES,
    POSITIVE,
    PROPERTY,
    STUDY_DATA,
    VALUES,
    AbstractStudyData,
    Given,
    Place,
    has_file,
    needed,
    property_of,
    values_of,
)


@final
@STUDY_DATA.register("gravity")
class Gravity(AbstractStudyData):
    """Gravity at stations."""

    rules: ClassVar = {**NAMES, **PROPERTY, "points": PLACES, "values": VALUES, "sd": POSITIVE}

    @staticmethod
    def read(table: Mapping[str, Any], place: Place) -> Given:
        """Make gravity data."""
        grid, name = place.grid, table.get("name", "gravity")
        reading = property_of("gravity", table, place.prior, "density contrast")
        if has_file("gravity", table, "points", beside=tuple(PROPERTY)):
            data = IndirectData.from_csv(
                place.folder / table["file"],
                grid,
                lambda stations: gravity(grid, stations),
                columns=tuple(grid.axes),
                property=reading,
                name=name,
            )
            return Given(data, True)
        model = gravity(grid, np.asarray(table["points"], float))
        values, observed = values_of(table, model.count, "gravity")
        sd = needed("gravity", table, "sd")
        return Given(IndirectData(grid, model, values, sd, property=reading, name=name), observed)
