"""Model cards as HTML: the few forms of Markdown that cards have, all else as text.

Headings, paragraphs, lists, tables, blocks of code, and in a line code and emphasis. Raw HTML, pictures and links stay
the text that they are, so that a card can neither fetch anything nor change the page.
"""

import re

from latentinv.html import Html, join, table, tag

from ._parts import paragraph


def from_markdown(text: str, top: int = 4) -> Html:
    """A card as HTML, whose highest heading becomes one of level `top`."""
    blocks = re.split(r"\n\s*\n", text.replace("\r\n", "\n").strip())
    return join([_block(block.strip("\n"), top) for block in blocks if block.strip()])


def _block(block: str, top: int) -> Html:
    lines = block.split("\n")
    if heading := re.match(r"(#+)\s+(.*)", lines[0]):
        level = min(6, top + (len(heading[1]) > 1))
        rest = "\n".join(lines[1:])
        return join([tag(f"h{level}", _inline(heading[2])), _block(rest, top) if rest.strip() else None])
    if lines[0].lstrip().startswith("|"):
        return _table([line for line in lines if line.lstrip().startswith("|")])
    if all(line.startswith("    ") for line in lines) or lines[0].startswith("```"):
        return tag("pre", "\n".join(line.removeprefix("    ") for line in lines if not line.startswith("```")))
    if re.match(r"[-*] ", lines[0]):
        items = re.split(r"\n[-*] ", f"\n{block}")[1:]
        return tag("ul", *(tag("li", _inline(" ".join(item.split()))) for item in items))
    return paragraph(_inline(" ".join(block.split())))


def _table(lines: list[str]) -> Html:
    rows = [[_inline(cell.strip()) for cell in line.strip().strip("|").split("|")] for line in lines]
    ruled = len(lines) > 1 and re.fullmatch(r"[\s|:-]+", lines[1]) is not None
    head = rows[0] if ruled and any(rows[0]) else []
    body = rows[2:] if ruled else rows
    return tag("div", table(body, head=head), class_="wide", tabindex=0, role="region", aria_label="table of the card")


def _inline(text: str) -> Html:
    """Code between backquotes, emphasis between two asterisks."""
    parts = re.split(r"(`[^`]+`|\*\*[^*]+\*\*)", text)
    return join(_emphasis(part) for part in parts)


def _emphasis(part: str) -> str:
    if len(part) > 2 and part[0] == part[-1] == "`":
        return tag("code", part[1:-1])
    if len(part) > 4 and part.startswith("**") and part.endswith("**"):
        return tag("strong", part[2:-2])
    return part
