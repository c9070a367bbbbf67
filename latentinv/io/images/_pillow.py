"""What all picture formats share: pages of grey levels, numbers or colours, read by Pillow.

Pixels have no value if they are wholly transparent, or hold what a TIFF's tag for GDAL calls no data or the colour that
a PNG declares transparent. Colours become the codes 0, 1, … in the order of their brightness, and a table tells which
is which.
"""

import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageSequence

from latentinv.errors import InputError

from ._format import Content
from ._sizes import check_bytes

NO_DATA = 42113
"""Number of the TIFF tag in which GDAL writes the value that means no data."""
BYTES = 8
"""Of a pixel in memory, at most."""
MOST_COLOURS = 4096
"""A picture of more colours is a photograph."""


def read_pages(path: Path) -> Content:
    """Read the pages of a picture, ``[page, row, column]``, the uppermost row first.

    Raises
    ------
    InputError
        If a page is half transparent, there are thousands of colours, or the pages differ in size.
    ValueError
        If it has far too many pixels.
    """
    try:
        with warnings.catch_warnings(), Image.open(path) as picture:
            warnings.filterwarnings("error", message="Truncated")  # Pillow only warns of a TIFF that ends early
            width, height = picture.size
            check_bytes(path, getattr(picture, "n_frames", 1) * width * height * BYTES)
            pages = [_page(page, path) for page in ImageSequence.Iterator(picture)]
    except Image.DecompressionBombError as error:
        raise ValueError(error) from error
    if len({page.shape for page in pages}) > 1:
        raise InputError(f"The pages of {path.name} differ in size or kind; expected the layers of one image.")
    array = np.stack(pages)
    return Content(array) if array.ndim == 3 else _coded(array, path)


def _page(page: Image.Image, path: Path) -> np.ndarray:
    """One page: grey levels or numbers, NaN where there is no value, or four numbers for each pixel of colours."""
    transparent = page.info.get("transparency")
    if page.mode in ("P", "PA") or (page.mode == "RGB" and transparent is not None):
        page = page.convert("RGBA")
    values = np.array(page.convert("L") if page.mode == "1" else page)
    if values.ndim == 2:
        for code in (_no_data(page), transparent):  # a grey level, where a PNG declares one
            values = values if code is None else _without(values, values == code)
        return values
    if page.mode not in ("RGB", "RGBA", "LA"):
        raise InputError(
            f"The picture {path.name} has colours of kind {page.mode}; save it as an RGB or a grey picture."
        )
    colours = values[..., :3] if page.mode != "LA" else np.repeat(values[..., :1], 3, axis=-1)
    seen = values[..., -1] if page.mode != "RGB" else np.full(values.shape[:2], 255, np.uint8)
    if np.any((seen > 0) & (seen < 255)):
        raise InputError(
            f"The picture {path.name} is half transparent in some pixels; save it opaque, or wholly transparent where "
            "there is no value."
        )
    if np.all((colours == colours[..., :1]) | (seen[..., None] == 0)):
        return _without(colours[..., 0], seen == 0)
    return np.concatenate([colours, seen[..., None]], axis=-1)


def _coded(pages: np.ndarray, path: Path) -> Content:
    """Codes of colours, NaN where a pixel is transparent."""
    seen = pages[..., 3] > 0
    table, codes = np.unique(pages[..., :3][seen], axis=0, return_inverse=True)
    if len(table) > MOST_COLOURS:
        raise InputError(
            f"The picture {path.name} has {len(table)} colours, as a photograph has; give one of few colours, one for "
            "each facies."
        )
    order = np.argsort(table @ np.array([299, 587, 114]), kind="stable")
    array = np.full(seen.shape, np.nan)
    array[seen] = np.argsort(order)[codes.ravel()]
    return Content(array if not seen.all() else array.astype(np.int64), table[order])


def _no_data(page: Image.Image) -> float | None:
    """The value that a TIFF's tag for GDAL says means no data."""
    text = str(getattr(page, "tag_v2", {}).get(NO_DATA, "")).strip().strip("\0").strip()
    try:
        return float(text)
    except ValueError:
        return None


def _without(values: np.ndarray, missing: np.ndarray) -> np.ndarray:
    """The values with NaN where they are missing; as they are if none is."""
    return np.where(missing, np.nan, values) if missing.any() else values
