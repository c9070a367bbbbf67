"""Refinement: from the means of blocks of cells to the cells, drawn one group after the other.

The cells of a block are drawn in groups, each given the means of the block and its neighbours and all groups before it
(parallel multiscale autoregression, Reed et al. 2017, arXiv:1703.03664; in geostatistics, multiple grids, Tran 1994).
Groups lie on grids that become finer: first cells several blocks apart, then those half way between them, and so on to
single cells; so that neighbours, which depend on each other even where the means are known, are never drawn at once. A
small convolutional network tells the odds of each group; together they are a likelihood, and training is regression.
What is drawn in a cell is the matter of `AbstractCell`.

Without padding each group takes some cells of its grid off at each end, in all `margin` cells; no padding is seen, and
a cell depends on its window and on nothing else. In training, zeros are padded instead, and the likelihood leaves out
what they reach most.
"""

import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float

from ._cells import CELLS, AbstractCell, Draw
from ._convolution import EXACT, convolve, depth_to_space, space_to_depth
from ._velocity import Weights

Offset = tuple[int, ...]
"""Which of the 2ⁿ parts of a cell of a grid: 0 or 1 along each axis."""
Group = tuple[Offset, ...]
"""Parts that are drawn at once."""


class Where(NamedTuple):
    """Where the cells of a group lie in a field."""

    start: tuple[int, ...]
    """The first of them along each axis."""
    stride: int
    """Cells from one to the next."""

    def of(self, field: Float[Array, "batch *space channel"], shape: tuple[int, ...]) -> Float[Array, "batch *part c"]:
        """The cells of the group, of which there are `shape`, in a field."""
        cuts = (slice(a, a + self.stride * n, self.stride) for a, n in zip(self.start, shape, strict=True))
        return field[(slice(None), *cuts)]


Decide = Callable[[Where, Float[Array, "batch *part output"]], Draw]
"""What is in the cells of a group, from what the network tells of them."""


@dataclass(frozen=True)
class RefinementArchitecture:
    """A refinement."""

    ndim: int
    """Axes of the field, 2 or 3."""
    content: str
    """What is in a cell: one of `CELLS`."""
    channels: int
    """Numbers in each cell and in each mean."""
    factor: int
    """Cells of a block along an axis, a power of two."""
    widths: tuple[int, ...]
    """Channels of the networks of each grid, from the coarsest to that of every second cell."""
    windows: tuple[int, ...]
    """How many layers of each see 3 cells of the grid along an axis; two more see one."""
    temperature: float = 1.0
    """Factor on the noise that draws cells; below 1 what is likely is drawn more often than its odds say."""

    @property
    def cell(self) -> type[AbstractCell]:
        """The law of a cell."""
        return CELLS[self.content]

    @property
    def unit(self) -> int:
        """Distance of cells on the coarsest grid; the sides of what is refined are multiples of it."""
        return 2 ** len(self.widths)

    @property
    def margin(self) -> int:
        """Cells, in whole units, beyond each end of a field that its cells depend on."""
        each = zip(self.grids(), self.windows, strict=True)
        lost = sum(len(groups) * some * (self.unit >> level) for level, (groups, some) in enumerate(each))
        return math.ceil(lost / self.unit) * self.unit

    def grids(self) -> tuple[tuple[Group, ...], ...]:
        """The groups of each grid in the order in which they are drawn: those far from what is known first.

        Offsets of the same distance are drawn together, but for those of the last grid, which are neighbours.
        """
        origin = (0,) * self.ndim
        offsets = [one for one in itertools.product((0, 1), repeat=self.ndim) if one != origin]
        offsets.sort(key=lambda offset: -sum(offset))
        alone = tuple((offset,) for offset in offsets)
        together = tuple(tuple(group) for _, group in itertools.groupby(offsets, key=sum))
        last = len(self.widths) - 1
        grids = [alone if level == last else together for level in range(last + 1)]
        return (((origin,), *grids[0]), *grids[1:])


def initial_refinement(key: Array, architecture: RefinementArchitecture) -> dict[str, Array]:
    """Random weights; the last layers give 0."""
    shapes = dict(_shapes(architecture))
    keys = jax.random.split(key, len(shapes))

    def initial(key: Array, name: str, shape: tuple[int, ...]) -> Array:
        if "last" in name or name.endswith("bias"):
            return jnp.zeros(shape)
        return jax.random.normal(key, shape) * np.sqrt(2 / math.prod(shape[:-1]))

    return {name: initial(key, name, shape) for key, (name, shape) in zip(keys, shapes.items(), strict=True)}


def _shapes(architecture: RefinementArchitecture) -> Iterator[tuple[str, tuple[int, ...]]]:
    ndim, per_cell = architecture.ndim, architecture.channels
    for level, groups in enumerate(architecture.grids()):
        width, known = architecture.widths[level], 1 if level else 0
        for number, group in enumerate(groups):
            last = len(group) * per_cell * architecture.cell.outputs
            blocks = max(1, (architecture.unit >> level) // architecture.factor) ** ndim
            told = per_cell * (blocks + known) + (ndim if architecture.unit >> level < architecture.factor else 0)
            sizes = [told, *(width for _ in _windows(architecture, level))]
            for layer, window in enumerate(_windows(architecture, level)):
                name = f"{level}.{number}.{layer}"
                yield f"{name}.kernel", (*(window,) * ndim, sizes[layer], width)
                yield f"{name}.bias", (width,)
            yield f"{level}.{number}.last.kernel", (*(1,) * ndim, width, last)
            yield f"{level}.{number}.last.bias", (last,)
            known += len(group)


def _windows(architecture: RefinementArchitecture, level: int) -> tuple[int, ...]:
    return (*(3,) * architecture.windows[level], 1)


def refine(
    architecture: RefinementArchitecture,
    weights: Weights,
    means: Float[Array, "batch *blocks channel"],
    decide: Decide,
    *,
    padded: bool = False,
    precision: lax.Precision = EXACT,
) -> Draw:
    """Draw cells from means of blocks.

    Parameters
    ----------
    architecture, weights
        The networks.
    means
        Of blocks of cells.
    decide
        Draws the cells of a group. Places are counted from the first cell of the first block.
    padded
        Whether zeros are padded, so that a cell of each is drawn; otherwise `margin` cells at each end are not.
    precision
        Of products.
    """
    lost, base = 0, None
    for level, groups in enumerate(architecture.grids()):
        stride = architecture.unit >> level
        seen = _on_grid(means, architecture.factor, stride, lost)
        off = 0 if padded else architecture.windows[level]
        known: dict[Offset, Draw] = {} if base is None else {(0,) * architecture.ndim: base}
        for number, group in enumerate(groups):
            x = jnp.concatenate([seen, *(known[offset].level for offset in sorted(known))], axis=-1)
            told = jnp.split(_network(architecture, weights, level, number, x, padded, precision), len(group), axis=-1)
            lost, (seen, known) = lost + off * stride, jax.tree.map(lambda one, off=off: _crop(one, off), (seen, known))
            for offset, each in zip(group, told, strict=True):
                known[offset] = decide(Where(tuple(lost + part * stride // 2 for part in offset), stride), each)
        base = _interleaved(known, architecture.ndim)
    assert base is not None
    spare = 0 if padded else architecture.margin - lost
    return Draw(*(_crop(one, spare) for one in base))


def _network(
    architecture: RefinementArchitecture,
    weights: Weights,
    level: int,
    number: int,
    x: Array,
    padded: bool,
    precision: lax.Precision,
) -> Array:
    names = [str(layer) for layer, _ in enumerate(_windows(architecture, level))]
    for name in [*names, "last"]:
        kernel, bias = (weights[f"{level}.{number}.{name}.{part}"] for part in ("kernel", "bias"))
        around = kernel.shape[0] // 2 if padded else 0
        if around:
            x = jnp.pad(x, [(0, 0), *((around, around),) * architecture.ndim, (0, 0)])
        x = convolve(x, kernel, 1, precision) + bias
        x = x if name == "last" else jax.nn.silu(x)
    return x


def _on_grid(means: Array, factor: int, stride: int, lost: int) -> Array:
    """What cells of a grid see of the means: those of all their blocks, or that of their own and their place in it."""
    if stride >= factor:
        seen = _crop(means, lost // factor)
        for _ in range((stride // factor).bit_length() - 1):
            seen = space_to_depth(seen)
        return seen
    for axis in range(1, means.ndim - 1):
        means = jnp.repeat(means, factor // stride, axis=axis)
    seen = _crop(means, lost // stride)
    return jnp.concatenate([seen, _places(seen, lost // stride, factor // stride)], axis=-1)


def _places(x: Array, first: int, period: int) -> Array:
    """Where cells lie in their block along each axis, from −1 to 1."""
    space = x.shape[1:-1]
    each = [(2 * ((np.arange(n) + first) % period) / (period - 1) - 1).astype(np.float32) for n in space]
    grid = np.stack(np.meshgrid(*each, indexing="ij"), axis=-1)
    return jnp.broadcast_to(grid, (len(x), *grid.shape))


def _interleaved(known: dict[Offset, Draw], ndim: int) -> Draw:
    parts = [known[offset] for offset in sorted(known)]
    return jax.tree.map(lambda *each: depth_to_space(jnp.concatenate(each, axis=-1), ndim), *parts)


def _crop(x: Array, cells: int) -> Array:
    return x[(slice(None), *(slice(cells, n - cells) for n in x.shape[1:-1]))]
