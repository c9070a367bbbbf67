"""One picture of a run: some realizations, the posterior mean and standard deviation, and the data on top of each.

For a facies prior the mean is the probability of the highest facies, so its standard deviation is √(p (1 − p)). The
data are drawn as their observations say (see `_marks`).
"""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from latentinv.errors import InputError
from latentinv.forward.core import Mark, Points
from latentinv.inference.run import Run

from ._marks import add_marks, honoured, layer_of, legend_entries
from ._style import (
    add_colour_bar,
    add_legend,
    check_ending,
    facies_keys,
    new_figure,
    save_figure,
    show_facies,
    show_values,
)
from ._view import View, view_of

REALIZATIONS = 6


class _Shown(NamedTuple):
    """What every panel shows in addition to its field."""

    view: View
    marks: tuple[Mark, ...]
    categories: tuple[int, ...]
    """Facies codes of the prior; empty for a continuous property."""
    labels: tuple[str, ...]
    """What the facies are called."""


def plot_run(run: Run, path: str | Path, *, drawn: bool = True) -> None:
    """Draw up to six realizations, the posterior mean and the standard deviation.

    Parameters
    ----------
    run
        A run with at least one draw.
    path
        The picture, with the ending .png, .pdf or .svg; a file there is replaced.
    drawn
        Whether the run's latents are draws; if not, they are particles on their way, and the picture says so.

    Raises
    ------
    InputError
        If the run has no draw, or the ending is unknown.
    StorageError
        If the picture cannot be written.
    """
    check_ending(path)
    save_figure(draw_run(run, drawn=drawn), path)


def draw_run(run: Run, *, drawn: bool) -> Any:
    """The figure that `plot_run` writes.

    Raises
    ------
    InputError
        If the run has no draw.
    """
    if not len(run.realizations):
        raise InputError(
            "The run has no draws, so there is nothing to draw; resume it, or correct data that could not be met."
        )
    shown = _shown(run)
    chosen = _some_distinct(run.realizations)
    figure, axes, columns = new_figure(shown.view, len(chosen) + 2, bars=True)
    # The two panels with bars stand at the right, one below the other where there are two rows.
    places = (columns - 1, 2 * columns - 1) if 1 < columns <= len(axes) // 2 else (-2, -1)
    summaries = [axes[place] for place in places]
    panels = [panel for panel in axes if panel not in summaries]
    one = "draw" if drawn else "particle"
    image: Any = None
    limits = {"vmin": run.realizations.min(), "vmax": run.realizations.max()}
    for panel, index in zip(panels, chosen, strict=True):
        field = run.realizations[index]
        if shown.categories:
            show_facies(panel, field, shown.view, shown.categories)
        else:
            image = show_values(panel, field, shown.view, cmap="viridis", **limits)
        panel.set_title(f"{one} {index + 1}", fontsize=11)
        add_marks(panel, shown.marks, shown.view, shown.categories, field)
    if not shown.categories:
        add_colour_bar(figure, image, panels[-1], "field")
    _draw_mean_and_sd(figure, summaries, run, shown, one)
    add_legend(figure, [*facies_keys(shown.labels), *legend_entries(shown.marks, shown.labels)])
    words = [_numbers(run, shown, drawn), shown.view.words()]
    figure.suptitle(" · ".join(text for text in words if text), fontsize=13)
    return figure


def _shown(run: Run) -> _Shown:
    """Collect the marks of all data, and choose the layer to draw: the one with most wells, or the middle one."""
    grid, model = run.posterior.grid, run.posterior.prior.facies_model
    marks = tuple(mark for observation in run.posterior.observations for mark in observation.marks())
    view = view_of(grid, layer_of(marks, view_of(grid)))
    categories, labels = ((), ()) if model is None else (tuple(model.categories), model.labels)
    return _Shown(view, marks, categories, labels)


def _draw_mean_and_sd(figure: Any, axes: list[Any], run: Run, shown: _Shown, one: str) -> None:
    """Draw the mean and the standard deviation over the draws."""
    facies = shown.categories
    values = run.realizations == facies[-1] if facies else run.realizations
    mean = np.mean(values, axis=0, dtype=np.float64)
    sd = np.std(values, axis=0, dtype=np.float64)
    of = f"probability of {shown.labels[-1]}" if facies else ""
    bounds = (0.0, 1.0, 0.5) if facies else (None, None, None)
    first = show_values(axes[0], mean, shown.view, cmap="cividis", vmin=bounds[0], vmax=bounds[1])
    second = show_values(axes[1], sd, shown.view, cmap="magma", vmin=0.0, vmax=bounds[2])
    for panel, image, name, label in (
        (axes[0], first, of or "mean of the " + one + "s", "probability" if of else "mean"),
        (axes[1], second, "standard deviation", "standard deviation"),
    ):
        panel.set_title(name, fontsize=11)
        add_colour_bar(figure, image, panel, label)
        add_marks(panel, shown.marks, shown.view, facies, None)


def _some_distinct(realizations: np.ndarray) -> list[int]:
    """Indices of up to six realizations that differ, spread over all."""
    first: dict[bytes, int] = {}
    for index, realization in enumerate(realizations):
        first.setdefault(realization.tobytes(), index)
    distinct = list(first.values())
    return [distinct[i] for i in np.unique(np.linspace(0, len(distinct) - 1, REALIZATIONS).round().astype(int))]


def _numbers(run: Run, shown: _Shown, drawn: bool) -> str:
    """Say how many draws there are, how many honour all wells, and the log-evidence."""
    count = len(run.realizations)
    draws = ("draw" if drawn else "particle") + "s" * (count > 1)
    words = [f"{count} {draws}" if drawn else f"{count} {draws} after step {run.steps}, not yet from the posterior"]
    wells = [mark for mark in shown.marks if isinstance(mark, Points) and mark.codes is not None]
    if wells:
        hits = [[honoured(mark, shown.view, field) for mark in wells] for field in run.realizations]
        every = sum(bool(np.concatenate(hit).all()) for hit in hits)
        number = sum(len(mark.coordinates) for mark in wells)
        words.append(f"all {number} wells honoured in {every} of {count} {draws}")
    if "log_evidence" in run.results:
        words.append(f"log-evidence {run.results['log_evidence']:.1f}")
    return " · ".join(words)
