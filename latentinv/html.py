"""Pieces of HTML whose text is escaped unless it is HTML already.

A page is put together from `tag`, and no text of a user's (a name, a unit, a path) can become markup, because every
child and every attribute is escaped where it enters. Only `Html`, which `tag` and its relatives return, is not.
"""

import html
from collections.abc import Iterable, Sequence
from itertools import zip_longest
from typing import final

VOID = ("img", "br", "meta", "input")
"""Elements that have no content and no end."""


@final
class Html(str):
    """Text that is HTML already."""

    __slots__ = ()


def tag(name: str, /, *children: str | None, **attributes: str | int | None) -> Html:
    """An element.

    Parameters
    ----------
    name
        Of the element.
    children
        Its content, texts and HTML; None is left out.
    attributes
        By name, ``_`` for ``-`` and a trailing one dropped (``class_``, ``aria_label``); None is left out.
    """
    said = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{html.escape(str(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    if name in VOID:
        return Html(f"<{name}{said}>")
    return Html(f"<{name}{said}>{join(children)}</{name}>")


def join(parts: Iterable[str | None]) -> Html:
    """Parts one after the other."""
    return Html("".join(part if isinstance(part, Html) else html.escape(part) for part in parts if part is not None))


def table(rows: Sequence[Sequence[str]], *, head: Sequence[str] = (), caption: str | None = None) -> Html:
    """A table whose first column names its rows.

    Parameters
    ----------
    rows
        Texts or HTML; the first of each row is its header.
    head
        Headers of the columns; none if omitted.
    caption
        What the table shows.
    """
    labels = [name or None for name in head[1:]]
    body = [
        tag("tr", tag("th", row[0], scope="row"), *(_cell(*pair) for pair in zip_longest(row[1:], labels)))
        for row in rows
        if len(row)
    ]
    top = [tag("thead", tag("tr", *map(_column, head)))] if head else []
    title = [] if caption is None else [tag("caption", caption)]
    return tag("table", *title, *top, tag("tbody", *body))


def _cell(text: str | None, label: str | None) -> Html:
    """A cell that knows its column's header, which style sheets may show beside it."""
    return tag("td", text, data_label=label)


def _column(name: str) -> Html:
    """The header of a column; an empty one is no header."""
    return tag("th", name, scope="col") if name else tag("td")


def representation(title: str, rows: dict[str, str], picture: Html | None = None) -> str:
    """What a notebook shows of an object: its title, what is to be said of it by name, and perhaps a picture."""
    return tag("div", tag("p", tag("strong", title)), table(list(rows.items())), picture)
