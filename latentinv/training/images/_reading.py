"""Reading training images from files of any format that `latentinv.io.images` knows.

Reading costs one sort of the cells (about a second for 2500 × 2500 in text, less otherwise).
"""

import contextlib
import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from latentinv.errors import InputError
from latentinv.io import missing_cells
from latentinv.io.images import Content, FirstRow, read_content

from ._auxiliary import AuxiliaryMap
from ._patches import times
from ._training_image import TrainingImage


def read_training_image(
    path: str | Path,
    *,
    key: str | None = None,
    continuous: bool = False,
    first_row: FirstRow | None = None,
    missing: Sequence[float] | None = None,
    classes: int | None = None,
) -> TrainingImage:
    """Read a training image.

    Parameters
    ----------
    path
        A `.npz`, `.npy`, `.png`, `.tif`, `.tiff`, `.asc`, `.gslib`, `.sgems`, `.dat` or `.txt` file.
    key
        Which array of a `.npz` file, or variable of GSLIB text; needed where there are several, unless facies are in
        one called ``facies``.
    continuous
        Whether the values are of a continuous property rather than facies codes.
    first_row
        Where the file's first row lies, ``north`` or ``south``; taken from the format if omitted: pictures begin in
        the north, arrays and GSLIB text in the south.
    missing
        Codes of missing values; the usual ones if omitted (see `latentinv.io.missing_cells`).
    classes
        Keep only so many facies, those with most cells, and give each other cell the most alike of them, in value or
        colour: for pictures of facies that were resized, whose edges are between two.

    Raises
    ------
    StorageError
        If the file is missing, empty or damaged.
    InputError
        If the format is unknown, or its content is not such an image (see `TrainingImage.from_array` and
        `TrainingImage.from_values`).
    """
    content = read_content(path, key=key, usual=None if continuous else "facies", first_row=first_row)
    name = Path(path).stem
    if continuous:
        if content.colours is not None or classes is not None:
            raise InputError(
                f"The training image {name!r} is to be of a continuous property, but it is coloured or classes were "
                "given, which are of facies; leave that out, or give a picture of grey levels."
            )
        return TrainingImage.from_values(content.array, name, missing)
    content = content if classes is None else _reduced(content, classes, missing)
    image = TrainingImage.from_array(content.array, name, missing)
    if content.colours is not None:
        colours = tuple("#" + bytes(colour).hex() for colour in content.colours)
        image = dataclasses.replace(image, colours=colours)
    return _named(image, content.names)


def read_auxiliary_map(
    path: str | Path,
    name: str,
    shape: tuple[int, ...],
    *,
    key: str | None = None,
    first_row: FirstRow | None = None,
    missing: Sequence[float] | None = None,
) -> AuxiliaryMap:
    """Read a map of a training image.

    Parameters
    ----------
    path
        A file of any format of images.
    name
        Of the map.
    shape
        Cells of the image.
    key
        Which array of a file that holds several; if omitted, the one with the map's name.
    first_row, missing
        As for `read_training_image`.

    Raises
    ------
    StorageError
        If the file is missing, empty or damaged.
    InputError
        If the format is unknown, or its content is not such a map of this image.
    """
    content = read_content(path, key=key, usual=name, first_row=first_row)
    if content.colours is not None:
        raise InputError(f"The map {name} in {Path(path).name} is a coloured picture; give numbers.")
    if content.array.shape != shape:
        raise InputError(
            f"The map {name} in {Path(path).name} has {times(content.array.shape)} cells, the training image "
            f"{times(shape)}; give a map of the image's cells."
        )
    return AuxiliaryMap.from_array(content.array, name, missing)


def _named(image: TrainingImage, names: Mapping[int, str]) -> TrainingImage:
    """The image with the names that its file has for all its facies; as it is, if some have none that can be used."""
    if not set(image.categories) <= set(names):
        return image
    with contextlib.suppress(InputError):  # words that are no names, or two that are alike
        return image.named([names[code] for code in image.categories])
    return image


def _reduced(content: Content, classes: int, missing: Sequence[float] | None) -> Content:
    """The content with so many codes only."""
    known = ~missing_cells(content.array, missing)
    codes, counts = np.unique(content.array[known], return_counts=True)
    kept = np.sort(np.argsort(-counts, kind="stable")[:classes])
    looks = (
        codes[:, None].astype(float) if content.colours is None else content.colours[codes.astype(int)].astype(float)
    )
    nearest = kept[np.argmin(np.sum((looks[:, None] - looks[kept]) ** 2, axis=-1), axis=1)]
    array = content.array.copy()
    if content.colours is None:
        array[known] = codes[nearest][np.searchsorted(codes, content.array[known])]
        return Content(array, names=content.names)
    array[known] = np.searchsorted(kept, nearest)[np.searchsorted(codes, content.array[known])]
    left = codes[kept].astype(int)
    names = {new: content.names[old] for new, old in enumerate(left.tolist()) if old in content.names}
    return Content(array, content.colours[left], names)
