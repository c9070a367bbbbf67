"""Whether two samples of small windows, taken as clouds of points, come from one distribution.

Statistics chosen in advance can all agree while windows differ in an unforeseen way. The maximum mean discrepancy
(Gretton et al. 2012, JMLR 13, 723–773) averages a kernel over all pairs of windows and detects any difference of
distributions near the scale of its bandwidth; the sliced Wasserstein distance (Rabin et al. 2012,
doi:10.1007/978-3-642-24785-9_37) compares the two clouds' values along random directions, in the units of the images.

Both take windows as vectors of values. Windows of one image resemble each other, so take many images and few windows
from each. Cost: O(windows² · cells of a window) for the discrepancy, O(projections · windows log windows) for the
distance.
"""

import numpy as np
import scipy.stats
from jaxtyping import Float, Real, Shaped
from scipy.spatial.distance import cdist, pdist

from latentinv.errors import InputError

from ._per_image import as_stack


def random_windows(
    rng: np.random.Generator, images: Shaped[np.ndarray, "image *grid"], shape: tuple[int, ...], count: int
) -> Shaped[np.ndarray, "window *shape"]:
    """Cut windows at uniformly random places, from every image as often as from any other (give or take one).

    Raises
    ------
    InputError
        If the window does not fit the images.
    """
    stack = as_stack(images)
    grid = stack.shape[1:]
    if len(shape) != len(grid) or any(not 1 <= n <= m for n, m in zip(shape, grid, strict=True)):
        raise InputError(f"Windows of {shape} cells cannot be cut from images of {grid} cells; give a smaller window.")
    order = rng.permutation(len(stack))
    corners = rng.integers(0, [m - n + 1 for n, m in zip(shape, grid, strict=True)], size=(count, len(grid)))
    windows = np.empty((count, *shape), stack.dtype)
    for n, corner in enumerate(corners):
        place = tuple(slice(k, k + length) for k, length in zip(corner, shape, strict=True))
        windows[n] = stack[order[n % len(order)]][place]
    return windows


def median_distance(windows: Real[np.ndarray, "window *shape"]) -> float:
    """Median of the distances between windows that differ: the usual bandwidth of a kernel.

    Identical windows, frequent where bodies are large, are left out, so that the kernel distinguishes the others.

    Raises
    ------
    InputError
        If all windows are the same.
    """
    distances = pdist(_points(windows))
    distances = distances[distances > 0]
    if not len(distances):
        raise InputError("All windows are the same, so their distances give no bandwidth; give windows that differ.")
    return float(np.median(distances))


def maximum_mean_discrepancy(
    a: Real[np.ndarray, "window *shape"], b: Real[np.ndarray, "window2 *shape"], bandwidth: float
) -> float:
    """Squared maximum mean discrepancy of two samples of windows, unbiased: near 0 or below if distributions are equal.

    The kernel is exp(−d² / (2 bandwidth²)). Compare only figures of one bandwidth, such as the `median_distance` of
    windows of the training image.

    Raises
    ------
    InputError
        If a sample has fewer than two windows, their shapes differ, or the bandwidth is not positive.
    """
    x, y = _same(a, b)
    if min(len(x), len(y)) < 2 or not bandwidth > 0:
        raise InputError(
            f"A discrepancy of {len(x)} and {len(y)} windows with bandwidth {bandwidth} was requested; give at least "
            "two windows each and a positive bandwidth."
        )
    # U-statistic: a window's kernel with itself, which is 1, does not count.
    inside = [2 * np.exp(-pdist(z, "sqeuclidean") / (2 * bandwidth**2)).sum() / (len(z) * (len(z) - 1)) for z in (x, y)]
    across = np.exp(-cdist(x, y, "sqeuclidean") / (2 * bandwidth**2)).mean()
    return float(sum(inside) - 2 * across)


def sliced_wasserstein(
    rng: np.random.Generator,
    a: Real[np.ndarray, "window *shape"],
    b: Real[np.ndarray, "window2 *shape"],
    projections: int,
) -> float:
    """Mean over random directions of the Wasserstein distance (of order one) of the windows' components along it.

    Two samples of one distribution are not at distance 0: compare with two samples of the training image of the same
    sizes.

    Raises
    ------
    InputError
        If the windows' shapes differ, or the number of projections is below 1.
    """
    x, y = _same(a, b)
    if projections < 1:
        raise InputError(f"A mean over {projections} projections was requested; give at least one.")
    directions = rng.standard_normal((projections, x.shape[1]))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    along = zip(directions @ x.T, directions @ y.T, strict=True)
    return float(np.mean([scipy.stats.wasserstein_distance(u, v) for u, v in along]))


def _same(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    if np.shape(a)[1:] != np.shape(b)[1:]:
        raise InputError(f"Windows of {np.shape(a)[1:]} and {np.shape(b)[1:]} cells were given; give one shape.")
    return _points(a), _points(b)


def _points(windows: Real[np.ndarray, "window *shape"]) -> Float[np.ndarray, "window cell"]:
    return as_stack(windows).reshape(len(windows), -1).astype(float)
