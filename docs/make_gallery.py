"""Make the gallery's page and thumbnails.

`python docs/make_gallery.py` runs every script in a form that takes minutes, shrinks its picture to
docs/gallery/NUMBER.png, and writes docs/gallery/index.md from the scripts' docstrings; with numbers, such as `03 07`,
only these are run; `--page` only writes the page.
"""

import ast
import importlib
import sys
from pathlib import Path
from typing import Any

from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
GALLERY = ROOT / "docs" / "gallery"
SCRIPTS = sorted((ROOT / "examples").glob("[0-9]*.py"))
WIDTH, MOST_BYTES = 1000, 80_000
SHOWN: dict[str, tuple[str, dict[str, Any]]] = {
    "01": ("demo.png", {}),
    "02": ("trained.samples.png", {}),
    "03": ("blocks.png", {"draws": 16, "cells": 40}),
    "04": ("heads.png", {"particles": 16, "cells": 48}),
    "05": ("own_function.png", {"particles": 16, "cells": 40}),
    "06": ("numpyro.png", {"draws": 300, "warmup": 300}),
    "07": ("evidence.png", {"particles": 16, "replicates": 2, "cells": 40}),
    "08": ("resumed.png", {}),
    "09": ("large.png", {}),
    "10": ("calibration.png", {}),
    "11": ("drill.png", {}),
    "12": ("map.png", {"starts": 8, "cells": 48}),
    "13": ("own_class.png", {"samples": 16}),
    "14": ("own_program.png", {"members": 24}),
    "15": ("trust.png", {"draws": 300, "warmup": 100}),
    "16": ("delta.png", {"draws": 24, "waves": 256}),
    "17": ("families.png", {}),
    "18": ("translated.png", {}),
    "19": ("along_a_map.png", {}),
}
"""The picture of each script, and what is smaller than its defaults while it is made."""
HEAD = """\
# Gallery

Nineteen scripts, each at most 40 lines and an essay, from a first conditioning to where to drill next. They run as
they are: `python examples/01_first_conditioning.py`. What they share (an invented site, progress lines, how maps are
drawn) is in `examples/common.py`. Pictures are of forms that take minutes at most, and of sites that our own channel
simulator invented.
"""


def page() -> str:
    """The page: title, picture (if it has been made), essay and program of each script."""
    parts = [HEAD]
    for script in SCRIPTS:
        title, _, essay = (ast.get_docstring(ast.parse(script.read_text("utf-8"))) or "").partition("\n\n")
        number = script.name[:2]
        thumbnail = f"![{title.partition(' ')[2]}]({number}.png)\n\n" if (GALLERY / f"{number}.png").exists() else ""
        parts.append(
            f"## {title.rstrip('.')}\n\n{thumbnail}{essay}\n\n"
            f'??? example "examples/{script.name}"\n\n    ```python\n    --8<-- "examples/{script.name}"\n    ```\n'
        )
    return "\n".join(parts)


def shrink(picture: Path, thumbnail: Path) -> None:
    """Write a picture of at most 1000 pixels and 80 kB; of as few colours as that needs."""
    image = Image.open(picture).convert("RGB")
    image.thumbnail((WIDTH, WIDTH))
    for colours in (256, 128, 64, 32, 16):
        image.quantize(colours, dither=Image.Dither.NONE).save(thumbnail, optimize=True)
        if thumbnail.stat().st_size <= MOST_BYTES:
            return
    raise SystemExit(f"{thumbnail} has {thumbnail.stat().st_size} bytes; make the script's picture simpler.")


def main(words: list[str]) -> None:
    """Run scripts, and write what the documentation shows of them."""
    GALLERY.mkdir(exist_ok=True)
    sys.path.insert(0, str(ROOT / "examples"))
    for script in SCRIPTS:
        number = script.name[:2]
        if "--page" in words or (words and number not in words):
            continue
        picture, settings = SHOWN[number]
        importlib.import_module(script.stem).main(**settings)
        shrink(ROOT / "output" / picture, GALLERY / f"{number}.png")
    (GALLERY / "index.md").write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
