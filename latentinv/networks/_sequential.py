"""Sequential simulation by networks: cells are drawn in groups, each by odds that a network tells from those before it.

Groups lie on grids that become finer: first cells far apart, then those half way between them, and so on to single
cells, so that neighbours are never drawn at once (multiple grids, Tran 1994, doi:10.1016/0098-3004(94)90040-X; parallel
multiscale autoregression, Reed et al. 2017, arXiv:1703.03664). What sequential indicator simulation takes from kriging,
and multiple-point statistics from a search through the training image (Guardiano and Srivastava 1993; Strebelle 2002,
doi:10.1023/A:1014009426274), a small convolutional network tells here: the odds of each facies, given all cells in its
window that are drawn already. Together the odds are a likelihood, and training is regression. What is drawn in a cell
is the matter of `AbstractCell`.

Where bodies are thin, the cells of the finer grids stand for *blocks* (`merged`) from which each next grid draws all
parts, and those of the coarser grids are some of the blocks. No part has a facies that its block would have taken.

Where bodies are longer along one axis than along another, so are the distances of cells on the grids; on the last of
them cells are drawn along the long axis alone. A network then sees of both axes as much as matters.

Networks may also *see wells*: cells of the field whose facies are known before anything is drawn, wherever they are on
the way from coarse to fine. For each cell of a grid they see how many wells with each facies lie in its parts, and tell
the odds given these too, as a search through a training image finds what fits the data nearby.

Without padding each group takes some cells of its grid off at each end, and what is drawn lies so far around a field
that the field sees no end: a cell depends on its window and on nothing else. In training zeros are padded instead, and
stand for cells that are not known. Cost: that of the networks of the finest grids, for those of coarse ones draw few
cells.
"""

import functools
import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float

from ._blocks import as_told, barred, counted, inner, owed
from ._cells import CELLS, AbstractCell, Draw
from ._convolution import EXACT, convolve, depth_to_space
from ._velocity import Weights

Offset = tuple[int, ...]
"""Which of the 2ⁿ parts of a cell of a grid: 0 or 1 along each axis."""
Group = tuple[Offset, ...]
"""Parts that are drawn at once."""
Span = tuple[tuple[int, int], ...]
"""Along each axis the first cell and the end of a part of the plane, from the first cell of the field."""

Wells = Callable[[Span], Float[Array, "batch *space facies"]]


class Drawn(NamedTuple):
    """Which cells are drawn at once: one in each cell of a grid, but for some at each end."""

    level: int
    """The grid, from 0, the coarsest."""
    member: int
    """Which of the cells that are drawn on this grid."""
    offset: Offset
    """The part of the grid's cell."""
    crop: int
    """Cells of the grid that are left out at each end of its span."""
    block: Offset
    """Edges in cells of the block that each stands for."""

    def of(
        self, blocks: Float[Array, "batch *block channel"], architecture: "SequentialArchitecture"
    ) -> Float[Array, "batch *part channel"]:
        """What is drawn of the blocks of a field of whole units that is drawn without a margin."""
        each = zip(self.offset, architecture.stride(self.level), self.block, strict=True)
        parts = (slice(part * stride // 2 // edge, None, stride // edge) for part, stride, edge in each)
        return blocks[(slice(None), *parts)]


Decide = Callable[[Drawn, Float[Array, "batch *part output"]], Draw]
"""What is in the cells of a group, from what the network tells of them: where wells are seen and `blind` is asked for,
given the wells, and behind that, along the first axis, as without."""


@dataclass(frozen=True)
class SequentialArchitecture:
    """Networks of a sequential simulation."""

    ndim: int
    """Axes of the field, 2 or 3."""
    content: str
    """What is in a cell: one of `CELLS`."""
    channels: int
    """Numbers in each cell."""
    widths: tuple[int, ...]
    """Channels of the networks of each grid, from the coarsest to that of every second cell."""
    windows: tuple[int, ...]
    """How many layers of each see 3 cells of the grid along an axis; two more see one."""
    stretch: tuple[int, ...]
    """How many times as far apart as along the shortest axis cells lie along each: powers of two, the least 1."""
    apart: bool = False
    """Whether on all grids, not on the finest only, parts of the same distance are drawn one after the other."""
    blocks: int = 0
    """On how many of the grids, from that of every second cell, cells stand for whole blocks."""
    order: tuple[int, ...] = ()
    """Facies, by index, in the order in which a block takes the first that it has; none without blocks."""
    sees: bool = False
    """Whether networks can see wells."""

    @property
    def facies(self) -> int:
        """How many facies there are, if there are any."""
        return max(2, self.channels)

    @property
    def cell(self) -> type[AbstractCell]:
        """The law of a cell."""
        return CELLS[self.content]

    @property
    def unit(self) -> tuple[int, ...]:
        """Distance of cells on the coarsest grid, along each axis."""
        return self.stride(0)

    def stride(self, level: int) -> tuple[int, ...]:
        """Distance of cells on a grid, along each axis."""
        finest = 2 ** (len(self.widths) - level) / max(self.stretch)
        return tuple(max(1, int(each * finest)) for each in self.stretch)

    def split(self, level: int) -> bool:
        """Whether the cells of a grid stand for blocks, all parts of which are drawn on it."""
        return level >= len(self.widths) - self.blocks

    def block(self, level: int) -> tuple[int, ...]:
        """Edges in cells of the block that a cell of a grid stands for."""
        return self.stride(max(level, len(self.widths) - self.blocks))

    def groups(self, level: int) -> tuple[Group, ...]:
        """The parts of a grid's cell that are drawn on it, in this order: those far from what is known first.

        Parts of the same distance are drawn at once, unless `apart`, but for those of the last grid, which are
        neighbours.
        """
        choices = ((0, 1) if stride > 1 else (0,) for stride in self.stride(level))
        parts = sorted(itertools.product(*choices), key=lambda part: -sum(part))
        parts = parts if self.split(level) else parts[:-1]
        if self.apart or level == len(self.widths) - 1:
            return tuple((part,) for part in parts)
        return tuple(tuple(group) for _, group in itertools.groupby(parts, key=sum))

    def members(self, level: int) -> int:
        """Cells that are drawn on a grid for each of its own: also that itself on the first."""
        return sum(map(len, self.groups(level))) + (level == 0)

    def cost(self, level: int) -> float:
        """Products of the networks of a grid, for each cell of the field."""
        kernels = (shape for name, shape in _shapes(self) if name.startswith(f"{level}.") and name.endswith("kernel"))
        return sum(map(math.prod, kernels)) / math.prod(self.stride(level))

    def around(self, level: int) -> tuple[int, ...]:
        """Cells around a field that what is drawn from a grid on depends on, from that grid on, along each axis."""
        lost = np.zeros(self.ndim, int)
        for n in range(level, len(self.windows)):
            lost += len(self.groups(n)) * self.windows[n] * np.asarray(self.stride(n))
        return tuple(lost.tolist())

    def span(self, level: int, shape: Sequence[int]) -> Span:
        """The part of the plane in which a grid is drawn for a field of a shape, in whole cells of the grid."""
        each = zip(self.stride(level), self.around(level), shape, strict=True)
        return tuple((-math.ceil(m / step) * step, math.ceil((n + m) / step) * step) for step, m, n in each)


def initial_sequential(key: Array, architecture: SequentialArchitecture) -> dict[str, Array]:
    """Random weights; the last layers give 0."""
    shapes = dict(_shapes(architecture))
    keys = jax.random.split(key, len(shapes))

    def initial(key: Array, name: str, shape: tuple[int, ...]) -> Array:
        if "last" in name or name.endswith("bias"):
            return jnp.zeros(shape)
        return jax.random.normal(key, shape) * np.sqrt(2 / math.prod(shape[:-1]))

    return {name: initial(key, name, shape) for key, (name, shape) in zip(keys, shapes.items(), strict=True)}


def _shapes(architecture: SequentialArchitecture) -> Iterator[tuple[str, tuple[int, ...]]]:
    ndim, each = architecture.ndim, architecture.channels * architecture.cell.outputs
    yield "first.bias", (each,)
    if architecture.sees:
        yield "first.0.kernel", (*(3,) * ndim, _of_wells(architecture, 0), architecture.widths[0])
        yield "first.last.kernel", (*(1,) * ndim, architecture.widths[0], each)
    for level, width in enumerate(architecture.widths):
        known, of_wells = 1, _of_wells(architecture, level)
        for number, group in enumerate(architecture.groups(level)):
            name, layers = f"{level}.{number}", _layers(architecture, level)
            sizes = [known * architecture.channels + of_wells, *(width for _ in layers)]
            for layer, window in enumerate(layers):
                yield f"{name}.{layer}.kernel", (*(window,) * ndim, sizes[layer], width)
                yield f"{name}.{layer}.bias", (width,)
            yield f"{name}.last.kernel", (*(1,) * ndim, width, len(group) * each)
            yield f"{name}.last.bias", (len(group) * each,)
            known += len(group)


def _of_wells(architecture: SequentialArchitecture, level: int) -> int:
    """Channels of wells that the networks of a grid see."""
    parts = math.prod(min(2, stride) for stride in architecture.stride(level))
    return parts * architecture.facies if architecture.sees else 0


def _layers(architecture: SequentialArchitecture, level: int) -> tuple[int, ...]:
    return (*(3,) * architecture.windows[level], 1)


def simulate(
    architecture: SequentialArchitecture,
    weights: Weights,
    batch: int,
    shape: Sequence[int],
    decide: Decide,
    *,
    wells: Wells | None = None,
    blind: bool = False,
    grids: int | None = None,
    padded: bool = False,
    complete: bool = False,
    precision: lax.Precision = EXACT,
) -> Draw:
    """Draw fields.

    Parameters
    ----------
    architecture, weights
        The networks.
    batch, shape
        How many fields, and their cells along each axis.
    decide
        Draws the cells of a group.
    wells
        That are seen in a part of the plane: 1 in cells that are known to have a facies. None are seen without.
    blind
        Whether what is told without wells is wanted too.
    grids
        Stop after the first of the grids; then the cells of the next one are given.
    padded
        Whether zeros are padded around the field, which then has whole units; otherwise each grid is drawn in its
        `span`.
    complete
        Whether in each block some part has its facies, not only most likely.
    precision
        Of products.
    """
    inside = tuple((0, n) for n in shape)
    spans = [inside if padded else architecture.span(n, shape) for n in range(len(architecture.widths))][:grids]
    base: Draw | None = None
    for level, (span, wanted) in enumerate(zip(spans, [*spans[1:], inside], strict=True)):
        around = None if wells is None else wells(span)
        if base is None:
            first = tuple((end - start) // unit for (start, end), unit in zip(span, architecture.unit, strict=True))
            told = first_told(architecture, weights, (batch, *first), wells=around, blind=blind, precision=precision)
            base = decide(Drawn(0, 0, (0,) * architecture.ndim, 0, architecture.block(0)), told)
        known, crop = draw_grid(
            architecture,
            weights,
            level,
            base,
            decide,
            wells=around,
            blind=blind,
            padded=padded,
            complete=complete,
            precision=precision,
        )
        off = [crop * stride for stride in architecture.stride(level)]
        have = tuple((start + m, end - m) for (start, end), m in zip(span, off, strict=True))
        strides = architecture.stride(level + 1)
        base = jax.tree.map(functools.partial(_cut, span=have, wanted=wanted, strides=strides), known)
    assert base is not None
    return base


def first_told(
    architecture: SequentialArchitecture,
    weights: Weights,
    cells: Sequence[int],
    *,
    wells: Float[Array, "batch *space facies"] | None = None,
    blind: bool = False,
    precision: lax.Precision = EXACT,
) -> Float[Array, "batch *part output"]:
    """What is told of the first cells, before any is drawn: the same of all, but for wells.

    Parameters
    ----------
    cells
        How many fields, and first cells along each axis.
    architecture, weights, wells, blind, precision
        As for `draw_grid`.
    """
    bias = weights["first.bias"]
    told = jnp.broadcast_to(bias, (*cells, len(bias)))
    if wells is None:
        return told
    x = jnp.pad(counted(wells, architecture.unit), [(0, 0), *((1, 1),) * architecture.ndim, (0, 0)])
    x = jax.nn.silu(convolve(x, weights["first.0.kernel"], 1, precision))
    given = told + convolve(x, weights["first.last.kernel"], 1, precision)
    return jnp.concatenate([given, told]) if blind else given


def draw_grid(
    architecture: SequentialArchitecture,
    weights: Weights,
    level: int,
    base: Draw,
    decide: Decide,
    *,
    wells: Float[Array, "batch *space facies"] | None = None,
    blind: bool = False,
    padded: bool = False,
    complete: bool = False,
    precision: lax.Precision = EXACT,
) -> tuple[Draw, int]:
    """What is known when a grid is drawn, on the next finer grid, and how many cells of the grid were left out.

    Parameters
    ----------
    base
        The cells of the grid itself.
    wells
        In all cells of the part of the plane in which the grid is drawn.
    architecture, weights, level, decide, blind, padded, complete, precision
        As for `simulate`.
    """
    off = 0 if padded else architecture.windows[level]
    known: dict[Offset, Draw] = {} if architecture.split(level) else {(0,) * architecture.ndim: base}
    member, groups, block = int(level == 0), architecture.groups(level), architecture.block(level + 1)
    seen = None if wells is None else counted(wells, architecture.stride(level))
    for number, group in enumerate(groups):
        whole = [base.level] if architecture.split(level) else []
        x = jnp.concatenate([*whole, *(known[one].level for one in sorted(known))], axis=-1)
        told = _network(architecture, weights, f"{level}.{number}", x, seen, blind, padded, precision)
        base, known, seen = jax.tree.map(functools.partial(inner, cells=off), (base, known, seen))
        if whole:
            never = as_told(barred(base.level, architecture.order), architecture.channels)
            told = told + jnp.tile(never, (len(told) // len(never), *(1,) * architecture.ndim, len(group)))
        for offset, each in zip(group, jnp.split(told, len(group), axis=-1), strict=True):
            if complete and whole and offset == groups[-1][-1]:
                others = as_told(owed(base.level, [one.level for one in known.values()]), architecture.channels)
                each = each + jnp.tile(others, (len(each) // len(others), *(1,) * (others.ndim - 1)))
            known[offset] = decide(Drawn(level, member, offset, (number + 1) * off, block), each)
            member += 1
    parts = [known[one] for one in sorted(known)]
    factors = [min(2, stride) for stride in architecture.stride(level)]
    finer = jax.tree.map(lambda *each: depth_to_space(jnp.concatenate(each, axis=-1), factors), *parts)
    return finer, len(groups) * off


def _network(
    architecture: SequentialArchitecture,
    weights: Weights,
    name: str,
    x: Array,
    seen: Array | None,
    blind: bool,
    padded: bool,
    precision: lax.Precision,
) -> Array:
    layers = [str(layer) for layer, _ in enumerate(_layers(architecture, int(name.split(".")[0])))]
    known = x.shape[-1]

    def product(x: Array, kernel: Array) -> Array:
        around = kernel.shape[0] // 2 if padded else 0
        if around:
            x = jnp.pad(x, [(0, 0), *((around, around),) * architecture.ndim, (0, 0)])
        return convolve(x, kernel, 1, precision)

    for layer in [*layers, "last"]:
        kernel, bias = (weights[f"{name}.{layer}.{part}"] for part in ("kernel", "bias"))
        if layer == "0":
            x = product(x, kernel[..., :known, :]) + bias
            if seen is not None:
                given = x + product(seen, kernel[..., known:, :])
                x = jnp.concatenate([given, x]) if blind else given
        else:
            x = product(x, kernel) + bias
        x = x if layer == "last" else jax.nn.silu(x)
    return x


def _cut(x: Array, span: Span, wanted: Span, strides: Sequence[int]) -> Array:
    """What is wanted of a span, in cells of a grid."""
    each = zip(span, wanted, strides, strict=True)
    return x[(slice(None), *(slice((b[0] - a[0]) // step, (b[1] - a[0]) // step) for a, b, step in each))]
