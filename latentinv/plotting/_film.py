"""A film of fields: an animated GIF in a loop, one frame per field."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Shaped
from PIL import Image, ImageColor

from latentinv.errors import InputError
from latentinv.grid import Grid
from latentinv.storage import atomic_file

from ._style import facies_colours
from ._view import view_of

WIDTH = 480
"""Pixels along the longer edge, at least; each cell is a square of whole pixels."""


def film_fields(
    fields: Shaped[np.ndarray, "field row column"],
    grid: Grid,
    path: str | Path,
    *,
    categories: Sequence[int] | None = None,
    seconds: float = 4.0,
    outlined: Bool[np.ndarray, "row column"] | None = None,
) -> None:
    """Write fields as the frames of an animated GIF, maps north up and sections with the top up.

    Parameters
    ----------
    fields
        Facies codes, or values of a continuous property; in two dimensions.
    grid
        Where they live; a rotated grid is drawn along its own axes.
    path
        The film, with the ending .gif; a file there is replaced.
    categories
        The facies codes in the prior's order; None for a continuous property.
    seconds
        How long one round takes.
    outlined
        Cells to draw an outline round, in white.

    Raises
    ------
    InputError
        If the fields are none or not in two dimensions, or the ending is another.
    StorageError
        If the film cannot be written.
    """
    fields = np.asarray(fields)
    if Path(path).suffix.lower() != ".gif":
        raise InputError(f"The film {path} has an unsupported file extension; use .gif.")
    if fields.ndim != 3 or not fields.size:
        raise InputError(f"An array of shape {fields.shape} cannot be filmed; give fields [field, row, column].")
    top_first = slice(None, None, 1 if view_of(grid).downward else -1)
    fields, outlined = fields[:, top_first], None if outlined is None else outlined[top_first]
    colours, palette = _indexed(fields, categories)
    scale = max(1, -(-WIDTH // max(fields.shape[1:])))
    frames = [Image.fromarray(frame) for frame in colours]
    large = [frame.resize((frame.width * scale, frame.height * scale), Image.Resampling.NEAREST) for frame in frames]
    if outlined is not None:
        edge = _edge(np.kron(outlined, np.ones((scale, scale), bool)), max(1, scale // 2))
        white = len(palette) // 3
        large = [Image.fromarray(np.where(edge, white, np.asarray(frame)).astype(np.uint8)) for frame in large]
    for frame in large:
        frame.putpalette([*palette, 255, 255, 255])
    # GIF counts hundredths of a second, and viewers slow a film whose frames last less than two.
    duration = max(20, 10 * round(100 * seconds / len(large)))
    with atomic_file(path) as file:
        large[0].save(file, "GIF", save_all=True, append_images=large[1:], duration=duration, loop=0)


def _edge(inside: Bool[np.ndarray, "row column"], width: int) -> Bool[np.ndarray, "row column"]:
    """The outermost pixels of a region, to a given depth."""
    from scipy.ndimage import binary_erosion

    edge: np.ndarray = inside & ~binary_erosion(inside, iterations=width, border_value=1)
    return edge


def _indexed(fields: np.ndarray, categories: Sequence[int] | None) -> tuple[np.ndarray, list[int]]:
    """Colour number of each cell, and red, green and blue of each colour."""
    if categories is not None:
        palette = [part for colour in facies_colours(len(categories)) for part in ImageColor.getrgb(colour)]
        return np.argsort(categories)[np.searchsorted(np.sort(categories), fields)].astype(np.uint8), palette
    import matplotlib

    low, high = float(np.min(fields)), float(np.max(fields))
    most = 254  # one colour of the 256 is kept for an outline
    steps = np.round(most * (fields - low) / (high - low if high > low else 1)).astype(np.uint8)
    colours = matplotlib.colormaps["viridis"](np.linspace(0, 1, most + 1), bytes=True)
    return steps, colours[:, :3].ravel().tolist()
