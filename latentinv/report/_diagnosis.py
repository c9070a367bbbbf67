"""How far the draws can be trusted, in plain words, and what to do."""

import numpy as np

from latentinv.html import Html, join
from latentinv.inference.diagnostics import Diagnosis, Quantity

from ._parts import Section, folded, listed, note, pairs, paragraph, wide
from ._subject import Subject

SHOWN = 10
MEANINGS = {
    "R-hat": "compares chains, or runs, with each other, and should be below 1.01",
    "effective sample size": "is how many independent draws would tell as much; 400 are advised for what is relied on",
    "acceptance": "is the share of proposals accepted; near 0 the chains stand still",
    "ladder": "leads in steps from the prior to the posterior",
}


def diagnosis(subject: Subject) -> Section:
    """Say how far the draws can be trusted."""
    title = "Can the draws be trusted?"
    found = subject.diagnosis
    if not found.draws:
        return Section("diagnosis", title, note(subject.without_spread()))
    rows = [[subject.nature, f"{found.draws}, {found.distinct} of them distinct"]]
    rows += [[name, _with_meaning(name, words)] for name, words in found.words().items()]
    parts = [_verdict(subject, found), pairs(rows), *_quantities(found)]
    return Section("diagnosis", title, join(parts))


def _verdict(subject: Subject, found: Diagnosis) -> Html:
    advice = _advice(subject, found)
    if found.warnings:
        many = len(found.warnings)
        words = "There is one warning" if many == 1 else f"There are {many} warnings"
        return join([paragraph(f"{words}:"), listed(found.warnings), paragraph("What to do: "), listed(advice)])
    quiet = "There is no warning."
    if found.chains is None:
        quiet = "There is no warning; whether another seed would give the same is not known yet."
    return join([paragraph(quiet), paragraph("What to do: "), listed(advice)])


def _advice(subject: Subject, found: Diagnosis) -> list[str]:
    """What a user can do next."""
    if not subject.run.finished:
        return [f"Finish the run: latentinv resume {subject.path.name}"]
    if subject.nature == "best fits":
        return ["For uncertainty, run an algorithm that draws from the posterior, such as 'smc'."]
    advice = []
    if 2 * found.distinct < found.draws:
        advice.append("Most draws repeat others: use more particles, or let the run go on longer.")
    if subject.nature == "approximate draws":
        advice.append("Compare with a run of 'smc', which samples the posterior itself.")
    if found.chains is None:
        advice.append(
            "One population cannot be compared with itself: repeat the run with another seed and compare them: "
            f"latentinv compare {subject.path.name} OTHER.h5"
        )
    elif (worst := found.worst()) is not None and worst.rhat > 1.01:
        advice.append(
            "The chains still differ: draw longer, or use an algorithm that passes between modes, as 'smc' does."
        )
    return advice or ["Nothing: use the draws, and state the effective sample size with what you derive from them."]


def _with_meaning(name: str, words: str) -> str:
    meaning = MEANINGS.get(name)
    return words if meaning is None else f"{words}. It {meaning}."


def _quantities(found: Diagnosis) -> list[Html]:
    order = sorted(found.quantities, key=lambda q: (q.constant, -np.nan_to_num(q.rhat, nan=0.0, posinf=1e9)))[:SHOWN]
    if not order:
        return []
    rows = [[one.name, *_numbers(one)] for one in order]
    head = ["quantity", "mean", "sd", "R-hat", "bulk size", "tail size"]
    shown = f"{len(order)} of {len(found.quantities)} quantities, the worst first"
    return [folded("Quantity by quantity", wide(rows, head, shown))]


def _numbers(one: Quantity) -> list[str]:
    if one.constant:
        return [f"{one.mean:.4g}", "constant", "–", "–", "–"]
    sizes = (("" if np.isnan(size) else f"{size:.0f}") or "–" for size in (one.bulk_size, one.tail_size))
    return [f"{one.mean:.4g}", f"{one.sd:.3g}", "–" if np.isnan(one.rhat) else f"{one.rhat:.3f}", *sizes]
