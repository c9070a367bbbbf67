"""An image format: rows of letters, north first, where a is facies 0, b facies 1, and so on."""

from typing import final

import numpy as np

from latentinv.errors import InputError
from latentinv.io.images import IMAGE_FORMATS, AbstractImageFormat, Content


@final
@IMAGE_FORMATS.register("toy_letters")
class Letters(AbstractImageFormat):
    """One letter a cell."""

    endings, first_row = (".letters",), "north"

    def read(self, path, key, usual):
        rows = [[ord(letter) - ord("a") for letter in line] for line in path.read_text().split()]
        if len({len(row) for row in rows}) != 1:
            raise InputError(f"The rows of {path.name} differ in length; give each as many letters.")
        return Content(np.array(rows))
