"""Blocks whose facies are known before a sequential simulation begins: a coarse map, which it makes finer.

The simulation draws each grid as without them, and puts in their place what is known. So finer cells, and blocks
around that are not known, are drawn by the odds that the networks tell from the map; of coarser grids only what lies
outside of the map still matters. Of a block's parts the last takes the block's facies where networks would have left it
out, so that every field has the map it was given. This is super-resolution by the prior's own networks.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Shaped

from latentinv.errors import InputError
from latentinv.networks import Drawn, SequentialArchitecture
from latentinv.priors.core import FaciesModel, UnorderedFaciesModel

from ._honoured_cells import block_sizes

BLOCKS, EDGES = "blocks", "block_edges"
"""Names of the conditions."""


def by(edges: Sequence[int]) -> str:
    """Such as 8×8."""
    return "×".join(map(str, edges))


class KnownBlocks(NamedTuple):
    """Levels of blocks, 0 where they are not known."""

    levels: Float[Array, "*block channel"]
    corner: Int[Array, "axis"]
    """The block with the first cell of the field."""

    def of(
        self, drawn: Drawn, net: SequentialArchitecture, shape: Sequence[int], part: Sequence[int]
    ) -> Float[Array, "*part channel"]:
        """Levels of the blocks of a group, 0 where they are not known."""
        span, stride = net.span(drawn.level, shape), net.stride(drawn.level)
        inside, index = jnp.ones((1,) * net.ndim, bool), []
        for axis, count in enumerate(part):
            first = span[axis][0] + drawn.crop * stride[axis] + drawn.offset[axis] * stride[axis] // 2
            each = (first + np.arange(count) * stride[axis]) // drawn.block[axis] + self.corner[axis]
            along = tuple(-1 if other == axis else 1 for other in range(net.ndim))
            inside = inside & ((each >= 0) & (each < self.levels.shape[axis])).reshape(along)
            index.append(jnp.clip(each, 0, self.levels.shape[axis] - 1).reshape(along))
        return jnp.where(inside[..., None], self.levels[tuple(index)], 0.0)


def known_blocks(
    codes: Any, edges: Any, model: FaciesModel | UnorderedFaciesModel | None, net: SequentialArchitecture
) -> tuple[KnownBlocks, tuple[int, ...]]:
    """What is known, and the edges of a block.

    Raises
    ------
    InputError
        If there are no such blocks, or a code is that of no facies.
    """
    size, given = edges_of_blocks(edges, net), np.asarray(codes, float)
    if given.ndim != net.ndim or not given.size:
        raise InputError(f"The prior was given {BLOCKS} of shape {given.shape}; expected {net.ndim} axes.")
    assert model is not None
    return KnownBlocks(_levels(given, model, net), jnp.zeros(net.ndim, int)), size


def edges_of_blocks(edges: Any, net: SequentialArchitecture) -> tuple[int, ...]:
    """Cells of a block along each axis, from those along each or all; `InputError` if no such blocks are drawn."""
    sizes = block_sizes(net)[:-1]
    size = (edges,) * net.ndim if np.ndim(edges) == 0 else tuple(edges)
    if size not in sizes:
        offered = ", ".join(map(by, sizes))
        raise InputError(
            f"The prior was given {BLOCKS} of {by(size)} cells, but draws those of {offered}; give "
            f"{EDGES} as one of these."
        )
    return size


def _levels(
    codes: Shaped[np.ndarray, "*block"], model: FaciesModel | UnorderedFaciesModel, net: SequentialArchitecture
) -> Float[Array, "*block channel"]:
    known = np.isfinite(codes)
    if other := set(codes[known].tolist()) - set(model.categories):
        raise InputError(
            f"The prior was given {BLOCKS} with code {min(other):g}; expected facies {list(model.categories)}, NaN "
            "where none is known."
        )
    index = np.argmax(codes[..., None] == np.asarray(model.categories), axis=-1)
    each = 2 * np.eye(len(model.categories), dtype=np.float32)[index] - 1
    return jnp.asarray(np.where(known[..., None], each if net.channels > 1 else each[..., 1:], 0.0))
