"""The first lines of the page: what came out, in a few sentences."""

from latentinv.data import over_draws
from latentinv.decisions import inside, quantiles, share
from latentinv.html import Html, join

from ._parts import Section, listed, paragraph
from ._subject import Subject


def summary(subject: Subject) -> Section:
    """Say in short what came out."""
    run, grid = subject.run, subject.run.posterior.grid
    cells = " × ".join(map(str, grid.shape))
    kind = "facies" if subject.categories else "a continuous property"
    first = f"{subject.counted} of {kind} on {cells} cells, by '{run.algorithm}'."
    if not subject.number:
        why = (
            "No field was found that meets the data. See below which of them stand out: check these, or whether the "
            "prior can have such ground at all."
            if "infeasible_data" in run.results
            else "The run has no draws yet."
        )
        return Section("short", "In short", join([paragraph(why), listed(_data(subject))]))
    sentences = [*_data(subject), *_amounts(subject), *_warnings(subject)]
    return Section("short", "In short", join([paragraph(first), listed(sentences)]))


def _data(subject: Subject) -> list[str | Html]:
    observations = subject.run.posterior.observations
    return [
        f"{o.name}: {over_draws(o, [of_draw[n] for of_draw in subject.reports], subject.noun)}."
        for n, o in enumerate(observations)
    ]


def _amounts(subject: Subject) -> list[str | Html]:
    if not subject.spread_counts or subject.model is None:
        return []
    code = subject.categories[-1]
    found = quantiles(100 * share(inside(subject.run, code)))
    return [
        f"{subject.model.label(code).capitalize()} fills {found.p50:.1f} % of the grid (P10 {found.p10:.1f} "
        f"%, P90 {found.p90:.1f} %)."
    ]


def _warnings(subject: Subject) -> list[str | Html]:
    count = len(subject.diagnosis.warnings)
    if not count:
        if subject.diagnosis.chains is None:
            return ["The diagnosis has no warning, but one run cannot show that another seed would agree: compare two."]
        return ["The diagnosis has no warning."]
    return [f"The diagnosis has {count} warning{'s' * (count > 1)}; read them before relying on the draws."]
