"""Fields of any size in tiles, in constant memory.

A tile is generated from the window of latents that its cells depend on, by the same prior on a grid as small as the
tile. This equals the tile of the whole field where a prior is local: its maps contain every place that could change a
cell of the grid, so that borders are not special. All tiles have one shape, so that one program serves them; the
latents and cells beyond the end of the field are zeros and are dropped.
"""

import dataclasses
import functools
import math
from collections.abc import Iterator, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from latentinv.grid import Grid

from ._latent_map import LatentMap, split_latents

Place = tuple[slice, ...]


def tiles(
    prior: Any, z: Float[np.ndarray, "latent"], grid: Grid, tile: int
) -> Iterator[tuple[Place, Float[np.ndarray, "*tile"]]]:
    """Generate a field tile by tile, or whole where the prior is not local; see `AbstractPrior.tiles`."""
    maps = prior.latent_maps(grid)
    edges = _edges(maps, tile)
    part = dataclasses.replace(grid, shape=tuple(map(min, edges or grid.shape, grid.shape)))
    if edges is None or part.shape == grid.shape or not _is_local(maps, grid):
        yield tuple(slice(0, n) for n in grid.shape), np.asarray(generate(prior, jnp.asarray(z), grid))
        return
    latents = split_latents(np.asarray(z), maps)
    windows = prior.latent_maps(part)
    for corner in np.ndindex(*map(math.ceil, np.divide(grid.shape, edges))):
        start = tuple(c * edge for c, edge in zip(corner, edges, strict=True))
        blocks = [_cut(latent, start, window) for latent, window in zip(latents, windows, strict=True)]
        own = prior.cropped(start, part.shape)
        field = np.asarray(generate(own, jnp.asarray(np.concatenate([b.ravel() for b in blocks])), part))
        place = tuple(slice(s, min(s + p, n)) for s, p, n in zip(start, part.shape, grid.shape, strict=True))
        yield place, field[tuple(slice(0, p.stop - p.start) for p in place)]


@functools.partial(jax.jit, static_argnums=2)
def generate(prior: Any, z: Any, grid: Grid) -> Any:
    """The field of a latent vector; one program for all priors of a structure."""
    return prior.generate(z, grid)


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
    latent: Float[np.ndarray, "*place number"], start: Sequence[int], window: LatentMap
) -> Float[np.ndarray, "*window number"]:
    """The latents of a tile that begins at a cell, with zeros beyond the end of the map."""
    assert window.spacing is not None
    first = [s // step for s, step in zip(start, window.spacing, strict=True)]
    block = latent[tuple(slice(f, f + n) for f, n in zip(first, window.shape, strict=False))]
    return np.pad(block, [(0, n - m) for n, m in zip(window.shape, block.shape, strict=True)])
