"""Local proportions of a sequential simulation: its odds are moved where a facies is to be more or less frequent.

Networks tell the odds of an image whose shares p(k) of facies hold everywhere. Where they are to be p'(k), all that is
drawn there is drawn by

    log p'(k | known) = log p(k | known) + τ (log p'(k) − log p(k)),

but for a constant. With τ = 1 that is permanence of ratios (Journel 2002, doi:10.1023/A:1016047012594), by which
multiple-point statistics combine an image with soft proportions. But what is known was drawn by moved odds itself, and
holds the more of what is near together, so that shares may change by more or less than they should. So τ is chosen such
that fields with other shares everywhere have these: simulated ones, in each of which one facies has twice its odds, or
half of them.
"""

import functools
from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float, Int
from scipy import special

from latentinv.devices import compiled
from latentinv.keys import from_seed, numbered
from latentinv.networks import FAST, Draw, Drawn, SequentialArchitecture, Weights, as_told, simulate

STEP = np.log(2)
"""By which log-odds of a facies are moved to find τ."""
TAUS = (0.06, 0.12, 0.25, 0.5, 1.0, 1.5, 2.0)
CELLS, FIELDS = {2: 96, 3: 32}, {2: 8, 3: 2}
"""Of fields that are simulated for it: cells along an axis, and how many there are."""


class LocalShares(NamedTuple):
    """By how much log-odds of each facies are moved, over a grid."""

    moves: Float[Array, "*#grid facies"]
    corner: Int[Array, "axis"]
    """The cell of the map that is the first of the field."""

    def of(
        self, drawn: Drawn, net: SequentialArchitecture, shape: Sequence[int], part: Sequence[int]
    ) -> Float[Array, "1 *part channel"]:
        """What is added to what networks tell of a group; around the grid, what is at its border."""
        span, stride, moves = net.span(drawn.level, shape), net.stride(drawn.level), self.moves
        for axis, count in enumerate(part):
            first = span[axis][0] + drawn.crop * stride[axis] + drawn.offset[axis] * stride[axis] // 2
            cells = first + np.arange(count) * stride[axis] + drawn.block[axis] // 2 + self.corner[axis]
            moves = jnp.take(moves, jnp.clip(cells, 0, moves.shape[axis] - 1), axis=axis)
        return as_told(moves, net.channels)[None]


def usual_and_weight(
    net: SequentialArchitecture, weights: Weights, temperatures: Sequence[float]
) -> tuple[Float[np.ndarray, "facies"], float]:
    """The shares of facies of a simulation, and τ."""
    tests = [sign * STEP * one for one in np.eye(net.facies) for sign in (1, -1)]
    moves = np.stack([np.zeros(net.facies), *(tau * test for tau in TAUS for test in tests)])
    found = np.asarray(_shares(net, weights, tuple(temperatures), jnp.asarray(moves, jnp.float32)), float)
    usual, others = found[0], found[1:].reshape(len(TAUS), len(tests), -1)
    done = []
    for number, test in enumerate(tests):
        k, aim = number // 2, special.softmax(np.log(np.maximum(usual, 1e-9)) + test)
        moved = special.logit(_inside(others[:, number, k])) - special.logit(_inside(usual[k]))
        done.append(moved / (special.logit(_inside(aim[k])) - special.logit(_inside(usual[k]))))
    reached = np.maximum.accumulate(np.mean(done, axis=0))
    return usual, float(np.exp(np.interp(1.0, reached, np.log(TAUS))))


@functools.partial(compiled, of_networks=True, static_argnums=(0, 2))
def _shares(
    net: SequentialArchitecture, weights: Weights, temperatures: tuple[float, ...], moves: Float[Array, "test facies"]
) -> Float[Array, "test facies"]:
    """Shares of facies in fields whose odds are moved everywhere, of the same noise."""
    key, shape = from_seed(0, "local proportions"), (CELLS[net.ndim],) * net.ndim

    def of(move: Array) -> Array:
        def decide(drawn: Drawn, told: Array) -> Draw:
            noise = jax.random.normal(
                numbered(numbered(key, drawn.level), drawn.member), (*told.shape[:-1], net.channels)
            )
            odds = net.cell.tempered(told, temperatures[drawn.level]) + as_told(move, net.channels)
            return net.cell.draw(odds, net.cell.deviates(noise))

        level = simulate(net, weights, FIELDS[net.ndim], shape, decide, precision=FAST).level
        share = jnp.mean(level > 0, axis=range(level.ndim - 1))
        return jnp.concatenate([1 - share, share]) if net.channels == 1 else share

    return lax.map(of, moves)


def _inside(share: Float[np.ndarray, "*test"]) -> Float[np.ndarray, "*test"]:
    return np.clip(share, 1e-4, 1 - 1e-4)
