"""Forecasts as text: the same tables as a study's, of what is to be predicted and not of what was observed.

    [[heads]]
    points = [[60.5, 40.5]]
    of_facies = [1e-5, 1e-3]
    fixed = {west = 1.0, east = 0.0}
    pumping = [[70.5, 40.5, -0.002]]   # such as a well that is not there yet

Values and standard deviations are left out; where a file has them they are not used.
"""

from pathlib import Path
from typing import Any, cast

from latentinv.data import IndirectData
from latentinv.errors import InputError
from latentinv.grid import Grid
from latentinv.io import checked, read_recipe_file, tables_of
from latentinv.priors.core import AbstractPrior

from ._file import check_names, tables_of_kind
from ._kind import STUDY_DATA, Place


def read_forecast_file(path: str | Path, prior: AbstractPrior, grid: Grid) -> list[IndirectData]:
    """Read what is to be forecast.

    Parameters
    ----------
    path
        The file (.toml).
    prior, grid
        Those of the run.

    Raises
    ------
    InputError
        If the file cannot be used, or asks for something that no forward model predicts.
    StorageError
        If it, or a file that it names, cannot be opened.
    """
    return read_recipe_file(path, "forecast", lambda text, folder: _parse(text, Place(prior, grid, folder)))


def _parse(text: str, place: Place) -> list[IndirectData]:
    tables = tables_of(text, "forecast")
    unknown = set(tables) - set(STUDY_DATA)
    kinds = ", ".join(f"[[{kind}]]" for kind in STUDY_DATA)
    if unknown:
        raise InputError(f"The forecast has a table [{min(unknown)}]; expected {kinds}.")
    if not tables:
        raise InputError(f"The forecast is empty; give it what to predict, as one of {kinds}.")
    found = [_read(kind, table, place) for kind in STUDY_DATA for table in tables_of_kind(kind, tables, "forecast")]
    check_names(found, "forecast")
    return found


def _read(kind: str, table: Any, place: Place) -> IndirectData:
    rules = dict(STUDY_DATA[kind].rules)
    stated = checked(kind, table, rules, file="forecast")
    if "sd" in rules and "file" not in stated:
        stated = {"sd": 1.0, **stated}
    observation = STUDY_DATA[kind].read(stated, place).observation
    if observation.hard:
        raise InputError(
            f"The forecast has [[{kind}]], which no forward model predicts; the run's maps and shares say what the "
            "draws have there."
        )
    return cast("IndirectData", observation)
