"""Images as TIFF pictures of grey levels or numbers; its pages are layers, the lowest (the least z) first.

A picture of a map begins in the north, so the first row of each page has the largest y.
"""

from pathlib import Path
from typing import final

import numpy as np

from ._format import IMAGE_FORMATS, AbstractImageFormat
from ._pillow import grey_pages


@final
@IMAGE_FORMATS.register("tif")
class TIFF(AbstractImageFormat):
    """One page for a plane image, one a layer in three dimensions."""

    endings = (".tif", ".tiff")
    first_row = "north"

    def read(self, path: Path, key: str | None, usual: str | None) -> np.ndarray:
        """Read the pages."""
        del key, usual
        pages = grey_pages(path)
        return np.stack(pages) if len(pages) > 1 else pages[0]
