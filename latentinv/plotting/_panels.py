"""Single panels as PNG in memory, for pages: fields with the data on top, histograms, predictions beside data.

They are drawn at twice the size of a page's pixels, so that they stay sharp on a telephone and on paper, and reduced to
256 colours, which makes them a third as large. Keys to colours are left to the page.
"""

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float, Shaped
from PIL import Image

from latentinv.forward.core import Mark
from latentinv.grid import Grid

from ._marks import add_marks
from ._style import show_facies, show_values
from ._view import View
from ._volume import show_volume

WIDTH = 4.6
"""Inches."""
SHARPNESS = 160
"""Dots per inch."""
DATA, DRAWN, RANGE = "#b3261e", "#2b5c8a", "#9db8d2"
"""Colours of data, of draws, and of their range."""


def draw_panel(
    field: Shaped[np.ndarray, "*grid"],
    view: View,
    *,
    categories: Sequence[int] = (),
    marks: Sequence[Mark] = (),
    codes: Sequence[int] = (),
    summary: bool = False,
    limits: tuple[float, float] | None = None,
    colours: str = "viridis",
    label: str = "",
) -> bytes:
    """Draw the plane of a field that a view shows, as a PNG.

    Parameters
    ----------
    field
        Facies codes, or values.
    view
        The plane.
    categories
        The facies codes in the prior's order; empty for values.
    marks
        Data on top.
    codes
        Of values, the facies codes in the prior's order, which give wells their colours.
    summary
        Whether the field summarises all draws, so that it misses no well.
    limits
        Values of the least and the last colour; the field's own unless given.
    colours
        Name of a colour map of matplotlib, for values.
    label
        Of the colour bar, for values.
    """
    left, right = 0.5 + 0.085 * _digits(view), 0.12 if categories else 0.95
    width = WIDTH - left - right
    figure, axes = _figure(width * float(np.clip(view.aspect, 0.1, 2.0)) + 0.6, left, right)
    if categories:
        show_facies(axes, field, view, categories)
    else:
        low, high = (None, None) if limits is None else limits
        image = show_values(axes, field, view, cmap=colours, vmin=low, vmax=high)
        bar = figure.colorbar(image, cax=axes.inset_axes([1.03, 0.02, 0.035, 0.96]), label=label)
        bar.outline.set_edgecolor("#888888")
        bar.ax.tick_params(labelsize=9)
    axes.set_xlabel(view.labels[0])
    axes.set_ylabel(view.labels[1])
    axes.locator_params(nbins=5)
    add_marks(axes, marks, view, categories or codes, None if summary else field)
    return _png(figure)


def draw_volume(
    field: Shaped[np.ndarray, "layer row column"],
    grid: Grid,
    *,
    categories: Sequence[int] = (),
    marks: Sequence[Mark] = (),
    limits: tuple[float, float] | None = None,
) -> bytes:
    """Draw a field of three dimensions seen from outside, as a PNG; see `show_volume`."""
    figure, axes = _figure(0.8 * WIDTH, 0.05, 0.05)
    axes.set_position((0.0, 0.0, 1.0, 1.0))
    show_volume(axes, field, grid, categories, limits, marks)
    return _png(figure)


def draw_histogram(
    values: Float[np.ndarray, "draw"],
    label: str,
    lines: Sequence[float],
    colour: str = DRAWN,
    *,
    before: Float[np.ndarray, "other"] | None = None,
) -> bytes:
    """Draw a histogram of one number of each draw, with lines such as its quantiles, as a PNG; behind it in grey that
    of the number before the data, with the same area.
    """
    figure, axes = _figure(2.3)
    bins: Any = int(np.clip(np.sqrt(len(values)) * 1.5, 5, 40))
    if before is not None:
        low, high = np.quantile(before, (0.005, 0.995))
        bins = np.linspace(min(low, values.min()), max(high, values.max()), 2 * bins + 1)
        share = np.full(len(before), len(values) / len(before))
        axes.hist(before, bins=bins, weights=share, color="#dddddd")
    axes.hist(values, bins=bins, color=colour, edgecolor="#333333", linewidth=0.6)
    if before is not None:
        axes.hist(before, bins=bins, weights=share, histtype="step", color="#888888", linewidth=1.2)
    for value in lines:
        axes.axvline(value, color="#111111", linestyle="--", linewidth=1.2)
    axes.set_xlabel(label)
    axes.set_ylabel("draws")
    axes.yaxis.get_major_locator().set_params(integer=True)
    return _plain(figure, axes)


def draw_crossplot(
    observed: Float[np.ndarray, "datum"], low: np.ndarray, middle: np.ndarray, high: np.ndarray, unit: str
) -> bytes:
    """Draw what draws predict, as ranges about their middles, over the data, with the line of agreement, as a PNG."""
    figure, axes = _figure(3.6)
    both = [float(np.min([observed, low])), float(np.max([observed, high]))]
    axes.plot(both, both, color="#444444", linewidth=1.0)
    inside = (low <= observed) & (observed <= high)
    for here, colour in ((inside, DRAWN), (~inside, DATA)):
        error = [(middle - low)[here], (high - middle)[here]]
        axes.errorbar(observed[here], middle[here], error, fmt="o", color=colour, markersize=4, linewidth=1.1)
    within = f" ({unit})" if unit else ""
    axes.set_xlabel(f"observed{within}")
    axes.set_ylabel(f"predicted{within}")
    return _plain(figure, axes)


def draw_residuals(residuals: Float[np.ndarray, "datum"]) -> bytes:
    """Draw the residual of each datum in standard deviations, with the band of two, as a PNG."""
    figure, axes = _figure(2.6)
    axes.axhspan(-2, 2, color="#e4ecf3")
    axes.axhline(0, color="#444444", linewidth=1.0)
    numbers, far = np.arange(1, len(residuals) + 1), np.abs(residuals) > 2
    for here, colour, marker in ((~far, DRAWN, "o"), (far, DATA, "D")):
        axes.plot(numbers[here], residuals[here], linestyle="", marker=marker, color=colour, markersize=5)
    reach = max(3.0, 1.1 * float(np.max(np.abs(residuals), initial=0)))
    axes.set_ylim(-reach, reach)
    axes.set_xlabel("datum")
    axes.set_ylabel("predicted − observed (sd)")
    axes.xaxis.get_major_locator().set_params(integer=True)
    return _plain(figure, axes)


def _figure(height: float, left: float = 0.75, right: float = 0.15) -> tuple[Any, Any]:
    """A figure with axes, and room at their left and right in inches; a layout engine would draw everything twice."""
    from matplotlib.figure import Figure

    height = max(1.4, height)
    figure = Figure(figsize=(WIDTH, height), dpi=SHARPNESS, facecolor="white")
    place = (left / WIDTH, 0.48 / height, 1 - (left + right) / WIDTH, 1 - 0.6 / height)
    return figure, figure.add_axes(place)


def _digits(view: View) -> int:
    """Letters of the longest number along the vertical axis."""
    low, high = view.bounds
    return max(len(f"{value:.0f}") for value in (low[1], high[1], (low[1] + high[1]) / 2))


def _plain(figure: Any, axes: Any) -> bytes:
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=9)
    axes.ticklabel_format(useOffset=False)
    return _png(figure)


def _png(figure: Any) -> bytes:
    sink = io.BytesIO()
    figure.savefig(sink, format="png")
    sink.seek(0)
    with Image.open(sink) as image:
        few = image.convert("RGB").quantize(256, dither=Image.Dither.NONE)
    out = io.BytesIO()
    few.save(out, "PNG", optimize=True)
    return out.getvalue()
