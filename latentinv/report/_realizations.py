"""The realizations, to step through, and how the run's draws are chosen for it."""

import numpy as np
from jaxtyping import Shaped

from latentinv.html import Html, join, tag
from latentinv.plotting import draw_panel, draw_volume, is_volume

from ._parts import Section, facies_key, figure, mark_key, note, paragraph, percent, side_by_side
from ._subject import Subject, spread_over

MOST = 24
"""Realizations on the page."""
FIRST = 6
"""Of these, how many are seen without a script and on paper."""
MOST_BYTES = 2_500_000
"""Of their pictures together."""

ONE_WAY = (
    "Each is one way the ground may be, given the prior and the data. What all of them share is known; where they "
    "differ, it is not."
)
MEANINGS = {
    "draws": ONE_WAY,
    "approximate draws": ONE_WAY,
    "best fits": "Each comes from another start.",
    "particles": "They do not follow the posterior yet.",
}
"""What realizations are, by the nature of the run's rows."""


def realizations(subject: Subject) -> Section:
    """Show some realizations, one after the other."""
    title = "Realizations"
    if not subject.number:
        return Section("realizations", title, note(subject.without_spread()))
    chosen, distinct = _chosen(subject.run.realizations)
    slides: list[Html] = []
    size = 0
    for number, index in enumerate(chosen):
        pictures = _pictures(subject, int(index))
        size += sum(map(len, pictures))
        if size > MOST_BYTES and slides:
            break
        slides.append(_slide(subject, int(index), pictures, further=number >= FIRST))
    shown = f"{len(slides)} of {distinct} different {subject.noun}"
    words = f"{shown}. {MEANINGS[subject.nature]}"
    steps = tag("div", *slides, class_="steps", data_noun=subject.noun)
    key = facies_key(subject) if subject.categories else mark_key(subject)
    return Section("realizations", title, join([paragraph(words), steps, key]))


def _chosen(fields: Shaped[np.ndarray, "draw *grid"]) -> tuple[np.ndarray, int]:
    """Positions of draws that differ, spread over all, and how many differ."""
    first: dict[bytes, int] = {}
    for index, field in enumerate(fields):
        first.setdefault(field.tobytes(), index)
    distinct = np.array(list(first.values()))
    return distinct[spread_over(len(distinct), MOST)], len(distinct)


def _pictures(subject: Subject, index: int) -> list[bytes]:
    run, codes = subject.run, subject.categories
    values = run.realizations
    limits = None if codes else (float(values.min()), float(values.max()))
    outside = []
    if is_volume(grid := run.posterior.grid):
        outside = [draw_volume(values[index], grid, categories=codes, marks=subject.marks, limits=limits)]
    return outside + [
        draw_panel(values[index], view, categories=codes, marks=subject.marks, limits=limits, label="value")
        for view in subject.views
    ]


def _slide(subject: Subject, index: int, pictures: list[bytes], *, further: bool) -> Html:
    content = content_of(subject, subject.run.realizations[index])
    fitted = "; ".join(report.sentence for report in subject.reports[index])
    name = f"{subject.noun.removesuffix('s')} {index + 1}".capitalize()
    shown = []
    if len(pictures) > len(subject.views):
        outside, *pictures = pictures
        alt = f"{name} of {subject.number}, seen from the south-east and above. {content}"
        transparent = "from the south-east" + (", the most frequent facies transparent" if subject.categories else "")
        shown.append(figure(outside, alt, transparent))
    for view, picture in zip(subject.views, pictures, strict=True):
        place = f" {view.words()}." if view.words() else ""
        alt = f"{name} of {subject.number}.{place} {content}"
        shown.append(figure(picture, alt, view.words() or None))
    caption = tag("p", tag("strong", f"{name}: "), content + (f" {fitted}." if fitted else ""), class_="caption")
    kind = "slide" + " single" * (len(shown) == 1) + " further" * further
    return tag("div", side_by_side(shown), caption, class_=kind)


def content_of(subject: Subject, field: Shaped[np.ndarray, "*grid"]) -> str:
    """What a field holds, in words: the share of each facies, or the range of a property."""
    if subject.model is None:
        return f"Values from {field.min():.4g} to {field.max():.4g}, mean {field.mean():.4g}."
    shares = [f"{subject.model.label(code)} {percent(np.mean(field == code))}" for code in subject.categories]
    return ", ".join(shares).capitalize() + "."
