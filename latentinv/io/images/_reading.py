"""Reading an image of any registered format, the right way up: row 0 of the array has the least y."""

import struct
import tokenize
import zipfile
import zlib
from pathlib import Path
from typing import Literal, get_args

import numpy as np
from jaxtyping import Shaped

from latentinv.errors import InputError, StorageError

from ._format import IMAGE_FORMATS, AbstractImageFormat, Content

FirstRow = Literal["north", "south"]
FIRST_ROWS: tuple[str, ...] = get_args(FirstRow)
UNREADABLE = (
    OSError, EOFError, ValueError, TypeError, KeyError, SyntaxError, struct.error, zipfile.BadZipFile, zlib.error,
    tokenize.TokenError, UserWarning,
)  # fmt: skip
"""Errors that NumPy and Pillow raise on damaged files."""


def read_image(
    path: str | Path, *, key: str | None = None, usual: str | None = None, first_row: FirstRow | None = None
) -> Shaped[np.ndarray, "*grid"]:
    """Read the array of an image; parameters and errors are those of `read_content`."""
    return read_content(path, key=key, usual=usual, first_row=first_row).array


def usual_first_row(path: str | Path) -> FirstRow:
    """Where the first row of a file lies if nobody says otherwise; `InputError` if its format is unknown."""
    return _format_of(Path(path)).first_row


def read_content(
    path: str | Path, *, key: str | None = None, usual: str | None = None, first_row: FirstRow | None = None
) -> Content:
    """Read an image.

    Parameters
    ----------
    path
        A file of a registered format (`IMAGE_FORMATS`), known by its ending.
    key
        Which image of a file that holds several; needed where there are several and none has the usual name.
    usual
        The usual name.
    first_row
        Where the file's first row lies: ``north`` (the largest y; in a section the top) or ``south``. Taken from the
        format if omitted: pictures begin in the north, arrays and GSLIB text in the south.

    Returns
    -------
    The content, its array ``[row, column]`` or ``[layer, row, column]``, row 0 at the least y, layer 0 at the least z.

    Raises
    ------
    StorageError
        If the file is missing, empty or damaged.
    InputError
        If the format is unknown, or the content is no such image.
    """
    path = Path(path)
    if not path.is_file():
        raise StorageError(f"There is no image file at {path}; check the path.")
    form = _format_of(path)
    if key is not None and not form.named_arrays:
        raise InputError(
            f"The key {key!r} was given for {path.name}, which holds one image without a name; leave it out."
        )
    if path.stat().st_size == 0:
        raise StorageError(f"The image {path.name} is empty; fetch or write it again.")
    try:
        content = form.read(path, key, usual)
    except (InputError, StorageError):
        raise
    except UNREADABLE as error:
        detail = str(error).splitlines()[0].rstrip(".") if str(error) else type(error).__name__
        raise StorageError(
            f"The image {path.name} cannot be read ({detail}); it may be truncated, or its "
            "format may differ from its extension."
        ) from error
    northern = (first_row or form.first_row) == "north"
    turned = northern and content.array.ndim > 1
    return content._replace(array=content.array[..., ::-1, :]) if turned else content


def _format_of(path: Path) -> AbstractImageFormat:
    by_ending = {ending: form for form in IMAGE_FORMATS.values() for ending in form.endings}
    if path.suffix.lower() not in by_ending:
        raise InputError(
            f"The image {path.name} has an unsupported file extension; use one of {', '.join(sorted(by_ending))}."
        )
    return by_ending[path.suffix.lower()]()
