"""Maps of what the draws say of each cell: probabilities and entropy of facies, quantiles of a property."""

from typing import Any

import numpy as np

from latentinv.html import Html, join, tag
from latentinv.inference.diagnostics import run_maps
from latentinv.plotting import View, draw_panel

from ._parts import Section, figure, mark_key, note, paragraph, side_by_side
from ._subject import Subject


def uncertainty(subject: Subject) -> Section:
    """Show what the draws say of each cell."""
    title = "Maps of the uncertainty"
    if not subject.spread_counts:
        return Section("maps", title, note(subject.without_spread()))
    layers = run_maps(subject.run, realizations=False).layers
    parts = _facies(subject, layers) if subject.categories else _property(subject, layers)
    return Section("maps", title, join([*parts, mark_key(subject)]))


def _facies(subject: Subject, layers: Any) -> list[Html]:
    codes, model = subject.categories, subject.model
    assert model is not None
    maps = list(layers.values())[: len(codes)]
    text = paragraph(
        f"For each cell, the share of the {subject.noun} that have a facies there: its probability, given the prior "
        "and "
        "the data. The entropy in bits says how open the question is: 0 where all agree, "
        f"{np.log2(len(codes)):.3g} where every facies is as likely as any other."
    )
    # With two facies one probability is one less the other.
    shown = list(zip(codes, maps, strict=True))[-1:] if len(codes) == 2 else list(zip(codes, maps, strict=True))
    parts: list[Html] = [text]
    for view in subject.views:
        figures = []
        for code, layer in shown:
            name = f"Probability of {model.label(code)}"
            figures.append(_panel(subject, layer, view, name, "cividis", (0.0, 1.0), "probability"))
        bits = (0.0, float(np.log2(len(codes))))
        figures.append(_panel(subject, layers["entropy"], view, "Entropy", "magma", bits, "bits"))
        parts.append(side_by_side(figures))
    return parts


def _property(subject: Subject, layers: Any) -> list[Html]:
    text = paragraph(
        f"For each cell, the mean and the standard deviation of the {subject.noun}, and the values below which a tenth "
        "(P10), half (P50) and nine tenths (P90) of them lie."
    )
    together = [layers[name] for name in ("mean", "P10", "P50", "P90")]
    limits = (float(np.min(together)), float(np.max(together)))
    widest = (0.0, float(np.max(layers["standard deviation"])) or 1.0)
    parts: list[Html] = [text]
    for view in subject.views:
        figures = []
        for name, layer in layers.items():
            colours, ends = ("magma", widest) if name == "standard deviation" else ("viridis", limits)
            figures.append(_panel(subject, layer, view, name[0].upper() + name[1:], colours, ends, name))
        parts.append(side_by_side(figures))
    return parts


def _panel(
    subject: Subject, layer: Any, view: View, name: str, colours: str, limits: tuple[float, float], label: str
) -> Html:
    place = f", {view.words()}" if view.words() else ""
    image = draw_panel(
        layer,
        view,
        marks=subject.marks,
        summary=True,
        limits=limits,
        colours=colours,
        label=label,
        codes=subject.categories,
    )
    low, middle, high = np.quantile(layer, [0.0, 0.5, 1.0])
    alt = f"{name}{place}: from {low:.3g} to {high:.3g}, median {middle:.3g} over all cells."
    return figure(image, alt, tag("span", f"{name}{place}"))
