"""What all pictures share: colours, axes in metres, one way up, and how a file is written.

Row 0 of a field is drawn at the top, so ``y`` grows downwards and its axis says so by its numbers. Of a field in three
dimensions one layer is drawn. Facies have the colours of what they mostly are: clay a dark slate-brown, sand a warm
yellow, others between. Matplotlib is imported inside the functions and used through its ``Figure``, so that neither
its global state nor a user's own figures change.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Shaped

from latentinv.errors import InputError
from latentinv.grid import Grid
from latentinv.storage import atomic_file

FACIES_COLOURS = ("#463f3a", "#a5603b", "#f0c04f", "#fbf0cc")
"""Clay, and on to what lies between clay and sand."""
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


def show_facies(
    axes: Any, field: Shaped[np.ndarray, "*grid"], grid: Grid, categories: Sequence[int], layer: int
) -> Any:
    """Draw facies codes; the image is given back for a colour bar."""
    from matplotlib.colors import BoundaryNorm, ListedColormap

    count = len(categories)
    ranks = np.searchsorted(np.sort(categories), field)
    index = np.argsort(categories)[np.minimum(ranks, count - 1)]
    norm = BoundaryNorm(np.arange(count + 1) - 0.5, count)
    return show_values(axes, index, grid, layer, cmap=ListedColormap(facies_colours(count)), norm=norm)


def show_values(axes: Any, field: Any, grid: Grid, layer: int, **settings: Any) -> Any:
    """Draw one layer of a field in metres, row 0 at the top; the image is given back for a colour bar."""
    rows = field if grid.ndim == 2 else field[layer]
    (left, top), (right, bottom) = grid.lower[:2], grid.upper[:2]
    image = axes.imshow(
        rows,
        extent=(left, right, bottom, top),
        origin="upper",
        interpolation="nearest",
        aspect="equal",
        **settings,
    )
    axes.tick_params(labelsize=9, colors="#444444")
    for spine in axes.spines.values():
        spine.set_color("#888888")
    return image


def outline_box(panel: Any, lower: Sequence[float], upper: Sequence[float]) -> None:
    """Draw the outline of a box, ``x, y(, z)`` in metres, so that it is seen on any facies."""
    from matplotlib.patches import Rectangle
    from matplotlib.patheffects import withStroke

    (left, top), (right, bottom) = lower[:2], upper[:2]
    box = Rectangle((left, top), right - left, bottom - top, fill=False, edgecolor="white", linewidth=1.6)
    box.set_path_effects([withStroke(linewidth=3.2, foreground="#202020")])
    panel.add_patch(box)


def add_colour_bar(figure: Any, image: Any, axes: Any, label: str) -> None:
    """Put a colour bar to the right of panels."""
    bar = figure.colorbar(image, ax=axes, shrink=0.9, pad=0.02, aspect=24)
    bar.set_label(label, fontsize=10)
    bar.outline.set_edgecolor("#888888")
    bar.ax.tick_params(labelsize=9, colors="#444444")


def facies_keys(categories: Sequence[int]) -> list[Any]:
    """Entries of a legend that explain the colours of facies."""
    from matplotlib.patches import Patch

    pairs = zip(categories, facies_colours(len(categories)), strict=True)
    return [Patch(facecolor=colour, edgecolor="#888888", label=f"facies {code}") for code, colour in pairs]


def add_legend(figure: Any, entries: list[Any]) -> None:
    """Put a legend below all panels, if there is something to explain."""
    if entries:
        columns = min(len(entries), 8)
        figure.legend(handles=entries, loc="outside lower center", ncols=columns, frameon=False, fontsize=11)


def new_figure(grid: Grid, panels: int, *, bars: bool) -> tuple[Any, list[Any], int]:
    """Make a figure with so many panels of the grid's proportions, in as few and as large rows as fit.

    Parameters
    ----------
    grid
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

    extent = (grid.upper - grid.lower)[:2]
    aspect = float(np.clip(extent[1] / extent[0], 0.1, 8.0))
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
    for position, panel in enumerate(axes[:panels]):
        at_left, at_bottom = position % columns == 0, position + columns >= panels
        panel.set_ylabel("y (m)" if at_left else "", fontsize=10)
        panel.set_xlabel("x (m)" if at_bottom else "", fontsize=10)
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
    """Refuse a picture's file whose ending is not one that can be drawn.

    Raises
    ------
    InputError
        If it is not.
    """
    if Path(path).suffix.lower() not in ENDINGS:
        raise InputError(f"The picture {path} has no ending that can be drawn; give one of {', '.join(ENDINGS)}.")


def layer_words(grid: Grid, layer: int) -> str:
    """Say which layer of a field in three dimensions is drawn; nothing in two."""
    if grid.ndim == 2:
        return ""
    height = grid.centres(np.array([[layer, 0, 0]]))[0, 2]
    return f"layer {layer + 1} of {grid.shape[0]}, z {height:.6g} m"


def _columns(panels: int, aspect: float) -> int:
    """Columns whose rows come nearest to a picture of 16:9 without leaving a row half empty."""

    def badness(columns: int) -> float:
        rows = -(-panels // columns)
        shape = np.log(rows * aspect / columns / (9 / 16))
        return float(abs(shape) + 1.5 * (rows * columns - panels) / panels)

    return min(range(1, min(panels, 10) + 1), key=badness)
