"""The page of an assessment: realizations beside patches, curves with their bands, and distances in times the floor."""

import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Real

from latentinv.grid import Grid

from ._style import FACIES_COLOURS, check_ending, facies_colours, save_figure
from ._volume import most_frequent, show_volume

if TYPE_CHECKING:
    from latentinv.realism import Measure, Realism

COLUMNS = 6
KINDS = ("connectivity", "variogram", "two-point probability", "lineal path", "power spectrum")
"""Curves from left to right, lineal paths of volumes only: one row per axis, and the spectrum, which has no direction,
at the end of the first."""
STYLES: tuple[Any, ...] = ("-", "--", ":", "-.")
"""Colours of the curves of each facies."""
OURS, THEIRS = FACIES_COLOURS[1], FACIES_COLOURS[0]
FARTHEST = 1e4
"""Points beyond this many times the floor are drawn at the border."""


def plot_realism(
    realism: "Realism",
    fields: Real[np.ndarray, "image *grid"],
    patches: Real[np.ndarray, "image *grid"],
    path: str | Path,
    *,
    facies: int | None,
    labels: Sequence[str] | None = None,
    title: str = "",
) -> None:
    """Draw an assessment on one page.

    Parameters
    ----------
    realism
        From `measure_realism`.
    fields, patches
        Category indices, or values of a continuous property; the first six of each are shown, of three dimensions
        three middle layers and three volumes.
    path
        The picture, with the ending .png, .pdf or .svg; a file there is replaced.
    facies
        Number of categories; None for a continuous property.
    labels
        What the facies are called; ``facies 0`` … unless given.
    title
        Above the whole; the verdict stands below it.

    Raises
    ------
    InputError
        If the ending is unknown.
    StorageError
        If the picture cannot be written.
    """
    from matplotlib.figure import Figure

    check_ending(path)
    curves = [measure for measure in realism.measures if measure.group == "curves"]
    rows = fields.ndim - 1
    heights = [_picture_height(fields), 2.6 * rows, 0.24 * len(realism.measures) + 1.0]
    figure = Figure(figsize=(16, sum(heights) + 1.6), dpi=100, layout="constrained", facecolor="white")
    figure.suptitle(f"{title}\n{realism.verdict()}" if title else realism.verdict(), fontsize=13)
    figure.supxlabel("\n".join(textwrap.fill(note, 190) for note in realism.notes), fontsize=9, color="#444444")
    pages: Any = figure.subfigures(3, 1, height_ratios=heights)
    _draw_images(pages[0], fields, patches, facies)
    names = ["below the median", "above it"]
    if facies is not None:
        names = list(labels or (f"facies {index}" for index in range(facies)))
    kinds = [kind for kind in KINDS if any(measure.name.startswith(kind) for measure in curves)]
    placed = dict.fromkeys(kinds, 0)
    for measure in curves:
        column = next(n for n, kind in enumerate(kinds) if measure.name.startswith(kind))
        placed[kinds[column]] += 1
        position = len(kinds) * (placed[kinds[column]] - 1) + column + 1
        _draw_curve(pages[1].add_subplot(rows, len(kinds), position), measure, names)
    _draw_floors(pages[2].add_subplot(1, 1, 1), realism)
    save_figure(figure, path)


def _picture_height(fields: np.ndarray) -> float:
    """Height in inches of two rows of pictures, six to a row."""
    aspect = fields.shape[-2] / fields.shape[-1]
    return 2 * min(16 / COLUMNS * aspect, 4.0)


def _draw_images(page: Any, fields: np.ndarray, patches: np.ndarray, facies: int | None) -> None:
    from matplotlib.colors import ListedColormap

    if facies is None:
        low, high = np.quantile(patches, [0.001, 0.999])
        colours: dict[str, Any] = {"cmap": "viridis", "vmin": low, "vmax": high}
    else:
        colours = {"cmap": ListedColormap(facies_colours(facies)), "vmin": -0.5, "vmax": facies - 0.5}
    matrix = None if facies is None else most_frequent(patches, range(facies))
    layer = "" if fields.ndim == 3 else f", layer {fields.shape[1] // 2 + 1} of {fields.shape[1]}"
    for row, (images, name) in enumerate(((fields, "prior"), (patches, "image"))):
        for column in range(COLUMNS):
            panel = page.add_subplot(2, COLUMNS, row * COLUMNS + column + 1)
            if images.ndim == 4 and column >= COLUMNS // 2:
                shown, codes = images[column % len(images)], range(facies or 0)
                show_volume(panel, shown, Grid(shown.shape), codes, matrix=matrix, named=False)
                continue
            if column < len(images):
                shown = images[column] if images.ndim == 3 else images[column, images.shape[1] // 2]
                panel.imshow(shown, origin="lower", interpolation="nearest", **colours)  # row 0 is the south
            panel.set_xticks([])
            panel.set_yticks([])
            panel.set_ylabel(f"{name}{layer}" if column == 0 else "", fontsize=11)


def _draw_curve(axes: Any, measure: "Measure", names: list[str]) -> None:
    """One curve, or one for each facies where facies are measured separately."""
    spectrum = measure.name == "power spectrum"
    parts = 1 if spectrum or measure.name.startswith("variogram") else len(names)
    split = (np.split(curve, parts, axis=-1) for curve in (measure.fields, measure.image, measure.image_band))
    for index, (ours, theirs, band) in enumerate(zip(*split, strict=True)):
        x, style = np.arange(1, ours.size + 1), STYLES[index % len(STYLES)]
        axes.fill_between(x, *band, color=THEIRS, alpha=0.25, linewidth=0)
        axes.plot(x, theirs, color=THEIRS, linewidth=1, linestyle=style)
        axes.plot(x, ours, color=OURS, linewidth=1.8, linestyle=style)
    if spectrum:
        axes.set_xscale("log")
        axes.set_yscale("log")
    axes.set_title(f"{measure.name}: {measure.told} × floor", fontsize=11)
    axes.set_xlabel("waves along the shortest side" if spectrum else "lag (cells)", fontsize=9)
    axes.tick_params(labelsize=8)
    axes.legend(handles=_keys(names if parts > 1 else []), fontsize=8, frameon=False)


def _keys(names: list[str]) -> list[Any]:
    """What colours and lines mean."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    styles = [Line2D([], [], color="black", linewidth=1, label=name) for name in names]
    for index, style in enumerate(styles):
        style.set_linestyle(STYLES[index % len(STYLES)])
    prior = Line2D([], [], color=OURS, linewidth=1.8, label="prior")
    return [prior, Patch(color=THEIRS, alpha=0.4, label="image, 95 %"), *styles]


def _draw_floors(axes: Any, realism: "Realism") -> None:
    """Times the floor of every measure, with its band; groups are shaded in turn."""
    measures = realism.measures
    floors = np.maximum([measure.floor for measure in measures], np.finfo(float).tiny)
    values = np.clip([measure.times_floor for measure in measures], 1 / FARTHEST, FARTHEST)
    with np.errstate(over="ignore"):  # of floors that are nearly nothing
        bands = np.clip(np.array([measure.band for measure in measures]).T / floors, 1 / FARTHEST, FARTHEST)
    y = np.arange(len(measures))[::-1]
    groups = list(dict.fromkeys(measure.group for measure in measures))
    for number, group in enumerate(groups):
        rows = [row for row, measure in zip(y, measures, strict=True) if measure.group == group]
        axes.axhspan(min(rows) - 0.5, max(rows) + 0.5, color=THEIRS, alpha=0.07 * (number % 2), linewidth=0)
        place = {"transform": axes.get_yaxis_transform(), "ha": "right", "va": "center", "color": "#444444"}
        axes.text(0.995, (min(rows) + max(rows)) / 2, group, fontsize=10, style="italic", **place)
    axes.hlines(y, *bands, color=OURS, linewidth=5, alpha=0.35)
    axes.plot(values, y, "o", color=OURS, markersize=5)
    axes.set_xscale("log")
    axes.set_ylim(-0.5, len(measures) - 0.5)
    axes.set_xlim(min(0.3, values.min()), 3 * max(3.0, values.max(), bands.max()))
    axes.axvline(2, color=THEIRS, linewidth=1, linestyle="--")
    axes.text(2, len(measures) - 0.4, "twice the floor", fontsize=9, ha="center", va="bottom")
    axes.set_yticks(y, [measure.name for measure in measures], fontsize=9)
    axes.set_xlabel("distance from the image, times the floor (log scale); bars: 95 % of resampled fields", fontsize=10)
