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

They may see *auxiliary maps* in the same way: numbers that are known everywhere, such as the direction or the width of
bodies, by which the geology differs from place to place (Chugunova and Hu 2008, doi:10.1007/s11004-008-9142-4). For
each cell of a grid they see the mean over its cells.

Without padding each group takes some cells of its grid off at each end, and what is drawn lies so far around a field
that the field sees no end: a cell depends on its window and on nothing else. In training zeros are padded instead, and
stand for cells that are not known. Cost: that of the networks of the finest grids, for those of coarse ones draw few
cells.
"""

import functools
import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float

from ._blocks import as_told, barred, counted, inner, mean_of_blocks, owed
from ._cells import Draw
from ._convolution import EXACT, convolve, depth_to_space
from ._sequential_grids import Drawn, Offset, SequentialArchitecture, Span
from ._velocity import Weights

Seen = Callable[[Span], "Around"]
"""What networks see in a part of the plane."""


class Around(NamedTuple):
    """What networks see beside the cells that are drawn already, in all cells of a part of the plane."""

    wells: Float[Array, "batch *space facies"] | None = None
    """1 in cells that are known to have a facies."""
    maps: Float[Array, "batch *space channel"] | None = None
    """Numbers of auxiliary maps."""

    def of(self, strides: Sequence[int]) -> "Around":
        """As the networks of a grid see it, in each of its cells."""
        wells = None if self.wells is None else counted(self.wells, strides)
        return Around(wells, None if self.maps is None else mean_of_blocks(self.maps, strides))


Decide = Callable[[Drawn, Float[Array, "batch *part output"]], Draw]
"""What is in the cells of a group, from what the network tells of them: where wells are seen and `blind` is asked for,
given the wells, and behind that, along the first axis, as without."""


def initial_sequential(key: Array, architecture: SequentialArchitecture) -> dict[str, Array]:
    """Random weights; the last layers give 0."""
    shapes = dict(architecture.shapes())
    keys = jax.random.split(key, len(shapes))

    def initial(key: Array, name: str, shape: tuple[int, ...]) -> Array:
        if "last" in name or name.endswith("bias"):
            return jnp.zeros(shape)
        return jax.random.normal(key, shape) * np.sqrt(2 / math.prod(shape[:-1]))

    return {name: initial(key, name, shape) for key, (name, shape) in zip(keys, shapes.items(), strict=True)}


def simulate(
    architecture: SequentialArchitecture,
    weights: Weights,
    batch: int,
    shape: Sequence[int],
    decide: Decide,
    *,
    seen: Seen | None = None,
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
    seen
        What networks see beside the cells that are drawn; nothing without.
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
        around = Around() if seen is None else seen(span)
        if base is None:
            first = tuple((end - start) // unit for (start, end), unit in zip(span, architecture.unit, strict=True))
            told = first_told(architecture, weights, (batch, *first), around, blind=blind, precision=precision)
            base = decide(Drawn(0, 0, (0,) * architecture.ndim, 0, architecture.block(0)), told)
        known, crop = draw_grid(
            architecture,
            weights,
            level,
            base,
            decide,
            around,
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
    around: Around,
    *,
    blind: bool = False,
    precision: lax.Precision = EXACT,
) -> Float[Array, "batch *part output"]:
    """What is told of the first cells, before any is drawn: the same of all, but for what is around.

    Parameters
    ----------
    cells
        How many fields, and first cells along each axis.
    architecture, weights, around, blind, precision
        As for `draw_grid`.
    """
    bias = weights["first.bias"]
    told, seen = jnp.broadcast_to(bias, (*cells, len(bias))), around.of(architecture.unit)
    if around.wells is None and around.maps is None:
        return told

    def product(x: Array, kernel: Array) -> Array:
        return convolve(_padded(x, kernel.shape[0] // 2), kernel, 1, precision)

    def tell(x: Array) -> Array:
        return told + product(jax.nn.silu(x), weights["first.last.kernel"])

    of_maps, of_wells = jnp.split(weights["first.0.kernel"], [architecture.maps], axis=-2)
    x = jnp.zeros(()) if seen.maps is None else product(seen.maps, of_maps)
    alone = told if seen.maps is None else tell(x)
    if seen.wells is None:
        return alone
    given = tell(x + product(seen.wells, of_wells))
    return jnp.concatenate([given, alone]) if blind else given


def draw_grid(
    architecture: SequentialArchitecture,
    weights: Weights,
    level: int,
    base: Draw,
    decide: Decide,
    around: Around,
    *,
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
    around
        What networks see in the part of the plane in which the grid is drawn.
    architecture, weights, level, decide, blind, padded, complete, precision
        As for `simulate`.
    """
    off = 0 if padded else architecture.windows[level]
    known: dict[Offset, Draw] = {} if architecture.split(level) else {(0,) * architecture.ndim: base}
    member, groups, block = int(level == 0), architecture.groups(level), architecture.block(level + 1)
    seen = around.of(architecture.stride(level))
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
    seen: Around,
    blind: bool,
    padded: bool,
    precision: lax.Precision,
) -> Array:
    layers = [str(layer) for layer, _ in enumerate(architecture.layers(int(name.split(".")[0])))]
    known = x.shape[-1]

    def product(x: Array, kernel: Array) -> Array:
        return convolve(_padded(x, kernel.shape[0] // 2) if padded else x, kernel, 1, precision)

    for layer in [*layers, "last"]:
        kernel, bias = (weights[f"{name}.{layer}.{part}"] for part in ("kernel", "bias"))
        if layer == "0":
            own, of_maps, of_wells = jnp.split(kernel, [known, known + architecture.maps], axis=-2)
            x = product(x, own) + bias
            x = x if seen.maps is None else x + product(seen.maps, of_maps)
            if seen.wells is not None:
                given = x + product(seen.wells, of_wells)
                x = jnp.concatenate([given, x]) if blind else given
        else:
            x = product(x, kernel) + bias
        x = x if layer == "last" else jax.nn.silu(x)
    return x


def _padded(x: Array, cells: int) -> Array:
    """With zeros around."""
    return jnp.pad(x, [(0, 0), *((cells, cells),) * (x.ndim - 2), (0, 0)]) if cells else x


def _cut(x: Array, span: Span, wanted: Span, strides: Sequence[int]) -> Array:
    """What is wanted of a span, in cells of a grid."""
    each = zip(span, wanted, strides, strict=True)
    return x[(slice(None), *(slice((b[0] - a[0]) // step, (b[1] - a[0]) // step) for a, b, step in each))]
