"""A study as text: one TOML file states what is asked.

    [study]
    prior = "channels"               # a shipped prior's name, or a file beside this one
    grid = [96, 128]                 # cells along each axis: rows, columns, or layers, rows, columns
    spacing = 1.0                    # metres: one number, or x and y(, z)
    origin = [0.0, 0.0]              # x, y(, z) of the grid's south-west corner in metres
    rotation = 0.0                   # degrees from x towards y
    axes = "xy"                      # "xz" or "yz" for a vertical section
    z_axis = "up"                    # or "depth"
    target = "thresholded"           # or "soft"; left out: thresholded where the prior has facies
    seed = 0
    draws = 64                       # left out: the algorithm's default
    replicates = 200                 # truths, to calibrate only

    [grid]                           # instead of grid, spacing, origin, rotation, axes and z_axis above:
    from = "map.tif"                 # a GeoTIFF, an Esri or GSLIB grid, a run or exported netCDF has them

    [given]                          # local proportions, ranges and directions; see `_given.py`
    proportions = {sand = "sand.asc"}

    [algorithm]                      # left out: chosen for the data
    name = "smc"                     # and any of its settings
    particles = 64

Then come the data, any number of each kind: ``[[wells]]``, ``[[blocks]]``, ``[[heads]]`` …; their keys are in the file
of each kind in this folder. Each may have a `name`.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from latentinv.data import AbstractObservation
from latentinv.errors import InputError
from latentinv.forward import ExternalForward
from latentinv.grid import Grid
from latentinv.inference.core import AbstractAlgorithm
from latentinv.inference.run import make_algorithm
from latentinv.io import SEED, TABLE, Rule, checked, one_of, read_recipe_file, several, tables_of, whole, words
from latentinv.io.grids import read_grid
from latentinv.posterior import Posterior
from latentinv.priors import load_prior
from latentinv.priors.core import AbstractPrior

from ._given import GIVEN, bind
from ._kind import FINITE, POSITIVE, STUDY_DATA, Given, Place, Simulators, needed


def _for_axes(rule: Rule, expected: str) -> Rule:
    """A rule for one number, or one along each axis."""

    def accepts(value: Any) -> bool:
        return rule.accepts(value) or (type(value) is list and value != [] and all(map(rule.accepts, value)))

    return Rule(accepts, expected)


STUDY = {
    "prior": words("a prior's name or file"),
    "grid": several(whole(1), (2, 3), "cells along each axis such as [32, 32]"),
    "spacing": _for_axes(POSITIVE, "metres above 0: one number, or one along each axis"),
    "origin": _for_axes(FINITE, "metres: one number, or one along each axis"),
    "rotation": FINITE,
    "axes": one_of(("xy", "xz", "yz", "xyz")),
    "z_axis": one_of(("up", "depth")),
    "target": one_of(("thresholded", "soft")),
    "replicates": whole(1),
    "draws": whole(1),
    "seed": SEED,
}
"""Rules of the table [study]."""
GRID_FILE = {"from": words("a file that states a grid")}
"""Rules of the table [grid]."""
OF_THE_GRID = ("spacing", "origin", "rotation", "axes", "z_axis")


class StudyFile(NamedTuple):
    """What a study's file states."""

    prior: AbstractPrior
    grid: Grid
    data: tuple[Given, ...]
    algorithm: AbstractAlgorithm | None
    """None if it is to be chosen."""
    settings: dict[str, Any]
    """Of [study] besides the grid."""

    @property
    def observations(self) -> list[AbstractObservation]:
        """All data."""
        return [given.observation for given in self.data]

    @property
    def forwards(self) -> dict[str, ExternalForward]:
        """Forward models outside JAX, by the name of their data, as a run that is resumed needs them."""
        return {one.name: one.simulator for one in self.observations if one.simulator is not None}

    def posterior(self) -> Posterior:
        """The posterior of what was observed.

        Raises
        ------
        InputError
            If there are no data, or of some only places and no values.
        """
        if not self.data:
            raise InputError("The study has no data; give it wells, blocks, heads or others.")
        for given in self.data:
            if not given.observed:
                raise InputError(
                    f"The study's '{given.observation.name}' have places but nothing that was observed there; give "
                    "values (of wells facies), or a file that has them."
                )
        return Posterior(self.prior, self.grid, self.observations, target=self.settings.get("target"))


def read_study_file(path: str | Path, *, simulators: Simulators | None = None) -> StudyFile:
    """Read a study's file; raises as `read_recipe_file` does, and takes `simulators` as `parse_study_file` does."""
    return read_recipe_file(path, "study", lambda text, folder: parse_study_file(text, folder, simulators=simulators))


def parse_study_file(text: str, folder: Path, *, simulators: Simulators | None = None) -> StudyFile:
    """Make a study of its text.

    Parameters
    ----------
    text
        What the file says.
    folder
        Where files are looked for.
    simulators
        Forward models outside JAX of studies that were read before. Where this study calls the same in the same way it
        gets the same object, and so shares results and compiled programs; others are added.

    Raises
    ------
    InputError, StorageError
        If a table, a key, a value or a file cannot be used.
    """
    tables = tables_of(text, "study")
    unknown = set(tables) - {"study", "grid", "given", "algorithm", *STUDY_DATA}
    if unknown:
        kinds = ", ".join(f"[[{kind}]]" for kind in STUDY_DATA)
        expected = f"[study], [grid], [given], [algorithm], {kinds}"
        raise InputError(f"The study has a table [{min(unknown)}]; expected {expected}.")
    settings = checked("study", tables.get("study", {}), STUDY, file="study")
    beside = folder / needed("study", settings, "prior")
    prior = load_prior(beside if beside.is_file() else settings["prior"])
    grid = _grid(tables, settings, folder)
    prior = bind(prior, _given(tables), grid, folder)
    prior.latent_size(grid)  # refuses a grid with other axes before data are read
    place = Place(prior, grid, folder, simulators)
    data = tuple(
        STUDY_DATA[kind].read(checked(kind, table, dict(STUDY_DATA[kind].rules), file="study"), place)
        for kind in STUDY_DATA
        for table in tables_of_kind(kind, tables, "study")
    )
    check_names([given.observation for given in data], "study")
    others = {key: value for key, value in settings.items() if key not in ("grid", *OF_THE_GRID)}
    return StudyFile(prior, grid, data, _algorithm(tables), others)


def _given(tables: dict[str, Any]) -> dict[str, Any]:
    """What the prior is given; its names are those of the prior's conditions."""
    given = tables.get("given", {})
    return checked("given", given, dict.fromkeys(given, GIVEN) if TABLE.accepts(given) else {}, file="study")


def _grid(tables: dict[str, Any], settings: dict[str, Any], folder: Path) -> Grid:
    """The grid that the study states, or that of a file."""
    if "grid" not in tables:
        if "grid" not in settings:
            raise InputError("The study's [study] lacks 'grid'; give it, or a table [grid] with from = \"map.tif\".")
        return Grid(settings["grid"], **{key: settings[key] for key in OF_THE_GRID if key in settings})
    source = needed("grid", checked("grid", tables["grid"], GRID_FILE, file="study"), "from")
    if twice := [key for key in ("grid", *OF_THE_GRID) if key in settings]:
        raise InputError(
            f"The study's [study] has {twice[0]}, and [grid] takes it from {source}; leave one of them out."
        )
    return read_grid(folder / source)


def tables_of_kind(kind: str, tables: dict[str, Any], file: str) -> list[Any]:
    """The tables of one kind of data, of which there may be several.

    Raises
    ------
    InputError
        If one is written as the only one.
    """
    found = tables.get(kind, [])
    if type(found) is not list:
        raise InputError(f"The {file} has one table [{kind}]; write [[{kind}]], as there may be several.")
    return found


def check_names(data: Sequence[AbstractObservation], file: str) -> None:
    """Raise `InputError` if two data sets have one name."""
    names = [observation.name for observation in data]
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise InputError(f"The {file} has two data sets called '{twice[0]}'; give one of them another name.")


def _algorithm(tables: dict[str, Any]) -> AbstractAlgorithm | None:
    if "algorithm" not in tables:
        return None
    table = tables["algorithm"]
    if not TABLE.accepts(table) or "name" not in table:
        raise InputError('The study\'s [algorithm] has no name; give one, such as name = "smc".')
    return make_algorithm(table["name"], {key: value for key, value in table.items() if key != "name"})
