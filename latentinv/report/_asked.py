"""What was asked: prior, grid, data, algorithm and why it was chosen, seed, draws, duration."""

import datetime
import inspect
import itertools

from latentinv.html import Html, tag
from latentinv.inference import ALGORITHMS
from latentinv.units import say_seconds

from ._parts import Section, folded, pairs, paragraph
from ._subject import Subject

TARGETS = {
    "thresholded": "facies read exactly: a cell has one facies or another",
    "soft": "the soft model: facies read by a slope, or a property as it is",
}


def asked(subject: Subject) -> Section:
    """Say what was asked."""
    run, header = subject.run, subject.header
    grid = run.posterior.grid
    model = subject.model
    content = "a continuous property"
    if model is not None:
        content = f"facies, {len(model.categories)}: " + ", ".join(model.label(code) for code in model.categories)
    name = "" if subject.prior_file is None else f"{subject.prior_file.name}, "
    rows = [
        ["Prior", f"{name}family {header.prior.family}, of {content}"],
        *map(list, grid.words().items()),
        ["Unknowns", f"{run.posterior.latent_size:,} latent numbers, which the prior turns into a field"],
        ["Data", _data(subject)],
        ["Target", f"{header.target}: {TARGETS[header.target]}"],
        ["Algorithm", _algorithm(subject)],
        ["Why this one", header.choice or run.results.get("choice") or "The user named it."],
        ["Seed", str(header.seed)],
        ["Result", _amount(subject)],
        ["Duration", f"{say_seconds(run.seconds)}, compilation included"],
        ["Date", f"not stored in the run; its file was last changed on {_changed(subject)}"],
    ]
    settings = [[key.replace("_", " "), str(value)] for key, value in sorted(header.options.items())]
    return Section("asked", "What was asked", Html(pairs(rows) + folded("Settings of the algorithm", pairs(settings))))


def _data(subject: Subject) -> str:
    observations = subject.run.posterior.observations
    if not observations:
        return "none: the draws are of the prior itself"
    sets = f"{len(observations)} data set" + "s" * (len(observations) > 1)
    return f"{sets}, {subject.run.posterior.count} data in all"


def _algorithm(subject: Subject) -> str:
    name = subject.run.algorithm
    return f"{name}: {_first_sentence(inspect.getdoc(ALGORITHMS[name]) or '')}"


def _first_sentence(text: str) -> str:
    lines = itertools.takewhile(str.strip, text.splitlines())
    return " ".join(" ".join(lines).split())


def _amount(subject: Subject) -> str:
    run = subject.run
    many = subject.counted
    if run.chains:
        many += f" of {run.chains} chains"
    if not run.finished:
        many += "; the run is not finished"
    return f"{many}, after {run.steps} steps"


def _changed(subject: Subject) -> str:
    when = datetime.datetime.fromtimestamp(subject.path.stat().st_mtime, datetime.UTC)
    return f"{when:%Y-%m-%d %H:%M} UTC"


def nature(subject: Subject) -> Html | None:
    """What the rows of the run are, where they are not draws of the posterior; None where they are."""
    words = {
        "best fits": "These are best fits, found from different starts, and not draws of the posterior. They show in "
        "how many ways the data can be met. How they differ is no measure of uncertainty, so probabilities and "
        "decisions are left out of this page.",
        "approximate draws": "The algorithm approximates the posterior, so its draws may miss certain wells and other "
        "data, and their spread may be too small or too large. 'smc' samples the posterior itself.",
        "particles": "The run is not finished. What is shown are particles on their way from the prior to the "
        "posterior; resume the run before using them.",
    }
    said = words.get(subject.nature)
    return None if said is None or not subject.number else tag("div", paragraph(said), class_="caution")
