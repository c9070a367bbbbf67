"""``[[boreholes]]``: logged intervals of vertical or deviated holes, brought to cells (`latentinv.data.log_cells`).

[[boreholes]]
collars = "collars.csv"          # hole, x, y, z
intervals = "intervals.csv"      # hole, from, to, facies (code or name)
survey = "survey.csv"            # hole, depth, inclination, azimuth; left out: all holes are vertical
"""

from collections.abc import Mapping
from typing import Any, ClassVar, final

from latentinv.data import HardData, log_cells, read_boreholes
from latentinv.errors import InputError
from latentinv.io import words

from ._kind import NAMES, STUDY_DATA, AbstractStudyData, Given, Place, needed


@final
@STUDY_DATA.register("boreholes")
class Boreholes(AbstractStudyData):
    """Hard data from logs."""

    rules: ClassVar = {
        "name": NAMES["name"],
        **dict.fromkeys(("collars", "intervals", "survey"), words("a file's name")),
    }

    @staticmethod
    def read(table: Mapping[str, Any], place: Place) -> Given:
        """Make hard data."""
        model = place.prior.facies_model
        if model is None:
            raise InputError("The study has boreholes, but its prior has a continuous property; leave them out.")
        collars, intervals = (place.folder / needed("boreholes", table, key) for key in ("collars", "intervals"))
        survey = place.folder / table["survey"] if "survey" in table else None
        log = log_cells(read_boreholes(collars, intervals, survey, facies_model=model), place.grid, facies_model=model)
        name = table.get("name", "boreholes")
        data = HardData(place.grid, log.coordinates, log.facies, model, labels=log.labels, name=name)
        return Given(data, True)
