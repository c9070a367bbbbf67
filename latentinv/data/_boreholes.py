"""Boreholes with logged intervals, vertical or deviated, brought to the cells of a grid.

The path of a deviated hole goes through its survey by minimum curvature: between two stations it is the arc of a circle
that has both directions (Sawaryn and Thorogood 2005, doi:10.2118/84246-PA). Above the first station it is vertical, and
beyond the last it goes straight on. Along the path the log is read at steps of a fortieth of a cell, so each cell knows
the length of each facies in it. It gets the facies that is the longest, of all holes that cross it; where that is not
the only one there is a conflict, which the report names. Cells of which too little is logged are left out.

Cost: forty steps a cell.
"""

import itertools
import math
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from latentinv.data.core import facies_words, say_point
from latentinv.errors import InputError
from latentinv.grid import Grid
from latentinv.io import Table, read_table
from latentinv.priors.core import AbstractFaciesModel

STEPS = 40
"""Readings of the log in the length of the shortest edge of a cell."""
SURVEY = ("depth", "inclination", "azimuth")
"""Columns of a survey."""


class Borehole(NamedTuple):
    """One hole: where it begins, how it goes, and what is logged along it."""

    name: str
    collar: tuple[float, ...]
    """x, y and z in metres, z as the grid counts it."""
    survey: Float[np.ndarray, "station 3"]
    """Depth along the hole in metres, inclination from the vertical and azimuth clockwise from north, in degrees."""
    intervals: Float[np.ndarray, "interval 2"]
    """From and to, in metres along the hole."""
    facies: Int[np.ndarray, "interval"]

    def places(self, depths: Float[np.ndarray, "depth"], *, downward: float) -> Float[np.ndarray, "depth 3"]:
        """Coordinates x, y, z at depths along the hole; `downward` is the sign of z on the way down."""
        moved = _along(self.survey, np.asarray(depths, float))
        return np.asarray(self.collar) + moved * np.array([1.0, 1.0, downward])


class Log(NamedTuple):
    """Boreholes on the cells of a grid."""

    coordinates: Float[np.ndarray, "cell axis"]
    """Centres of the cells."""
    facies: Int[np.ndarray, "cell"]
    shares: Float[np.ndarray, "cell"]
    """Share of the logged length in each cell that its facies has."""
    labels: tuple[str, ...]
    conflicts: tuple[str, ...]
    """A sentence for each cell with more than one facies, the most even first."""
    outside: float
    """Metres of log that lie outside the grid."""
    left_out: int
    """Cells of which too little is logged."""

    def report(self) -> str:
        """What became of the logs, in words."""
        parts = [f"{len(self.facies)} cells are logged, {len(self.conflicts)} of them with more than one facies"]
        if self.left_out:
            parts.append(f"{self.left_out} are crossed too briefly and left out")
        if self.outside:
            parts.append(f"{self.outside:.3g} m of log lie outside the grid")
        return "; ".join(parts) + "."


def read_boreholes(
    collars: str | Path,
    intervals: str | Path,
    survey: str | Path | None = None,
    *,
    facies_model: AbstractFaciesModel | None = None,
) -> tuple[Borehole, ...]:
    """Read boreholes from tables as geological databases export them.

    Parameters
    ----------
    collars
        A line for each hole: hole, x, y, z; coordinates in metres, z counted as the grid counts it.
    intervals
        A line for each interval: hole, from, to, facies (code or name); depths in metres along the hole.
    survey
        A line for each station: hole, depth, inclination (0 is straight down, 90 horizontal) and azimuth (clockwise
        from north), in degrees. Holes without a station, or all if there is no table, are vertical.
    facies_model
        Of the prior, whose names of facies the intervals may have; without it they have codes.

    Raises
    ------
    StorageError
        If a file cannot be opened.
    InputError
        If a table cannot be used, a hole has no collar or two, intervals overlap or do not go downwards, or an angle is
        out of range.
    """
    heads = read_collars(collars)
    names = heads.texts["hole"]
    logged = read_table(intervals, ("from", "to", "facies"), texts=("hole",), words=facies_words(facies_model))
    _check_intervals(logged.file, logged.lines, logged.columns)
    check_collars(logged, heads)
    stations = read_survey(survey, heads)
    holes = []
    for name, collar in zip(names, heads.points(("x", "y", "z")), strict=True):
        rows = [k for k, other in enumerate(logged.texts["hole"]) if other == name]
        rows.sort(key=lambda k: logged.columns["from"][k])
        spans = np.stack([logged.columns[end][rows] for end in ("from", "to")], axis=1)
        for one, other in itertools.pairwise(rows):
            if logged.columns["to"][one] > logged.columns["from"][other]:
                raise InputError(
                    f"{logged.file}: the intervals of hole {name} on lines {logged.lines[one]} and "
                    f"{logged.lines[other]} overlap; correct them."
                )
        course = survey_of(name, stations)
        holes.append(Borehole(name, tuple(collar), course, spans, logged.columns["facies"][rows].astype(int)))
    return tuple(holes)


def read_collars(path: str | Path) -> Table:
    """Read where holes begin; `InputError` if one has two collars."""
    heads = read_table(path, ("x", "y", "z"), texts=("hole",))
    twice = [name for name, count in Counter(heads.texts["hole"]).items() if count > 1]
    if twice:
        raise InputError(f"{heads.file} has more than one collar of hole {twice[0]}; keep one of them.")
    return heads


def read_survey(path: str | Path | None, heads: Table) -> Table | None:
    """Read how holes go, if there is such a table; `InputError` if one of them has no collar."""
    if path is None:
        return None
    stations = read_table(path, SURVEY, texts=("hole",))
    check_collars(stations, heads)
    return stations


def check_collars(table: Table, heads: Table) -> None:
    """Refuse a table with a hole that has no collar, with `InputError`."""
    for line, name in zip(table.lines, table.texts["hole"], strict=True):
        if name not in heads.texts["hole"]:
            raise InputError(f"{table.file}, line {line}: hole {name} has no collar in {heads.file}; add it.")


def _check_intervals(file: str, lines: Sequence[int], columns: Mapping[str, np.ndarray]) -> None:
    for line, start, end, code in zip(lines, *(columns[name] for name in ("from", "to", "facies")), strict=True):
        if not 0 <= start < end:
            raise InputError(f"{file}, line {line} goes from {start:g} to {end:g}; expected depths that increase.")
        if code != round(code):
            raise InputError(f"{file}, line {line} has facies {code:g}; expected a facies code, a whole number.")


def survey_of(name: str, stations: Table | None) -> np.ndarray:
    """The stations of one hole, from the top; a vertical hole has one at depth 0. Raises `InputError`."""
    if stations is None:
        return np.zeros((1, 3))
    rows = [k for k, other in enumerate(stations.texts["hole"]) if other == name]
    found = np.stack([stations.columns[column][rows] for column in SURVEY], axis=1)
    for row, (depth, inclination, azimuth) in zip(rows, found, strict=True):
        if depth < 0 or not 0 <= inclination <= 180 or not -360 <= azimuth <= 360:
            raise InputError(
                f"{stations.file}, line {stations.lines[row]} has depth {depth:g}, inclination {inclination:g} and "
                f"azimuth {azimuth:g}; expected a depth of at least 0, 0 to 180 degrees from the vertical, and -360 to "
                "360 degrees."
            )
    found = found[np.argsort(found[:, 0], kind="stable")]
    if np.any(np.diff(found[:, 0]) == 0):
        raise InputError(f"{stations.file} has two stations of hole {name} at one depth; keep one of them.")
    return found if len(found) else np.zeros((1, 3))


def _along(survey: np.ndarray, depths: np.ndarray) -> np.ndarray:
    """Metres moved east, north and down at depths along a hole."""
    stations = survey if survey[0, 0] == 0 else np.concatenate([[[0.0, 0.0, 0.0]], survey])
    towards = _directions(stations)
    moved = [np.zeros(3)]
    for one, other, length in zip(towards, towards[1:], np.diff(stations[:, 0]), strict=False):
        moved.append(moved[-1] + _arc(one, other, np.array([length]), length)[0])
    last = np.clip(np.searchsorted(stations[:, 0], depths, side="right") - 1, 0, len(stations) - 1)
    places = np.empty((len(depths), 3))
    for k in np.unique(last):
        beyond, chosen = depths[last == k] - stations[k, 0], last == k
        if k + 1 < len(stations):
            length = stations[k + 1, 0] - stations[k, 0]
            places[chosen] = moved[k] + _arc(towards[k], towards[k + 1], beyond, length)
        else:
            places[chosen] = moved[k] + beyond[:, None] * towards[k]
    return places


def _directions(stations: np.ndarray) -> np.ndarray:
    """Unit vectors east, north, down."""
    inclination, azimuth = np.radians(stations[:, 1]), np.radians(stations[:, 2])
    across = np.sin(inclination)
    return np.stack([across * np.sin(azimuth), across * np.cos(azimuth), np.cos(inclination)], axis=1)


def _arc(one: np.ndarray, other: np.ndarray, lengths: np.ndarray, whole: float) -> np.ndarray:
    """Moves along the first metres of the arc, `whole` metres long, that begins with one direction and ends with the
    other.
    """
    bend = math.acos(float(np.clip(one @ other, -1.0, 1.0)))
    if bend < 1e-7:
        return lengths[:, None] * one
    radius, angles = whole / bend, bend * lengths / whole
    inward = (other - math.cos(bend) * one) / math.sin(bend)
    return radius * (np.sin(angles)[:, None] * one + (1 - np.cos(angles))[:, None] * inward)


def log_cells(
    holes: Sequence[Borehole], grid: Grid, *, least: float = 0.25, facies_model: AbstractFaciesModel | None = None
) -> Log:
    """Bring boreholes to the cells of a grid.

    Parameters
    ----------
    holes
        The boreholes; on a vertical section their coordinates along its axes count.
    grid
        A vertical section or three dimensions.
    least
        Length of log that a cell needs, as a share of its shortest edge.
    facies_model
        Of the prior, whose names of facies conflicts are reported with.

    Raises
    ------
    InputError
        If the grid is a map, on which an interval along a hole has no place, or nothing of the logs lies in it.
    """
    if not grid.vertical:
        raise InputError("Boreholes with intervals need a grid with a z axis: a vertical section or three dimensions.")
    shortest = float(np.min(grid.spacing))
    step = shortest / STEPS
    lengths: dict[tuple[int, ...], Counter[int]] = defaultdict(Counter)
    crossing: dict[tuple[int, ...], list[str]] = defaultdict(list)
    outside, axes = 0.0, ["xyz".index(axis) for axis in grid.axes]
    for hole in holes:
        for (start, end), code in zip(hole.intervals, hole.facies, strict=True):
            count = max(1, round((end - start) / step))
            middle = start + (np.arange(count) + 0.5) * (end - start) / count
            places = hole.places(middle, downward=1.0 if grid.depth else -1.0)[:, axes]
            within = grid.inside(places)
            outside += float(np.sum(~within)) * (end - start) / count
            for cell, number in Counter(map(tuple, grid.cells(places[within]).tolist())).items():
                lengths[cell][int(code)] += number * (end - start) / count
                crossing[cell] += [hole.name] if hole.name not in crossing[cell] else []
    enough = {cell: found for cell, found in lengths.items() if found.total() >= least * shortest}
    if not enough:
        raise InputError("Nothing of the boreholes' logs lies in the grid; check coordinates, and the sense of z.")
    label = str if facies_model is None else facies_model.label
    return _log(enough, crossing, grid, outside, len(lengths) - len(enough), label)


def _log(
    lengths: Mapping[tuple[int, ...], Counter[int]],
    crossing: Mapping[tuple[int, ...], list[str]],
    grid: Grid,
    outside: float,
    left_out: int,
    label: Callable[[int], str],
) -> Log:
    cells = sorted(lengths)
    centres = grid.centres(np.array(cells))
    facies = np.array([lengths[cell].most_common(1)[0][0] for cell in cells])
    shares = np.array([lengths[cell].most_common(1)[0][1] / lengths[cell].total() for cell in cells])
    labels = tuple(f"the cell of hole {' and '.join(crossing[cell])}" for cell in cells)
    word = "facies " if label is str else ""
    torn = [k for k in np.argsort(shares, kind="stable") if len(lengths[cells[k]]) > 1]
    conflicts = tuple(
        f"the cell at {say_point(centres[k], grid.axes)}, hole {' and '.join(crossing[cells[k]])}: {word}"
        + ", ".join(f"{label(code)} on {length:.3g} m" for code, length in lengths[cells[k]].most_common())
        for k in torn
    )
    return Log(centres, facies, shares, labels, conflicts, outside, left_out)
