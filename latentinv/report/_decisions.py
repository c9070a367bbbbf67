"""What decisions need: how much of each facies there is, and which wells are connected through it."""

import itertools
from collections.abc import Iterator

import numpy as np
from jaxtyping import Float

from latentinv.decisions import Quantiles, connection_table, inside, quantiles, share
from latentinv.grid import Grid
from latentinv.html import Html, join, tag
from latentinv.plotting import draw_histogram, facies_colours

from ._leverage import leverage_of_data
from ._parts import Section, figure, note, number, paragraph, percent, side_by_side, wide
from ._subject import Subject, spread_over
from ._worth import where_next

MOST_WELLS = 6
"""Wells whose connections are listed pair by pair."""
MOST_DRAWS = 300
"""Draws whose bodies are searched for connections."""


def decisions(subject: Subject) -> Section:
    """Say what the draws mean for decisions."""
    title = "For decisions"
    if not subject.spread_counts:
        return Section("decisions", title, note(subject.without_spread()))
    parts = [tag("h3", "How much there is"), _amounts(subject)]
    if subject.categories:
        parts += [tag("h3", "Are the wells connected?"), _connections(subject)]
    parts += [tag("h3", "Where to drill next"), where_next(subject)]
    parts += [tag("h3", "What each datum did"), leverage_of_data(subject)]
    return Section("decisions", title, join(parts))


def _amounts(subject: Subject) -> Html:
    """Quantiles and histogram of the share and the volume of each facies, or of the mean of a property."""
    run, grid, model = subject.run, subject.run.posterior.grid, subject.model
    if model is None:
        means = run.realizations.reshape(subject.number, -1).mean(axis=1, dtype=float)
        found = quantiles(means)
        rows = [["mean of the property over the grid", *map(number, found)]]
        picture = _histogram(means, "mean over the grid", "mean over the grid", found)
        return join([_quantile_table(rows, subject), side_by_side([picture])])
    whole, unit = float(np.prod(grid.extent)), _unit(grid)
    rows, pictures = [], []
    for code, colour in zip(model.categories, facies_colours(len(model.categories)), strict=True):
        shares, name = share(inside(run, code)), model.label(code)
        found = quantiles(100 * shares)
        rows.append([f"{name}, share of the grid", *(f"{value:.1f} %" for value in found)])
        rows.append([f"{name}, {unit}", *map(number, quantiles(shares * whole))])
        pictures.append(_histogram(100 * shares, f"{name} (% of the grid)", name, found, colour))
    return join([_quantile_table(rows, subject), side_by_side(pictures)])


def _unit(grid: Grid) -> str:
    return "volume in m³" if grid.ndim == 3 else "area in m²"


def _quantile_table(rows: list[list[str]], subject: Subject) -> Html:
    caption = f"Quantiles over {subject.number} {subject.noun}"
    words = (
        "A tenth of the draws lie below P10, half below P50, nine tenths below P90. (Where reserves are reported by "
        "exceedance, P10 and P90 change places.)"
    )
    return join([wide(rows, ["", "P10", "P50", "P90", "mean", "sd"], caption), paragraph(words)])


def _histogram(
    values: Float[np.ndarray, "draw"], label: str, name: str, found: Quantiles, colour: str | None = None
) -> Html:
    lines = found[:3]
    image = draw_histogram(values, label, lines) if colour is None else draw_histogram(values, label, lines, colour)
    said = ", ".join(f"{word} {value:.4g}" for word, value in zip(("P10", "P50", "P90"), lines, strict=True))
    return figure(image, f"Histogram of {label} over the draws: {said}.", f"{name}: dashed lines are P10, P50 and P90.")


def _connections(subject: Subject) -> Html:
    wells = list(_wells(subject))
    if len(wells) < 2:
        return note("Left out: there are no two wells.")
    if len(wells) > MOST_WELLS:
        return note(
            f"Left out: {len(wells)} wells have {len(wells) * (len(wells) - 1) // 2} pairs, too many for a table; "
            "latentinv.decisions.connection_probability answers for any two places."
        )
    run, grid, model = subject.run, subject.run.posterior.grid, subject.model
    assert model is not None
    chosen = spread_over(subject.number, MOST_DRAWS)
    tables = {
        model.label(code): connection_table(grid, inside(run, code)[chosen], wells) for code in subject.categories
    }
    rows = [
        [f"well {one + 1} and well {other + 1}", *(percent(table[one, other]) for table in tables.values())]
        for one, other in itertools.combinations(range(len(wells)), 2)
    ]
    places = "; ".join(f"well {n + 1} at {_place(well[0], grid)}" for n, well in enumerate(wells))
    words = (
        "Probability that two wells reach one body of connected cells of a facies: the share of draws in which they "
        "do. "
        f"Cells are joined through their {'faces' if grid.ndim == 3 else 'edges'}. {places[0].upper()}{places[1:]}."
    )
    return join([paragraph(words), wide(rows, ["", *tables], "Probability of connection")])


def _wells(subject: Subject) -> Iterator[Float[np.ndarray, "cell axis"]]:
    """The cells of each well: in three dimensions those above each other are one."""
    grid = subject.run.posterior.grid
    places = [
        grid.centres(np.asarray(observation.cells))
        for observation in subject.run.posterior.observations
        if observation.hard and observation.cells is not None
    ]
    if not places:
        return
    cells = np.unique(np.concatenate(places), axis=0)
    if grid.ndim == 2:
        yield from (cell[None] for cell in cells)
        return
    _, of_well = np.unique(np.round(cells[:, :2], 6), axis=0, return_inverse=True)
    yield from (cells[of_well.ravel() == number] for number in range(int(of_well.max()) + 1))


def _place(place: Float[np.ndarray, "axis"], grid: Grid) -> str:
    axes = grid.axes if grid.ndim == 2 else "xy"
    return ", ".join(f"{axis} {value:.6g} m" for axis, value in zip(axes, place, strict=False))
