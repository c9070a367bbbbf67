"""All that a sequential prior is given for a grid: wells, a coarse map, local proportions, auxiliary maps."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Shaped

from latentinv.errors import InputError
from latentinv.grid import Grid
from latentinv.priors.core import check_cells
from latentinv.pytrees import pytree, replace

from ._auxiliary_maps import Directions, MapRange, SeenMaps, directions_of, seen_maps
from ._honoured_cells import HonouredCells
from ._known_blocks import BLOCKS, KnownBlocks, by
from ._local_shares import LocalShares

MOVES, OF_WELLS, MAP = "moves of odds", ("well_cells", "well_facies"), "map "
"""Names of their arrays in a file; that of a map begins with the last."""


@pytree("blocks", "wells", "shares", "maps")
class GivenToSequential:
    """What is given; nothing at first.

    An object is made from another by `replace`.
    """

    def __init__(self) -> None:
        self.blocks: KnownBlocks | None = None
        self.edges: tuple[int, ...] = ()
        """Of a block, in cells."""
        self.wells: HonouredCells | None = None
        self.wells_shape: tuple[int, ...] = ()
        """Cells of the grid of wells that were given by a user; none where a posterior has them honoured."""
        self.shares: LocalShares | None = None
        self.maps: SeenMaps | None = None
        self.directions: Directions = ()
        """Of a map of directions that was given by a user."""
        self.cut = False
        """Whether it is of a part of the grid."""

    def cropped(self, start: tuple[int, ...]) -> "GivenToSequential":
        """For a part of the grid, with what is known around it."""
        first = jnp.asarray(start)
        moved: dict[str, Any] = {}
        if self.shares is not None:
            moved["shares"] = self.shares._replace(corner=self.shares.corner + first)
        if self.maps is not None:
            moved["maps"] = self.maps._replace(corner=self.maps.corner + first)
        if self.blocks is not None:
            corner = self.blocks.corner + np.asarray(start) // np.asarray(self.edges)
            moved["blocks"] = self.blocks._replace(corner=corner)
        if self.wells is not None:
            moved["wells"] = self.wells._replace(cells=self.wells.cells - first)
        other: GivenToSequential = replace(self, cut=True, **moved) if moved else self
        return other

    def check(self, grid: Grid, ranges: Sequence[MapRange]) -> None:
        """Raise `InputError` if it is of another grid, or of directions that the training image has not.

        Parameters
        ----------
        grid
            The grid.
        ranges
            Of the image's auxiliary maps.
        """
        if self.cut:
            return
        if self.shares is not None:
            check_cells(self.shares.moves.shape[:-1], grid, "local proportions")
        if self.maps is not None:
            self.maps.check(ranges, self.directions, grid)
        if self.wells_shape not in ((), grid.shape):
            raise InputError(
                f"The prior was given wells on a grid of {by(self.wells_shape)} cells, but the grid has "
                f"{by(grid.shape)}; give wells of this grid."
            )
        if self.blocks is None:
            return
        expected = tuple(math.ceil(n / edge) for n, edge in zip(grid.shape, self.edges, strict=True))
        if self.blocks.levels.shape[:-1] != expected:
            raise InputError(
                f"The prior was given a map of {by(self.blocks.levels.shape[:-1])} blocks of "
                f"{by(self.edges)} cells, but the grid of {by(grid.shape)} cells has {by(expected)}; "
                "give a map of this grid."
            )

    @property
    def words(self) -> str:
        """For people; empty if nothing is given."""
        given = [] if self.blocks is None else [f"a map of {by(self.blocks.levels.shape[:-1])} blocks"]
        given += [] if self.shares is None else ["local proportions"]
        given += [] if self.maps is None else [f"a map of {name}" for name in self.maps.given]
        if self.wells_shape and self.wells is not None:
            given.append(f"{len(self.wells.facies)} cells of wells")
        return ", ".join(given)

    def to_metadata(self) -> dict[str, Any]:
        """What is no array in a file."""
        return {"known_edges": self.edges, "wells_shape": self.wells_shape}

    def to_arrays(self) -> dict[str, Shaped[np.ndarray, "..."]]:
        """The arrays in a file."""
        arrays: dict[str, Any] = {}
        if self.blocks is not None:
            arrays[BLOCKS] = self.blocks.levels
        if self.shares is not None:
            arrays[MOVES] = self.shares.moves
        if self.maps is not None:
            arrays |= {f"{MAP}{name}": values for name, values in self.maps.given.items()}
        if self.wells_shape and self.wells is not None:
            arrays |= dict(zip(OF_WELLS, self.wells, strict=True))
        return {name: np.asarray(array) for name, array in arrays.items()}

    @classmethod
    def from_record(
        cls, arrays: Mapping[str, np.ndarray], metadata: Mapping[str, Any], ndim: int
    ) -> "GivenToSequential":
        """What is given by a file."""
        found: dict[str, Any] = {}
        if BLOCKS in arrays:
            found["blocks"] = KnownBlocks(jnp.asarray(arrays[BLOCKS]), jnp.zeros(ndim, int))
            found["edges"] = tuple(metadata["known_edges"])
        if MOVES in arrays:
            found["shares"] = LocalShares(jnp.asarray(arrays[MOVES]), jnp.zeros(ndim, int))
        if maps := {name.removeprefix(MAP): array for name, array in arrays.items() if name.startswith(MAP)}:
            found |= {"maps": seen_maps(maps, ndim), "directions": directions_of(maps)}
        if OF_WELLS[0] in arrays:
            found["wells"] = HonouredCells(*(jnp.asarray(arrays[name]) for name in OF_WELLS))
            found["wells_shape"] = tuple(metadata["wells_shape"])
        given: GivenToSequential = replace(cls(), **found)
        return given


def is_given(name: str) -> bool:
    """Whether an array of a file is of what is given."""
    return name in (BLOCKS, MOVES, *OF_WELLS) or name.startswith(MAP)
