"""What all pictures share: colours, axes in metres, which way is up, and how a file is written.

Maps have north up, sections their top (`View`). Facies have the colours usual for clay (a dark slate-brown) and sand (a
warm yellow), others lie between. Matplotlib is imported inside the functions and used through its ``Figure``, so that
neither its global state nor a user's own figures change.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Shaped

from latentinv.errors import InputError
from latentinv.storage import atomic_file

from ._view import View

FACIES_COLOURS = ("#463f3a", "#a5603b", "#f0c04f", "#fbf0cc")
"""Colours from clay towards sand."""
ENDINGS = (".png", ".pdf", ".svg")
DPI = 100
WIDTH = 16.0
"""Inches; 1600 pixels in a PNG."""


def facies_colours(count: int) -> list[str]:
    """Give a colour for each of `count` facies, from clay to sand."""
    from matplotlib.colors import LinearSegmentedColormap, to_hex

    if count == 2:
        return [FACIES_COLOURS[0], FACIES_COLOURS[2]]
    if count <= len(FACIES_COLOURS):
        return list(FACIES_COLOURS[:count])
    between = LinearSegmentedColormap.from_list("facies", FACIES_COLOURS)
    return [to_hex(between(share)) for share in np.linspace(0, 1, count)]


def show_facies(axes: Any, field: Shaped[np.ndarray, "*grid"], view: View, categories: Sequence[int]) -> Any:
    """Draw facies codes; returns the image for a colour bar."""
    from matplotlib.colors import BoundaryNorm, ListedColormap

    count = len(categories)
    ranks = np.searchsorted(np.sort(categories), field)
    index = np.argsort(categories)[np.minimum(ranks, count - 1)]
    norm = BoundaryNorm(np.arange(count + 1) - 0.5, count)
    return show_values(axes, index, view, cmap=ListedColormap(facies_colours(count)), norm=norm)


def show_values(axes: Any, field: Any, view: View, **settings: Any) -> Any:
    """Draw the part of a field that a view shows, in metres; returns the image for a colour bar."""
    from matplotlib.transforms import Affine2D

    (left, bottom), (right, top) = view.origin, view.origin + view.lengths
    image = axes.imshow(
        view.plane(field),
        extent=(left, right, bottom, top),
        origin="lower",
        interpolation="nearest",
        aspect=view.exaggeration,
        **settings,
    )
    low, high = view.bounds
    if view.rotation:
        image.set_transform(Affine2D().rotate_deg_around(left, bottom, view.rotation) + axes.transData)
    axes.set_xlim(low[0], high[0])
    axes.set_ylim(*((high[1], low[1]) if view.downward else (low[1], high[1])))
    axes.ticklabel_format(style="plain", useOffset=False)  # map coordinates are shown in full, without offset
    axes.locator_params(axis="x", nbins=9 if max(abs(low[0]), abs(high[0])) < 1e4 else 4)
    axes.tick_params(labelsize=9, colors="#444444")
    for spine in axes.spines.values():
        spine.set_color("#888888")
    return image


def outline_box(panel: Any, view: View, lower: Sequence[float], upper: Sequence[float]) -> None:
    """Draw the outline of a box, ``x, y(, z)`` in metres, so that it is seen on any facies."""
    from matplotlib.patches import Rectangle
    from matplotlib.patheffects import withStroke

    (left, bottom), (right, top) = view.places(np.array([lower, upper], float))
    box = Rectangle((left, bottom), right - left, top - bottom, fill=False, edgecolor="white", linewidth=1.6)
    box.set_path_effects([withStroke(linewidth=3.2, foreground="#202020")])
    panel.add_patch(box)


def add_colour_bar(figure: Any, image: Any, axes: Any, label: str) -> None:
    """Put a colour bar to the right of panels."""
    bar = figure.colorbar(image, ax=axes, shrink=0.9, pad=0.02, aspect=24)
    bar.set_label(label, fontsize=10)
    bar.outline.set_edgecolor("#888888")
    bar.ax.tick_params(labelsize=9, colors="#444444")


def facies_keys(labels: Sequence[str]) -> list[Any]:
    """Entries of a legend that explain the colours of facies."""
    from matplotlib.patches import Patch

    pairs = zip(labels, facies_colours(len(labels)), strict=True)
    return [Patch(facecolor=colour, edgecolor="#888888", label=label) for label, colour in pairs]


def add_legend(figure: Any, entries: list[Any]) -> None:
    """Put a legend below all panels, if there is something to explain."""
    if entries:
        columns = min(len(entries), 8)
        figure.legend(handles=entries, loc="outside lower center", ncols=columns, frameon=False, fontsize=11)


def new_figure(view: View, panels: int, *, bars: bool) -> tuple[Any, list[Any], int]:
    """Make a figure with a number of panels of the view's proportions, in as few and as large rows as fit.

    Parameters
    ----------
    view
        What the panels show.
    panels
        How many.
    bars
        Whether colour bars will stand at the right.

    Returns
    -------
    The figure, its axes row by row, labelled in metres along the left and the bottom, and the number of columns.
    """
    from matplotlib.figure import Figure

    aspect = float(np.clip(view.aspect, 0.1, 8.0))
    columns = _columns(panels, aspect)
    rows = -(-panels // columns)
    # Labels, the gaps between panels and the bars take width, titles and the legend height.
    width = (WIDTH - 0.7 - 0.15 * columns - 1.1 * bars) / columns
    height = rows * (width * aspect + 0.38) + 1.3
    size = (WIDTH, float(np.clip(height, 3.0, 40.0)))
    figure = Figure(figsize=size, dpi=DPI, layout="constrained", facecolor="white")
    axes = list(figure.subplots(rows, columns, squeeze=False).ravel())
    for unused in axes[panels:]:
        unused.remove()
    across, up = view.labels
    for position, panel in enumerate(axes[:panels]):
        at_left, at_bottom = position % columns == 0, position + columns >= panels
        panel.set_ylabel(up if at_left else "", fontsize=10)
        panel.set_xlabel(across if at_bottom else "", fontsize=10)
        panel.tick_params(labelleft=at_left, labelbottom=at_bottom)
    return figure, axes[:panels], columns


def save_figure(figure: Any, path: str | Path) -> None:
    """Write a figure.

    Raises
    ------
    StorageError
        If the file cannot be written.
    """
    with atomic_file(path) as file:
        figure.savefig(file, dpi=DPI, format=Path(path).suffix[1:].lower())


def check_ending(path: str | Path) -> None:
    """Refuse a picture whose file extension is not supported.

    Raises
    ------
    InputError
        If it is not.
    """
    if Path(path).suffix.lower() not in ENDINGS:
        raise InputError(f"The picture {path} has an unsupported file extension; use one of {', '.join(ENDINGS)}.")


def _columns(panels: int, aspect: float) -> int:
    """Columns whose rows come nearest to a picture of 16:9 without leaving a row half empty."""

    def badness(columns: int) -> float:
        rows = -(-panels // columns)
        shape = np.log(rows * aspect / columns / (9 / 16))
        return float(abs(shape) + 1.5 * (rows * columns - panels) / panels)

    return min(range(1, min(panels, 10) + 1), key=badness)
