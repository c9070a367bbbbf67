"""Differences between neighbouring cells of a continuous property: how rough it is, inside facies and across edges.

A Gaussian field has Gaussian differences. Layered and channelled properties have more small and more large differences,
near a generalised Laplace distribution (also called generalised Gaussian or generalised normal), whose density is
proportional to exp(−|d / scale|^shape): shape 2 is Gaussian, 1 Laplace, below 1 peaked with long tails. It is
``scipy.stats.gennorm``. Its shape follows from the ratio of the mean square to the squared mean modulus (Mallat 1989,
doi:10.1109/34.192463), which, unlike maximum likelihood, can be pooled and resampled by image.

Cost: O(cells).
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import scipy.optimize
from jaxtyping import Float, Integer, Real
from scipy.special import gammaln

from latentinv.errors import InputError

from ._lags import Window, lag_vectors, pairs
from ._per_image import PerImage, as_stack, each

SHAPES = (0.1, 20.0)


class GeneralisedLaplace(NamedTuple):
    """The distribution ``scipy.stats.gennorm(shape, scale=scale)``; each a number, or an array over a batch."""

    shape: Float[np.ndarray, "*batch"]
    scale: Float[np.ndarray, "*batch"]
    """In units of the property."""


def neighbour_differences(fields: Real[np.ndarray, "image *grid"], axis: int) -> PerImage:
    """Mean modulus and mean square of the differences along an axis of the grid, and the share that is zero.

    Parameters
    ----------
    fields
        A continuous property.
    axis
        Of the grid: 0 is down the rows of an image, 1 along its columns (in 3-D, 0 is across the layers).

    Raises
    ------
    InputError
        If the fields hold facies, or have no such axis or one cell along it.
    """
    stack = as_stack(fields)
    if stack.dtype.kind != "f":
        raise InputError(
            f"Neighbour differences were requested for values of type {stack.dtype}, which are facies; their "
            "differences have no density, so give a continuous property, or look at total variation and variogram."
        )
    if not 0 <= axis < stack.ndim - 1 or stack.shape[axis + 1] < 2:
        raise InputError(
            f"Differences along axis {axis} were requested for images of {stack.shape[1:]} cells; give an axis from 0 "
            f"to {stack.ndim - 2} with at least two cells."
        )

    def measure(field: np.ndarray) -> tuple[list[float], int]:
        differences = np.diff(field.astype(float), axis=axis)
        zeros = differences.size - np.count_nonzero(differences)
        return [np.abs(differences).sum(), np.square(differences).sum(), zeros], differences.size

    return each(stack, measure)


def fit_generalised_laplace(means: Float[np.ndarray, "*batch mean"]) -> GeneralisedLaplace:
    """Fit a generalised Laplace distribution around zero by the first two moments of pooled `neighbour_differences`.

    Raises
    ------
    InputError
        If most differences are zero, as for facies in floats, or their moments are those of no such distribution
        with a shape from 0.1 to 20.
    """
    modulus, square, zeros = np.moveaxis(np.asarray(means, float), -1, 0)
    if np.any(zeros > 0.5):
        raise InputError(
            f"{np.max(zeros):.0%} of the neighbour differences are zero, as for facies; a continuous "
            "distribution has none, so give a continuous property, or look at total variation and variogram."
        )
    target = np.log(square / modulus**2)
    lowest, highest = _log_ratio(SHAPES[1]), _log_ratio(SHAPES[0])
    if np.any((target < lowest) | (target > highest)):
        raise InputError(
            f"The mean square of the neighbour differences is {np.exp(np.min(target)):.3g} to "
            f"{np.exp(np.max(target)):.3g} times their squared mean modulus; a generalised Laplace "
            f"distribution with a shape from {SHAPES[0]} to {SHAPES[1]} has {np.exp(lowest):.3g} to "
            f"{np.exp(highest):.3g}, so it does not describe the fields."
        )
    shape = np.vectorize(lambda t: scipy.optimize.brentq(lambda b: _log_ratio(b) - t, *SHAPES), otypes=[float])(target)
    return GeneralisedLaplace(shape[()], modulus * np.exp(gammaln(1 / shape) - gammaln(2 / shape)))


def edge_step_quantiles(
    fields: Real[np.ndarray, "image *grid"],
    facies: Integer[np.ndarray, "image *grid"],
    probabilities: Sequence[float] | Float[np.ndarray, "quantile"],
) -> Float[np.ndarray, "quantile"]:
    """Quantiles of the step of a continuous property at facies edges, in its units.

    A step is the value in the facies of higher index less that in the facies of lower index, over all neighbours along
    all axes that differ in facies, of all images. So the sign shows which facies has the higher values.

    Raises
    ------
    InputError
        If fields and facies differ in shape, or there is no edge.
    """
    values, indices = as_stack(fields), as_stack(facies)
    if values.shape != indices.shape:
        raise InputError(
            f"Fields of shape {values.shape} and facies of shape {indices.shape} were given; give one shape."
        )
    axes = lag_vectors(np.eye(values.ndim - 1, dtype=int), values.shape[1:])
    windows = pairs(values.shape[1:], axes)
    steps = np.concatenate([_edge_steps(*images, windows) for images in zip(values, indices, strict=True)])
    if not len(steps):
        raise InputError("The images hold one facies each, without edges; give images with at least two facies.")
    return np.quantile(steps, probabilities)


def _edge_steps(field: np.ndarray, facies: np.ndarray, windows: list[tuple[Window, Window]]) -> np.ndarray:
    values, steps = field.astype(float), []
    for start, end in windows:
        first, last = facies[start], facies[end]
        edge = first != last
        step = values[end][edge] - values[start][edge]
        steps.append(np.where(last[edge] > first[edge], step, -step))
    return np.concatenate(steps)


def _log_ratio(shape: float) -> float:
    """Log of E d² / (E |d|)² of a generalised Laplace distribution; it falls with the shape, from ∞ to 4/3."""
    return float(gammaln(1 / shape) + gammaln(3 / shape) - 2 * gammaln(2 / shape))
