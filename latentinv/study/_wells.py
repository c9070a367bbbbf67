"""``[[wells]]``: facies seen in cells, from a file as for ``latentinv condition``, or as points with facies.

[[wells]]
file = "wells.csv"
# or: points = [[4.5, 8.5], [20.5, 12.5]], facies = [0, 1] or ["clay", "sand"] (not needed to
# calibrate) and error_probability = 0.0
"""

from collections.abc import Mapping
from typing import Any, ClassVar, final

import numpy as np

from latentinv.data import HardData
from latentinv.errors import InputError
from latentinv.io import Rule, number, several

from ._kind import FINITE, NAMES, PLACES, STUDY_DATA, AbstractStudyData, Given, Place, has_file

CODE_OR_NAME = Rule(lambda value: FINITE.accepts(value) or type(value) is str, "a facies code or name")
FACIES = several(CODE_OR_NAME, tuple(range(1, 10_001)), 'a list of facies such as [0, 1] or ["clay", "sand"]')


@final
@STUDY_DATA.register("wells")
class Wells(AbstractStudyData):
    """Hard data."""

    rules: ClassVar = {
        **NAMES,
        "points": PLACES,
        "facies": FACIES,
        "error_probability": number(lambda p: 0 <= p < 0.5, "from 0 to below 0.5"),
    }

    @staticmethod
    def read(table: Mapping[str, Any], place: Place) -> Given:
        """Make hard data."""
        if has_file("wells", table, "points"):
            name = table.get("name")
            return Given(HardData.from_csv(place.folder / table["file"], place.grid, place.prior, name=name), True)
        model = place.prior.facies_model
        if model is None:
            raise InputError("The study has wells, but its prior has a continuous property; leave them out.")
        points = np.asarray(table["points"], float)
        given = table.get("facies", [model.categories[0]] * len(points))
        facies = np.asarray([model.code(one) if isinstance(one, str) else one for one in given], float)
        if len(facies) != len(points):
            raise InputError(f"The study's [[wells]] have {len(points)} points and {len(facies)} facies; give as many.")
        errors, name = table.get("error_probability", 0.0), table.get("name", "wells")
        data = HardData(place.grid, points, facies, model, error_probability=errors, name=name)
        return Given(data, "facies" in table)
