"""Images as NumPy writes several named arrays; row 0 has the least y, as in all arrays of this package."""

from pathlib import Path
from typing import final

import numpy as np

from latentinv.errors import InputError

from ._format import IMAGE_FORMATS, AbstractImageFormat, Content
from ._sizes import check_archive


@final
@IMAGE_FORMATS.register("npz")
class NumpyArchive(AbstractImageFormat):
    """Named arrays, without pickles; the only one, the one of the usual name, or the one named by the key."""

    endings = (".npz",)
    first_row = "south"
    named_arrays = True

    def read(self, path: Path, key: str | None, usual: str | None) -> Content:
        """Read the selected array."""
        check_archive(path)
        with path.open("rb") as file:
            content = np.load(file, allow_pickle=False)
            if isinstance(content, np.ndarray):
                raise ValueError("it holds one array without a name, as .npy files do")
            names = list(content.files)
            if key is None:
                key = usual if usual in names else names[0] if len(names) == 1 else None
            if key not in names:
                asked = "no key was given" if key is None else f"not {key!r}"
                raise InputError(
                    f"{path.name} holds the arrays {', '.join(names)}, and {asked}; name the one to use with key."
                )
            array: np.ndarray = content[key]
        return Content(array)
