"""Images as TIFF pictures of grey levels, colours or numbers; its pages are layers, the lowest (the least z) first.

A picture of a map begins in the north, so the first row of each page has the largest y.
"""

from pathlib import Path
from typing import final

from ._format import IMAGE_FORMATS, AbstractImageFormat, Content
from ._pillow import read_pages


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
        return pages if len(pages.array) > 1 else pages._replace(array=pages.array[0])
