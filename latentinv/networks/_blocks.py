"""Blocks of cells: what is in one is the first facies, of an order, that any of its cells has.

A line one or two cells wide misses nearly all cells of a coarse grid, and those that it meets do not tell where it
runs. Blocks that it touches are a chain of neighbours at each size, so a line stays connected from coarse to fine; it
is the rule by which morphology makes images coarser (dilation, Serra 1982, ISBN 0-12-637240-3).
"""

from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Bool, Float, Int

from ._convolution import space_to_depth

IMPOSSIBLE = -1e4
"""Log-odds of what cannot be."""


def merged(
    levels: Float[Array, "batch *space channel"], order: Sequence[int], factors: Sequence[int]
) -> Float[Array, "batch *block channel"]:
    """What is in blocks of a factor of cells along each axis, in levels of two facies (−1 or 1) or of several.

    Cells that are not known are zeros; a block with one of them is not known either, unless it has the first facies.
    """
    two, present = levels.shape[-1] == 1, _present(levels)
    known = jnp.any(present, axis=-1, keepdims=True)
    each = _of_blocks(jnp.any, present, factors)[..., jnp.asarray(order)]
    first = jax.nn.one_hot(jnp.argmax(each, axis=-1), len(order))[..., jnp.argsort(jnp.asarray(order))]
    told = _of_blocks(jnp.all, known, factors) | each[..., :1]
    return jnp.where(told, first[..., 1:] - first[..., :1] if two else 2 * first - 1, 0.0)


def facies_of_blocks(
    facies: Int[np.ndarray, "*grid"], order: Sequence[int], edges: Sequence[int]
) -> Int[np.ndarray, "*block"]:
    """Facies, by index, of the whole blocks of an image, −1 where they are not known, as are cells below 0."""
    whole = facies[tuple(slice(0, n - n % edge) for n, edge in zip(facies.shape, edges, strict=True))]
    levels = np.where((whole >= 0)[..., None], 2 * np.eye(len(order), dtype=np.float32)[whole] - 1, 0.0)
    blocks = np.asarray(merged(jnp.asarray(levels)[None], order, edges))[0]
    return np.where(np.any(blocks != 0, axis=-1), np.argmax(blocks, axis=-1), -1)


def barred(levels: Float[Array, "batch *block channel"], order: Sequence[int]) -> Float[Array, "batch *block facies"]:
    """What to add to log-odds of facies in parts of blocks: `IMPOSSIBLE` for facies that the block would have taken."""
    position = np.argsort(np.asarray(order))
    before = position[None, :] < position[:, None]  # of what a block has, the facies that come before it
    return lax.stop_gradient(_present(levels).astype(levels.dtype) @ jnp.asarray(IMPOSSIBLE * before, levels.dtype))


def owed(
    levels: Float[Array, "batch *block channel"], parts: Sequence[Float[Array, "batch *block channel"]]
) -> Float[Array, "batch *block facies"]:
    """What to add to log-odds of facies in the last part of blocks when the other parts are drawn: `IMPOSSIBLE` for all
    but the facies of a block that no other part has.
    """
    present = _present(levels)
    met = [jnp.any(present & _present(part), axis=-1, keepdims=True) for part in parts]
    lacking = present.any(axis=-1, keepdims=True) & ~jnp.any(jnp.stack(met), axis=0)
    return jnp.where(lacking & ~present, IMPOSSIBLE, 0.0).astype(levels.dtype)


def as_told(odds: Float[Array, "*cell facies"], channels: int) -> Float[Array, "*cell channel"]:
    """Log-odds of each facies as networks tell them: those of two by one number."""
    return odds[..., 1:] - odds[..., :1] if channels == 1 else odds


def mean_of_blocks(
    x: Float[Array, "batch *space channel"], factors: Sequence[int]
) -> Float[Array, "batch *block channel"]:
    """Mean over blocks of a factor of cells along each axis."""
    return _of_blocks(jnp.mean, x, factors)


def counted(
    wells: Float[Array, "batch *space facies"], strides: Sequence[int]
) -> Float[Array, "batch *cell part_and_facies"]:
    """Logarithms of one more than the wells with each facies in each part of cells that lie some strides apart."""
    halves = [max(1, stride // 2) for stride in strides]
    parts = jnp.log1p(_of_blocks(jnp.sum, wells, halves))
    return space_to_depth(parts, [stride // half for stride, half in zip(strides, halves, strict=True)])


def _present(levels: Float[Array, "*cell channel"]) -> Bool[Array, "*cell facies"]:
    """Which facies a cell has, from levels of two or of several; none where it is not known."""
    return jnp.concatenate([levels < 0, levels > 0], axis=-1) if levels.shape[-1] == 1 else levels > 0


def _of_blocks(over: Callable[..., Array], x: Array, factors: Sequence[int]) -> Array:
    space = [size for n, factor in zip(x.shape[1:-1], factors, strict=True) for size in (n // factor, factor)]
    return over(x.reshape(len(x), *space, x.shape[-1]), axis=tuple(range(2, 2 * len(factors) + 1, 2)))


def inner(x: Float[Array, "batch *space channel"], cells: int) -> Float[Array, "batch *inside channel"]:
    """Fields without some cells at each end of each axis."""
    return x[(slice(None), *(slice(cells, n - cells) for n in x.shape[1:-1]))]
