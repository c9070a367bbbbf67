"""Reading training images from files of any format that `latentinv.io.images` knows.

Reading costs one sort of the cells (about a second for 2500 × 2500 in text, less otherwise).
"""

from collections.abc import Sequence
from pathlib import Path

from latentinv.io.images import FirstRow, read_image

from ._training_image import TrainingImage


def read_training_image(
    path: str | Path,
    *,
    key: str | None = None,
    continuous: bool = False,
    first_row: FirstRow | None = None,
    missing: Sequence[float] | None = None,
) -> TrainingImage:
    """Read a training image.

    Parameters
    ----------
    path
        A `.npz`, `.npy`, `.png`, `.tif`, `.tiff`, `.gslib`, `.sgems`, `.dat` or `.txt` file.
    key
        Which array of a `.npz` file; needed where it holds several, unless facies are in one called ``facies``.
    continuous
        Whether the values are of a continuous property rather than facies codes.
    first_row
        Where the file's first row lies, ``north`` or ``south``; taken from the format if omitted: pictures begin in
        the north, arrays and GSLIB text in the south.
    missing
        Codes of missing values; the usual ones if omitted (see `latentinv.io.missing_cells`).

    Raises
    ------
    StorageError
        If the file is missing, empty or damaged.
    InputError
        If the format is unknown, or its content is not such an image (see `TrainingImage.from_array` and
        `TrainingImage.from_values`).
    """
    array = read_image(path, key=key, usual=None if continuous else "facies", first_row=first_row)
    make = TrainingImage.from_values if continuous else TrainingImage.from_array
    return make(array, Path(path).stem, missing)
