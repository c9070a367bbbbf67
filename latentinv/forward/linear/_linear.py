"""Any linear operator: each datum is a weighted sum over the cells.

Dense operators are one matrix product. Sparse ones (rays, stencils, averages) are gathers and sums of O(entries), which
repeat bit for bit (`_operators.py`).
"""

import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, final

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float
from scipy import sparse

from latentinv.errors import InputError, StorageError
from latentinv.forward.core import FORWARDS, AbstractForward, Extents
from latentinv.grid import Grid
from latentinv.pytrees import pytree

from ._operators import DenseOperator, SparseOperator, sparse_operator

DENSE_SHARE = 0.1
"""From this share of nonzero entries on, a dense product is faster."""


def _read_csv(path: Path) -> np.ndarray:
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)  # the file contains no numbers
        try:
            return np.loadtxt(path, delimiter=",", ndmin=2)
        except UserWarning as warning:
            raise ValueError(warning) from None


READERS: dict[str, Callable[[Path], Any]] = {
    ".npz": sparse.load_npz,
    ".npy": lambda path: np.load(path, allow_pickle=False),
    ".csv": _read_csv,
}
"""Readers by file extension."""


@final
@FORWARDS.register("linear")
@pytree("operator")
class LinearForward(AbstractForward):
    """Data that are weighted sums of the property.

    Parameters
    ----------
    operator
        Weights, ``[datum, *grid]`` or ``[datum, cell]`` with the cells in array order (the last axis, x, fastest),
        dense or a SciPy sparse matrix.
    grid
        Where the property lives.
    unit
        Of the data, if it is known.

    Raises
    ------
    InputError
        If the shape is not that of the grid, a weight is not finite, or a datum has none.
    """

    kind = "linear"
    linear = True

    def __init__(
        self, operator: Float[np.ndarray, "datum *grid"] | sparse.sparray, grid: Grid, *, unit: str = ""
    ) -> None:
        given = operator.shape
        if not sparse.issparse(operator):
            operator = np.asarray(operator, float)
            if operator.shape[1:] == grid.shape:
                operator = operator.reshape(len(operator), grid.size)
        if len(operator.shape) != 2 or operator.shape[1] != grid.size or not operator.shape[0]:
            raise InputError(
                f"The operator has shape {given}; expected a row for each datum of {grid.size} cells or {grid.shape}."
            )
        matrix = sparse.csr_array(operator)
        matrix.sum_duplicates()
        if not np.all(np.isfinite(matrix.data)):
            raise InputError("The operator holds weights that are not finite numbers; correct them.")
        empty = np.flatnonzero(np.diff(matrix.indptr) == 0)
        if empty.size:
            raise InputError(f"Row {empty[0] + 1} of the operator is zero; remove that datum.")
        dense = matrix.nnz > DENSE_SHARE * matrix.shape[0] * matrix.shape[1]
        self.grid, self.unit = grid, unit
        self.operator: DenseOperator | SparseOperator = (
            DenseOperator(matrix.toarray()) if dense else sparse_operator(matrix)
        )

    @classmethod
    def from_file(cls, path: str | Path, grid: Grid) -> "LinearForward":
        """Read an operator from a file.

        Parameters
        ----------
        path
            ``.npz`` as `scipy.sparse.save_npz` writes it, ``.npy`` with a dense array, or ``.csv`` with a line per
            datum of the weights of all cells, in array order, without a header.
        grid
            Where the property lives.

        Raises
        ------
        StorageError
            If the file cannot be opened, or is not what its ending says.
        InputError
            If the ending is another, or the operator does not fit the grid; the sentence names the file.
        """
        path = Path(path)
        if path.suffix not in READERS:
            raise InputError(f"The operator's file {path} ends in '{path.suffix}'; give one of {', '.join(READERS)}.")
        try:
            operator = READERS[path.suffix](path)
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            raise StorageError(f"The operator's file {path} cannot be read as {path.suffix}: {error}.") from error
        try:
            return cls(operator, grid)
        except InputError as error:
            raise InputError(f"In {path}: {error}") from None

    @property
    def count(self) -> int:
        """Number of data."""
        return self.operator.rows

    @property
    def matrix(self) -> sparse.csr_array:
        """The weights ``[datum, cell]``."""
        return self.operator.matrix(self.grid.size)

    def predict(self, property: Float[Array, "*grid"]) -> Float[Array, "datum"]:
        """Predict the data from the property of every cell."""
        return self.operator.product(jnp.asarray(property).reshape(-1))

    def seen(self) -> Bool[np.ndarray, "*grid"]:
        """The cells with a weight."""
        return (np.diff(self.matrix.tocsc().indptr) > 0).reshape(self.grid.shape)

    def extents(self) -> Extents:
        """The box around the cells with a weight, of each datum."""
        return self.operator.extents(self.grid.shape)

    def weights(self) -> sparse.csr_array:
        """The weights of the cells."""
        return self.matrix

    def to_arrays(self) -> dict[str, np.ndarray]:
        """The operator by its entries, row by row."""
        matrix = self.matrix
        arrays = {"weights": matrix.data, "cells": matrix.indices, "starts": matrix.indptr}
        return arrays | ({"unit": np.asarray(self.unit)} if self.unit else {})

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray], grid: Grid) -> "LinearForward":
        """Restore the operator."""
        starts, cells = arrays["starts"], arrays["cells"]
        falling = len(starts) < 2 or starts[0] != 0 or starts[-1] != len(cells) or np.any(np.diff(starts) < 0)
        if falling or len(cells) != len(arrays["weights"]) or np.any((cells < 0) | (cells >= grid.size)):
            raise StorageError("The stored operator has entries outside its rows or its grid; the file is damaged.")
        matrix = sparse.csr_array((arrays["weights"], cells, starts), shape=(len(starts) - 1, grid.size))
        return cls(matrix, grid, unit=str(arrays.get("unit", "")))
