"""A part of the training image, as large as the run's grid, where the image is at hand.

The prior's provenance holds the recipe of its training, and the digest of the image. The image's file is looked for
beside the prior, or the image simulated again, and shown only if its digest is the same. The page is the only place it
is copied to.
"""

import math
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Shaped

from latentinv.errors import InputError, StorageError
from latentinv.grid import Grid
from latentinv.html import Html
from latentinv.plotting import draw_panel, views_of

from ._parts import figure
from ._realizations import content_of
from ._subject import Subject

MOST_CELLS, MOST_BYTES = 2**23, 2**26
"""Of an image that is looked at, and of its file."""


def training_image_part(
    subject: Subject, file: Path | None, limits: tuple[float, float] | None
) -> tuple[Html, str] | None:
    """A figure of a part of the training image, and the image's name; None if it is not at hand.

    Parameters
    ----------
    subject
        What the page is about.
    file
        The prior's file, if it is known.
    limits
        Values of the least and the last colour of a continuous property.
    """
    provenance, grid = subject.run.posterior.prior.provenance, subject.run.posterior.grid
    part = _middle(provenance, grid.shape, (file or subject.path).parent)
    if part is None or (subject.model is None) != (limits is not None):
        return None
    if subject.model is not None and not set(np.unique(part)) <= set(subject.categories):
        return None
    placed: dict[str, Any] = {"rotation": grid.rotation, "axes": grid.axes, "z_axis": grid.z_axis}
    (view,) = views_of(Grid(part.shape, grid.spacing, grid.origin, **placed))
    image = draw_panel(part, view, categories=subject.categories, limits=limits, label="value")
    name = str(provenance["image"])
    alt = f"Part of the training image {name}. {content_of(subject, part)}"
    return figure(image, alt, "Training image, a part of this size"), name


def _middle(provenance: dict[str, Any], shape: tuple[int, ...], folder: Path) -> Shaped[np.ndarray, "*grid"] | None:
    """The middle of the image, at most of this shape: facies codes or values; None if it is not at hand."""
    known = {"recipe", "image", "image_sha256", "image_shape"} <= set(provenance)
    if not known or len(shape) != 2 or len(provenance["image_shape"]) != 2:
        return None
    if math.prod(provenance["image_shape"]) > MOST_CELLS:
        return None
    from latentinv.training import parse_recipe

    try:
        recipe = parse_recipe(str(provenance["recipe"]), folder)
        if not _is_small(recipe.image.file, recipe.image.simulator, folder):
            return None
        image = recipe.load_image()
    except (InputError, StorageError, OSError):
        return None
    if image.sha256 != provenance["image_sha256"]:
        return None
    array = np.asarray(image.categories)[image.facies] if image.values is None else image.values
    starts = [max(0, (long - short) // 2) for long, short in zip(array.shape, shape, strict=True)]
    return array[tuple(slice(start, start + short) for start, short in zip(starts, shape, strict=True))]


def _is_small(file: str | None, simulator: dict[str, Any] | None, folder: Path) -> bool:
    """Whether an image can be read or simulated in a moment; a file must lie in the folder itself."""
    if file is None:
        return simulator is not None and math.prod(simulator["shape"]) <= MOST_CELLS
    path = folder / file
    return Path(file).name == file and path.is_file() and path.stat().st_size <= MOST_BYTES
