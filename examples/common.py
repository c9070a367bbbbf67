"""Shared by the gallery: an invented site with boreholes and block means, progress lines, a table, and pictures.

The site is a map of meandering channels, 1 m cells, made by the simulator whose images the prior ``meanders``
learned, with a seed of its own: the prior has never seen it. Each square of about 14 × 14 m has one borehole
at a random place, and every other of 4 × 4 boxes a mean: its share of sand with a Gaussian error of stated
standard deviation.
"""

import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Num, UInt8
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle

from latentinv import Grid, Run
from latentinv.errors import StorageError
from latentinv.inference import Progress, realize
from latentinv.priors import AbstractPrior
from latentinv.training import ChannelSimulator, parse_recipe, sample_patches

OUTPUT = Path(__file__).resolve().parents[1] / "output"
BLOCK_SD = 0.05
CLAY, SAND, THIRD, RIM = "#463f3a", "#f0c04f", "#4f8fb0", "#e02020"


class Site(NamedTuple):
    """The truth, and the tables of what is known of it."""

    grid: Grid
    truth: UInt8[np.ndarray, "row column"]
    wells: Path
    blocks: Path


class Panel(NamedTuple):
    """One map of a picture."""

    title: str
    values: Num[np.ndarray, "row column"]
    of: str = ""
    """What a colour bar shows; facies have none."""
    largest: float = 1.0
    """Value shown brightest; the darkest is 0. Of facies the last code: 1, or 2 if there are three."""
    wells: Num[np.ndarray, "well 3"] | None = None
    """Boreholes that are drawn on it, whatever the site: x, y and facies."""


def some_draws(run: Run, count: int) -> list[Panel]:
    """Draws spread over a run, since neighbours in a population may share most of their ancestry."""
    chosen = np.unique(np.linspace(0, len(run.realizations) - 1, count).round().astype(int))
    return [Panel(f"draw {n + 1}", run.realizations[n]) for n in chosen]


def piece_of_image(prior: AbstractPrior, shape: tuple[int, ...]) -> Num[np.ndarray, "row column"]:
    """A piece of the image that a prior learned from, as its recipe finds or simulates it; not a number without one."""
    try:
        image = parse_recipe(prior.provenance["recipe"], Path()).load_image()
    except (KeyError, StorageError):
        return np.full(shape, np.nan)
    return sample_patches(np.random.default_rng(1), image, shape, 1)[0]


class Printer:
    """Prints a line per step."""

    def on_step(self, step: int, progress: Progress) -> None:
        """Print a finished step."""
        print(f"{step:4d}  {100 * progress.done:3.0f} %  {progress.words}", flush=True)


def make_site(folder: Path, cells: int = 96, seed: int = 7) -> Site:
    """Invent a site and write ``wells.csv`` and ``blocks.csv`` to a folder."""
    rng = np.random.default_rng(seed)
    grid = Grid((cells, cells))
    # The simulator's defaults are the parameters of models/meanders.toml.
    truth = ChannelSimulator().simulate(rng, (cells, cells))
    folder.mkdir(parents=True, exist_ok=True)
    site = Site(grid, truth, folder / "wells.csv", folder / "blocks.csv")
    _write_wells(site, rng)
    _write_blocks(site, rng)
    return site


def _write_wells(site: Site, rng: np.random.Generator) -> None:
    edges = np.linspace(0, len(site.truth), len(site.truth) // 13 + 1).astype(int)
    lines = ["x,y,facies"]
    for low_y, high_y in itertools.pairwise(edges):
        for low_x, high_x in itertools.pairwise(edges):
            row, column = rng.integers(low_y, high_y), rng.integers(low_x, high_x)
            x, y = site.grid.centres(np.array([[row, column]]))[0]
            lines.append(f"{x:g},{y:g},{site.truth[row, column]}")
    site.wells.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _write_blocks(site: Site, rng: np.random.Generator) -> None:
    edges = np.linspace(0, len(site.truth), 5).astype(int)
    lines = ["x_min,y_min,x_max,y_max,mean,sd"]
    for row, column in np.argwhere(np.indices((4, 4)).sum(axis=0) % 2 == 0):
        (low_y, high_y), (low_x, high_x) = edges[row : row + 2], edges[column : column + 2]
        share = site.truth[low_y:high_y, low_x:high_x].mean()
        mean = np.clip(share + BLOCK_SD * rng.standard_normal(), 0, 1)
        lines.append(f"{low_x},{low_y},{high_x},{high_y},{mean:.4f},{BLOCK_SD}")
    site.blocks.write_text("\n".join(lines) + "\n", encoding="utf-8")


def show_table(run: Run, site: Site, seconds: float) -> None:
    """Print what boreholes and block means a run honours, and how near its draws come to the truth."""
    if "infeasible_data" in run.results:
        raise SystemExit("The data could not be met:\n" + "\n".join(run.results["infeasible_data"]))
    wells, blocks = zip(*run.reports(), strict=True)
    honoured = min(report.fulfilled for report in wells)
    within = np.mean([report.fulfilled for report in blocks])
    latents = np.random.default_rng(0).standard_normal(run.latents.shape).astype(np.float32)
    unconditional = realize(run.posterior, latents)
    rows = {
        "boreholes honoured in every draw": f"{honoured} of {wells[0].total}",
        "block means within two sd, mean over draws": f"{within:.1f} of {blocks[0].total}",
        "distinct draws": f"{len(np.unique(run.realizations, axis=0))} of {len(run.realizations)}",
        "log-evidence": f"{run.results['log_evidence']:.1f}",
        "seconds": f"{seconds:.0f}",
        "cells right, by the posterior mean": f"{100 * _share_right(run.realizations, site):.1f} %",
        "cells right, by the prior mean": f"{100 * _share_right(unconditional, site):.1f} %",
    }
    print()
    for name, value in rows.items():
        print(f"{name:44s}{value:>12s}")
    for sentence in run.results.get("warnings", []):
        print(f"Warning: {sentence}")


def _share_right(facies: np.ndarray, site: Site) -> float:
    """Share of cells where the more frequent facies of the draws is the true one."""
    return float(np.mean((facies.mean(axis=0) > 0.5) == site.truth))


def draw(
    path: Path,
    panels: Sequence[Panel],
    site: Site | None = None,
    *,
    columns: int = 4,
    wells: bool = True,
    boxes: bool = False,
    outline: tuple[float, float, float, float] | None = None,
    star: np.ndarray | None = None,
) -> None:
    """Draw maps side by side, north up, `columns` a row at most, with what is known of a site on top.

    Parameters
    ----------
    path
        The picture.
    panels
        Its maps, clay dark and sand bright unless they have a colour bar; cells of 1 m.
    site
        Whose boreholes are drawn, on the first map and on those with a colour bar.
    columns
        Most maps a row.
    wells, boxes
        Whether its boreholes are drawn, and the boxes of its block means.
    outline
        West, south, east and north of a rectangle on every map, in metres.
    star
        x and y of a place to mark.
    """
    columns = min(len(panels), columns)
    rows = -(-len(panels) // columns)
    figure = Figure(figsize=(0.8 + 3.1 * columns, 1.0 + 3.2 * rows), layout="constrained", facecolor="white")
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for position, (axis, panel) in enumerate(zip(axes, panels, strict=False)):
        _draw_map(figure, axis, panel)
        axis.set_xlabel("x east, m" if position + columns >= len(panels) else "", fontsize=9)
        axis.set_ylabel("y north, m" if position % columns == 0 else "", fontsize=9)
        axis.tick_params(labelleft=position % columns == 0 or panel.values.shape != panels[0].values.shape)
        if site is not None and (position == 0 or panel.of):
            _draw_data(axis, site, wells=wells, boxes=boxes)
        if panel.wells is not None:
            _draw_wells(axis, panel.wells)
        if outline is not None:
            west, south, east, north = outline
            axis.add_patch(Rectangle((west, south), east - west, north - south, fill=False, edgecolor=RIM, lw=1.5))
        if star is not None:
            axis.plot(*star, marker="*", markersize=13, color="white", markeredgecolor=RIM)
    for axis in axes[len(panels) :]:
        axis.set_axis_off()
    if not all(panel.of for panel in panels):
        most = max(panel.largest for panel in panels if not panel.of)
        two, three = ("clay", "sand"), ("clay, or facies 0", "sand, or facies 1", "facies 2")
        names = zip((CLAY, SAND, THIRD), two if most == 1 else three, strict=False)
        keys = [Patch(facecolor=colour, edgecolor="grey", label=name) for colour, name in names]
        figure.legend(handles=keys, loc="outside lower center", ncols=len(keys), frameon=False, fontsize=10)
    figure.savefig(path, dpi=110, bbox_inches="tight")


def _draw_map(figure: Figure, axis: Any, panel: Panel) -> None:
    height, width = panel.values.shape
    facies = ListedColormap([CLAY, SAND, THIRD][: 1 + round(panel.largest)])
    colours = {"cmap": "cividis"} if panel.of else {"cmap": facies, "interpolation": "nearest"}
    image = axis.imshow(
        panel.values, origin="lower", extent=(0, width, 0, height), vmin=0, vmax=panel.largest, **colours
    )
    axis.set_title(panel.title, fontsize=10)
    axis.tick_params(labelsize=8)
    if panel.of:
        bar = figure.colorbar(image, ax=axis, shrink=0.75, pad=0.02)
        bar.set_label(panel.of, fontsize=8)
        bar.ax.tick_params(labelsize=8)


def _draw_data(axis: Any, site: Site, *, wells: bool, boxes: bool) -> None:
    """Boreholes in the colour of their facies, and block means as numbers in their boxes."""
    if boxes:
        for low_x, low_y, high_x, high_y, mean, _ in np.loadtxt(site.blocks, delimiter=",", skiprows=1, ndmin=2):
            size = (high_x - low_x, high_y - low_y)
            axis.add_patch(Rectangle((low_x, low_y), *size, fill=False, edgecolor=RIM, lw=1.5))
            middle = (low_x + size[0] / 2, low_y + size[1] / 2)
            axis.text(
                *middle,
                f"{mean:.2f}",
                ha="center",
                va="center",
                fontsize=9,
                color="white",
                bbox={"facecolor": "black", "alpha": 0.6, "edgecolor": "none", "pad": 1.5},
            )
    if wells and not boxes:
        _draw_wells(axis, np.loadtxt(site.wells, delimiter=",", skiprows=1, ndmin=2))


def _draw_wells(axis: Any, table: Num[np.ndarray, "well 3"]) -> None:
    x, y, facies = table.T
    axis.scatter(x, y, s=22, c=np.where(facies == 1, SAND, CLAY), edgecolors="white", linewidths=1.0)


def histogram(path: Path, numbers: Mapping[str, tuple[Any, str, float]]) -> None:
    """Draw the distribution of numbers side by side: by name the draws, their unit and the truth."""
    figure = Figure(figsize=(4.5 * len(numbers), 3.2), layout="constrained", facecolor="white")
    for axis, (name, (values, unit, truth)) in zip(figure.subplots(1, len(numbers)), numbers.items(), strict=True):
        axis.hist(np.asarray(values), bins=30, color=SAND, edgecolor=CLAY, linewidth=0.4)
        axis.axvline(truth, color=RIM, lw=2, label="truth")
        axis.set_xlabel(f"{name}, {unit}")
        axis.set_ylabel("draws")
        axis.legend(frameon=False)
    figure.savefig(path, dpi=110, bbox_inches="tight")
