"""Pairs of cells a lag vector apart, for two-point statistics and connectivity.

A lag vector is a displacement in cells in the order of the array's axes, of any direction: ``np.outer(range(1, 65),
(0, 1))`` are the lags 1 to 64 along the columns of an image, ``np.outer(range(1, 65), (1, 1))`` those along its
diagonal (each √2 cells long). All pairs
inside the image count, but none across its border.
"""

import numpy as np
from jaxtyping import Int, Integer

from latentinv.errors import InputError

Window = tuple[slice, ...]


def lag_vectors(vectors: Integer[np.ndarray, "lag axis"], shape: tuple[int, ...]) -> Int[np.ndarray, "lag axis"]:
    """Check that lag vectors fit images of a shape.

    Raises
    ------
    InputError
        If they are not whole numbers of cells, one per axis, or not shorter than the image.
    """
    given = np.asarray(vectors)
    if given.ndim != 2 or given.shape[1] != len(shape) or len(given) == 0 or given.dtype.kind not in "iu":
        raise InputError(
            f"Lag vectors of shape {given.shape} and type {given.dtype} were given for images of {len(shape)} axes; "
            "expected whole numbers [lag, axis], such as np.outer(range(1, 65), (0, 1))."
        )
    far = np.abs(given) >= np.asarray(shape)
    if far.any():
        axis = int(np.flatnonzero(far.any(axis=0))[0])
        raise InputError(
            f"A lag of {int(np.abs(given[:, axis]).max())} cells does not fit the {shape[axis]} cells along axis "
            f"{axis}; give at most {shape[axis] - 1}."
        )
    return given.astype(int)


def pairs(shape: tuple[int, ...], vectors: Int[np.ndarray, "lag axis"]) -> list[tuple[Window, Window]]:
    """For each lag vector, the cells of an image where its pairs start and where they end."""
    return [(_window(shape, -vector), _window(shape, vector)) for vector in vectors]


def _window(shape: tuple[int, ...], vector: Int[np.ndarray, "axis"]) -> Window:
    return tuple(slice(max(0, h), n - max(0, -h)) for h, n in zip(vector.tolist(), shape, strict=True))
