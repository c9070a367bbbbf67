"""The data, and how the draws fit them, in the user's units: a row for each data set, a map, and each datum."""

import numpy as np
from jaxtyping import Float

from latentinv.data import AbstractObservation, over_draws
from latentinv.html import Html, join, tag
from latentinv.inference.diagnostics import run_maps
from latentinv.plotting import draw_panel, draw_residuals

from ._parts import (
    Section,
    facies_key,
    figure,
    folded,
    listed,
    mark_key,
    note,
    paragraph,
    percent,
    side_by_side,
    signed,
    wide,
)
from ._subject import Subject

MOST_ROWS = 100
"""Rows of a table of data; of more data the worst are shown."""
ROOM = 16
"""Tables with more rows than this are folded away."""


def fit(subject: Subject) -> Section:
    """Say how the draws fit the data."""
    observations = subject.run.posterior.observations
    if not observations:
        return Section("data", "The data and their fit", paragraph("The run has no data."))
    parts: list[Html] = [_overview(subject), *_contradictions(subject)]
    if subject.marks and subject.number:
        parts.append(_map(subject))
    for observation in observations:
        if subject.number:
            parts.append(tag("h3", observation.name))
            parts.append(_wells(subject, observation) if observation.hard else _measured(subject, observation))
    return Section("data", "The data and their fit", join(parts))


def _overview(subject: Subject) -> Html:
    rows = []
    for position, observation in enumerate(subject.run.posterior.observations):
        fitted = over_draws(observation, [of_draw[position] for of_draw in subject.reports], subject.noun)
        rows.append([observation.name, fitted, str(observation.count), observation.unit or "–", _noise(observation)])
    return wide(rows, ["data set", "fit", "data", "unit", "stated error"], "Each data set and its fit")


def _noise(observation: AbstractObservation) -> str:
    if observation.reliability is not None:
        wrong = (1 - np.asarray(observation.reliability)) / 2
        low, high = float(np.min(wrong)), float(np.max(wrong))
        if high == 0:
            return "certain"
        return (
            f"wrong with probability {high:.2g}" if low == high else f"wrong with probability {low:.2g} to {high:.2g}"
        )
    if observation.noise is None:
        return "–"
    spread = observation.noise.spread(observation.count)
    low, high = float(np.min(spread)), float(np.max(spread))
    size = f"{low:.3g}" if low == high else f"{low:.3g} to {high:.3g}"
    return f"{observation.noise.spread_name} {size} {observation.unit}, {observation.noise.stated}".replace(" ,", ",")


def _contradictions(subject: Subject) -> list[Html]:
    results, parts = subject.run.results, []
    if "infeasible_data" in results:
        parts.append(paragraph("No field was found that meets these data:"))
        alone = ["Most draws meet each datum by itself, but none was found that meets all of them together."]
        parts.append(listed(results["infeasible_data"] or alone))
    if results.get("misfit_data"):
        parts.append(paragraph(f"The {subject.noun} miss these data, which may contradict others:"))
        parts.append(listed(results["misfit_data"]))
    return parts


def _map(subject: Subject) -> Html:
    """Where the data lie, over the most frequent facies, or the mean of a property."""
    run, codes = subject.run, subject.categories
    layers = run_maps(run, realizations=False).layers
    field = layers["most probable facies" if codes else "mean"]
    under = "the most frequent facies" if codes else "the mean"
    figures = []
    for view in subject.views:
        place = f", {view.words()}" if view.words() else ""
        image = draw_panel(field, view, categories=codes, marks=subject.marks, summary=not codes, label="mean")
        alt = f"Places of the data over {under} of the {subject.noun}{place}; the tables below list them."
        figures.append(figure(image, alt, f"The data over {under} of the {subject.noun}{place}."))
    words = "A red rim marks a well whose facies is not the most frequent one in its cell." if codes else None
    return join(
        [tag("h3", "Where the data are"), side_by_side(figures), facies_key(subject) if codes else mark_key(subject)]
        + ([paragraph(words)] if words and any(o.hard for o in run.posterior.observations) else [])
    )


def _wells(subject: Subject, observation: AbstractObservation) -> Html:
    """Each cell in which a facies was seen, those that are missed most often first."""
    run, grid, model = subject.run, subject.run.posterior.grid, subject.model
    exact = np.asarray(run.predicted[observation.name], float)
    if observation.cells is None or model is None:
        return paragraph(f"{observation.count} data.")
    honoured = exact.mean(axis=0)
    places = grid.centres(np.asarray(observation.cells))
    seen = np.asarray(observation.compared(run.realizations, exact)[1])
    wrong = _error_probabilities(observation)
    order = np.argsort(honoured, kind="stable")[:MOST_ROWS]
    rows = [
        [
            f"well cell {i + 1}",
            *(f"{value:.10g}" for value in places[i]),
            model.label(int(seen[i])),
            f"{wrong[i]:.3g}",
            percent(honoured[i]),
            "yes" if honoured[i] >= 0.5 else "no",
        ]
        for i in order
    ]
    head = ["", *(f"{axis} (m)" for axis in grid.axes), "saw", "error probability", f"honoured in {subject.noun}"]
    missed = int(np.sum(honoured < 1))
    words = "every one honoured in all" if not missed else f"{missed} missed in some"
    title = f"{observation.count} well cells, {words} {subject.noun}"
    content = wide(rows, [*head, "by most"], f"{observation.name}, worst first" if missed else observation.name)
    return _folded_if_long(title, content, len(rows), observation.count)


def _error_probabilities(observation: AbstractObservation) -> Float[np.ndarray, "datum"]:
    reliability = observation.reliability
    return np.zeros(observation.count) if reliability is None else (1 - np.asarray(reliability)) / 2


def _measured(subject: Subject, observation: AbstractObservation) -> Html:
    """Residual of each datum from the mean of the draws, those that are missed most first."""
    exact = np.asarray(subject.run.predicted[observation.name], float)
    exact = exact[np.isfinite(exact).all(axis=1)]
    if observation.noise is None or not len(exact):
        return note("The forward model gave no number for any draw, so there is nothing to compare.")
    data, mean, sd = np.asarray(observation.observed, float), exact.mean(axis=0), exact.std(axis=0)
    stated = observation.noise.spread(observation.count)
    inferred = observation.noise.inferred_spread(data - mean)
    spread = stated if inferred is None else inferred
    residuals = (mean - data) / spread
    labels = observation.labels or tuple(f"datum {i + 1}" for i in range(observation.count))
    unit = f" ({observation.unit})" if observation.unit else ""
    order = np.argsort(-np.abs(residuals), kind="stable")[:MOST_ROWS]
    rows = [
        [labels[i], f"{data[i]:.4g} ± {spread[i]:.2g}", f"{mean[i]:.4g} ± {sd[i]:.2g}", signed(residuals[i])]
        for i in order
    ]
    head = ["datum", f"observed{unit}", f"predicted by the {subject.noun}{unit}", "residual (sd)"]
    far = int(np.sum(np.abs(residuals) > 2))
    words = (
        f"{observation.count - far} of {observation.count} data lie within two {observation.noise.spread_name} of the "
        f"mean of the {subject.noun}."
    )
    alt = f"Residuals of the {observation.count} data of {observation.name} in standard deviations. {words}"
    caption = f"Residuals of '{observation.name}'; the band is two {observation.noise.spread_name} of the data."
    content = wide(rows, head, f"{observation.name}, worst first")
    picture = side_by_side([figure(draw_residuals(residuals), alt, caption)])
    return join([paragraph(words), picture, _folded_if_long("Each datum", content, len(rows), observation.count)])


def _folded_if_long(title: str, content: Html, rows: int, count: int) -> Html:
    rest = [] if rows == count else [note(f"The {rows} worst of {count} are listed.")]
    whole = join([content, *rest])
    return folded(title, whole) if rows > ROOM else whole
