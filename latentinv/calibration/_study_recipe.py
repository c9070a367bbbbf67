"""Studies as text: one TOML file states what is calibrated.

    [study]
    prior = "channels"               # a shipped prior's name, or a file beside this one
    grid = [32, 32]                  # cells along each axis: rows, columns
    spacing = 1.0                    # metres: one number, or x and y
    origin = [0.0, 0.0]              # x, y of the grid's south-west corner in metres
    target = "thresholded"           # or "soft"; left out: thresholded where the prior has facies
    replicates = 200                 # truths
    draws = 31                       # kept of each posterior
    seed = 0

    [algorithm]
    name = "smc"                     # and any of its settings
    particles = 64

    [[wells]]                        # places are given here, or by a file as for `latentinv condition`
    points = [[4.5, 8.5], [20.5, 12.5]]
    error_probability = 0.0          # the chance that a facies is read wrongly

    [[blocks]]
    file = "blocks.csv"              # its boxes and sds are taken, its means are not
                                     # or: boxes = [[x_min, y_min, x_max, y_max], …] and sd = 0.05

    [[rays]]                         # travel times along straight rays
    sources = [[0.0, 4.0]]           # x, y in metres, one per ray
    receivers = [[32.0, 28.0]]
    velocities = [0.08, 0.06]        # of each facies; left out for a prior of velocities
    sd = 1.0                         # in the unit of metres over velocity

Each table of data may have a `name`. Observed values in files are replaced by simulated ones.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import numpy as np

from latentinv.data import BlockMeans, FaciesProperty, HardData, IndirectData
from latentinv.data.core import AbstractObservation
from latentinv.errors import InputError
from latentinv.forward.rays import StraightRays
from latentinv.grid import Grid
from latentinv.inference.run import make_algorithm
from latentinv.io import SEED, TABLE, Rule, checked, number, one_of, read_recipe_file, several, tables_of, whole, words
from latentinv.keys import from_seed, named
from latentinv.posterior import Posterior
from latentinv.priors import load_prior
from latentinv.priors.core import AbstractPrior

from ._study import Study

FINITE = number(lambda value: True, "a finite number")
POSITIVE = number(lambda value: value > 0, "a finite number above 0")
PLACES = Rule(lambda value: _is_table_of_numbers(value), "a list of places such as [[4.5, 8.5], [20.5, 12.5]]")
NAMES = {"name": words("a name"), "file": words("a file's name")}
RULES: dict[str, dict[str, Rule]] = {
    "study": {
        "prior": words("a prior's name or file"),
        "grid": several(whole(1), (2, 3), "cells along each axis such as [32, 32]"),
        "spacing": Rule(lambda value: _for_axes(POSITIVE, value), "metres above 0: one number, or one along each axis"),
        "origin": Rule(lambda value: _for_axes(FINITE, value), "metres: one number, or one along each axis"),
        "target": one_of(("thresholded", "soft")),
        "replicates": whole(1),
        "draws": whole(3),
        "seed": SEED,
    },
    "wells": {**NAMES, "points": PLACES, "error_probability": number(lambda p: 0 <= p < 0.5, "from 0 to below 0.5")},
    "blocks": {**NAMES, "boxes": PLACES, "sd": POSITIVE},
    "rays": {
        "name": NAMES["name"],
        "sources": PLACES,
        "receivers": PLACES,
        "velocities": several(POSITIVE, (2, 3, 4), "velocities above 0, one per facies"),
        "sd": POSITIVE,
    },
}


def read_study(path: str | Path) -> Study:
    """Read a study's file; raises as `read_recipe_file` does."""
    return read_recipe_file(path, "study", parse_study)


def parse_study(text: str, folder: Path) -> Study:
    """Make a study from its text; files are looked for in `folder`."""
    tables = tables_of(text, "study")
    unknown = set(tables) - {"algorithm", *RULES}
    if unknown:
        raise InputError(
            f"The study has a table [{sorted(unknown)[0]}]; expected [study], [algorithm], [[wells]], [[blocks]] and "
            "[[rays]]."
        )
    settings = _checked("study", tables.get("study", {}))
    prior, grid = _prior(_needed("study", settings, "prior"), folder), _grid(settings)
    data = [maker(table, prior, grid, folder) for kind, maker in MAKERS.items() for table in _list(kind, tables)]
    posterior = Posterior(prior, grid, _simulated(data, prior, grid), target=settings.get("target"))
    numbers = {name: settings[name] for name in ("replicates", "draws", "seed") if name in settings}
    return Study(posterior, _algorithm(tables.get("algorithm", {"name": "smc"})), **numbers)


def _simulated(observations: list[AbstractObservation], prior: AbstractPrior, grid: Grid) -> list[AbstractObservation]:
    """The same observations with data simulated from a draw of the prior, so that they agree with each other."""
    key_field, key_data = named(from_seed(0, "data of a study"), "field", "data")
    field = prior.generate(jax.random.normal(key_field, (prior.latent_size(grid),)), grid)
    keys = jax.random.split(key_data, max(1, len(observations)))
    pairs = zip(observations, keys, strict=False)
    return [one.with_data(np.asarray(one.simulate(key, field, exact=True))) for one, key in pairs]


def _algorithm(table: Any) -> Any:
    if not TABLE.accepts(table) or "name" not in table:
        raise InputError('The study\'s [algorithm] has no name; give one, such as name = "smc".')
    return make_algorithm(table["name"], {key: value for key, value in table.items() if key != "name"})


def _for_axes(rule: Rule, value: Any) -> bool:
    """Whether a rule accepts one number, or one along each axis."""
    return rule.accepts(value) or (type(value) is list and all(map(rule.accepts, value)))


def _prior(name: str, folder: Path) -> AbstractPrior:
    beside = folder / name
    return load_prior(beside if beside.is_file() else name)


def _grid(settings: dict[str, Any]) -> Grid:
    return Grid(_needed("study", settings, "grid"), settings.get("spacing", 1.0), settings.get("origin", 0.0))


def _wells(table: dict[str, Any], prior: AbstractPrior, grid: Grid, folder: Path) -> AbstractObservation:
    if _has_file("wells", table, "points"):
        return HardData.from_csv(folder / table["file"], grid, prior, name=table.get("name"))
    if prior.facies_model is None:
        raise InputError("The study has wells, but its prior has a continuous property; leave them out.")
    points = np.asarray(table["points"], float)
    codes = np.full(len(points), prior.facies_model.categories[0])
    errors, name = table.get("error_probability", 0.0), table.get("name", "wells")
    return HardData(grid, points, codes, prior.facies_model, error_probability=errors, name=name)


def _blocks(table: dict[str, Any], prior: AbstractPrior, grid: Grid, folder: Path) -> AbstractObservation:
    if _has_file("blocks", table, "boxes"):
        return BlockMeans.from_csv(folder / table["file"], grid, prior, name=table.get("name"))
    boxes, sd = np.asarray(table["boxes"], float), _needed("blocks", table, "sd")
    if boxes.shape[1] != 2 * grid.ndim:
        raise InputError(
            f"A box of the study's [[blocks]] has {boxes.shape[1]} numbers; give two corners, {2 * grid.ndim} numbers."
        )
    lower, upper = boxes[:, : grid.ndim], boxes[:, grid.ndim :]
    mean, name = np.full(len(boxes), 0.5), table.get("name", "blocks")
    return BlockMeans(grid, lower, upper, mean, sd, prior.facies_model, name=name)


def _rays(table: dict[str, Any], prior: AbstractPrior, grid: Grid, folder: Path) -> AbstractObservation:
    del folder
    sources, receivers, sd = (_needed("rays", table, key) for key in ("sources", "receivers", "sd"))
    rays = StraightRays(grid, np.asarray(sources, float), np.asarray(receivers, float))
    property_ = None
    if prior.facies_model is None and "velocities" in table:
        raise InputError("The fields of the study's prior are velocities; leave 'velocities' out of its [[rays]].")
    if prior.facies_model is not None:
        property_ = FaciesProperty(prior.facies_model, _needed("rays", table, "velocities"))
    name = table.get("name", "travel times")
    return IndirectData(grid, rays, np.zeros(rays.count), sd, property=property_, name=name)


MAKERS: dict[str, Callable[..., AbstractObservation]] = {"wells": _wells, "blocks": _blocks, "rays": _rays}


def _has_file(kind: str, table: dict[str, Any], places: str) -> bool:
    if ("file" in table) == (places in table):
        raise InputError(f"The study's [[{kind}]] need either a file or {places}; give exactly one of them.")
    if "file" in table and set(table) - set(NAMES):
        other = min(set(table) - set(NAMES))
        raise InputError(f"The study's [[{kind}]] have a file and '{other}', which is in the file; leave it out.")
    return "file" in table


def _list(kind: str, tables: dict[str, Any]) -> list[dict[str, Any]]:
    found = tables.get(kind, [])
    if type(found) is not list:
        raise InputError(f"The study has one table [{kind}]; write [[{kind}]], as there may be several.")
    return [_checked(kind, table) for table in found]


def _checked(kind: str, table: Any) -> dict[str, Any]:
    return checked(kind, table, RULES[kind], file="study")


def _needed(kind: str, table: dict[str, Any], key: str) -> Any:
    if key not in table:
        raise InputError(f"The study's [{kind}] lacks '{key}'; give it.")
    return table[key]


def _is_table_of_numbers(value: Any) -> bool:
    numeric = type(value) is list and value != [] and all(type(row) is list and row for row in value)
    if not numeric or len({len(row) for row in value}) > 1:
        return False
    return all(type(item) in (int, float) and np.isfinite(item) for row in value for item in row)
