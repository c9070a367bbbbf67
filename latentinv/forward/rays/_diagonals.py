"""Sweeps over a regular grid by its diagonals, in all 2ⁿ orders.

Places whose steps from a corner of the grid add up to one number form a *diagonal*. In a sweep from that corner a place
needs its lower neighbours, which lie on the diagonal before, so a whole diagonal is done at once (Detrixhe, Gibou and
Min 2013, doi:10.1016/j.jcp.2012.11.042). Values are sorted by diagonals as ``[diagonal, *plane]``: the plane holds a
place's steps along all axes but the last, whose own follow from the diagonal. Sorting is a gather.
"""

import functools
import itertools
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array


class Order(NamedTuple):
    """One of the orders of a sweep: from which end each axis is walked, and where the diagonals lie."""

    forwards: tuple[bool, ...]
    numbers: np.ndarray
    """Corner at each place of each diagonal, ``[diagonal, *plane]``; the number of corners where there is none."""
    place: np.ndarray
    """Place of each corner among all places."""

    def planes(self, corners: Array, outside: Any) -> Array:
        """Sort values of corners by diagonals."""
        flat = jnp.append(corners.reshape(-1), jnp.asarray(outside, corners.dtype))
        return flat[self.numbers]

    def corners(self, planes: Array) -> Array:
        """Sort values of diagonals by corners."""
        return planes.reshape(-1)[self.place]


@functools.lru_cache(maxsize=16)
def orders_of(shape: tuple[int, ...]) -> tuple[Order, ...]:
    """The 2ⁿ orders."""
    steps = np.indices(shape)
    number = np.arange(steps[0].size).reshape(shape)
    orders = []
    for forwards in itertools.product((True, False), repeat=len(shape)):
        walked = [s if f else n - 1 - s for s, f, n in zip(steps, forwards, shape, strict=True)]
        diagonal = sum(walked)
        index = np.full((int(diagonal.max()) + 1, *shape[:-1]), number.size)
        index[(diagonal, *walked[:-1])] = number
        place = np.ravel_multi_index((diagonal, *walked[:-1]), index.shape)
        orders.append(Order(forwards, index, place))
    return tuple(orders)


def lower(before: Array, outside: Any) -> list[Array]:
    """Values of the lower neighbours along each axis, from the diagonal before."""
    return [*(shifted(before, axis, 1, outside) for axis in range(before.ndim)), before]


def shifted(values: Array, axis: int, by: int, outside: Any) -> Array:
    """Each value's neighbour `by` places down an axis (up if negative)."""
    size = values.shape[axis]
    edge = jnp.full([abs(by) if n == axis else s for n, s in enumerate(values.shape)], outside, values.dtype)
    kept = lax.slice_in_dim(values, max(-by, 0), size - max(by, 0), axis=axis)
    return jnp.concatenate([edge, kept] if by > 0 else [kept, edge], axis)
