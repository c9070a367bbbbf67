"""Cells whose facies a sequential simulation is made to honour, and the odds with which it would have drawn them.

What is drawn in a cell with a known facies is restricted to that facies, and what is drawn in a block around it to
facies that a block with this cell can have; the noise decides among those left, by their odds. So every latent vector
gives a field that honours the cells. Without the restriction, a draw would have met it with a probability p that the
networks tell. Hence for z ~ N(0, I)

    ∏ p(z)  N(z; 0, I)

is, up to its integral, the density of latents whose fields are distributed as the prior's that honour the cells, and
the integral is the probability that a field of the prior does: sequential importance sampling (Liu and Chen 1998,
doi:10.1080/01621459.1998.10473765) whose proposals are conditional simulations. The logarithm of p is the likelihood
of a datum; of a block with several cells, the first of them has it.
"""

from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import logsumexp
from jaxtyping import Array, Bool, Float, Int

from latentinv.networks import IMPOSSIBLE, Drawn, SequentialArchitecture, as_told


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

    def restrict(
        self, told: Float[Array, "1 *part output"], drawn: Drawn, net: SequentialArchitecture, shape: Sequence[int]
    ) -> tuple[Float[Array, "1 *part output"], Float[Array, "datum"]]:
        """What networks tell of a group, where facies that cannot be are excluded, and the logarithm of the probability
        of what is left, for each datum.
        """
        count = max(2, net.channels)
        inside, place = self._places(told.shape[1:-1], drawn, net, shape)
        if max(drawn.block) == 1:
            allowed = jax.nn.one_hot(self.facies, count, dtype=bool)
            only = jnp.zeros((*told.shape[1:-1], count), bool).at[place].set(allowed, mode="drop")
            excluded = only.any(axis=-1, keepdims=True) & ~only
        else:
            position = jnp.asarray(np.argsort(np.asarray(net.order)))
            latest = jnp.full(told.shape[1:-1], count).at[place].min(position[self.facies], mode="drop")
            excluded = position > latest[..., None]
        never = jnp.where(excluded, IMPOSSIBLE, 0.0)
        odds = told[0] if net.channels > 1 else jnp.concatenate([jnp.zeros_like(told[0]), told[0]], axis=-1)
        left = logsumexp(odds + never, axis=-1) - logsumexp(odds, axis=-1)
        owned = inside & self.owners[block_sizes(net).index(drawn.block)]
        return told + as_told(never, net.channels), jnp.where(owned, left.at[place].get(mode="clip"), 0.0)

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
