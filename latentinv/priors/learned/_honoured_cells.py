"""Cells whose facies a sequential simulation is made to honour, and the odds with which it would have drawn them.

What is drawn in a cell with a known facies is that facies. What is drawn before in a block around it is weighed by how
many cells of such blocks have the facies, none of those that cannot. The noise decides by the odds that are left. So
every latent vector gives a field that honours the cells. With p(x) for the probability by which networks would have
drawn what was drawn, and q(x) for that by which it was, for z ~ N(0, I)

    ∏ p(x)/q(x)  N(z; 0, I)

is, up to its integral, the density of latents whose fields are distributed as the prior's that honour the cells, and
the integral is the probability that a field of the prior does: sequential importance sampling (Liu and Chen 1998,
doi:10.1080/01621459.1998.10473765) whose proposals are conditional simulations that look ahead (Guarniero, Johansen and
Lee 2017, doi:10.1080/01621459.2016.1222291). The logarithm of p/q is the likelihood of a datum; of a block with several
cells, the first of them has it.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jax.scipy.special import logsumexp
from jaxtyping import Array, Bool, Float, Int

from latentinv.networks import IMPOSSIBLE, Draw, Drawn, SequentialArchitecture, as_told, facies_of_blocks

LEAST = 1e-2
"""Cells that are added to those counted, so that what was never seen is not impossible."""


class HonouredCells(NamedTuple):
    """Cells of a grid, and their facies, by index."""

    cells: Int[Array, "datum axis"]
    facies: Int[Array, "datum"]
    owners: Bool[Array, "size datum"]
    """Whether a cell is the first in its block of each size."""

    @classmethod
    def of(cls, net: SequentialArchitecture, cells: Int[np.ndarray, "datum axis"]) -> "HonouredCells":
        """Cells of a grid whose facies are stated later."""
        owners = []
        for edges in block_sizes(net):
            first = np.unique(np.asarray(cells) // np.asarray(edges), axis=0, return_index=True)[1]
            owners.append(np.isin(np.arange(len(cells)), first))
        return cls(jnp.asarray(cells), jnp.zeros(len(cells), int), jnp.asarray(np.stack(owners)))

    def weigh(
        self,
        told: Float[Array, "1 *part output"],
        drawn: Drawn,
        net: SequentialArchitecture,
        shape: Sequence[int],
        lookahead: Float[Array, "size facies facies"],
        given: Float[Array, "*part channel"] | None,
    ) -> tuple[Float[Array, "1 *part output"], Callable[[Draw], Float[Array, "datum"]]]:
        """What networks tell of a group, weighed by what is known, and from what is drawn log p/q of each datum.

        Blocks whose level is given, 0 where it is not, are not drawn, so they weigh nothing.
        """
        size, count = block_sizes(net).index(drawn.block), max(2, net.channels)
        inside, place = self._places(told.shape[1:-1], drawn, net, shape)
        weights = jnp.zeros((*told.shape[1:-1], count)).at[place].add(lookahead[size, self.facies], mode="drop")
        own, odds = (x.at[place].get(mode="clip") for x in (weights, told[0]))
        odds = odds if net.channels > 1 else jnp.concatenate([jnp.zeros_like(odds), odds], axis=-1)
        total = logsumexp(odds + own, axis=-1) - logsumexp(odds, axis=-1)
        owned = inside & self.owners[size]
        if given is not None:
            owned = owned & jnp.all(given.at[place].get(mode="clip") == 0, axis=-1)

        def log_ratio(draw: Draw) -> Float[Array, "datum"]:
            level = draw.level[0].at[place].get(mode="clip")
            drawn = jnp.argmax(level, axis=-1) if net.channels > 1 else (level[..., 0] > 0).astype(int)
            of_drawn = jnp.take_along_axis(own, drawn[:, None], axis=-1)[:, 0]
            return jnp.where(owned, total - of_drawn, 0.0)

        return told + as_told(weights, net.channels), log_ratio

    def _places(
        self, part: Sequence[int], drawn: Drawn, net: SequentialArchitecture, shape: Sequence[int]
    ) -> tuple[Bool[Array, "datum"], tuple[Int[Array, "datum"], ...]]:
        """Which cells, or blocks around them, are drawn in a group, and where in it; beyond its end for the others."""
        span, stride = net.span(drawn.level, shape), net.stride(drawn.level)
        inside, place = jnp.ones(len(self.cells), bool), []
        for axis, count in enumerate(part):
            edge, step = drawn.block[axis], stride[axis]
            first = span[axis][0] + drawn.crop * step + drawn.offset[axis] * step // 2
            ahead = self.cells[:, axis] // edge * edge - first
            inside = inside & (ahead % step == 0) & (ahead >= 0) & (ahead < count * step)
            place.append(ahead // step)
        return inside, tuple(jnp.where(inside, one, n) for one, n in zip(place, part, strict=True))


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
