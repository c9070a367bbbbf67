"""Draw which package of latentinv imports which, from its source, as an SVG.

Run ``python docs/draw_architecture.py docs/architecture_after.svg``; another source is named by ``--source FOLDER``, a
checkout. Arrows go from a package to what it imports. One that another way round implies is left out, and so are those
to the ground floor, which all use. Arrows in red close a circle, or import a private module of the other package.
"""

import argparse
import sys
import textwrap
from collections import defaultdict
from pathlib import Path

import grimp

# Floor (from below) and place along it, of today's packages and of those before they were cut into rooms.
PLACES = {
    "cli": (13, 1.9), "report": (12, 3.3), "plotting": (11, 2.2), "calibration": (10, 0.8), "decisions": (10, 3.3),
    "study": (9, 1.3), "inference": (8, 1.9), "posterior": (7, 1.3), "data": (6, 1.6), "forward": (5, 0.8),
    "training": (5, 3.3), "simulators": (4, 0.3), "priors": (4, 2.0), "networks": (3, 2.5), "realism": (3, 3.9),
    "io": (2, 3.2), "storage": (1, 1.2), "grid": (0, -0.23), "keys": (0, 0.38), "pytrees": (0, 0.99),
    "registration": (0, 1.6), "units": (0, 2.21), "working_time": (0, 2.82), "html": (0, 3.43), "errors": (0, 4.04),
    "assessment": (10, 3.2), "observations": (6, 1.6),
}  # fmt: skip
GROUND = {"grid", "keys", "pytrees", "registration", "units", "working_time", "html", "errors"}
WIDTH, HEIGHT, STEP, COLUMN, LINE = 1000, 66, 104, 205, 52
PLAIN, ALARM = "#5b7690", "#c0392b"
Arrow = tuple[str, str]


def read_imports(source: Path) -> tuple[dict[str, tuple[int, list[str]]], dict[Arrow, bool]]:
    """Packages, each with its number of files and packages in it; arrows, with whether any reads a private module."""
    sys.path.insert(0, str(source))
    graph = grimp.build_graph("latentinv", cache_dir=None)
    inside = {}
    for package in graph.find_children("latentinv"):
        rooms = [name for name in graph.find_children(package) if graph.find_children(name)]
        files = len(graph.find_descendants(package)) - len(rooms)  # but for the lists of public names
        inside[package.split(".")[1]] = (max(1, files), sorted(name.split(".")[2] for name in rooms))
    arrows: dict[Arrow, bool] = {}
    for importer in graph.modules:
        for imported in graph.find_modules_directly_imported_by(importer):
            a, b = importer.split(".")[1:], imported.split(".")[1:]
            if a and b and a[0] != b[0] and not a[0].startswith("_"):
                private = any(part.startswith("_") for part in b)
                arrows[a[0], b[0]] = arrows.get((a[0], b[0]), False) or private
    return inside, arrows


def shown(arrows: dict[Arrow, bool]) -> dict[Arrow, str]:
    """The arrows to draw, with their colours."""
    below = defaultdict(set)
    for a, b in arrows:
        below[a].add(b)

    def reach(start: str, without: Arrow) -> set[str]:
        found, todo = set(), [start]
        while todo:
            a = todo.pop()
            more = {b for b in below[a] if (a, b) != without} - found
            found |= more
            todo += more
        return found

    drawn = {}
    for (a, b), private in arrows.items():
        circle = a in reach(b, (a, b))
        if b not in GROUND and (private or circle or b not in reach(a, (a, b))):
            drawn[a, b] = ALARM if private or circle else PLAIN
    return drawn


def draw(inside: dict[str, tuple[int, list[str]]], arrows: dict[Arrow, str]) -> str:
    """The picture as SVG."""
    floors = sorted({PLACES[name][0] for name in inside}, reverse=True)
    rows = {floor: 38 + STEP * row for row, floor in enumerate(floors)}
    centre = {name: (110 + COLUMN * PLACES[name][1], rows[PLACES[name][0]]) for name in inside}
    parts = [_arrow(centre[a], centre[b], colour) for (a, b), colour in sorted(arrows.items())]
    parts += [_box(name, *contents, *centre[name]) for name, contents in sorted(inside.items())]
    height = STEP * len(floors)
    markers = "".join(
        f'<marker id="{colour[1:]}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        f'<path d="M0 0L8 4L0 8z" fill="{colour}"/></marker>'
        for colour in (PLAIN, ALARM)
    )
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif">',
            f'<rect width="{WIDTH}" height="{height}" fill="white"/><defs>{markers}</defs>',
            *parts,
            "</svg>\n",
        ]
    )


def _arrow(begin: tuple[float, float], end: tuple[float, float], colour: str) -> str:
    (x0, y0), (x1, y1) = begin, end
    down = 1 if y1 > y0 else -1
    y0, y1 = y0 + down * HEIGHT / 2, y1 - down * (HEIGHT / 2 + 2)
    bend = (y1 - y0) * 0.4
    path = f"M{x0:.0f} {y0:.0f}C{x0:.0f} {y0 + bend:.0f} {x1:.0f} {y1 - bend:.0f} {x1:.0f} {y1:.0f}"
    return f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="1.6" marker-end="url(#{colour[1:]})"/>'


def _box(name: str, files: int, rooms: list[str], x: float, y: float) -> str:
    words = [f"{files} files" if files > 1 else "1 file", *textwrap.wrap(", ".join(rooms), LINE)]
    width = max([120, 8.6 * len(name) + 20, *(5.4 * len(line) + 20 for line in words)])
    first = 5 - 7 * len(words)
    lines = [(name, 15, first)] + [(line, 10.5, first + 15 + 12 * n) for n, line in enumerate(words)]
    texts = "".join(
        f'<text x="{x:.0f}" y="{y + dy:.0f}" font-size="{size}" text-anchor="middle" fill="#1c2833">{text}</text>'
        for text, size, dy in lines
    )
    fill = "#eef2f5" if name in GROUND else "#fdf6e3"
    return (
        f'<rect x="{x - width / 2:.0f}" y="{y - HEIGHT / 2:.0f}" width="{width:.0f}" height="{HEIGHT}" rx="6" '
        f'fill="{fill}" stroke="#7f8c8d"/>{texts}'
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("output", type=Path)
    parser.add_argument("--source", type=Path, default=Path(__file__).resolve().parents[1], help="folder of a checkout")
    arguments = parser.parse_args()
    packages, imported = read_imports(arguments.source)
    arguments.output.write_text(draw(packages, shown(imported)), encoding="utf-8")
