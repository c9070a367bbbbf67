"""What all picture formats share: pages of grey levels, read by Pillow."""

import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageSequence

from latentinv.errors import InputError

NO_DATA = 42113
"""Number of the TIFF tag in which GDAL writes the value that means no data."""


def grey_pages(path: Path) -> list[np.ndarray]:
    """Read the pages of a picture as grey levels, the uppermost row first.

    Raises
    ------
    InputError
        If a page is coloured or half transparent, or the pages differ in size.
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
    """One page as grey levels; NaN where it is transparent, or holds what its tag calls no data."""
    if page.mode == "1":
        return np.array(page.convert("L"))
    if page.mode in ("P", "PA"):
        page = page.convert("RGBA")
    values = np.array(page)
    if values.ndim == 2:
        return _without(values, values == no_data) if (no_data := _no_data(page)) is not None else values
    if page.mode not in ("RGB", "RGBA", "LA") or (
        page.mode != "RGB" and np.any(((a := values[..., -1]) > 0) & (a < 255))
    ):
        raise InputError(
            f"The picture {path.name} ({page.mode}) is not plain grey, opaque or wholly transparent in each pixel; "
            "save it as a grey picture."
        )
    seen = values[..., -1] > 0 if page.mode != "RGB" else np.ones(values.shape[:2], bool)
    colours = values[..., :3] if page.mode.startswith("RGB") else values[..., :1]
    if np.any((colours != colours[..., :1]) & seen[..., None]):
        raise InputError(f"The picture {path.name} is coloured; save it with one grey level per facies.")
    return _without(colours[..., 0], ~seen)


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
