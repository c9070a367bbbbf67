"""Where to drill next: a map of what seeing the facies of a cell would tell, on a coarse lattice of places."""

import dataclasses

import numpy as np

from latentinv.decisions import DataWorth, inside, map_worth, share, target_worth
from latentinv.forward.core import Points
from latentinv.grid import Grid
from latentinv.html import Html, join
from latentinv.plotting import draw_panel, views_of

from ._parts import figure, note, paragraph, percent, side_by_side, wide
from ._subject import LEAST_DRAWS, Subject, spread_over

ALONG = 16
"""Places along the longer edge."""
MOST_NUMBERS = 2**25
"""Draws times cells times facies that are compared with each place."""
MOST_DRAWS = 200


def where_next(subject: Subject) -> Html:
    """Say where one more observation of a facies would tell most."""
    model, grid = subject.model, subject.run.posterior.grid
    if model is None:
        return note("Left out: the worth of a place is computed for facies, and the prior is of a continuous property.")
    if subject.number < LEAST_DRAWS:
        return note(f"Left out: {subject.number} draws are too few; at least {LEAST_DRAWS} are needed.")
    most = min(MOST_DRAWS, MOST_NUMBERS // (grid.size * len(model.categories)))
    if most < LEAST_DRAWS:
        return note(f"Left out: {grid.size:,} cells are too many to compare each with every place.")
    if grid.ndim == 3 and subject.views[0].section:
        return note("Left out: the grid is a section; latentinv.decisions.map_worth takes any places.")
    chosen = spread_over(subject.number, most)
    lattice = _lattice(subject)
    places = lattice.centres(np.indices(lattice.shape).reshape(lattice.ndim, -1).T)
    fields = subject.run.realizations[chosen]
    worth = map_worth(grid, fields, places)
    if worth.now <= 0 or worth.reduction.max() <= 0:
        return note("The draws agree so well that no place would tell more of the map.")
    amount = share(inside(subject.run, subject.categories[-1]))[chosen]
    of_share = target_worth(grid, fields, amount, places)
    return join(
        [_words(subject, worth), _picture(subject, worth, lattice, len(chosen)), _table(subject, worth, of_share)]
    )


def _lattice(subject: Subject) -> Grid:
    """A grid of few large cells whose centres are the places; of three dimensions in the layer that is shown."""
    grid = subject.run.posterior.grid
    shape, spacing, origin = list(grid.shape), np.array(grid.spacing), np.array(grid.origin)
    shape_xy = np.array(shape[-2:])
    coarse = np.maximum(1, np.minimum(shape_xy, np.round(ALONG * shape_xy / shape_xy.max()).astype(int)))
    for axis, count in zip((-1, -2), coarse[::-1], strict=True):
        spacing[-1 - axis] *= shape[axis] / count
        shape[axis] = int(count)
    if grid.ndim == 3:
        layer = subject.views[0].layer or 0
        origin[2] += layer * spacing[2]
        shape[0] = 1
    return dataclasses.replace(grid, shape=tuple(shape), spacing=tuple(spacing.tolist()), origin=tuple(origin.tolist()))


def _words(subject: Subject, worth: DataWorth) -> Html:
    grid = subject.run.posterior.grid
    kind = "one cell" if grid.vertical else "a hole"
    layer = f" in {subject.views[0].words()}" if grid.ndim == 3 and subject.views[0].words() else ""
    return paragraph(
        f"Before {kind} is seen, the draws say how much seeing its facies would tell, on average over what it may "
        f"show. The best place{layer} would take {100 * worth.relative.max():.1f} % of the uncertainty (entropy) of "
        "all cells, for a single observation."
    )


def _picture(subject: Subject, worth: DataWorth, lattice: Grid, draws: int) -> Html:
    (view,) = views_of(lattice)[:1]
    values = 100 * np.maximum(worth.relative, 0).reshape(lattice.shape)
    wells = [mark for mark in subject.marks if isinstance(mark, Points) and mark.codes is not None]
    best = Points(worth.best[None])
    label = "% of the uncertainty"
    image = draw_panel(
        values, view, marks=(*wells, best), codes=subject.categories, summary=True, colours="cividis", label=label
    )
    where = _say(worth.best, lattice)
    alt = f"Map of what one observation would tell of all cells; most at {where}, {values.max():.2g} %."
    caption = f"What one more observation would tell of all cells, from {draws} draws. Best place (diamond): {where}."
    return side_by_side([figure(image, alt, caption)])


def _table(subject: Subject, worth: DataWorth, of_share: DataWorth) -> Html:
    model, grid = subject.model, subject.run.posterior.grid
    assert model is not None
    name = model.label(subject.categories[-1])
    rows = [
        [f"{what}", _say(one.best, grid), percent(max(0.0, float(one.relative.max())))]
        for what, one in (("facies of all cells (entropy)", worth), (f"share of {name} (variance)", of_share))
    ]
    return wide(rows, ["to know", "best place", "expected reduction"], "The best place for each question")


def _say(place: np.ndarray, grid: Grid) -> str:
    return ", ".join(f"{axis} {value:.6g} m" for axis, value in zip(grid.axes, place, strict=True))
