"""The page of an assessment: realizations beside patches, curves with their bands, and how far from the floor."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Integer

from ._style import FACIES_COLOURS, check_ending, facies_colours, save_figure

if TYPE_CHECKING:
    from latentinv.assessment import Measure, Realism

COLUMNS = 6
OURS, THEIRS = FACIES_COLOURS[1], FACIES_COLOURS[0]


def plot_realism(
    realism: "Realism",
    fields: Integer[np.ndarray, "image row column"],
    patches: Integer[np.ndarray, "image row column"],
    path: str | Path,
    *,
    facies: int,
    title: str = "",
) -> None:
    """Draw an assessment on one page.

    Parameters
    ----------
    realism
        From `measure_realism`.
    fields, patches
        Category indices; the first six of each are shown.
    path
        The picture, with the ending .png, .pdf or .svg; a file there is replaced.
    facies
        Number of categories.
    title
        Above the whole; the verdict stands below it.

    Raises
    ------
    InputError
        If the ending is unknown.
    StorageError
        If the picture cannot be written.
    """
    from matplotlib.colors import ListedColormap
    from matplotlib.figure import Figure

    check_ending(path)
    curves = [measure for measure in realism.measures if measure.fields.size > 1 and _lags(measure) is not None]
    rows = 2 + -(-len(curves) // 3) + 1
    figure = Figure(figsize=(16, 2.7 * rows + 1.5), dpi=100, layout="constrained", facecolor="white")
    figure.suptitle(f"{title}\n{realism.verdict()}" if title else realism.verdict(), fontsize=13)
    pages: Any = figure.subfigures(3, 1, height_ratios=[2, rows - 3, 1.6])
    colours = ListedColormap(facies_colours(facies))
    for row, (images, name) in enumerate(((fields, "prior"), (patches, "image"))):
        for column in range(COLUMNS):
            panel = pages[0].add_subplot(2, COLUMNS, row * COLUMNS + column + 1)
            if column < len(images):
                panel.imshow(images[column], cmap=colours, vmin=-0.5, vmax=facies - 0.5, interpolation="nearest")
            panel.set_xticks([])
            panel.set_yticks([])
            panel.set_ylabel(name if column == 0 else "", fontsize=11)
    for position, measure in enumerate(curves):
        _draw_curve(pages[1].add_subplot(rows - 3, 3, position + 1), measure, facies)
    _draw_floors(pages[2].add_subplot(1, 1, 1), realism)
    save_figure(figure, path)


def _lags(measure: "Measure") -> str | None:
    """What runs along a curve; None for histograms, which are not drawn."""
    if measure.name.startswith(("connectivity", "variogram")):
        return "lag (cells)"
    return "ring" if measure.name == "power spectrum" else None


def _draw_curve(axes: Any, measure: "Measure", facies: int) -> None:
    """One curve, or for connectivity one for each facies."""
    parts = facies if measure.name.startswith("connectivity") else 1
    split = (np.split(curve, parts, axis=-1) for curve in (measure.fields, measure.image, measure.image_band))
    for index, (ours, theirs, band) in enumerate(zip(*split, strict=True)):
        x = np.arange(1, ours.size + 1)
        axes.fill_between(x, *band, color=THEIRS, alpha=0.25, linewidth=0, label="image, 95 %" if not index else None)
        axes.plot(x, theirs, color=THEIRS, linewidth=1, label="image" if not index else None)
        axes.plot(x, ours, color=OURS, linewidth=1.8, label="prior" if not index else None)
        if parts > 1:
            axes.annotate(f"facies {index}", (x[-1], theirs[-1]), ha="right", va="bottom", fontsize=9)
    if measure.name == "power spectrum":
        axes.set_xscale("log")
        axes.set_yscale("log")
    axes.set_title(f"{measure.name}: {measure.times_floor:.3g} × floor", fontsize=11)
    axes.set_xlabel(_lags(measure), fontsize=9)
    axes.legend(fontsize=8, frameon=False)


def _draw_floors(axes: Any, realism: "Realism") -> None:
    """Times the floor of every measure, with its band."""
    names = [measure.name for measure in realism.measures]
    values = np.array([measure.times_floor for measure in realism.measures])
    bands = np.array([measure.band for measure in realism.measures]).T / [m.floor for m in realism.measures]
    y = np.arange(len(names))[::-1]
    axes.hlines(y, *bands, color=OURS, linewidth=5, alpha=0.35)
    axes.plot(values, y, "o", color=OURS)
    axes.set_xscale("log")
    axes.axvline(2, color=THEIRS, linewidth=1, linestyle="--", label="twice the floor")
    axes.set_yticks(y, names)
    axes.set_xlabel("distance from the image, times the floor", fontsize=10)
    axes.legend(fontsize=9, frameon=False, loc="lower right")
