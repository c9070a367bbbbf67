"""Sizes that files state are checked before memory is taken for them."""

import math
import zipfile
from pathlib import Path

import numpy as np

from latentinv.errors import InputError, StorageError

MOST_BYTES = 4 * 2**30
"""Of an image in memory."""


def check_archive(path: Path) -> None:
    """Refuse an archive of arrays that unfold to more than an image can have.

    Raises
    ------
    InputError
        If they do.
    """
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            check_bytes(path, max((entry.file_size for entry in archive.infolist()), default=0))


def check_array(path: Path) -> None:
    """Refuse a NumPy file that states more cells than it holds.

    Raises
    ------
    StorageError
        If it does.
    """
    with path.open("rb") as file:
        version = np.lib.format.read_magic(file)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _, kind = read(file)
        held = path.stat().st_size - file.tell()
    if not kind.hasobject and math.prod(shape) * kind.itemsize > held:
        raise StorageError(
            f"{path.name} states {math.prod(shape)} cells but holds {held} bytes; the file may be truncated."
        )


def check_bytes(path: Path, size: int) -> None:
    """Refuse an image of more than `MOST_BYTES`.

    Raises
    ------
    InputError
        If it is larger.
    """
    if size > MOST_BYTES:
        raise InputError(
            f"{path.name} unfolds to {size / 2**30:.1f} GiB; an image has at most {MOST_BYTES // 2**30}; give a "
            "smaller one, or a part of it."
        )
