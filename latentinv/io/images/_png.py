"""Images as PNG pictures of grey levels; a picture of a map begins in the north."""

from pathlib import Path
from typing import final

import numpy as np

from latentinv.errors import InputError

from ._format import IMAGE_FORMATS, AbstractImageFormat
from ._pillow import grey_pages


@final
@IMAGE_FORMATS.register("png")
class PNG(AbstractImageFormat):
    """One grey level per facies, or grey levels that are values."""

    endings = (".png",)
    first_row = "north"

    def read(self, path: Path, key: str | None, usual: str | None) -> np.ndarray:
        """Read the picture."""
        del key, usual
        pages = grey_pages(path)
        if len(pages) > 1:
            raise InputError(f"{path.name} is animated; give one still picture, or layers as the pages of a TIFF.")
        return pages[0]
