"""Draw docs/space.png, the figure of docs/space.md: `python docs/draw_space.py`.

One small map, the letter F, as a grid holds it on a map, on a rotated map and in two vertical sections. Where things
are drawn comes from `Grid`, so the figure shows what the package does.
"""

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Arc

from latentinv import Grid
from latentinv.plotting._style import show_facies
from latentinv.plotting._view import view_of

LETTER = """\
.......
.#####.
.#.....
.###...
.#.....
.......
"""
"""As it is read on paper."""
PAPER = np.array([[character == "#" for character in line] for line in LETTER.split()], int)
SHAPE = PAPER.shape
INK = "#b3261e"


def panel(axes: Any, grid: Grid, title: str, corners: dict[tuple[int, int], str]) -> None:
    """Draw the letter, and name some cells by their array indices."""
    view = view_of(grid)
    show_facies(axes, PAPER if grid.depth else PAPER[::-1], view, (0, 1))
    axes.set_title(title, fontsize=11)
    across, up = view.labels
    axes.set_xlabel(across)
    axes.set_ylabel(up)
    for cell, name in corners.items():
        axes.text(*grid.centres(np.array([cell]))[0], name, ha="center", va="center", fontsize=8, color="white")


def arrow(axes: Any, start: tuple[float, float], end: tuple[float, float], words: str) -> None:
    """An arrow with words at its tip."""
    axes.annotate("", end, start, arrowprops={"arrowstyle": "-|>", "color": INK, "linewidth": 2}, annotation_clip=False)
    axes.text(*end, f" {words}", color=INK, fontsize=10, va="center", clip_on=False)


def main(path: Path | None = None) -> None:
    """Draw the figure, beside this file unless told where."""
    figure = Figure(figsize=(15, 8.6), dpi=80, layout="constrained", facecolor="white")
    top, bottom = figure.subplots(2, 2)
    rows, columns = SHAPE
    ends = {(0, 0): "[0, 0]", (rows - 1, 0): f"[{rows - 1}, 0]", (0, columns - 1): f"[0, {columns - 1}]"}

    panel(
        top[0], Grid(SHAPE, 10.0, (200.0, 700.0)), "A map: row 0 is the south; .png and .tif begin in the north", ends
    )
    top[0].plot(200, 700, "o", color=INK, markersize=9, clip_on=False)
    top[0].text(201, 696.5, "origin", color=INK, fontsize=10, ha="left", va="top")
    arrow(top[0], (278, 715), (278, 750), "north")

    grid = Grid(SHAPE, 10.0, (200.0, 700.0), rotation=30.0)
    panel(top[1], grid, "The same, rotation 30: anticlockwise from x about the origin", ends)
    top[1].plot(200, 700, "o", color=INK, markersize=9, clip_on=False)
    top[1].plot([200, 245], [700, 700], color=INK, linewidth=1, linestyle="--", clip_on=False)
    top[1].add_patch(Arc((200, 700), 70, 70, theta1=0, theta2=30, color=INK, linewidth=1.5))
    top[1].text(236, 708, "30°", color=INK, fontsize=10)
    arrow(top[1], (270, 755), (270, 775), "north")
    arrow(top[1], (270, 755), (270 + 20 * np.sin(np.pi / 3), 755 + 20 * np.cos(np.pi / 3)), "azimuth 60")

    panel(
        bottom[0], Grid(SHAPE, (10.0, 4.0), (0.0, -60.0), axes="xz"), 'A section, axes="xz": row 0 is the bottom', ends
    )
    arrow(bottom[0], (76, -45), (76, -57), "gravity")
    depths = Grid(SHAPE, (10.0, 4.0), (0.0, 36.0), axes="xz", z_axis="depth")
    panel(bottom[1], depths, 'The same ground, z_axis="depth": row 0 is the top', ends)
    arrow(bottom[1], (76, 45), (76, 57), "gravity")
    figure.savefig(path or Path(__file__).with_name("space.png"))


if __name__ == "__main__":
    main()
