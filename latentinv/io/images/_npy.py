"""Images as NumPy writes one array; row 0 has the least y, as in all arrays of this package."""

from pathlib import Path
from typing import final

import numpy as np

from ._format import IMAGE_FORMATS, AbstractImageFormat, Content
from ._sizes import check_array


@final
@IMAGE_FORMATS.register("npy")
class NumpyArray(AbstractImageFormat):
    """One array, without pickles."""

    endings = (".npy",)
    first_row = "south"

    def read(self, path: Path, key: str | None, usual: str | None) -> Content:
        """Read the array."""
        del key, usual
        check_array(path)
        with path.open("rb") as file:
            array: np.ndarray = np.lib.format.read_array(file, allow_pickle=False)
        return Content(array)
