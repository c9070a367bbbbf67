"""Matrix products, dense and sparse, whose sums repeat bit for bit on any device, forwards and in gradients.

Sparse ones need care: on an accelerator many threads add to one place in no fixed order, so the gathers
and sums by segment that a sparse product is usually made of, and the scatter that is the gradient of a gather, may
differ in the last digits from run to run. Here each row is cut into pieces of equal width, filled up with zeros; a
product is a gather, a sum along the pieces, a gather of pieces by row, and a sum along these: no two threads ever add
to one place. The transposed product, from which gradients come, has tables of its own, by column. Pieces as wide as
the square root of the longest row keep the filling small. The tables' lengths are rounded up by at most a quarter, so
that matrices which differ little, such as those of boxes elsewhere, share compiled programs. Cost: O(entries) for each
product, twice the entries in memory.
"""

import math
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float, Int
from scipy import sparse

from latentinv.forward.core import Extents


class RowSums(NamedTuple):
    """Weighted sums by row."""

    columns: Int[np.ndarray, "piece width"]
    """Column of each entry; the number of columns where there is none."""
    weights: Float[np.ndarray, "piece width"]
    pieces: Int[np.ndarray, "row part"]
    """The pieces of each row; the number of pieces where there is none."""

    def product(self, vector: Float[Array, "column"]) -> Float[Array, "row"]:
        """The weighted sums of a vector; no derivative is taken of it."""
        entries = jnp.append(vector, 0)[self.columns] * jnp.asarray(self.weights, vector.dtype)
        return jnp.append(jnp.sum(entries, axis=1), 0)[self.pieces].sum(axis=1)


class DenseOperator(NamedTuple):
    """A dense matrix."""

    weights: Float[np.ndarray, "row column"]

    @property
    def rows(self) -> int:
        """Number of rows."""
        return len(self.weights)

    def product(self, vector: Float[Array, "column"]) -> Float[Array, "row"]:
        """M v."""
        vector = jnp.asarray(vector)
        # By default accelerators round the factors of a product to ten bits.
        return jnp.matmul(jnp.asarray(self.weights, vector.dtype), vector, precision="highest")

    def extents(self, shape: tuple[int, ...]) -> Extents:
        """The box around the entries of each row, whose columns are the cells of a grid of this shape."""
        used = (jnp.asarray(self.weights) != 0).reshape(self.rows, *shape)
        first, last = [], []
        for axis, length in enumerate(shape, 1):
            along = used.any(axis=tuple(n for n in range(1, used.ndim) if n != axis))
            first.append(jnp.argmax(along, axis=1))
            last.append(length - 1 - jnp.argmax(along[:, ::-1], axis=1))
        return Extents(jnp.stack(first, axis=1), jnp.stack(last, axis=1))

    def matrix(self, columns: int) -> sparse.csr_array:
        """The matrix as SciPy has it, on the host."""
        del columns
        return sparse.csr_array(np.asarray(self.weights))


class SparseOperator(NamedTuple):
    """A sparse matrix by rows and by columns."""

    by_row: RowSums
    by_column: RowSums

    @property
    def rows(self) -> int:
        """Number of rows."""
        return len(self.by_row.pieces)

    def product(self, vector: Float[Array, "column"]) -> Float[Array, "row"]:
        """M v, differentiable in v, forwards and backwards."""
        vector = jnp.asarray(vector)
        size, rows = vector.size, self.rows

        def lower(both: Array, sign: int) -> Array:
            return jnp.concatenate([both[:size], both[size:] + sign * self.by_row.product(both[:size])])

        def upper(both: Array) -> Array:
            return jnp.concatenate([both[:size] + self.by_column.product(both[size:]), both[size:]])

        # The product is written as the solution (v, M v) of the linear system (I, 0; −M, I), the one way to state the
        # transpose of a linear map so that it serves tangents, gradients and batches alike.
        both = jnp.concatenate([vector, jnp.zeros(rows, vector.dtype)])
        solved = lax.custom_linear_solve(lambda x: lower(x, -1), both, lambda _, x: lower(x, 1), lambda _, x: upper(x))
        return solved[size:]

    def extents(self, shape: tuple[int, ...]) -> Extents:
        """The box around the entries of each row, whose columns are the cells of a grid of this shape."""
        columns, size = jnp.asarray(self.by_row.columns), math.prod(shape)
        along = jnp.unravel_index(jnp.minimum(columns, size - 1), shape)
        first, last = [], []
        for places, length in zip(along, shape, strict=True):
            least = jnp.where(columns < size, places, length - 1).min(axis=1)
            most = jnp.where(columns < size, places, 0).max(axis=1)
            first.append(jnp.append(least, length - 1)[self.by_row.pieces].min(axis=1))
            last.append(jnp.append(most, 0)[self.by_row.pieces].max(axis=1))
        return Extents(jnp.stack(first, axis=1), jnp.stack(last, axis=1))

    def matrix(self, columns: int) -> sparse.csr_array:
        """The matrix as SciPy has it, on the host."""
        table = self.by_row
        pieces, real = np.asarray(table.pieces), np.asarray(table.columns) < columns
        row_of = np.zeros(len(table.columns), int)
        rows, parts = np.nonzero(pieces < len(table.columns))
        row_of[pieces[rows, parts]] = rows
        entries = np.asarray(table.weights)[real]
        where = (np.broadcast_to(row_of[:, None], real.shape)[real], np.asarray(table.columns)[real])
        return sparse.csr_array((entries, where), shape=(len(pieces), columns))


def sparse_operator(matrix: sparse.csr_array) -> SparseOperator:
    """Make the tables of a sparse matrix."""
    return SparseOperator(_row_sums(sparse.csr_array(matrix)), _row_sums(sparse.csr_array(matrix.T)))


def _row_sums(matrix: sparse.csr_array) -> RowSums:
    lengths = np.diff(matrix.indptr)
    width = _rounded_up(int(np.ceil(np.sqrt(lengths.max()))))
    parts = -(-lengths // width)
    first = np.cumsum(parts) - parts
    row = np.repeat(np.arange(len(lengths)), lengths)
    place = np.arange(matrix.nnz) - matrix.indptr[row]
    piece, slot = first[row] + place // width, place % width
    count = _rounded_up(int(parts.sum()))
    columns = np.full((count, width), matrix.shape[1], np.int32)
    weights = np.zeros((count, width))
    columns[piece, slot], weights[piece, slot] = matrix.indices, matrix.data
    ordinals = np.arange(_rounded_up(int(parts.max())))
    pieces = np.where(ordinals < parts[:, None], first[:, None] + ordinals, count).astype(np.int32)
    return RowSums(columns, weights, pieces)


def _rounded_up(length: int) -> int:
    """The least of 1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20 … that is not below a length."""
    step = 1 << max(0, (length - 1).bit_length() - 3)
    return max(1, -(-length // step) * step)
