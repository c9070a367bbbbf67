"""Local proportions of a sequential simulation: its odds are moved where a facies is to be more or less frequent.

Networks tell the odds of an image whose shares p(k) of facies hold everywhere. Where they are to be p'(k), all that is
drawn there is drawn by

    log p'(k | known) = log p(k | known) + τ (log p'(k) − log p(k)),

but for a constant. With τ = 1 that is permanence of ratios (Journel 2002, doi:10.1023/A:1016047012594), by which
multiple-point statistics combine an image with soft proportions. But what is known was drawn by moved odds itself, and
holds the more of what is near together, so that shares change by more or less than they should, and the more so the
farther they are from the usual ones. So τ is chosen for each change: fields are simulated in each of which the log-odds
of one facies are moved by as much everywhere, and τ is by how much they must be moved, over how much its share's
log-odds are to change. Where several facies change, it is the mean of theirs, weighed by the squares of these changes.
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
from latentinv.networks import FAST, Around, Draw, Drawn, SequentialArchitecture, Span, Weights, as_told, simulate
from latentinv.priors.core import LEAST_SHARE

from ._auxiliary_maps import MapRange, SeenMaps

MOVES = (-2.4, -1.2, -0.6, -0.3, -0.15, 0.0, 0.15, 0.3, 0.6, 1.2, 2.4)
"""By which log-odds of a facies are moved."""
TAUS = (0.02, 4.0)
"""Least and largest τ, also where a facies does not answer at all."""
LEAST_CHANGE = 1e-3
"""Of the log-odds of shares, below which they do not change."""
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


class Answers(NamedTuple):
    """What shares of facies a simulation has, and how they answer to moves."""

    usual: Float[np.ndarray, "facies"]
    changes: Float[np.ndarray, "facies move"]
    """Of the log-odds of its share, if those of a facies are moved by `MOVES`."""

    def moves(self, shares: Float[np.ndarray, "*#grid facies"]) -> Float[np.ndarray, "*#grid facies"]:
        """By how much log-odds must be moved where shares are to be others than the usual ones."""
        logs = np.log(shares) - np.log(np.maximum(self.usual, LEAST_SHARE))
        wanted = special.logit(_inside(shares)) - special.logit(_inside(self.usual))
        wanted = np.where(np.abs(wanted) < LEAST_CHANGE, LEAST_CHANGE, wanted)
        each = [np.interp(one, own, MOVES) for one, own in zip(np.moveaxis(wanted, -1, 0), self.changes, strict=True)]
        taus = np.stack(each, axis=-1) / wanted
        # Beyond the largest moves of a trial, τ is what it is there.
        ends = np.asarray(MOVES)[[0, -1]] / self.changes[:, [0, -1]]
        taus = np.where(
            wanted < self.changes[:, 0], ends[:, 0], np.where(wanted > self.changes[:, -1], ends[:, 1], taus)
        )
        return logs * np.average(np.clip(taus, *TAUS), axis=-1, weights=wanted**2)[..., None]


def answers(
    net: SequentialArchitecture,
    weights: Weights,
    temperatures: Sequence[float],
    maps: SeenMaps | None = None,
    ranges: tuple[MapRange, ...] = (),
) -> Answers:
    """Of simulated fields of the same noise, whose odds are moved everywhere; for windows of auxiliary maps, if any."""
    moves = np.stack([move * one for one in np.eye(net.facies) for move in MOVES])
    found = np.asarray(
        _shares(net, weights, tuple(temperatures), jnp.asarray(moves, jnp.float32), maps, ranges), dtype=float
    )
    each = np.stack([one[:, k] for k, one in enumerate(found.reshape(net.facies, len(MOVES), -1))])
    usual = found[MOVES.index(0.0)]
    changes = special.logit(_inside(each)) - special.logit(_inside(usual))[:, None]
    # A share grows with its odds, but for chance.
    grown = np.maximum.accumulate(changes, axis=1) + 1e-6 * np.arange(len(MOVES))
    return Answers(usual, grown - grown[:, [MOVES.index(0.0)]])


@functools.partial(compiled, of_networks=True, static_argnums=(0, 2, 5))
def _shares(
    net: SequentialArchitecture,
    weights: Weights,
    temperatures: tuple[float, ...],
    moves: Float[Array, "test facies"],
    maps: SeenMaps | None,
    ranges: tuple[MapRange, ...],
) -> Float[Array, "test facies"]:
    """Shares of facies in fields whose odds are moved everywhere, of the same noise."""
    key, shape = from_seed(0, "local proportions"), (CELLS[net.ndim],) * net.ndim

    def seen(span: Span) -> Around:
        return Around() if maps is None else Around(None, maps.windows(ranges, span, FIELDS[net.ndim], CELLS[net.ndim]))

    def of(move: Array) -> Array:
        def decide(drawn: Drawn, told: Array) -> Draw:
            noise = jax.random.normal(
                numbered(numbered(key, drawn.level), drawn.member), (*told.shape[:-1], net.channels)
            )
            odds = net.cell.tempered(told, temperatures[drawn.level]) + as_told(move, net.channels)
            return net.cell.draw(odds, net.cell.deviates(noise))

        level = simulate(net, weights, FIELDS[net.ndim], shape, decide, seen=seen, precision=FAST).level
        share = jnp.mean(level > 0, axis=range(level.ndim - 1))
        return jnp.concatenate([1 - share, share]) if net.channels == 1 else share

    return lax.map(of, moves)


def _inside(share: Float[np.ndarray, "*test"]) -> Float[np.ndarray, "*test"]:
    return np.clip(share, 1e-4, 1 - 1e-4)
