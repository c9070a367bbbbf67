"""What all picture formats share: pages of grey levels, read by Pillow."""

import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageSequence

from latentinv.errors import InputError


def grey_pages(path: Path) -> list[np.ndarray]:
    """Read the pages of a picture as grey levels, the uppermost row first.

    Raises
    ------
    InputError
        If a page is coloured or transparent, or the pages differ in size.
    ValueError
        If it has far too many pixels.
    """
    try:
        with warnings.catch_warnings(), Image.open(path) as picture:
            warnings.filterwarnings("error", message="Truncated")  # Pillow only warns of a TIFF that ends early
            pages = [_grey(page, path) for page in ImageSequence.Iterator(picture)]
    except Image.DecompressionBombError as error:
        raise ValueError(error) from error
    if len({page.shape for page in pages}) > 1:
        raise InputError(f"The pages of {path.name} differ in size; expected the layers of one image.")
    return pages


def _grey(page: Image.Image, path: Path) -> np.ndarray:
    """One page as grey levels."""
    if page.mode == "1":
        return np.array(page.convert("L"))
    if page.mode in ("P", "PA"):
        page = page.convert("RGBA")
    values = np.array(page)
    if values.ndim == 2:
        return values
    if page.mode not in ("RGB", "RGBA", "LA") or (page.mode != "RGB" and np.any(values[..., -1] != 255)):
        raise InputError(f"The picture {path.name} ({page.mode}) is not plain grey; save it as an opaque grey picture.")
    colours = values[..., :3] if page.mode.startswith("RGB") else values[..., :1]
    if np.any(colours != colours[..., :1]):
        raise InputError(f"The picture {path.name} is coloured; save it with one grey level per facies.")
    return colours[..., 0]
