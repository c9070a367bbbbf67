"""Gaussian scores of any stationary covariance by circulant embedding, as a smooth function of that covariance.

The grid lies on a torus that is longer along each axis. There the covariance between cells is a circulant matrix, which
the Fourier transform turns into its eigenvalues λ, so that

    scores = F⁻¹ √λ F noise

has exactly this covariance for white noise (Dietrich and Newsam 1997, doi:10.1137/S1064827592240555). If the torus has
twice as many cells as the grid along each axis, no two cells of the grid are nearer to each other the other way round.
Negative eigenvalues, which a range as long as the torus can bring, are left out and the variance is made one again.
Since √λ is a symmetric root, the noise of a cell stays with the cell when ranges or directions change: the field
deforms smoothly. Cost: two transforms of the torus for a field, O(n log n).
"""

import math
from collections.abc import Sequence

import jax.numpy as jnp
from jaxtyping import Array, Float

LEAST = 1e-12
"""Eigenvalues are kept this far from 0, where the root has no gradient."""
HALF_INTEGERS = (0.5, 1.5, 2.5)
"""Smoothnesses of Matérn models that are elementary functions."""


def correlation(model: str, smoothness: float | None, squared: Float[Array, "*cells"]) -> Float[Array, "*cells"]:
    """Correlation at squared scaled distances; the models are those of `Covariance`."""
    if model == "gaussian":
        return jnp.exp(-3 * squared)
    apart = squared > 0  # the root has no gradient at 0
    distance = jnp.where(apart, jnp.sqrt(jnp.where(apart, squared, 1.0)), 0.0)
    if model == "exponential":
        return jnp.exp(-3 * distance)
    if model == "spherical":
        return jnp.where(distance < 1, 1 - 1.5 * distance + 0.5 * distance**3, 0.0)
    assert smoothness in HALF_INTEGERS
    scaled = math.sqrt(8 * smoothness) * distance
    factor = {0.5: jnp.ones(()), 1.5: 1 + scaled, 2.5: 1 + scaled + scaled**2 / 3}[smoothness]
    return factor * jnp.exp(-scaled)


def squared_distances(
    torus: tuple[int, ...],
    spacing: Sequence[float],
    ranges: tuple[Float[Array, ""], ...],
    angle: Float[Array, ""],
) -> Float[Array, "*torus"]:
    """Squared scaled distance of each cell of a torus from its first, the shorter way round.

    Parameters
    ----------
    torus
        Cells along the array axes.
    spacing
        Edges of a cell along x, y(, z) in metres.
    ranges
        In metres: along the direction, across it (and vertically).
    angle
        Of the direction, from the grid's own x towards its y, in radians.
    """
    lags = []
    for number, (count, edge) in enumerate(zip(torus[::-1], spacing, strict=True)):
        steps = (jnp.arange(count) + count // 2) % count - count // 2
        lags.append((edge * steps).reshape([-1 if axis == number else 1 for axis in range(len(torus))][::-1]))
    x, y, *rest = lags
    turned = (x * jnp.cos(angle) + y * jnp.sin(angle), y * jnp.cos(angle) - x * jnp.sin(angle), *rest)
    total = jnp.zeros(())
    for lag, length in zip(turned, ranges, strict=True):
        total = total + (lag / length) ** 2
    return total


def circulant_scores(noise: Float[Array, "*torus"], correlations: Float[Array, "*torus"]) -> Float[Array, "*torus"]:
    """Scores of these correlations with the first cell of the torus, from white noise."""
    eigenvalues = jnp.maximum(jnp.fft.rfftn(correlations).real, LEAST)
    column = jnp.arange(eigenvalues.shape[-1])
    twice = jnp.where((column == 0) | (2 * column == noise.shape[-1]), 1.0, 2.0)  # of each wave and its opposite
    variance = jnp.sum(twice * eigenvalues) / noise.size
    return jnp.fft.irfftn(jnp.sqrt(eigenvalues / variance) * jnp.fft.rfftn(noise), s=noise.shape)
