"""The sheet of samples: patches of the image in the first row, fields of the generator below, as one PNG."""

from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from latentinv.storage import atomic_file

COLUMNS, ROWS, GAP = 6, 3, 4


def shown_shape(patch: tuple[int, ...]) -> tuple[int, ...]:
    """Cells of a patch that a sheet shows: of a volume one layer, which is drawn much sooner."""
    return patch if len(patch) < 3 else (1, *patch[1:])


def write_sheet(
    path: Path, patches: UInt8[np.ndarray, "patch *shape"], fields: UInt8[np.ndarray, "field *shape"]
) -> None:
    """Write the sheet; of volumes it shows the middle layer.

    Parameters
    ----------
    path
        The PNG file.
    patches, fields
        Grey levels; at least 6 patches and 18 fields are needed to fill the sheet.

    Raises
    ------
    StorageError
        If the file cannot be written.
    """
    rows = [patches[:COLUMNS], *(fields[n * COLUMNS : (n + 1) * COLUMNS] for n in range(ROWS))]
    flat = [[image if image.ndim == 2 else image[image.shape[0] // 2] for image in row] for row in rows]
    height, width = flat[0][0].shape
    sheet = np.full(((height + GAP) * len(flat) + GAP, (width + GAP) * COLUMNS), 128, np.uint8)
    for i, row in enumerate(flat):
        top = i * (height + GAP) + (GAP if i else 0)  # a wider band separates the image from the generator
        for j, image in enumerate(row):
            sheet[top : top + height, j * (width + GAP) : j * (width + GAP) + width] = image[::-1]  # north up
    scale = max(1, 1200 // sheet.shape[1])
    picture = Image.fromarray(sheet).resize((sheet.shape[1] * scale, sheet.shape[0] * scale), Image.Resampling.NEAREST)
    with atomic_file(path) as file:
        picture.save(file, format="PNG")
