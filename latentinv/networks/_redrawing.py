"""Networks that draw a part of a field anew given all the rest: the odds of cells, told also of cells drawn later.

A sequential simulation tells the odds of a cell from those drawn before it. What is known of cells that are drawn
later, such as boreholes, or all that surrounds a window, it does not see. These networks see it: they are networks like
those of the simulation, which get in addition, on each grid, features of the known cells around. The features pass from
fine to coarse grids through a pyramid of convolutions. The networks learn from fields of the simulation itself, of
which random cells and windows are hidden.

Their odds are not quite those of the simulation, given what is known. Whoever draws by them corrects for it, since both
probabilities of a field are known.
"""

import functools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Bool, Float

from ._cells import Draw
from ._convolution import EXACT, convolve, space_to_depth
from ._sequential import Drawn, SequentialArchitecture, Span, simulate
from ._velocity import Weights


class Cells(NamedTuple):
    """Something of every cell that is drawn for a field, also of those around it: a table for each grid.

    Each has the places of the grid's span, and one number for each cell that is drawn at a place, or `channels`.
    """

    tables: tuple[Array, ...]

    def of(self, drawn: Drawn, channels: int) -> Array:
        """Those of the cells that are drawn at once."""
        table = self.tables[drawn.level]
        cells = (slice(drawn.crop, n - drawn.crop) for n in table.shape[1:-1])
        own = slice(drawn.member * channels, (drawn.member + 1) * channels)
        return table[(slice(None), *cells, own)]


def span_of(architecture: SequentialArchitecture, level: int, shape: Sequence[int], padded: bool) -> Span:
    """Where a grid is drawn: in the field only, if padded."""
    return tuple((0, n) for n in shape) if padded else architecture.span(level, shape)


def positions(
    architecture: SequentialArchitecture, level: int, shape: Sequence[int], *, padded: bool = False
) -> np.ndarray:
    """Place of every cell that is drawn on a grid, in cells of the field: axis, places, members."""
    strides, span = architecture.stride(level), span_of(architecture, level, shape, padded)
    members = [part for group in architecture.groups(level) for part in group]
    members = [*([(0,) * architecture.ndim] if level == 0 else []), *members]
    axes = [np.arange(start, end, step) for (start, end), step in zip(span, strides, strict=True)]
    places = np.stack(np.meshgrid(*axes, indexing="ij"), axis=0)[..., None]
    offsets = np.asarray(members) * np.asarray(strides) // 2
    return places + offsets.T.reshape(architecture.ndim, *(1,) * architecture.ndim, -1)


def cells_of_field(
    architecture: SequentialArchitecture, field: Array, shape: Sequence[int], beyond: float | bool, padded: bool = False
) -> Cells:
    """A number of each cell of a field, or several along a last axis, and another for all cells beyond it."""
    tables = []
    for level, _ in enumerate(architecture.widths):
        places = positions(architecture, level, shape, padded=padded)
        inside = np.all([(axis >= 0) & (axis < n) for axis, n in zip(places, shape, strict=True)], axis=0)
        index = tuple(np.clip(axis, 0, n - 1) for axis, n in zip(places, shape, strict=True))
        each = jnp.where(inside[..., None], field[index], beyond)
        tables.append(each.reshape(1, *inside.shape[:-1], -1))
    return Cells(tuple(tables))


def window_cells(
    architecture: SequentialArchitecture, shape: Sequence[int], start: Array, stop: Array
) -> Cells:
    """Whether each cell lies in a window, from `start` to before `stop` along each axis, in cells of the field."""
    tables = []
    for level, _ in enumerate(architecture.widths):
        places = positions(architecture, level, shape)
        each = [(axis >= a) & (axis < b) for axis, a, b in zip(places, start, stop, strict=True)]
        tables.append(functools.reduce(jnp.logical_and, each)[None])
    return Cells(tuple(tables))


def initial_redrawing(
    key: Array, architecture: SequentialArchitecture, weights: Weights, temperatures: Sequence[float]
) -> dict[str, Array]:
    """Networks that begin as those of a simulation, at its temperatures, and see nothing of the features."""
    started = dict(weights)
    for level, temperature in enumerate(temperatures):
        for number, _ in enumerate(architecture.groups(level)):
            first, last = f"{level}.{number}.0.kernel", f"{level}.{number}.last"
            started[first] = jnp.concatenate(
                [weights[first], jnp.zeros((*weights[first].shape[:-2], architecture.features, weights[first].shape[-1]))],
                axis=-2,
            )
            for part in ("kernel", "bias"):
                started[f"{last}.{part}"] = weights[f"{last}.{part}"] / temperature
    started["first.bias"] = weights["first.bias"] / temperatures[0]
    shapes = dict(_shapes(architecture))
    keys = jax.random.split(key, len(shapes))
    for own, (name, shape) in zip(keys, shapes.items(), strict=True):
        scale = 0.0 if name.endswith("bias") else np.sqrt(2 / math.prod(shape[:-1]))
        started[name] = scale * jax.random.normal(own, shape)
    # The first cells are told by features alone.
    started["known.first.kernel"] = jnp.zeros_like(started["known.first.kernel"])
    return started


def _shapes(architecture: SequentialArchitecture) -> Iterator[tuple[str, tuple[int, ...]]]:
    ndim, width = architecture.ndim, architecture.features
    for level, _ in enumerate(architecture.widths):
        yield f"known.{level}.cells.kernel", (architecture.members(level) * (architecture.channels + 1), width)
        yield f"known.{level}.cells.bias", (width,)
        if level + 1 < len(architecture.widths):
            factor = math.prod(min(2, stride) for stride in architecture.stride(level))
            yield f"known.{level}.finer.kernel", (factor * width, width)
        for layer in range(LAYERS):
            yield f"known.{level}.{layer}.kernel", (*(3,) * ndim, width, width)
            yield f"known.{level}.{layer}.bias", (width,)
    yield "known.first.kernel", (width, architecture.channels * architecture.cell.outputs)


LAYERS = 2


def known_features(
    architecture: SequentialArchitecture,
    weights: Weights,
    shape: Sequence[int],
    levels: Cells,
    known: Cells,
    *,
    padded: bool = False,
    precision: lax.Precision = EXACT,
) -> tuple[Array, ...]:
    """Features of known cells, on each grid."""
    found: list[Array] = []
    for level in reversed(range(len(architecture.widths))):
        seen, values = known.tables[level], levels.tables[level]
        shown = values.reshape(*seen.shape, architecture.channels) * seen[..., None]
        x = jnp.concatenate([shown.reshape(*values.shape), seen.astype(values.dtype)], axis=-1)
        y = jnp.matmul(x, weights[f"known.{level}.cells.kernel"], precision=precision)
        y = y + weights[f"known.{level}.cells.bias"]
        if found:
            inner, outer = (span_of(architecture, n, shape, padded) for n in (level + 1, level))
            steps = architecture.stride(level + 1)
            each = zip(inner, outer, steps, strict=True)
            pads = [((a - b) // step, (d - c) // step) for (a, c), (b, d), step in each]
            factors = [min(2, stride) for stride in architecture.stride(level)]
            finer = space_to_depth(jnp.pad(found[-1], [(0, 0), *pads, (0, 0)]), factors)
            y = y + jnp.matmul(finer, weights[f"known.{level}.finer.kernel"], precision=precision)
        y = jax.nn.silu(y)
        for layer in range(LAYERS):
            wider = jnp.pad(y, [(0, 0), *((1, 1),) * architecture.ndim, (0, 0)])
            z = convolve(wider, weights[f"known.{level}.{layer}.kernel"], 1, precision)
            y = y + jax.nn.silu(z + weights[f"known.{level}.{layer}.bias"])
        found.append(y)
    return tuple(reversed(found))


class Told(NamedTuple):
    """A field of which some cells were drawn."""

    levels: Cells
    log_probability: Float[Array, "batch"]
    """Of the cells that were drawn, given the others."""


Choose = Callable[[Drawn, Array], tuple[Array, Array]]


def redraw(
    architecture: SequentialArchitecture,
    weights: Weights,
    shape: Sequence[int],
    levels: Cells,
    known: Cells,
    key: Array | None,
    *,
    features: Sequence[Array] | None = None,
    temperatures: Sequence[float] | None = None,
    padded: bool = False,
    precision: lax.Precision = EXACT,
) -> Told:
    """Draw the cells that are not known; without a key tell the probability with which they would be what they are."""
    cell, channels, tables = architecture.cell, architecture.channels, list(levels.tables)
    total = []

    def decide(drawn: Drawn, told: Array) -> Draw:
        given, seen = levels.of(drawn, channels), known.of(drawn, 1)[..., 0]
        told = told if temperatures is None else cell.tempered(told, temperatures[drawn.level])
        if features is not None and drawn.level == 0 and drawn.member == 0:
            told = told + jnp.matmul(features[0], weights["known.first.kernel"], precision=precision)
        level = given
        if key is not None:
            own = jax.random.fold_in(jax.random.fold_in(key, drawn.level), drawn.member)
            noise = jax.random.normal(own, (*told.shape[:-1], channels))
            level = jnp.where(seen[..., None], given, lax.stop_gradient(cell.draw(told, noise).level))
            cut = (slice(drawn.crop, n - drawn.crop) for n in tables[drawn.level].shape[1:-1])
            place = (slice(None), *cut, slice(drawn.member * channels, (drawn.member + 1) * channels))
            tables[drawn.level] = tables[drawn.level].at[place].set(level)
        each = jnp.where(seen, 0.0, cell.log_likelihood(told, level))
        total.append(each.sum(axis=range(1, each.ndim)))
        return Draw(level, level)

    simulate(architecture, weights, len(tables[0]), shape, decide, features=features, padded=padded, precision=precision)
    return Told(Cells(tuple(tables)), sum(total, jnp.zeros(())))
