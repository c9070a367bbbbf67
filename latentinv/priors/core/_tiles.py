"""Fields of any size in tiles, in constant memory.

A tile is generated from the window of latents that its cells depend on, by the same prior on a grid as small as the
tile. This equals the tile of the whole field where a prior is local: its maps contain every place that could change a
cell of the grid, so that borders are not special. All tiles have one shape, so that one program serves them; the
latents and cells beyond the end of the field are zeros and are dropped. Each device makes a tile at a time; since tiles
recompute their margins from the latents that they share, devices exchange no cells.
"""

import dataclasses
import functools
import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from latentinv.devices import compiled, device_count, spread
from latentinv.grid import Grid

from ._drawn_latents import DrawnLatents
from ._latent_map import LatentMap

Place = tuple[slice, ...]
Latents = Float[np.ndarray, "latent"] | DrawnLatents


def tiles(prior: Any, z: Latents, grid: Grid, tile: int) -> Iterator[tuple[Place, Float[np.ndarray, "*tile"]]]:
    """Generate a field tile by tile, or whole where the prior is not local; see `AbstractPrior.tiles`."""
    maps = prior.latent_maps(grid)
    edges = _edges(maps, tile)
    part = dataclasses.replace(grid, shape=tuple(map(min, edges or grid.shape, grid.shape)))
    if edges is None or part.shape == grid.shape or not _is_local(maps, grid):
        yield tuple(slice(0, n) for n in grid.shape), np.asarray(generate(prior, jnp.asarray(np.asarray(z)), grid))
        return
    z, windows = z if isinstance(z, DrawnLatents) else np.asarray(z), prior.latent_maps(part)
    corners = list(np.ndindex(*map(math.ceil, np.divide(grid.shape, edges))))
    for begin in range(0, len(corners), device_count()):
        starts = [tuple(np.multiply(corner, edges).tolist()) for corner in corners[begin : begin + device_count()]]
        fields = _side_by_side(prior, starts, [_cut(z, maps, windows, start) for start in starts], part)
        for start, field in zip(starts, fields, strict=True):
            place = tuple(slice(s, min(s + p, n)) for s, p, n in zip(start, part.shape, grid.shape, strict=True))
            yield place, np.asarray(field)[tuple(slice(0, p.stop - p.start) for p in place)]


def _side_by_side(
    prior: Any, starts: Sequence[tuple[int, ...]], latents: list[Float[np.ndarray, "latent"]], part: Grid
) -> Iterable[Any]:
    """The tiles that begin at some cells, one on each device."""
    priors = [prior.cropped(start, part.shape) for start in starts]
    if device_count() == 1:
        return [generate(one, jnp.asarray(z), part) for one, z in zip(priors, latents, strict=True)]
    missing = device_count() - len(starts)  # so that the last tiles need no program of their own
    rows = np.stack(latents + latents[-1:] * missing)
    if all(one is prior for one in priors):
        return _generate_rows(prior, rows, part)[: len(starts)]
    return _generate_crops(jax.tree.map(lambda *x: np.stack(x), *priors, *priors[-1:] * missing), rows, part)[
        : len(starts)
    ]


@functools.partial(compiled, static_argnums=2)
def generate(prior: Any, z: Any, grid: Grid) -> Any:
    """The field of a latent vector; one program for all priors of a structure."""
    return prior.generate(z, grid)


@functools.partial(compiled, static_argnames=("grid",))
def _generate_rows(prior: Any, latents: Any, grid: Grid) -> Any:
    return spread(lambda rows: jax.lax.map(lambda z: prior.generate(z, grid), rows), latents)


@functools.partial(compiled, static_argnames=("grid",))
def _generate_crops(priors: Any, latents: Any, grid: Grid) -> Any:
    return spread(lambda rows: jax.lax.map(lambda pair: pair[0].generate(pair[1], grid), rows), (priors, latents))


def _edges(maps: Sequence[LatentMap], tile: int) -> tuple[int, ...] | None:
    """Cells of a tile along each axis: whole places of every map; None where latents have no place."""
    spacings = [one.spacing for one in maps if one.spacing is not None]
    if len(spacings) < len(maps):
        return None
    whole = (math.lcm(*along) for along in zip(*spacings, strict=True))
    return tuple(math.ceil(tile / step) * step for step in whole)


def _is_local(maps: Sequence[LatentMap], grid: Grid) -> bool:
    """Whether the maps contain every place that could change a cell of the grid if it were part of a larger one."""
    cells = tuple(slice(0, n) for n in grid.shape)
    needed = ((one.places_of(cells), one.shape) for one in maps)
    return all(p.start >= 0 and p.stop <= n for places, shape in needed for p, n in zip(places, shape, strict=False))


def _cut(
    z: Latents, maps: Sequence[LatentMap], windows: Sequence[LatentMap], start: Sequence[int]
) -> Float[np.ndarray, "latent"]:
    """The latents of a tile that begins at a cell, with zeros beyond the end of each map."""
    blocks, offset = [], 0
    for whole, window in zip(maps, windows, strict=True):
        assert window.spacing is not None
        first = [s // step for s, step in zip(start, window.spacing, strict=True)]
        counts = [min(n, end - f) for f, n, end in zip(first, window.shape, whole.shape, strict=False)]
        if isinstance(z, DrawnLatents):
            block = z.box(offset, whole.shape, first, counts)
        else:
            box = tuple(slice(f, f + n) for f, n in zip(first, counts, strict=True))
            block = z[offset : offset + whole.size].reshape(whole.shape)[box]
        blocks.append(np.pad(block, [(0, n - m) for n, m in zip(window.shape, block.shape, strict=True)]).ravel())
        offset += whole.size
    return np.concatenate(blocks)
