"""A sheet of fields side by side: draws of a prior, or any fields on one grid."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Shaped

from latentinv.errors import InputError
from latentinv.grid import Grid

from ._style import (
    add_colour_bar,
    add_legend,
    check_ending,
    facies_keys,
    new_figure,
    outline_box,
    save_figure,
    show_facies,
    show_values,
)
from ._view import view_of

MOST_PANELS = 60


def plot_fields(
    fields: Shaped[np.ndarray, "field *grid"],
    grid: Grid,
    path: str | Path,
    *,
    categories: Sequence[int] | None = None,
    labels: Sequence[str] | None = None,
    title: str = "",
    names: Sequence[str] | None = None,
    box: tuple[Sequence[float], Sequence[float]] | None = None,
) -> None:
    """Draw fields side by side, maps north up and sections with the top up; of three dimensions the middle layer.

    Parameters
    ----------
    fields
        Facies codes, or values of a continuous property, NaN where there is none, which stays white; at most 60 fields.
    grid
        Where they live.
    path
        The picture, with the ending .png, .pdf or .svg; a file there is replaced.
    categories
        The facies codes in the prior's order; None for a continuous property.
    labels
        What the legend calls the facies, in the same order; ``facies 0`` … unless given.
    title
        Above the whole.
    names
        Above each field; ``draw 1``, ``draw 2`` … unless given.
    box
        Opposite corners of a box to outline, ``x, y(, z)`` in metres.

    Raises
    ------
    InputError
        If the fields are not on the grid, are none, too many or without a value, or the ending is unknown.
    StorageError
        If the picture cannot be written.
    """
    check_ending(path)
    fields = np.asarray(fields)
    if fields.shape[1:] != grid.shape:
        raise InputError(
            f"The fields have the shape {fields.shape[1:]}, the grid {grid.shape}; give fields of this grid."
        )
    if not 1 <= len(fields) <= MOST_PANELS:
        raise InputError(f"Given {len(fields)} fields to draw; one picture holds 1 to {MOST_PANELS}.")
    view = view_of(grid)
    figure, axes, _ = new_figure(view, len(fields), bars=categories is None)
    if categories is None and not np.isfinite(fields).any():
        raise InputError("The fields to draw hold no finite value; give some.")
    low, high = (np.nanmin(fields), np.nanmax(fields)) if categories is None else (None, None)
    for position, (panel, field) in enumerate(zip(axes, fields, strict=True)):
        if categories is None:
            image = show_values(panel, field, view, cmap="viridis", vmin=low, vmax=high)
        else:
            image = show_facies(panel, field, view, categories)
        if box is not None:
            outline_box(panel, view, *box)
        if names is not None or len(fields) > 1:
            panel.set_title(f"draw {position + 1}" if names is None else names[position], fontsize=11)
    if categories is None:
        add_colour_bar(figure, image, axes, "field")
    else:
        add_legend(figure, facies_keys(labels or [f"facies {code}" for code in categories]))
    words = [text for text in (title, view.words()) if text]
    if words:
        figure.suptitle(" · ".join(words), fontsize=13)
    save_figure(figure, path)
