"""One picture of a run: some realizations, the posterior mean and standard deviation, and the data on top of each.

For a facies prior the mean is the probability of the highest facies, so its standard deviation is √(p (1 − p)). Wells
are coloured by the facies seen, with a dark rim outside a white one so that they stand out on any ground; a well that
a realization misses gets a red rim there. Boxes of block means are outlined.
"""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from latentinv.data import BlockMeans, HardData
from latentinv.errors import InputError
from latentinv.inference.run import Run

from ._style import (
    add_colour_bar,
    add_legend,
    check_ending,
    facies_colours,
    facies_keys,
    layer_words,
    new_figure,
    outline_box,
    save_figure,
    show_facies,
    show_values,
)

REALIZATIONS = 6
MISSED = "#e02020"


class _Data(NamedTuple):
    """What is drawn on every panel."""

    wells: list[HardData]
    blocks: list[BlockMeans]
    layer: int
    """Of a field in three dimensions, the one that is drawn."""


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
    if not len(run.realizations):
        raise InputError(
            "The run has no draws, so there is nothing to draw; resume it, or mend data that could not be met."
        )
    grid, model = run.posterior.grid, run.posterior.prior.facies_model
    data = _data_of(run)
    shown = _some_distinct(run.realizations)
    figure, axes, columns = new_figure(grid, len(shown) + 2, bars=True)
    # The two panels with bars stand at the right, one below the other where there are two rows.
    places = (columns - 1, 2 * columns - 1) if 1 < columns <= len(axes) // 2 else (-2, -1)
    moments = [axes[place] for place in places]
    panels = [panel for panel in axes if panel not in moments]
    one = "draw" if drawn else "particle"
    image: Any = None
    limits = {"vmin": run.realizations.min(), "vmax": run.realizations.max()}
    for panel, index in zip(panels, shown, strict=True):
        field = run.realizations[index]
        if model is None:
            image = show_values(panel, field, grid, data.layer, cmap="viridis", **limits)
        else:
            show_facies(panel, field, grid, model.categories, data.layer)
        panel.set_title(f"{one} {index + 1}", fontsize=11)
        _add_data(panel, data, field)
    if model is None:
        add_colour_bar(figure, image, panels[-1], "field")
    _draw_moments(figure, moments, run, data)
    _add_legend(figure, data, run)
    words = [_numbers(run, drawn), layer_words(grid, data.layer)]
    figure.suptitle(" · ".join(text for text in words if text), fontsize=13)
    save_figure(figure, path)


def _draw_moments(figure: Any, axes: list[Any], run: Run, data: _Data) -> None:
    """Draw the mean and the standard deviation over the draws."""
    grid, model = run.posterior.grid, run.posterior.prior.facies_model
    values = run.realizations if model is None else run.realizations == model.categories[-1]
    mean = np.mean(values, axis=0, dtype=np.float64)
    sd = np.std(values, axis=0, dtype=np.float64)
    of = "" if model is None else f"probability of facies {model.categories[-1]}"
    bounds = (None, None, None) if model is None else (0.0, 1.0, 0.5)
    first = show_values(axes[0], mean, grid, data.layer, cmap="cividis", vmin=bounds[0], vmax=bounds[1])
    second = show_values(axes[1], sd, grid, data.layer, cmap="magma", vmin=0.0, vmax=bounds[2])
    for panel, image, name, label in (
        (axes[0], first, "posterior mean", of or "mean"),
        (axes[1], second, "standard deviation", "standard deviation"),
    ):
        panel.set_title(name, fontsize=11)
        add_colour_bar(figure, image, panel, label)
        _add_data(panel, data, None)


def _data_of(run: Run) -> _Data:
    """Pick what can be drawn, and the layer to draw: the middle one, or the one with most wells."""
    observations = run.posterior.observations
    wells = [o for o in observations if isinstance(o, HardData)]
    blocks = [o for o in observations if isinstance(o, BlockMeans)]
    layers = run.posterior.grid.shape[0]
    layer = layers // 2
    if run.posterior.grid.ndim == 3 and wells:
        layer = int(np.bincount(np.concatenate([o.cells[:, 0] for o in wells]), minlength=layers).argmax())
    return _Data(wells, blocks, layer)


def _some_distinct(realizations: np.ndarray) -> list[int]:
    """Indices of up to six realizations that differ, spread over all."""
    first: dict[bytes, int] = {}
    for index, realization in enumerate(realizations):
        first.setdefault(realization.tobytes(), index)
    distinct = list(first.values())
    return [distinct[i] for i in np.unique(np.linspace(0, len(distinct) - 1, REALIZATIONS).round().astype(int))]


def _add_data(panel: Any, data: _Data, field: np.ndarray | None) -> None:
    """Put wells and boxes on a panel; with a field of facies codes, mark the wells that it misses."""
    for blocks in data.blocks:
        height = _height(blocks.grid, data.layer)
        for lower, upper in zip(blocks.lower, blocks.upper, strict=True):
            if height is None or lower[2] <= height <= upper[2]:
                outline_box(panel, lower, upper)
    for wells in data.wells:
        here = np.full(wells.count, True) if wells.grid.ndim == 2 else wells.cells[:, 0] == data.layer
        missed = np.full(wells.count, False) if field is None else field[tuple(wells.cells.T)] != wells.codes
        for chosen, rim in ((here & ~missed, "#101010"), (here & missed, MISSED)):
            _add_wells(panel, wells, chosen, rim)


def _add_wells(panel: Any, wells: HardData, chosen: np.ndarray, rim: str) -> None:
    from matplotlib.patheffects import withStroke

    model = wells.facies_model
    colours = np.asarray(facies_colours(len(model.categories)))
    places, index = wells.coordinates[chosen], [model.categories.index(code) for code in wells.codes[chosen]]
    size = 52.0 if wells.count <= 60 else 22.0
    spots = panel.scatter(
        places[:, 0], places[:, 1], s=size, c=colours[index], edgecolors="white", linewidths=1.3, zorder=3
    )
    spots.set_path_effects([withStroke(linewidth=3.8, foreground=rim)])


def _add_legend(figure: Any, data: _Data, run: Run) -> None:
    """Explain markers and boxes below the panels, facies by facies."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch
    from matplotlib.patheffects import withStroke

    model = run.posterior.prior.facies_model
    entries = [] if model is None else facies_keys(model.categories)
    if data.wells and model is not None:
        pairs = zip(model.categories, facies_colours(len(model.categories)), strict=True)
        marks = [(f"well, facies {code}", colour, "#101010") for code, colour in pairs]
        for label, colour, rim in [*marks, ("well missed", "none", MISSED)]:
            entry = Line2D(
                [],
                [],
                linestyle="",
                marker="o",
                markersize=7,
                color=colour,
                label=label,
                markeredgecolor="white",
            )
            entry.set_path_effects([withStroke(linewidth=3.2, foreground=rim)])
            entries.append(entry)
    if data.blocks:
        entries.append(Patch(facecolor="none", edgecolor="#202020", linewidth=1.6, label="block of a block mean"))
    add_legend(figure, entries)


def _numbers(run: Run, drawn: bool) -> str:
    """Say how many draws there are, how many honour all wells, and the log-evidence."""
    count = len(run.realizations)
    draws = ("draw" if drawn else "particle") + "s" * (count > 1)
    words = [f"{count} {draws}" if drawn else f"{count} {draws} after step {run.steps}, not yet draws of the posterior"]
    hits = [run.realizations[:, *o.cells.T] == o.codes for o in run.posterior.observations if isinstance(o, HardData)]
    if hits:
        honoured = np.concatenate(hits, axis=1)
        every = int(honoured.all(axis=1).sum())
        words.append(f"all {honoured.shape[1]} wells honoured in {every} of {count} {draws}")
    if "log_evidence" in run.results:
        words.append(f"log-evidence {run.results['log_evidence']:.1f}")
    return " · ".join(words)


def _height(grid: Any, layer: int) -> float | None:
    return None if grid.ndim == 2 else float(grid.centres(np.array([[layer, 0, 0]]))[0, 2])
