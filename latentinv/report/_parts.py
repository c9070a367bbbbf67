"""Parts that several sections of the page are made of: figures, keys to colours, notes, wide tables."""

import base64
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from latentinv.forward.core import Boxes, Lines, Points
from latentinv.html import Html, join, table, tag
from latentinv.plotting import facies_colours

from ._subject import Subject

TELEPHONE = 40
"""Letters of a table's columns together that fit a telephone."""
SHORT = 20
"""Letters of a cell of a table that is not broken into lines."""


class Section(NamedTuple):
    """A section of the page."""

    id: str
    title: str
    body: Html


def figure(png: bytes, alt: str, caption: str | Html | None = None, *, class_: str | None = None) -> Html:
    """A picture inside the page.

    Parameters
    ----------
    png
        The picture.
    alt
        What it shows, for people who do not see it.
    caption
        Below it.
    class_
        Of the figure, for the style sheet.
    """
    width, height = (int.from_bytes(png[start : start + 4], "big") for start in (16, 20))
    source = f"data:image/png;base64,{base64.b64encode(png).decode()}"
    image = tag("img", src=source, alt=alt, width=width // 2, height=height // 2)
    return tag("figure", image, None if caption is None else tag("figcaption", caption), class_=class_)


def side_by_side(figures: Iterable[Html]) -> Html:
    """Figures in as many columns as there is room for."""
    return tag("div", *figures, class_="row")


def wide(rows: Sequence[Sequence[str]], head: Sequence[str], caption: str) -> Html:
    """A table that scrolls by itself where the page is narrower; on a telephone the rows of a wide one are cards."""
    whole = table([[_together(cell) for cell in row] for row in rows], head=head, caption=caption)
    letters = sum(max(map(len, column)) for column in zip(head, *rows, strict=False))
    kind = "wide cards" if letters > TELEPHONE else "wide"
    return tag("div", whole, class_=kind, tabindex=0, role="region", aria_label=caption)


def _together(cell: str) -> str:
    """A short text that is not broken, such as a number with its unit."""
    short = len(cell) <= SHORT and not isinstance(cell, Html)
    return cell.replace(" ", "\N{NO-BREAK SPACE}") if short else cell


def pairs(rows: Sequence[Sequence[str]]) -> Html:
    """A table of names and what is said of them."""
    return tag("div", table(rows), class_="pairs")


def paragraph(*text: str) -> Html:
    """A paragraph."""
    return tag("p", *text)


def note(text: str | Html) -> Html:
    """A paragraph that stands out a little: what is left out, and why."""
    return tag("p", text, class_="note")


def listed(sentences: Iterable[str | Html]) -> Html:
    """A list of sentences."""
    return tag("ul", *(tag("li", sentence) for sentence in sentences))


def code(text: str, name: str) -> Html:
    """Lines of code, which scroll by themselves where the page is narrower."""
    return tag("pre", tag("code", text), tabindex=0, role="region", aria_label=name)


def folded(summary: str, content: Html) -> Html:
    """Content that is shown on request."""
    return tag("details", tag("summary", summary), content)


def facies_key(subject: Subject, *, marked: bool = True) -> Html:
    """The key to the colours of facies, and unless `marked` is false to the data on top."""
    colours = _colours(subject)
    entries = [_entry("swatch", label, colour) for label, colour in colours.items()]
    if marked and _saw_facies(subject):
        entries.append(_entry("well", "well, filled with the colour of what it saw"))
        entries.append(_entry("well missed", "well that the picture misses"))
    return tag("ul", *entries, *(_mark_entries(subject) if marked else []), class_="key")


def mark_key(subject: Subject) -> Html | None:
    """The key to the data on top of a summary; None if there are none."""
    entries = _mark_entries(subject)
    if _saw_facies(subject):
        wells = [_entry("well", f"well that saw {label}", colour) for label, colour in _colours(subject).items()]
        entries = [*wells, *entries]
    return tag("ul", *entries, class_="key") if entries else None


def _colours(subject: Subject) -> dict[str, str]:
    """Colour of each facies by its label."""
    model, codes = subject.model, subject.categories
    if model is None:
        return {}
    labels = (model.label(code) for code in codes)
    return dict(zip(labels, facies_colours(len(codes)), strict=True))


def _saw_facies(subject: Subject) -> bool:
    return any(isinstance(mark, Points) and mark.codes is not None for mark in subject.marks)


def _mark_entries(subject: Subject) -> list[Html]:
    """Entries on data that are no facies."""
    marks, entries = subject.marks, []
    if any(isinstance(mark, Points) and mark.codes is None for mark in marks):
        entries.append(_entry("diamond", "measurement"))
    if any(isinstance(mark, Boxes) for mark in marks):
        entries.append(_entry("block", "block of a block mean"))
    if any(isinstance(mark, Lines) for mark in marks):
        entries.append(_entry("end", "end of a ray"))
    return entries


def _entry(class_: str, words: str, colour: str | None = None) -> Html:
    style = None if colour is None else f"background:{colour}"
    return tag("li", tag("span", class_=f"mark {class_}", style=style, aria_hidden="true"), join([" ", words]))


def number(value: float) -> str:
    """A number to four digits, large ones in full."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def signed(value: float) -> str:
    """A number with its sign, to two decimals."""
    return f"{value:+.2f}".replace("-", "−")


def percent(share: float) -> str:
    """A share as a percentage, ``37 %``; never rounded to all or to nothing."""
    value = 100 * share
    if 0 < value < 0.5:
        return "< 1 %"
    if 99.5 < value < 100:
        return "> 99 %"
    return f"{value:.0f} %"
