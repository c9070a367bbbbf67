"""The page: one HTML file with everything inside, so that it opens offline, prints and can be sent.

Pictures are PNG inside the page, the style sheet and the script stand in its head and at its end, and nothing is
fetched. Every text is escaped where it enters (`latentinv.html`), and a content security policy forbids the rest.
Without a script the first realizations are shown side by side; with one they are stepped through.

Cost: about a tenth of a second for each picture, a few fields of the prior, and the search for bodies of connected
cells.
"""

from importlib.resources import files
from pathlib import Path

from latentinv.html import Html, tag
from latentinv.storage import RunFile, atomic_file, require_new

from ._asked import asked, nature
from ._decisions import decisions
from ._diagnosis import diagnosis
from ._fit import fit
from ._parts import Section, listed, note
from ._predictive import predictive
from ._prior import prior_file, show_prior
from ._provenance import provenance
from ._realizations import realizations
from ._subject import Subject, subject_of
from ._summary import summary
from ._uncertainty import uncertainty
from ._unknowns import unknowns

POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'"


def write_report(run: str | Path, output: str | Path, *, prior: str | None = None) -> None:
    """Write a report on a run.

    Parameters
    ----------
    run
        The run file.
    output
        The page to write, which must not exist.
    prior
        The prior's file, or the name of a shipped prior, for its card; unless given, a shipped prior that is the run's
        is found.

    Raises
    ------
    InputError
        If the prior is another than the run's.
    StorageError
        If a file cannot be read, or the page exists or cannot be written.
    """
    path, target = Path(run), Path(output)
    require_new(target)
    subject = subject_of(path, prior_file(RunFile.open(path).header, prior, Path(path).parent))
    text = page(subject, target, prior)
    with atomic_file(target) as file:
        file.write(text.encode())


def page(subject: Subject, output: Path, given: str | None) -> str:
    """The whole page, to be written to `output`; `given` is the prior that the user named."""
    sections = [
        summary(subject),
        asked(subject),
        fit(subject),
        realizations(subject),
        uncertainty(subject),
        *unknowns(subject),
        decisions(subject),
        predictive(subject),
        diagnosis(subject),
        show_prior(subject),
        provenance(subject, output, given),
    ]
    title = f"Report on {subject.path.name}"
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", http_equiv="Content-Security-Policy", content=POLICY),
        tag("title", title),
        tag("style", _inlined("page.css")),
    )
    body = tag(
        "body",
        tag("a", "Skip to the report", href="#report", class_="skip"),
        tag("header", tag("h1", title), tag("nav", _contents(sections), aria_label="Sections")),
        tag("main", nature(subject), *map(_section, sections), id="report"),
        tag("footer", note("Written by latentinv. Maps have north up, sections their top; lengths are in metres.")),
        tag("script", _inlined("page.js")),
    )
    return f"<!doctype html>\n{tag('html', head, body, lang='en')}\n"


def _contents(sections: list[Section]) -> Html:
    return listed(tag("a", one.title, href=f"#{one.id}") for one in sections)


def _section(one: Section) -> Html:
    heading = tag("h2", one.title, id=f"{one.id}-title")
    return tag("section", heading, one.body, id=one.id, aria_labelledby=f"{one.id}-title")


def _inlined(name: str) -> Html:
    return Html(files(__package__).joinpath(name).read_text(encoding="utf-8"))
