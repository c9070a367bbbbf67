"""Histograms of texture: local binary patterns and oriented gradients, and the distance of two histograms.

Local binary patterns (Ojala, Pietikäinen and Mäenpää 2002, doi:10.1109/TPAMI.2002.1017623) say how the neighbours of a
cell compare with it; oriented gradients (Dalal and Triggs 2005, doi:10.1109/CVPR.2005.177) which way edges run. Both
are scikit-image's, pooled over all places of a two-dimensional image, since a stationary field has no special place.

Distances between samples of images depend on the sample size: report them beside the distance between two samples of
the training image of the same size. Cost: a millisecond or two for an image of 128 × 128 cells.
"""

import numpy as np
from jaxtyping import Float, Real

from latentinv.errors import InputError

from ._per_image import PerImage, as_stack, each

ORIENTATIONS = 9
BLOCK = 16


def local_binary_pattern_histogram(images: Real[np.ndarray, "image row column"], radius: int) -> PerImage:
    """Frequency of the 256 local binary patterns of eight neighbours.

    Each cell is coded by which of its neighbours on a circle are at least as bright: bit k belongs to the
    direction k · 45° from the x axis towards lower rows. These are scikit-image's ``default``
    codes, which keep the direction (the ``uniform`` ones
    ignore it, although it matters in geology). Cells nearer
    to the border than the radius, whose circle leaves the image, are left out.

    Parameters
    ----------
    images
        Values in [0, 1].
    radius
        Of the circle, in cells.

    Raises
    ------
    InputError
        If the images are not two-dimensional or too small for the radius.
    """
    from skimage.feature import local_binary_pattern  # a slow import that only this function needs

    pictures = as_stack(images)
    if pictures.ndim != 3 or radius < 1 or min(pictures.shape[1:]) <= 2 * radius:
        raise InputError(
            f"Local binary patterns of radius {radius} were requested for images of shape {pictures.shape[1:]}; "
            "expected two axes longer than twice the radius, and a radius of at least 1."
        )
    inner = (slice(radius, -radius),) * 2

    def measure(picture: np.ndarray) -> tuple[np.ndarray, int]:
        levels = np.rint(np.clip(picture, 0, 1) * 255).astype(np.uint8)
        codes = local_binary_pattern(levels, 8, radius, method="default")[inner]
        return np.bincount(codes.astype(np.uint8).ravel(), minlength=256), codes.size

    return each(pictures, measure)


def oriented_gradient_histogram(images: Real[np.ndarray, "image row column"]) -> PerImage:
    """Frequency of nine orientations of the gradient, weighted by its size within blocks of 16 × 16 cells.

    Orientation k covers the angles from k · 20° on, modulo 180°, of the gradient (across the edge), from the x axis
    towards lower rows. Each block is normalised to sum one, blocks without any gradient are left out, and the rest are
    averaged. Rows and columns of incomplete blocks are left out.

    Raises
    ------
    InputError
        If the images are not two-dimensional, or smaller than a block.
    """
    from skimage.feature import hog  # a slow import that only this function needs

    pictures = as_stack(images)
    if pictures.ndim != 3 or min(pictures.shape[1:]) < BLOCK:
        raise InputError(
            f"Oriented gradients were requested for images of shape {pictures.shape[1:]}; expected two axes of at "
            f"least {BLOCK} cells."
        )

    def measure(picture: np.ndarray) -> tuple[np.ndarray, int]:
        histograms = hog(picture, ORIENTATIONS, (BLOCK, BLOCK), (1, 1), block_norm="L1").reshape(-1, ORIENTATIONS)
        sums = histograms.sum(axis=1, keepdims=True)
        varied = sums[:, 0] > 0
        return (histograms[varied] / sums[varied]).sum(axis=0), int(np.count_nonzero(varied))

    return each(pictures.astype(float), measure)


def chi_square(p: Float[np.ndarray, "*batch bin"], q: Float[np.ndarray, "*batch bin"]) -> Float[np.ndarray, "*batch"]:
    """Distance ½ Σ (p − q)² / (p + q) of normalised histograms: 0 if equal, 1 if disjoint.

    Raises
    ------
    InputError
        If the histograms have different bins.
    """
    p, q = np.asarray(p, float), np.asarray(q, float)
    if p.shape[-1] != q.shape[-1]:
        raise InputError(
            f"Histograms of {p.shape[-1]} and {q.shape[-1]} bins cannot be compared; give the same bins to both."
        )
    total = p + q
    terms = np.divide((p - q) ** 2, total, out=np.zeros_like(total), where=total > 0)
    return 0.5 * terms.sum(axis=-1)
