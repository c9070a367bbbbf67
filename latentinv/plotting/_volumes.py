"""A sheet of fields in three dimensions: each seen from outside, and in a layer and two sections."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Int, Shaped

from latentinv.errors import InputError
from latentinv.forward.core import Mark, Points
from latentinv.grid import Grid

from ._marks import add_marks
from ._style import (
    DPI,
    WIDTH,
    add_colour_bar,
    add_legend,
    check_ending,
    facies_keys,
    save_figure,
    show_facies,
    show_values,
)
from ._view import views_of
from ._volume import exaggeration, is_volume, most_frequent, show_volume

MOST_VOLUMES = 6
ROW = 3.7
"""Inches of a row."""


def plot_volumes(
    fields: Shaped[np.ndarray, "field layer row column"],
    grid: Grid,
    path: str | Path,
    *,
    categories: Sequence[int] | None = None,
    labels: Sequence[str] | None = None,
    title: str = "",
    marks: Sequence[Mark] = (),
) -> None:
    """Draw fields in three dimensions, one in a row: from outside, the middle layer, and a section along each axis.

    Parameters
    ----------
    fields
        Facies codes, or values of a continuous property; at most six fields.
    grid
        Where they live, with several cells along each axis.
    path, categories, labels, title
        As `plot_fields` takes them.
    marks
        Of data, to draw on top.

    Raises
    ------
    InputError
        If the fields are not on the grid, the grid is flat, there are none or too many, or the ending is unknown.
    StorageError
        If the picture cannot be written.
    """
    from matplotlib.figure import Figure

    check_ending(path)
    fields = np.asarray(fields)
    if fields.shape[1:] != grid.shape or not is_volume(grid) or not 1 <= len(fields) <= MOST_VOLUMES:
        raise InputError(
            f"Fields of the shape {fields.shape} were given for a grid of {grid.shape}; give 1 to {MOST_VOLUMES} "
            "fields of a grid with several cells along each of three axes."
        )
    figure = Figure(figsize=(WIDTH, ROW * len(fields) + 1.0), dpi=DPI, layout="constrained", facecolor="white")
    rows = figure.subplots(len(fields), 4, squeeze=False, width_ratios=(1.3, 1, 1, 1))
    limits = None if categories else (float(np.min(fields)), float(np.max(fields)))
    matrix = most_frequent(fields, categories) if categories else None
    views = views_of(grid, cells_with_facies(grid, marks))
    for number, (row, field) in enumerate(zip(rows, fields, strict=True)):
        show_volume(row[0], field, grid, categories or (), limits, marks, matrix=matrix)
        if len(fields) > 1:
            row[0].set_title(f"draw {number + 1}", fontsize=11)
        for panel, view in zip(row[1:], views, strict=True):
            if categories:
                show_facies(panel, field, view, categories)
            else:
                assert limits is not None
                image = show_values(panel, field, view, cmap="viridis", vmin=limits[0], vmax=limits[1])
            add_marks(panel, marks, view, categories or (), field)
            panel.set_xlabel(view.labels[0], fontsize=10)
            panel.set_ylabel(view.labels[1], fontsize=10)
            panel.locator_params(nbins=5)
            panel.set_title(view.words() if number == 0 else "", fontsize=9)
    if categories:
        add_legend(figure, facies_keys(labels or [f"facies {code}" for code in categories]))
    else:
        add_colour_bar(figure, image, list(rows.ravel()), "field")
    higher = exaggeration(grid)
    words = [title, f"volumes {higher:.3g} times higher than they are" if higher > 1 else ""]
    figure.suptitle(" · ".join(text for text in words if text), fontsize=13)
    save_figure(figure, path)


def cells_with_facies(grid: Grid, marks: Sequence[Mark]) -> Int[np.ndarray, "cell axis"]:
    """The cells of marks where a facies was seen, through which slices should go."""
    places = [mark.coordinates for mark in marks if isinstance(mark, Points) and mark.codes is not None]
    return grid.cells(np.concatenate(places)) if places else np.zeros((0, grid.ndim), int)
