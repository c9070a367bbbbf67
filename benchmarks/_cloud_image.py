"""Optical thickness of broken clouds, made here: a log-normal fractional Brownian field, less a threshold.

Observed clouds have a one-dimensional power spectrum that falls as the wave number to the −5/3 over decades, and many
thin and few thick cells (Cahalan 1994, doi:10.1175/1520-0469(1994)051<2434:TAOSC>2.0.CO;2; Davis et al. 1997,
doi:10.1175/1520-0469(1997)054<0241:TLKBIS>2.0.CO;2). A Gaussian field on a torus of this spectrum, up to an
outer scale, is the logarithm; what remains above the thickness that leaves the stated share of clear sky is the cloud.
"""

import numpy as np
from jaxtyping import Float32

from benchmarks._stranger_images import gaussian_field

EXPONENT, OUTER, SPREAD, CLEAR = 5 / 3, 64.0, 0.8, 0.25
"""Of the one-dimensional spectrum; outer scale in cells; standard deviation of the logarithm; share of clear sky."""


def cloud_image(seed: int = 0, shape: tuple[int, int] = (512, 512)) -> Float32[np.ndarray, "row column"]:
    """Optical thickness, 0 where the sky is clear."""
    rng = np.random.default_rng(seed)
    score = gaussian_field(rng, shape, lambda k: (k**2 + OUTER**-2) ** (-0.5 * (EXPONENT + 1)))
    thickness = 10 * np.exp(SPREAD * score)
    return np.maximum(0, thickness - np.quantile(thickness, CLEAR)).astype(np.float32)
