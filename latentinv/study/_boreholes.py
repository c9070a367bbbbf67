"""``[[boreholes]]``: logged intervals of vertical or deviated holes, brought to cells (`latentinv.data.log_cells`).

[[boreholes]]
collars = "collars.csv"          # hole, x, y, z
intervals = "intervals.csv"      # hole, from, to, facies (code or name)
# or: logs = ["a.las", "b.las"] and curve = "LITH", instead of intervals: a LAS file for each hole, and its facies curve
survey = "survey.csv"            # hole, depth, inclination, azimuth; left out: all holes are vertical
"""

from collections.abc import Mapping
from typing import Any, ClassVar, final

from latentinv.data import Borehole, HardData, log_cells, read_boreholes, read_las
from latentinv.errors import InputError
from latentinv.io import Rule, words

from ._kind import NAMES, STUDY_DATA, AbstractStudyData, Given, Place, needed

FILES = Rule(
    lambda value: type(value) is list and value != [] and all(type(name) is str and name for name in value),
    'a list of files such as ["a.las", "b.las"]',
)


@final
@STUDY_DATA.register("boreholes")
class Boreholes(AbstractStudyData):
    """Hard data from logs."""

    rules: ClassVar = {
        "name": NAMES["name"],
        **dict.fromkeys(("collars", "intervals", "survey"), words("a file's name")),
        "logs": FILES,
        "curve": words("the name of a curve"),
    }

    @staticmethod
    def read(table: Mapping[str, Any], place: Place) -> Given:
        """Make hard data."""
        model = place.prior.facies_model
        if model is None:
            raise InputError("The study has boreholes, but its prior has a continuous property; leave them out.")
        log = log_cells(_holes(table, place), place.grid, facies_model=model)
        name = table.get("name", "boreholes")
        data = HardData(place.grid, log.coordinates, log.facies, model, labels=log.labels, name=name)
        return Given(data, True)


def _holes(table: Mapping[str, Any], place: Place) -> tuple[Borehole, ...]:
    """The holes, from tables or from LAS files."""
    folder, model = place.folder, place.prior.facies_model
    collars = folder / needed("boreholes", table, "collars")
    survey = folder / table["survey"] if "survey" in table else None
    if ("logs" in table) == ("intervals" in table) or ("curve" in table) != ("logs" in table):
        raise InputError("The study's [[boreholes]] need either intervals, or logs with their curve; give one of them.")
    if "intervals" in table:
        return read_boreholes(collars, folder / table["intervals"], survey, facies_model=model)
    return read_las([folder / name for name in table["logs"]], collars, table["curve"], survey, facies_model=model)
