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

import functools
from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float, Int

from latentinv.networks import IMPOSSIBLE, Draw, Drawn, SequentialArchitecture, Span, facies_of_blocks

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

    def ahead(
        self,
        net: SequentialArchitecture,
        level: int,
        shape: Sequence[int],
        lookahead: Float[Array, "size facies facies"],
        *,
        first: bool,
    ) -> Float[Array, "1 *cell facies"]:
        """What is known to lie ahead in all that is drawn on a grid, or in its own cells, the `first`."""
        step, block = (net.stride(level + (not first)), net.block(level + (not first)))
        inside, place, span = jnp.ones(len(self.cells), bool), [], net.span(level, shape)
        for axis, (start, end) in enumerate(span):
            away = self.cells[:, axis] // block[axis] * block[axis] - start
            inside = inside & (away % step[axis] == 0) & (away >= 0) & (away < end - start)
            place.append(away // step[axis])
        lattice = [(end - start) // each for (start, end), each in zip(span, step, strict=True)]
        where = tuple(jnp.where(inside, one, n) for one, n in zip(place, lattice, strict=True))
        known = lookahead[block_sizes(net).index(block), self.facies]
        return jnp.zeros((1, *lattice, net.facies)).at[(0, *where)].add(known, mode="drop")

    def log_ratios(
        self,
        log_ratios: Sequence[tuple[int, Float[Array, "*part"]]],
        net: SequentialArchitecture,
        level: int,
        shape: Sequence[int],
    ) -> Float[Array, "datum"]:
        """The logarithms of p/q of all that is drawn on a grid, divided among the data that are seen there.

        Each group's come with how many cells of the grid were left out at each end.
        """
        span, stride, reach = net.span(level, shape), net.stride(level), seen_from(net, level)
        total = functools.reduce(jnp.add, [jnp.pad(one, crop) for crop, one in log_ratios])
        around = []  # data lie near the part, if not in it
        for axis, count in enumerate(total.shape):
            place = (self.cells[:, axis] - span[axis][0]) // stride[axis] + reach
            around.append(jnp.where(place < 0, count + 2 * reach, place))
        counted = jnp.zeros([n + 2 * reach for n in total.shape]).at[tuple(around)].add(1.0, mode="drop")
        each = total / jnp.maximum(_sums(counted, reach), 1.0)
        sums = _sums(jnp.pad(each, 2 * reach), reach)
        return sums.at[tuple(around)].get(mode="fill", fill_value=0.0)


def of_group(
    lattice: Float[Array, "1 *cell channel"], drawn: Drawn, part: Sequence[int]
) -> Float[Array, "1 *part channel"]:
    """What belongs to a group of all that is drawn on its grid, or on the grid itself."""
    cells = []
    for offset, count, n in zip(drawn.offset, part, lattice.shape[1:-1], strict=True):
        factor = n // (count + 2 * drawn.crop)
        start = drawn.crop * factor + offset
        cells.append(slice(start, start + (count - 1) * factor + 1, factor))
    return lattice[(slice(None), *cells)]


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
