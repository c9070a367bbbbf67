"""What an image format is, and the registry of them.

A new format is one file with a class that is registered here, in this package or, by an entry point in the group
``latentinv.image_format``, in another:

    @IMAGE_FORMATS.register("bitmap")
    class Bitmap(AbstractImageFormat):
        endings = (".bmp",)
        first_row = "north"

        def read(self, path, key, usual): ...
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import ClassVar, Literal, NamedTuple

import numpy as np
from jaxtyping import Shaped, UInt8

from latentinv.registration import Registry


class Content(NamedTuple):
    """What an image file holds."""

    array: Shaped[np.ndarray, "*grid"]
    """``[row, column]`` or ``[layer, row, column]``; NaN where the file says that there is no value."""
    colours: UInt8[np.ndarray, "code 3"] | None = None
    """Of a coloured picture, the red, green and blue of the codes 0, 1, … in the array."""
    names: Mapping[int, str] = MappingProxyType({})
    """What the file calls the codes, of which it may name others too, or only some."""


class AbstractImageFormat(ABC):
    """One kind of file that holds an image in two or three dimensions."""

    endings: ClassVar[tuple[str, ...]]
    """File extensions, in lower case."""
    first_row: ClassVar[Literal["north", "south"]]
    """Where a file's first row of cells lies by default: at the largest y (north) or at the least (south)."""
    named_arrays: ClassVar[bool] = False
    """Whether a file may hold several images, one of which is chosen by a key."""

    @abstractmethod
    def read(self, path: Path, key: str | None, usual: str | None) -> Content:
        """Read the content, rows as they follow in the file.

        Parameters
        ----------
        path
            The file, which is there and not empty.
        key
            Which of several images; None if the user names none.
        usual
            The name that is taken if there is such an image and the user names none.

        Raises
        ------
        InputError
            If the content cannot be used. What else is raised by a damaged file (`OSError`, `ValueError`, `EOFError`,
            `KeyError` …) is put into words by the caller.
        """


IMAGE_FORMATS = Registry[type[AbstractImageFormat]]("image format", rooms=("latentinv.io.images",))
