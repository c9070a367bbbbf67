"""What all learned priors ask of a grid and of a latent vector."""

from collections.abc import Sequence

from jaxtyping import Array, Float

from latentinv.errors import InputError
from latentinv.grid import MOST_CELLS, Grid
from latentinv.networks import GeneratorArchitecture
from latentinv.priors.core import LatentMap


def check_axes(ndim: int, grid: Grid) -> None:
    """Refuse a grid that has other axes than the prior."""
    if grid.ndim != ndim:
        raise InputError(f"The prior has {ndim} axes, but the grid {grid.ndim}; change one of them.")


def generator_maps(net: GeneratorArchitecture, grid: Grid) -> tuple[LatentMap, ...]:
    """The latent maps of a generator, one for each entry, channels last, from the coarsest to the finest."""
    chains = [net.after(entry) for entry in net.entries]
    return tuple(
        LatentMap(shape, (part.ratio,) * net.ndim, (part.reach,) * net.ndim)
        for part, shape in zip(chains, net.latent_shapes(grid.shape), strict=True)
    )


def in_words(net: GeneratorArchitecture) -> str:
    """How many latents a generator has."""
    counts = (net.latent_channels, *(net.layers[entry].noise for entry in net.entries[1:]))
    each = zip(net.entries, counts, strict=True)
    counted = ", ".join(f"{count} for each {net.after(entry).ratio}" for entry, count in each)
    return f"{counted} cells along each axis"


def total_size(maps: Sequence[LatentMap], grid: Grid) -> int:
    """Length of the latent vector; so many latents that they do not fit one array are refused."""
    size = sum(one.size for one in maps)
    if size > MOST_CELLS:
        raise InputError(
            f"A field of {grid.size} cells has {size} latents; one array holds at most {MOST_CELLS}; give a "
            "smaller grid."
        )
    return size


def check_latent(z: Float[Array, "latent"], size: int, grid: Grid) -> None:
    """Refuse a latent vector of another length."""
    if z.shape != (size,):
        raise InputError(f"The latent has shape {z.shape}; this prior needs ({size},) on a grid of {grid.shape}.")


def cells_of_blocks(
    blocks: Float[Array, "batch *block number"], edge: int, channels: int
) -> Float[Array, "batch *space channel"]:
    """The noise of blocks of cells, some numbers for each cell, cell by cell."""
    places = blocks.shape[1:-1]
    ndim = len(places)
    split = blocks.reshape(len(blocks), *places, *(edge,) * ndim, channels)
    order = [axis for n in range(ndim) for axis in (1 + n, 1 + ndim + n)]
    return split.transpose(0, *order, 2 * ndim + 1).reshape(len(blocks), *(n * edge for n in places), -1)


def blocks_of_cells(cells: Float[Array, "batch *space channel"], edge: int) -> Float[Array, "batch *block number"]:
    """The inverse of `cells_of_blocks`."""
    ndim = cells.ndim - 2
    places = [n // edge for n in cells.shape[1:-1]]
    split = cells.reshape(len(cells), *(n for place in places for n in (place, edge)), cells.shape[-1])
    order = [*range(1, 2 * ndim, 2), *range(2, 2 * ndim + 1, 2)]
    return split.transpose(0, *order, 2 * ndim + 1).reshape(len(cells), *places, -1)
