"""Levels: the numbers between −1 and 1 by which networks see a training image, one or several in each cell."""

import numpy as np
from jaxtyping import Bool, Float32
from scipy import special, stats
from scipy.ndimage import gaussian_filter

from ._training_image import TrainingImage

CLEAR = 1e-3
"""Least distance of a level from the midpoint to the next facies, as a share of the way to it."""

Levels = Float32[np.ndarray, "*grid channel"]


def image_levels(image: TrainingImage, edge_width: float, *, ordered: bool) -> Levels:
    """Levels of an image: one number a cell for a continuous property and ordered facies, else one for each facies."""
    if image.values is not None:
        return score_levels(image.values, image.known)[..., None]
    return signed_levels(image, edge_width)[..., None] if ordered else facies_levels(image, edge_width)


def score_levels(
    values: Float32[np.ndarray, "*grid"], known: Bool[np.ndarray, "*grid"] | None = None
) -> Float32[np.ndarray, "*grid"]:
    """Give each known cell of a continuous property a level in (−1, 1): the hyperbolic tangent of its normal score.

    The score is the standard normal quantile of the value's rank (ties share their mean rank), so that the logit a
    network learns is standard normal whatever the property's distribution is; the prior's calibration restores it.
    """
    inside = np.ones(values.shape, bool) if known is None else known
    levels = np.zeros(values.shape, np.float32)
    ranks = stats.rankdata(values[inside])
    levels[inside] = np.tanh(special.ndtri((ranks - 0.5) / len(ranks)))
    return levels


def signed_levels(image: TrainingImage, edge_width: float) -> Float32[np.ndarray, "*grid"]:
    """Give each cell a level in [−1, 1]: its facies far from an edge, softened towards the next one near an edge.

    Facies k has the level −1 + 2 k / (facies − 1). Levels are filtered by a Gaussian, as a picture is before it is
    sampled, so the step at an edge becomes a slope that a network without layers at full resolution can draw. Where the
    filter carries a cell over half-way to another facies (corners of bodies, and bodies thinner than the softened
    edges) its level is brought back to its own side, so thresholds half-way recover the facies of every cell exactly.

    Parameters
    ----------
    image
        The training image.
    edge_width
        Standard deviation of the Gaussian in cells; 0 keeps the step.
    """
    top = len(image.categories) - 1
    levels = np.linspace(-1, 1, top + 1, dtype=np.float32)[image.facies]
    if not edge_width:
        return levels
    own_side = np.float32((1 - CLEAR) / top)
    softened = gaussian_filter(levels, edge_width, mode="nearest")
    return np.clip(softened, np.maximum(levels - own_side, -1), np.minimum(levels + own_side, 1))


def facies_levels(image: TrainingImage, edge_width: float) -> Levels:
    """Give each cell a level in [−1, 1] for each facies: 1 for its own and −1 for the others far from an edge.

    Levels are 2 p − 1, p being the share of each facies in a Gaussian window. In every cell the largest is that of the
    cell's own facies: where the window holds more of another, the own share is raised above it.

    Parameters
    ----------
    image
        The training image.
    edge_width
        Standard deviation of the Gaussian in cells; 0 keeps the step.
    """
    own = np.eye(len(image.categories), dtype=np.float32)[image.facies]
    if not edge_width:
        return 2 * own - 1
    shares = np.stack([gaussian_filter(one, edge_width, mode="nearest") for one in np.moveaxis(own, -1, 0)], axis=-1)
    others = np.where(own > 0, 0, shares).max(axis=-1, keepdims=True)
    shares = np.where(own > 0, np.maximum(shares, others + np.float32(CLEAR)), shares)
    return 2 * shares / shares.sum(axis=-1, keepdims=True) - 1
