"""Images as TIFF pictures of grey levels, colours or numbers; its pages are layers, the lowest (the least z) first.

A picture of a map begins in the north, so the first row of each page has the largest y. A GeoTIFF may name its
categories (`_category_names`).
"""

from pathlib import Path
from typing import final

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from ._category_names import category_names
from ._format import IMAGE_FORMATS, AbstractImageFormat, Content
from ._pillow import read_pages

METADATA = 42112
"""Number of the TIFF tag in which GDAL writes metadata."""


@final
@IMAGE_FORMATS.register("tif")
class TIFF(AbstractImageFormat):
    """One page for a plane image, one a layer in three dimensions."""

    endings = (".tif", ".tiff")
    first_row = "north"

    def read(self, path: Path, key: str | None, usual: str | None) -> Content:
        """Read the pages."""
        del key, usual
        pages = read_pages(path)
        if len(pages.array) > 1:
            return pages
        return pages._replace(array=pages.array[0], names=_names(path, pages.colours))


def _names(path: Path, colours: UInt8[np.ndarray, "code 3"] | None) -> dict[int, str]:
    """Names of the codes; those of a palette's entries are found by their colours."""
    with Image.open(path) as picture:
        names = category_names(path, str(getattr(picture, "tag_v2", {}).get(METADATA, "")))
        if colours is None or not names:
            return names
        palette = picture.getpalette("RGB") if picture.mode == "P" else None
    if palette is None:
        return {}
    entries = [tuple(palette[3 * code : 3 * code + 3]) for code in names if 3 * code + 3 <= len(palette)]
    if len(set(entries)) < len(names):
        return {}
    by_colour = dict(zip(entries, names.values(), strict=True))
    own = [tuple(map(int, colour)) for colour in colours]
    return {code: by_colour[colour] for code, colour in enumerate(own) if colour in by_colour}
