"""Cells whose facies a sequential simulation is made to honour, and the odds with which it would have drawn them.

What is drawn in a cell with a known facies is that facies. What is drawn before, around it, is drawn by odds that know
of the cells: networks that can see wells tell them; of others, blocks around the cells are weighed by how many cells of
such blocks have the facies. None is drawn that cannot be. The noise decides by these odds. So every latent vector gives
a field that honours the cells. With p(x) for the probability by which networks would have drawn what was drawn, and
q(x) for that by which it was, for z ~ N(0, I)

    ∏ p(x)/q(x)  N(z; 0, I)

is, up to its integral, the density of latents whose fields are distributed as the prior's that honour the cells, and
the integral is the probability that a field of the prior does: sequential importance sampling (Liu and Chen 1998,
doi:10.1080/01621459.1998.10473765) whose proposals are conditional simulations that look ahead (Guarniero, Johansen and
Lee 2017, doi:10.1080/01621459.2016.1222291). The logarithm of p/q is the likelihood. It differs from 0 only where
networks see a well, so each cell's is divided among the data that its network sees.
"""

from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float, Int

from latentinv.networks import IMPOSSIBLE, Draw, Drawn, SequentialArchitecture, Span, as_told, facies_of_blocks

LEAST = 1e-2
"""Cells that are added to those counted, so that what was never seen is not impossible."""


class HonouredCells(NamedTuple):
    """Cells of a grid, and their facies, by index."""

    cells: Int[Array, "datum axis"]
    facies: Int[Array, "datum"]

    def wells(self, net: SequentialArchitecture, span: Span) -> Float[Array, "1 *part facies"]:
        """As networks see them in a part of the plane."""
        shape, where = [end - first for first, end in span], []
        for axis, (first, end) in enumerate(span):
            ahead = self.cells[:, axis] - first
            where.append(jnp.where(ahead < 0, end - first, ahead))
        return jnp.zeros((1, *shape, net.facies)).at[(0, *where, self.facies)].set(1.0, mode="drop")

    def possible(
        self,
        told: Float[Array, "1 *part output"],
        drawn: Drawn,
        net: SequentialArchitecture,
        shape: Sequence[int],
        lookahead: Float[Array, "size facies facies"],
    ) -> Float[Array, "1 *part output"]:
        """What networks tell of a group, weighed by what is known to lie ahead in each cell or block."""
        size, place = block_sizes(net).index(drawn.block), []
        part, span, stride = told.shape[1:-1], net.span(drawn.level, shape), net.stride(drawn.level)
        inside = jnp.ones(len(self.cells), bool)
        for axis, count in enumerate(part):
            edge, step = drawn.block[axis], stride[axis]
            first = span[axis][0] + drawn.crop * step + drawn.offset[axis] * step // 2
            ahead = self.cells[:, axis] // edge * edge - first
            inside = inside & (ahead % step == 0) & (ahead >= 0) & (ahead < count * step)
            place.append(ahead // step)
        where = tuple(jnp.where(inside, one, n) for one, n in zip(place, part, strict=True))
        weights = jnp.zeros((*part, net.facies)).at[where].add(lookahead[size, self.facies], mode="drop")
        return told + as_told(weights, net.channels)

    def log_ratios(
        self,
        log_ratio: Float[Array, "*part"],
        drawn: Drawn,
        net: SequentialArchitecture,
        shape: Sequence[int],
    ) -> Float[Array, "datum"]:
        """The logarithm of p/q in the cells of a group, divided among the data that are seen there."""
        span, stride, reach = net.span(drawn.level, shape), net.stride(drawn.level), seen_from(net, drawn.level)
        around = []  # data lie near the part, if not in it
        for axis, count in enumerate(log_ratio.shape):
            place = (self.cells[:, axis] - span[axis][0]) // stride[axis] - drawn.crop + reach
            around.append(jnp.where(place < 0, count + 2 * reach, place))
        counted = jnp.zeros([n + 2 * reach for n in log_ratio.shape]).at[tuple(around)].add(1.0, mode="drop")
        each = log_ratio / jnp.maximum(_sums(counted, reach), 1.0)
        sums = _sums(jnp.pad(each, 2 * reach), reach)
        return sums.at[tuple(around)].get(mode="fill", fill_value=0.0)


def log_odds(told: Float[Array, "1 *part output"], draw: Draw, channels: int) -> Float[Array, "*part"]:
    """Logarithm of the probability of what was drawn, by odds."""
    if channels == 1:
        return -jax.nn.softplus(-jnp.sign(draw.level) * told)[0, ..., 0]
    drawn = jnp.argmax(draw.level, axis=-1)[..., None]
    return jnp.take_along_axis(jax.nn.log_softmax(told), drawn, axis=-1)[0, ..., 0]


def seen_from(net: SequentialArchitecture, level: int) -> int:
    """Cells of a grid, on each side of one, in which its networks see wells; none if they see none."""
    return (max(1, net.windows[0]) if level == 0 else net.windows[level]) if net.sees else 0


def margin(net: SequentialArchitecture) -> tuple[int, ...]:
    """Cells around a datum on whose latents its weight may depend beside those on which its cell does, along each axis.

    A datum's weight is that of cells from which it is seen, which are drawn before it and so depend on latents less far
    away; only on the finest grids these may lie farther from it.
    """
    beyond, after = np.zeros(net.ndim, int), np.zeros(net.ndim, int)
    for level in reversed(range(len(net.widths))):
        stride = np.asarray(net.stride(level))
        beyond = np.maximum(beyond, (seen_from(net, level) + 1) * stride - after)
        after = after + len(net.groups(level)) * net.windows[level] * stride
    return tuple(beyond.tolist())


def _sums(x: Float[Array, "*part"], reach: int) -> Float[Array, "*less"]:
    """Sums over all boxes of as many cells on each side."""
    return lax.reduce_window(x, 0.0, lax.add, (2 * reach + 1,) * x.ndim, (1,) * x.ndim, "valid")


def block_sizes(net: SequentialArchitecture) -> tuple[tuple[int, ...], ...]:
    """Edges of all that a simulation draws: blocks from the largest on, and cells."""
    return tuple(dict.fromkeys(net.block(level) for level in range(len(net.widths) + 1)))


def looking_ahead(net: SequentialArchitecture, facies: Int[np.ndarray, "*grid"] | None = None) -> np.ndarray:
    """Logarithm of the share of cells with one facies, in blocks of each size that have another, ``[size, facies of the
    cell, facies of the block]``.

    Parameters
    ----------
    net
        The simulation.
    facies
        Of an image, by index, below 0 where unknown. Without it only what cannot be is told from the rest.
    """
    count, sizes = max(2, net.channels), block_sizes(net)
    tables = np.full((len(sizes), count, count), float(IMPOSSIBLE))
    for table, edges in zip(tables[:-1], sizes[:-1], strict=True):
        position = np.argsort(np.asarray(net.order))
        possible = position[None, :] <= position[:, None]  # a block has the first facies of its cells
        table[possible] = 0.0 if facies is None else np.log(_shares(net, facies, edges)[possible])
    tables[-1][np.eye(count, dtype=bool)] = 0.0
    return tables.astype(np.float32)


def _shares(
    net: SequentialArchitecture, facies: Int[np.ndarray, "*grid"], edges: Sequence[int]
) -> Float[np.ndarray, "facies facies"]:
    count = max(2, net.channels)
    around = facies_of_blocks(facies, net.order, edges)
    for axis, edge in enumerate(edges):
        around = np.repeat(around, edge, axis=axis)
    whole = facies[tuple(slice(0, n) for n in around.shape)]
    both = (around >= 0) & (whole >= 0)
    pairs = np.bincount(count * whole[both] + around[both], minlength=count**2).reshape(count, count)
    return (pairs + LEAST) / (pairs.sum(axis=0, keepdims=True) + LEAST)
