"""Shared by the examples: an invented site with boreholes and block means, progress lines, and a picture.

The site is a map of meandering channels, 1 m cells, made by the simulator whose images the prior ``meanders``
learned, with a seed of its own: the prior has never seen it. Each square of about 14 × 14 m has one borehole
at a random place, and every other of 4 × 4 boxes a mean: its share of sand with a Gaussian error of stated
standard deviation.
"""

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Num, UInt8
from matplotlib.figure import Figure

from latentinv import Grid, Run
from latentinv.inference import Progress
from latentinv.training import ChannelSimulator

OUTPUT = Path(__file__).resolve().parents[1] / "output"
BLOCK_SD = 0.05


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
    largest: float = 1.0
    """Value shown brightest; the darkest is 0."""


def some_draws(run: Run, count: int) -> list[Panel]:
    """Draws spread over a run, since neighbours in a population may share most of their ancestry."""
    chosen = np.unique(np.linspace(0, len(run.realizations) - 1, count).round().astype(int))
    return [Panel(f"draw {n + 1}", run.realizations[n]) for n in chosen]


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


def draw(path: Path, panels: Sequence[Panel], wells: Path) -> None:
    """Draw maps side by side, four a row, the boreholes on the first: sand filled, clay open."""
    rows = -(-len(panels) // 4)
    figure = Figure(figsize=(12, 3.2 * rows), layout="constrained")
    axes = figure.subplots(rows, 4, squeeze=False).ravel()
    for axis, panel in zip(axes, panels, strict=False):
        height, width = panel.values.shape
        axis.imshow(panel.values, origin="lower", extent=(0, width, 0, height), vmin=0, vmax=panel.largest)
        axis.set_title(panel.title, fontsize=10)
    for axis in axes[len(panels) :]:
        axis.set_axis_off()
    x, y, facies = np.loadtxt(wells, delimiter=",", skiprows=1, ndmin=2).T
    for code, colour in ((0, "none"), (1, "white")):
        axes[0].scatter(x[facies == code], y[facies == code], s=18, c=colour, edgecolors="red")
    figure.savefig(path, dpi=110)
