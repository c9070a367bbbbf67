"""The page of a study of calibration: distribution functions of ranks with their bands, expected coverage, pixels."""

import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ._style import FACIES_COLOURS, check_ending, save_figure

if TYPE_CHECKING:
    from latentinv.calibration import Calibration

COLUMNS = 6
GOOD, BAD, BAND = FACIES_COLOURS[0], "#b3261e", FACIES_COLOURS[2]


def plot_calibration(calibration: "Calibration", path: str | Path, *, title: str = "") -> None:
    """Draw a study's judgement on one page.

    Parameters
    ----------
    calibration
        From `calibrate`.
    path, title
        As `plot_realism` takes them, which raises the same errors.
    """
    from matplotlib.figure import Figure

    check_ending(path)
    count = len(calibration.sbc.names)
    rows = -(-count // COLUMNS)
    heights = [2.1 * rows + 0.5, 4.6]
    figure = Figure(figsize=(16, sum(heights) + 1.0), dpi=100, layout="constrained", facecolor="white")
    sentences = [title] if title else []
    figure.suptitle("\n".join([*sentences, textwrap.fill(calibration.verdict(), 150)]), fontsize=12)
    pages: Any = figure.subfigures(2, 1, height_ratios=heights)
    pages[0].suptitle(
        "Ranks of the truth among the draws: distribution function minus the diagonal, with the band that 95 of 100 "
        "calibrated samplers stay within for one quantity",
        fontsize=10,
        color="#444444",
    )
    panels = pages[0].subplots(rows, COLUMNS, sharex=True, sharey=True, squeeze=False).ravel()
    for panel in panels[count:]:
        panel.set_axis_off()
    for number, panel in enumerate(panels[:count]):
        _draw_ranks(panel, calibration, number)
    left, middle, right = pages[1].subplots(1, 3)
    _draw_expected(left, calibration)
    _draw_pixels(middle, calibration)
    _write_figures(right, calibration)
    save_figure(figure, path)


def _draw_ranks(panel: Any, calibration: "Calibration", number: int) -> None:
    sbc = calibration.sbc
    p = sbc.p_values[number]
    places = np.concatenate([[0], sbc.places, [1]])
    low, high = (np.concatenate([[0], edge, [0]]) for edge in sbc.band)
    colour = BAD if p < 0.01 else GOOD
    panel.fill_between(places, low, high, color=BAND, alpha=0.45, linewidth=0)
    panel.axhline(0, color="#888888", linewidth=0.8)
    panel.plot(places, np.concatenate([[0], sbc.difference[number], [0]]), color=colour, linewidth=1.5)
    panel.set_title(f"{textwrap.shorten(sbc.names[number], 36)}\np {p:.2g}", fontsize=9, color=colour)
    panel.tick_params(labelsize=8, colors="#444444")
    panel.set_xticks([0, 0.5, 1])


def _draw_expected(axes: Any, calibration: "Calibration") -> None:
    tarp = calibration.tarp
    levels = np.concatenate([[0], tarp.levels, [1]])
    low, high = (np.concatenate([[0], edge, [1]]) for edge in tarp.edges)
    axes.fill_between(levels, low, high, color=BAND, alpha=0.45, linewidth=0, label="calibrated, 99 % at each level")
    axes.plot([0, 1], [0, 1], color="#888888", linewidth=0.8)
    coverage = np.concatenate([[0], tarp.coverage, [1]])
    colour = BAD if tarp.p_value < 0.01 else GOOD
    axes.plot(levels, coverage, color=colour, linewidth=1.8, label=calibration.algorithm)
    axes.set_title(
        f"Expected coverage (TARP): off by at most {tarp.max_deviation:.3f}, chance {tarp.band:.3f}",
        fontsize=11,
        color=colour,
    )
    _label(axes, "credibility of balls about random fields", "share of truths within")
    axes.legend(fontsize=9, frameon=False, loc="upper left")


def _draw_pixels(axes: Any, calibration: "Calibration") -> None:
    levels = np.array([level for level, _ in calibration.coverage])
    means = np.array([estimate.mean for _, estimate in calibration.coverage])
    errors = 3 * np.array([estimate.standard_error for _, estimate in calibration.coverage])
    axes.plot([0, 1], [0, 1], color="#888888", linewidth=0.8)
    axes.errorbar(levels, means, yerr=errors, fmt="o", color=GOOD, capsize=4, markersize=6)
    axes.set_title("Pixels within central intervals of the draws (± 3 standard errors)", fontsize=11)
    _label(axes, "level of the interval", "share of pixels within")


def _label(axes: Any, across: str, up: str) -> None:
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    axes.set_xlabel(across, fontsize=10)
    axes.set_ylabel(up, fontsize=10)
    axes.tick_params(labelsize=9, colors="#444444")


def _write_figures(axes: Any, calibration: "Calibration") -> None:
    score, excess = calibration.score, calibration.score_excess
    lines = [
        f"replicates: {calibration.replicates}, of which {calibration.failed} without draws",
        f"draws of each posterior: {calibration.draws}",
        f"rank test over all quantities: p {calibration.sbc.p_value:.2g}",
        f"expected coverage: p {calibration.tarp.p_value:.2g}",
        "",
        f"score of pixels (CRPS): {score.mean:.4f} ± {score.standard_error:.4f}",
        f"    less that of a draw: {excess.mean:+.4f} ± {excess.standard_error:.4f}",
        f"    gain over the prior: {100 * calibration.skill:.0f} %",
        "",
        "posterior-predictive p, mean over replicates:",
        *(f"    {name}: {value:.2f}" for name, value in calibration.predictive),
        "",
        f"median time of a replicate: {calibration.seconds:.1f} s",
    ]
    axes.set_axis_off()
    axes.text(0.02, 0.98, "\n".join(lines), fontsize=10.5, va="top", linespacing=1.5, color="#222222")
