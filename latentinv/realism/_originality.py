"""Whether a generator copies its training image, or repeats itself.

Memory: the distance of a window of a field to the nearest window of the training image. Alone it means little, because
a small window is close to thousands of others. Compare it with the distance of real windows to the rest of the image
without their own place (or of windows of a part held out). A ratio well below one means copying. Take windows so large
that real ones do not occur twice: in the channel image many of 32 × 32 cells do, and none of six of 64 × 64.

Repetition: distances between fields, and tiles that are the same in two fields at the same place. Compare both with
those of patches of the training image.

Cost: nearest windows, one pass of fast Fourier transforms over the image per query: 0.3 s for 64 × 64 cells in 2500 ×
2500; distances, one matrix product of all fields; tiles, O(fields² · tiles).
"""

from typing import NamedTuple

import numpy as np
import scipy.signal
from jaxtyping import Float, Integer, Real, Shaped

from latentinv.errors import InputError

from ._per_image import as_stack
from ._windows import random_windows


class Diversity(NamedTuple):
    """Mean-square differences between the fields of a sample, per cell; of two facies, the share that differs."""

    mean: float
    """Over all pairs of fields."""
    smallest: float
    """Between the two most similar fields."""


def nearest_window_distance(
    queries: Real[np.ndarray, "query *window"],
    image: Real[np.ndarray, "*grid"],
    corners: Integer[np.ndarray, "query axis"] | None = None,
) -> Float[np.ndarray, "query"]:
    """Mean-square difference per cell of each query to the nearest window of an image; of two facies, the share.

    Parameters
    ----------
    queries
        Windows: cut from generated fields, or from the image.
    image
        The training image, in the same values.
    corners
        For each query the indices of the first cell of a place, its own if it was cut from this image: windows that
        overlap it are left out.

    Raises
    ------
    InputError
        If the queries do not fit the image, or the corners do not fit both, or leave no window.
    """
    windows, whole = as_stack(queries).astype(np.float32), as_stack(np.asarray(image)[None])[0].astype(np.float32)
    places = _places(windows, whole)
    own = [None] * len(windows) if corners is None else _own(corners, windows, places)
    # |q − w|² = |q|² − 2 q·w + |w|², with the products of all windows w by fast convolution.
    energies = _correlate(np.square(whole), np.ones_like(windows[0]))
    nearest = []
    for query, taken in zip(windows, own, strict=True):
        distances = energies - 2 * _correlate(whole, query)
        if taken is not None:
            distances[taken] = np.inf
        corner = np.unravel_index(int(np.argmin(distances)), distances.shape)
        window = whole[tuple(slice(k, k + n) for k, n in zip(corner, query.shape, strict=True))]
        nearest.append(np.mean(np.square(query - window), dtype=np.float64))
    return np.array(nearest)


def nearest_window_ratio(
    rng: np.random.Generator,
    fields: Real[np.ndarray, "image *grid"],
    image: Real[np.ndarray, "*grid"],
    *,
    window: int = 64,
    count: int = 64,
) -> float:
    """Mean distance of windows of fields to the nearest of an image, over that of the image's own to the rest of it.

    What overlaps a window's own place is left out; for each of the fields' windows as much of the image is, at random,
    so that both have as many windows to be near to, and independent images of one geology are at 1 on average.

    Parameters
    ----------
    rng
        Which windows are compared.
    fields, image
        Generated fields and the training image, in the same values.
    window
        Edge of a window in cells; of small fields or images, what fits them.
    count
        How many windows of each.

    Raises
    ------
    InputError
        If the fields have other axes than the image.
    """
    # A window in the middle must leave others in the image that do not overlap it.
    edges = [min(window, n, m // 3) for n, m in zip(fields.shape[1:], image.shape, strict=True)]
    ours = random_windows(rng, fields, tuple(edges), count)
    corners = rng.integers(0, [m - n + 1 for n, m in zip(edges, image.shape, strict=True)], (count, image.ndim))
    cuts = (tuple(slice(k, k + n) for k, n in zip(corner, edges, strict=True)) for corner in corners)
    theirs = np.stack([image[cut] for cut in cuts])
    own = nearest_window_distance(theirs, image, corners).mean()
    return float(nearest_window_distance(ours, image, corners).mean() / own) if own else float("inf")


def diversity(fields: Real[np.ndarray, "image *grid"]) -> Diversity:
    """Mean and smallest difference between the fields of a sample: both are small if a generator repeats itself.

    Raises
    ------
    InputError
        If there are fewer than two fields.
    """
    points = _several(fields).reshape(len(fields), -1).astype(float)
    points -= points.mean(axis=0)
    squares = np.einsum("ij,ij->i", points, points)
    distances = (squares[:, None] + squares - 2 * points @ points.T) / points.shape[1]
    pairs = distances[np.triu_indices(len(points), 1)]
    return Diversity(float(pairs.mean()), max(0.0, float(pairs.min())))


def copied_share(fields: Shaped[np.ndarray, "image *grid"], tile: int = 16) -> Float[np.ndarray, "image"]:
    """For each field, the largest share of its tiles that another field repeats at the same place, cell by cell.

    The fields are divided into tiles of ``tile`` cells per axis; incomplete tiles are left out. Tiles of a single value
    do not count as copies, since large bodies make them equal by chance. The largest value of a sample reveals copied
    areas.

    Raises
    ------
    InputError
        If there are fewer than two fields, or a tile does not fit them.
    """
    stack = _several(fields)
    counts = [n // tile for n in stack.shape[1:]] if tile > 0 else [0]
    if min(counts) == 0:
        raise InputError(
            f"Tiles of {tile} cells were requested for fields of {stack.shape[1:]} cells; give a positive number "
            "that fits."
        )
    equal = np.zeros((len(stack), len(stack)), np.int32)
    for place in np.ndindex(*counts):
        cut = tuple(slice(k * tile, (k + 1) * tile) for k in place)
        tiles = stack[(slice(None), *cut)].reshape(len(stack), -1)
        varied = np.any(tiles != tiles[:, :1], axis=1)
        kinds = np.unique(tiles[varied], axis=0, return_inverse=True)[1]
        members = np.flatnonzero(varied)
        equal[np.ix_(members, members)] += kinds[:, None] == kinds
    np.fill_diagonal(equal, 0)
    return equal.max(axis=1) / int(np.prod(counts))


def _correlate(image: np.ndarray, window: np.ndarray) -> np.ndarray:
    return scipy.signal.oaconvolve(image, np.flip(window), "valid")


def _places(windows: np.ndarray, image: np.ndarray) -> tuple[int, ...]:
    """Number of places for a window along each axis of the image."""
    shape = windows.shape[1:]
    if len(shape) != image.ndim or any(n > m for n, m in zip(shape, image.shape, strict=True)):
        raise InputError(
            f"Windows of {shape} cells were requested in an image of {image.shape} cells; give smaller windows "
            "of as many axes."
        )
    return tuple(m - n + 1 for n, m in zip(shape, image.shape, strict=True))


def _own(corners: np.ndarray, windows: np.ndarray, places: tuple[int, ...]) -> list[tuple[slice, ...]]:
    """Places of the windows that overlap each query's own."""
    given = np.asarray(corners)
    if given.shape != (len(windows), len(places)) or np.any((given < 0) | (given >= places)):
        raise InputError(
            f"Corners of shape {given.shape} were given for {len(windows)} windows with {places} places in the image; "
            "give the indices of the first cell of each."
        )
    own = [
        tuple(slice(max(0, k - n + 1), k + n) for k, n in zip(corner, windows.shape[1:], strict=True))
        for corner in given
    ]
    for taken in own:
        if all(part.start == 0 and part.stop >= n for part, n in zip(taken, places, strict=True)):
            raise InputError(
                f"Windows of {windows.shape[1:]} cells leave no window but their own; give a larger image."
            )
    return own


def _several(fields: np.ndarray) -> np.ndarray:
    stack = as_stack(fields)
    if len(stack) < 2:
        raise InputError("Given one field to compare with others; give at least two.")
    return stack
