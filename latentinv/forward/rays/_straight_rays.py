"""Travel times along straight rays, as between boreholes.

The time along a ray is the sum over cells of its length in the cell times the slowness there. Lengths are exact: a ray
is cut at every face it crosses, and each piece belongs to the cell that holds its middle (Siddon 1985,
doi:10.1118/1.595715), all rays at once in float64 on the host, O(rays × cells along an axis). The rest is the sparse
product of `LinearForward`.
"""

import math
from typing import final

import jax.numpy as jnp
import numpy as np
import scipy.sparse
from jaxtyping import Array, Bool, Float

from latentinv.forward.core import FORWARDS
from latentinv.forward.linear import LinearForward
from latentinv.grid import Grid
from latentinv.pytrees import pytree

from ._rays import AbstractRays, check_rays, where_possible


@final
@FORWARDS.register("straight_rays")
@pytree("sources", "receivers", "_lengths")
class StraightRays(AbstractRays):
    """Travel times along straight lines; takes what `AbstractRays` says."""

    kind = "straight_rays"

    def _prepare(self) -> None:
        self._lengths = LinearForward(ray_lengths(self.grid, self.sources, self.receivers), self.grid)

    def predict(self, property: Float[Array, "*grid"]) -> Float[Array, "datum"]:
        """Times from velocities: in seconds from velocities in m/s, in nanoseconds from m/ns."""
        velocity = jnp.asarray(property)
        return where_possible(velocity, self._lengths.predict(1 / velocity))

    def seen(self) -> Bool[np.ndarray, "*grid"]:
        """The cells that rays cross."""
        return self._lengths.seen()


def ray_lengths(
    grid: Grid, sources: Float[np.ndarray, "ray axis"], receivers: Float[np.ndarray, "ray axis"]
) -> scipy.sparse.csr_array:
    """Length in metres of every ray in every cell, ``[ray, cell]``, cells in array order (the last axis, x, fastest).

    A ray along a face between two cells belongs to the cell on the side of the larger coordinate, or to the last one.

    Raises
    ------
    InputError
        As `AbstractRays`.
    """
    sources, receivers = (np.atleast_2d(np.asarray(ends, float)) for ends in (sources, receivers))
    check_rays(grid, sources, receivers)
    start, end = grid.positions(sources), grid.positions(receivers)
    run = end - start
    cuts = _cuts(start, run, grid.shape[::-1])
    middles = start[:, None] + (cuts[:, 1:, None] + cuts[:, :-1, None]) / 2 * run[:, None]
    lengths = np.diff(cuts, axis=1) * np.linalg.norm(receivers - sources, axis=1)[:, None]
    columns = np.ravel_multi_index(tuple(np.moveaxis(grid.cells_at(middles), -1, 0)), grid.shape)
    rays = np.broadcast_to(np.arange(len(sources))[:, None], lengths.shape)
    real = lengths > 0
    shape = (len(sources), math.prod(grid.shape))
    matrix = scipy.sparse.csr_array((lengths[real], (rays[real], columns[real])), shape=shape)
    matrix.sum_duplicates()
    return matrix


def _cuts(start: np.ndarray, run: np.ndarray, cells: tuple[int, ...]) -> Float[np.ndarray, "ray cut"]:
    """Where along each ray, 0 to 1, it begins, crosses faces, and ends; faces that it misses count at its end."""
    cuts = [np.zeros((len(start), 1)), np.ones((len(start), 1))]
    for axis, count in enumerate(cells):
        faces = np.arange(count + 1)
        moving = run[:, axis, None] != 0
        where = (faces - start[:, axis, None]) / np.where(moving, run[:, axis, None], 1)
        cuts.append(np.where(moving & (where > 0) & (where < 1), where, 1))
    return np.sort(np.concatenate(cuts, axis=1), axis=1)
