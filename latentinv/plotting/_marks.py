"""Data on top of a picture: places, boxes and lines, as observations give them (`AbstractObservation.marks`).

Places where a facies was seen have the colour of that facies, with a white rim inside a dark one so that they stand out
on any background, or a red rim where the field below has another facies. Other places are white diamonds. The ends of
lines (rays) are dots; the lines themselves would hide a draw, so they are drawn only on the mean and the standard
deviation.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Shaped

from latentinv.forward.core import Boxes, Lines, Mark, Points

from ._style import facies_colours, outline_box
from ._view import View

MISSED = "#e02020"
RIM = "#101010"
MANY = 60
"""Above this number, places are drawn smaller."""
MANY_LINES = 100


def layer_of(marks: Sequence[Mark], view: View) -> int | None:
    """On a grid in three dimensions, the layer with most places where a facies was seen; None if there are none."""
    seen = [mark for mark in marks if isinstance(mark, Points) and mark.codes is not None and len(mark.codes)]
    if view.layer is None or view.section or not seen:
        return view.layer
    layers = view.grid.cells(np.concatenate([mark.coordinates for mark in seen]))[:, 0]
    return int(np.bincount(layers).argmax())


def add_marks(
    panel: Any, marks: Sequence[Mark], view: View, categories: Sequence[int], field: Shaped[np.ndarray, "*grid"] | None
) -> None:
    """Draw marks on a panel.

    Parameters
    ----------
    panel
        The axes.
    marks
        What is drawn, those outside the layer that is shown left out.
    view
        The plane that the panel shows.
    categories
        The facies codes in the prior's order.
    field
        The draw that the panel shows, for the places that it misses; None if it shows a summary of all draws.
    """
    for mark in marks:
        if isinstance(mark, Boxes):
            for n in np.flatnonzero(view.shows(mark.lower, mark.upper)):
                outline_box(panel, view, mark.lower[n], mark.upper[n])
        elif isinstance(mark, Lines):
            _add_lines(panel, mark, view, whole=field is None)
        elif mark.codes is None:
            _add_places(panel, mark, view)
        else:
            missed = np.full(len(mark.codes), False) if field is None else ~honoured(mark, view, field)
            for chosen, rim in ((~missed, RIM), (missed, MISSED)):
                part = Points(mark.coordinates[chosen], codes=mark.codes[chosen])
                _add_facies(panel, part, view, categories, rim, size=52.0 if len(mark.codes) <= MANY else 22.0)


def honoured(mark: Points, view: View, field: Shaped[np.ndarray, "*grid"]) -> np.ndarray:
    """Whether the field has the observed facies, for each place."""
    agrees: np.ndarray = field[tuple(view.grid.cells(mark.coordinates).T)] == mark.codes
    return agrees


def legend_entries(marks: Sequence[Mark], labels: Sequence[str]) -> list[Any]:
    """What marks mean, for a legend."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    entries: list[Any] = []
    if any(isinstance(mark, Points) and mark.codes is not None for mark in marks):
        pairs = zip(labels, facies_colours(len(labels)), strict=True)
        keys = [(f"well, {label}", colour, RIM) for label, colour in pairs]
        entries += [_spot(label, colour, rim) for label, colour, rim in [*keys, ("well missed", "none", MISSED)]]
    if any(isinstance(mark, Points) and mark.codes is None for mark in marks):
        entries.append(Line2D([], [], linestyle="", label="measurement", **_DIAMOND, markersize=7))
    if any(isinstance(mark, Boxes) for mark in marks):
        entries.append(Patch(facecolor="none", edgecolor="#202020", linewidth=1.6, label="block of a block mean"))
    if any(isinstance(mark, Lines) for mark in marks):
        entries.append(Line2D([], [], color="#888888", linewidth=1.0, label="ray", **_DOT))
    return entries


_DOT: dict[str, Any] = {"marker": "o", "markersize": 4.5, "markerfacecolor": "white", "markeredgecolor": RIM}
_DIAMOND: dict[str, Any] = {"marker": "D", "color": "white", "markeredgecolor": RIM, "markeredgewidth": 1.2}


def _spot(label: str, colour: str, rim: str) -> Any:
    from matplotlib.lines import Line2D
    from matplotlib.patheffects import withStroke

    spot = Line2D([], [], linestyle="", marker="o", markersize=7, color=colour, label=label, markeredgecolor="white")
    spot.set_path_effects([withStroke(linewidth=3.2, foreground=rim)])
    return spot


def _add_facies(panel: Any, points: Points, view: View, categories: Sequence[int], rim: str, size: float) -> None:
    from matplotlib.patheffects import withStroke

    here = view.shows(points.coordinates, points.coordinates)
    codes = np.zeros(0, int) if points.codes is None else points.codes[here]
    colours = np.asarray(facies_colours(len(categories)))[[categories.index(code) for code in codes]]
    places = view.places(points.coordinates[here])
    spots = panel.scatter(*places.T, s=size, c=colours, edgecolors="white", linewidths=1.3, zorder=3, clip_on=False)
    spots.set_path_effects([withStroke(linewidth=3.8, foreground=rim)])


def _add_places(panel: Any, points: Points, view: View) -> None:
    here = view.shows(points.coordinates, points.coordinates)
    size = 6.0 if here.sum() <= MANY else 4.0
    panel.plot(
        *view.places(points.coordinates[here]).T, linestyle="", markersize=size, zorder=3, clip_on=False, **_DIAMOND
    )


def _add_lines(panel: Any, lines: Lines, view: View, *, whole: bool) -> None:
    from matplotlib.collections import LineCollection

    low, high = np.minimum(lines.start, lines.end), np.maximum(lines.start, lines.end)
    here = view.shows(low, high)
    start, end = view.places(lines.start[here]), view.places(lines.end[here])
    width = 1.0 if len(start) <= MANY_LINES else 0.4
    if whole:
        paths = list(np.stack([start, end], axis=1))
        panel.add_collection(LineCollection(paths, colors="white", linewidths=width, alpha=0.6))
    ends = np.unique(np.concatenate([start, end]), axis=0)
    panel.plot(*ends.T, linestyle="", clip_on=False, zorder=3, **_DOT)
