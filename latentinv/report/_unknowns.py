"""Unknown numbers of the prior, such as its range: before and after the data."""

from latentinv.html import Html, join
from latentinv.inference.diagnostics import Parameter, inferred
from latentinv.plotting import draw_histogram

from ._parts import Section, figure, paragraph, side_by_side, wide
from ._subject import Subject


def unknowns(subject: Subject) -> list[Section]:
    """Say what the data tell of the prior's unknown numbers; no section for a prior that has none."""
    found = inferred(subject.run) if subject.spread_counts else []
    if not found:
        return []
    words = paragraph(
        "The prior leaves these numbers open, so they are inferred together with the field. In the table: the median, "
        "and in brackets the range of nine draws of ten; of scenarios the probability. Where both columns agree, the "
        "data say nothing of a number."
    )
    rows = [[one.name, *one.words()] for one in found]
    table = wide(rows, ["number", "after the data", "before the data"], "Unknown numbers of the prior")
    figures = [_histogram(one) for one in found if not one.is_choice]
    below = [side_by_side(figures), paragraph("Grey: before the data. Blue: the draws.")] if figures else []
    return [Section("unknowns", "Unknown numbers of the prior", join([words, table, *below]))]


def _histogram(one: Parameter) -> Html:
    after, before = one.words()
    alt = f"{one.name}: {after} after the data, {before} before."
    return figure(draw_histogram(one.after, one.name, (), before=one.before), alt, one.name)
