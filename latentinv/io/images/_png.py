"""Images as PNG pictures; a picture of a map begins in the north."""

from pathlib import Path
from typing import final

from latentinv.errors import InputError

from ._format import IMAGE_FORMATS, AbstractImageFormat, Content
from ._pillow import read_pages


@final
@IMAGE_FORMATS.register("png")
class PNG(AbstractImageFormat):
    """One grey level or colour per facies, or grey levels that are values."""

    endings = (".png",)
    first_row = "north"

    def read(self, path: Path, key: str | None, usual: str | None) -> Content:
        """Read the picture."""
        del key, usual
        pages = read_pages(path)
        if len(pages.array) > 1:
            raise InputError(f"{path.name} is animated; give one still picture, or layers as the pages of a TIFF.")
        return pages._replace(array=pages.array[0])
