"""Numbers that vary over a grid, as users give them to a prior: constants, curves, maps or all cells.

They become arrays with as many axes as the fields, of length 1 along those on which they do not vary.
"""

from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from latentinv.errors import InputError
from latentinv.grid import Grid


def as_map(values: Any, ndim: int, what: str) -> Float[np.ndarray, "*#grid"]:
    """Read numbers over a grid.

    Parameters
    ----------
    values
        A number, a curve along the first axis (layers or rows, the least coordinate first), in three dimensions a map
        ``[row, column]`` for all layers, or an array over the grid.
    ndim
        Axes of the fields.
    what
        What the numbers are, for messages.

    Raises
    ------
    InputError
        If they have other axes.
    """
    try:
        array = np.asarray(values, float)
    except (TypeError, ValueError):
        raise InputError(f"The {what} are no numbers; give a number, a curve or a map.") from None
    if array.ndim > ndim:
        raise InputError(f"The {what} have {array.ndim} axes, the prior {ndim}; give a number, a curve or a map.")
    if array.ndim == 1:
        return array.reshape(-1, *(1,) * (ndim - 1))
    return array.reshape(*(1,) * (ndim - array.ndim), *array.shape)


def check_cells(cells: tuple[int, ...], grid: Grid, what: str) -> None:
    """Raise `InputError` if numbers over these cells, or over 1 along an axis, are not of a grid."""
    if any(n not in (1, m) for n, m in zip(cells, grid.shape, strict=False)):
        raise InputError(
            f"The {what} are for {cells} cells, the grid has {grid.shape}; give a number, one for each of the "
            f"{grid.shape[0]} {'layers' if grid.ndim == 3 else 'rows'}, or a map of the grid."
        )


def cropped_map(maps: Float[Any, "*#grid"], start: tuple[int, ...], shape: tuple[int, ...]) -> Float[Array, "*#part"]:
    """Numbers over a part of the grid; beyond it the last cells are repeated. Axes ahead of the grid's stay whole."""
    ahead = maps.ndim - len(shape)
    for axis, (first, count) in enumerate(zip(start, shape, strict=True), ahead):
        if maps.shape[axis] > 1:
            maps = jnp.take(maps, np.minimum(first + np.arange(count), maps.shape[axis] - 1), axis=axis)
    return jnp.asarray(maps)
