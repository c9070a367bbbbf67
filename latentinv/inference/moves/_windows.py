"""Windows of latents that change disjoint parts of a field, all at once.

A place of a latent map can change only the cells within its reach (`LatentMap`). Windows of places that lie far enough
apart change different cells, and if no datum depends on cells of two of them, then given all other latents they are
conditionally independent: one new field serves to propose all, and each is accepted on its own data. These are the
blocks of one colour of a Gibbs sampler (Morzfeld, Tong and Marzouk 2019, arXiv:1901.09229; Tong et al. 2020,
arXiv:1908.09429).

Windows of one size lie on a lattice whose offset is drawn anew each time, so no place is always at a border. Along an
axis of `spacing` s and reach b before and a after, a window of w places changes w s + a + b cells. With data that
depend on at most e cells along this axis, windows are repeated every w + ⌈(a + b + e − 1) / s⌉ places. Where the map is
shorter, there is one window; data that see the whole field leave one along every axis. A map may reach far beyond the
field, where it changes little, and data may be few; so most single windows lie over a datum, others have their middle
in the field, and only a share lies `ANYWHERE`.
"""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int

from latentinv.keys import named, numbered
from latentinv.posterior import Posterior
from latentinv.priors.core import LatentMap
from latentinv.pytrees import Count, Flag

NONE = -1
"""In place of a window's number: not in any."""
ANYWHERE, OVER_DATA = 0.2, 0.5
"""Shares of single windows that may lie anywhere in their map, and that lie over a datum, if any is `LOCAL`."""
LOCAL = 1 / 16
"""Share of the cells that a datum depends on, at most, if it has a place."""
FAR = 2**20
"""Places from one window to the next where there is only one."""


class Windows(NamedTuple):
    """Which window, by its number, each latent belongs to, can change each cell, and can change each datum."""

    latents: Int[Array, "latent"]
    cells: Int[Array, "*grid"]
    data: tuple[Int[Array, "datum"], ...]


class _Along(NamedTuple):
    """The windows along one axis of a map."""

    start: Count
    """First place of window 0, perhaps before the map."""
    period: Count
    """Places from one window to the next."""
    size: Count
    """Places of a window."""
    most: int
    """Windows that there can be."""


class _Aim(NamedTuple):
    """Where a single window lies: anywhere, over a cell, or with its middle in the field."""

    anywhere: Flag
    over: Flag
    cell: Int[Array, "axis"]


class WindowLattice:
    """The windows of a posterior's latents.

    Parameters
    ----------
    posterior
        Its prior has the latent maps, its observations the data.
    sizes
        Places of a window along each axis; a window as long as the map is the whole of it.
    """

    def __init__(self, posterior: Posterior, sizes: Sequence[int]) -> None:
        self.maps = tuple(posterior.prior.latent_maps(posterior.grid))
        self.shape, self.sizes = posterior.grid.shape, tuple(sizes)
        self._extents = [observation.extents() for observation in posterior.observations]
        self._widest = self._widest_extent()
        self.most = max(math.prod(self._most(one)) for one in self.maps)
        """Windows that one lattice can have."""

    def draw(self, key: Array, size: Count) -> Windows:
        """Draw a lattice of windows of the size with this position in `sizes`, in one of the maps."""
        places = jnp.asarray(self.sizes)[size]
        if len(self.maps) == 1:
            return self._of_map(named(key, "offset"), 0, places)
        key_part, key_offset = named(key, "part", "offset")
        part = jax.random.randint(key_part, (), 0, len(self.maps))
        each = [self._of_map(numbered(key_offset, n), n, places) for n in range(len(self.maps))]
        return jax.tree.map(lambda *options: jnp.stack(options)[part], *each)

    def _most(self, one: LatentMap) -> list[int]:
        """Windows along each axis of a map, at most, of any size."""
        least = (min(self.sizes), 1)
        return [
            1 if one.spacing is None else max((p + w - 2) // (w + max(0, _gap(one, n, 1))) + 1 for w in least)
            for n, p in enumerate(one.shape[:-1])
        ]

    def _widest_extent(self) -> Int[Array, "axis"]:
        """Along each axis, the most cells that a datum depends on."""
        wide = [jnp.max(one.last - one.first, axis=0, initial=0) + 1 for one in self._extents]
        return jnp.max(jnp.stack([jnp.ones(len(self.shape), int), *wide]), axis=0)

    def _of_map(self, key: Array, number: int, size: Count) -> Windows:
        one, most = self.maps[number], self._most(self.maps[number])
        key_aim, key_offset = named(key, "aim", "offset")
        aim = self._draw_aim(key_aim)
        along = [
            _draw_along(numbered(key_offset, n), one, n, cells, size, self._widest[n], most[n], aim)
            for n, cells in enumerate(self.shape)
        ]
        places = _crossed([_of_places(a, p) for a, p in zip(along, one.shape, strict=False)], most)
        latents = [
            jnp.broadcast_to(places[..., None], m.shape).ravel() if n == number else jnp.full(m.size, NONE)
            for n, m in enumerate(self.maps)
        ]
        cells = _crossed([_of_cells(a, one, n, *(jnp.arange(self.shape[n]),) * 2) for n, a in enumerate(along)], most)
        data = tuple(
            _joined([_of_cells(a, one, n, x.first[:, n], x.last[:, n]) for n, a in enumerate(along)], most)
            for x in self._extents
        )
        return Windows(jnp.concatenate(latents), cells, data)

    def _draw_aim(self, key: Array) -> _Aim:
        key_kind, key_datum = named(key, "kind", "datum")
        kind = jax.random.uniform(key_kind)
        nothing = _Aim(kind < ANYWHERE, jnp.bool(False), jnp.zeros(len(self.shape), int))
        if not sum(len(one.first) for one in self._extents):
            return nothing
        first = jnp.concatenate([one.first for one in self._extents])
        last = jnp.concatenate([one.last for one in self._extents])
        local = jnp.prod(last - first + 1.0, axis=1) <= max(1.0, LOCAL * math.prod(self.shape))
        datum = jax.random.categorical(key_datum, jnp.where(local, 0.0, -jnp.inf))
        over = local.any() & (kind > 1 - OVER_DATA)
        return nothing._replace(over=over, cell=(first[datum] + last[datum]) // 2)


def window_sizes(posterior: Posterior) -> tuple[int, ...]:
    """Sizes over all scales of the latent maps: one place, two, four and so on, and at last the whole map."""
    longest = max(max(one.shape[:-1]) for one in posterior.prior.latent_maps(posterior.grid))
    return tuple(2**n for n in range(max(1, math.ceil(math.log2(longest)) + 1)))


def _gap(one: LatentMap, axis: int, extent: Any) -> Any:
    """Places between two windows, so that no datum depends on both; perhaps below zero."""
    assert one.spacing is not None
    assert one.reach is not None
    return -(-(sum(one.reach[axis]) + extent - 1) // one.spacing[axis])


def _draw_along(
    key: Array, one: LatentMap, axis: int, cells: int, size: Count, extent: Count, most: int, aim: _Aim
) -> _Along:
    places = one.shape[axis]
    if one.spacing is None:
        return _Along(jnp.int32(0), jnp.int32(FAR), jnp.int32(places), most)
    period = size + jnp.maximum(0, _gap(one, axis, extent))
    alone = places + size - 1  # from here on a single window meets the map
    single = (period >= alone) | (size >= places)
    low, high = _above(one, axis, cells)
    assert one.reach is not None
    (before, behind), spacing = one.reach[axis], one.spacing[axis]
    place = jnp.clip(jnp.floor((aim.cell[axis] + 0.5 - (behind - before) / 2) / spacing), 0, places - 1).astype(int)
    inside, over = single & ~aim.anywhere, single & aim.over
    first = jnp.where(over, place - size + 1, jnp.where(inside, low - size // 2, 1 - size))
    last = jnp.where(over, place, jnp.where(inside, high - size // 2, jnp.minimum(period, alone) - size))
    start = jnp.where(size >= places, 0, jax.random.randint(key, (), first, last + 1))
    return _Along(start, jnp.where(single, FAR, period), size, most)


def _above(one: LatentMap, axis: int, cells: int) -> tuple[int, int]:
    """First and last place of a map along an axis the middle of whose reach lies in the field."""
    assert one.spacing is not None
    assert one.reach is not None
    (before, behind), spacing = one.reach[axis], one.spacing[axis]
    middles = np.arange(one.shape[axis]) * spacing + (spacing + behind - before) / 2
    found = np.flatnonzero((middles > 0) & (middles < cells))
    return (int(found[0]), int(found[-1])) if len(found) else (0, one.shape[axis] - 1)


def _of_places(along: _Along, places: int) -> Int[Array, "place"]:
    after = jnp.arange(places) - along.start
    number = after // along.period
    return _allowed(number, after - number * along.period < along.size, along.most)


def _of_cells(
    along: _Along, one: LatentMap, axis: int, first: Int[Array, "run"], last: Int[Array, "run"]
) -> Int[Array, "run"]:
    """The window that can change each run of cells."""
    if one.spacing is None or one.reach is None:
        return jnp.zeros(first.shape, int)
    (before, behind), spacing = one.reach[axis], one.spacing[axis]
    begin = along.start * spacing - before
    number = (last - begin) // (along.period * spacing)
    start = begin + number * along.period * spacing
    return _allowed(number, first < start + along.size * spacing + before + behind, along.most)


def _allowed(number: Int[Array, "run"], inside: Array, most: int) -> Int[Array, "run"]:
    return jnp.where(inside & (number >= 0) & (number < most), number, NONE)


def _crossed(labels: list[Int[Array, "_"]], most: list[int]) -> Int[Array, "*axis"]:
    """Numbers over all combinations of the axes."""
    return _joined(list(jnp.meshgrid(*labels, indexing="ij", sparse=True)), most)


def _joined(labels: list[Int[Array, "*axis"]], most: list[int]) -> Int[Array, "*axis"]:
    """One number for the windows along all axes; none where there is none along one."""
    number, inside = jnp.int32(0), jnp.bool(True)
    for label, count in zip(labels, most, strict=True):
        number, inside = number * count + label, inside & (label >= 0)
    return jnp.where(inside, number, NONE)
