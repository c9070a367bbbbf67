"""The grids of a sequential simulation: which cells are drawn on each, in what order, and by networks of what size."""

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Array, Float

from ._cells import CELLS, AbstractCell

Offset = tuple[int, ...]
"""Which of the 2ⁿ parts of a cell of a grid: 0 or 1 along each axis."""
Group = tuple[Offset, ...]
"""Parts that are drawn at once."""
Span = tuple[tuple[int, int], ...]
"""Along each axis the first cell and the end of a part of the plane, from the first cell of the field."""


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
    maps: int = 0
    """Numbers of auxiliary maps that networks see in each cell."""

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
        kernels = (shape for name, shape in self.shapes() if name.startswith(f"{level}.") and name.endswith("kernel"))
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

    def layers(self, level: int) -> tuple[int, ...]:
        """Edges of the windows of each layer of the networks of a grid, but the last."""
        return (*(3,) * self.windows[level], 1)

    def of_wells(self, level: int) -> int:
        """Channels of wells that the networks of a grid see."""
        parts = math.prod(min(2, stride) for stride in self.stride(level))
        return parts * self.facies if self.sees else 0

    def shapes(self) -> Iterator[tuple[str, tuple[int, ...]]]:
        """Names and shapes of weights."""
        ndim, each = self.ndim, self.channels * self.cell.outputs
        yield "first.bias", (each,)
        if self.sees or self.maps:
            yield "first.0.kernel", (*(3,) * ndim, self.maps + self.of_wells(0), self.widths[0])
            yield "first.last.kernel", (*(1,) * ndim, self.widths[0], each)
        for level, width in enumerate(self.widths):
            known, others = 1, self.maps + self.of_wells(level)
            for number, group in enumerate(self.groups(level)):
                name, layers = f"{level}.{number}", self.layers(level)
                sizes = [known * self.channels + others, *(width for _ in layers)]
                for layer, window in enumerate(layers):
                    yield f"{name}.{layer}.kernel", (*(window,) * ndim, sizes[layer], width)
                    yield f"{name}.{layer}.bias", (width,)
                yield f"{name}.last.kernel", (*(1,) * ndim, width, len(group) * each)
                yield f"{name}.last.bias", (len(group) * each,)
                known += len(group)
