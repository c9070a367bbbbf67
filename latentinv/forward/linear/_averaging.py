"""Means over blocks of cells, as an instrument or a coarser model sees a fine grid."""

import numpy as np
import scipy.sparse

from latentinv.errors import InputError
from latentinv.grid import Grid

from ._linear import LinearForward


def averaging(grid: Grid, factors: tuple[int, ...]) -> LinearForward:
    """Arithmetic means over blocks of whole cells, block after block in array order.

    Parameters
    ----------
    grid
        The fine cells.
    factors
        Cells of a block along each array axis, rows before columns; each divides the grid's number there.

    Raises
    ------
    InputError
        If there is not one factor an axis, or one does not divide its axis.
    """
    factors = tuple(factors)
    whole = len(factors) == grid.ndim and all(f >= 1 and n % f == 0 for n, f in zip(grid.shape, factors, strict=False))
    if not whole:
        raise InputError(f"Blocks of {factors} cells do not fill a grid of {grid.shape}; give a divisor of each axis.")
    matrix = scipy.sparse.csr_array(np.ones((1, 1)))
    for cells, factor in zip(grid.shape, factors, strict=True):
        along = scipy.sparse.kron(scipy.sparse.eye_array(cells // factor), np.full((1, factor), 1 / factor))
        matrix = scipy.sparse.csr_array(scipy.sparse.kron(matrix, along))
    return LinearForward(matrix, grid)
