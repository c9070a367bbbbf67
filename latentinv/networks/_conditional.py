"""A generator that sees what is known of its field: a map over the cells enters beside the noise, and single numbers.

The map has some numbers in each cell, all 0 where nothing is known. Going down, every two cells along each axis become
one, by a matrix and a ReLU, so features of a block say what is known in it and where; there is no bias, so without data
all features are 0. They enter every layer of a generator but the first, as further channels of a latent map do
(`_generator.py`). That a generator takes such a map beside noise is the proposal of Ruffino et al. (2020,
doi:10.1016/j.neucom.2019.11.116); how the two meet is ours. Numbers of the whole field, such as a proportion or a
width, enter the same layers as constant maps.

A generator's layers see more than their field, so the map has margins ahead of the field and behind it, of whole places
of the first latent map. Blocks so lie alike in a field and in its tiles, and a tile with the features of what is known
around it equals the same tile of a larger field. Features of a block enter at the place of a layer whose cells have it
in their middle, to half a block. They are computed once for any number of fields.
"""

import functools
import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

from ._architecture import GeneratorArchitecture
from ._convolution import EXACT, space_to_depth

FIRST_WIDTH, LARGEST_WIDTH = 16, 64
"""Features of blocks of two cells; each level has twice as many as the one above, up to the second."""

Features = Sequence[Float[Array, "batch *block feature"]]
"""The map itself, and the features of blocks of 2, 4, … cells."""


@dataclass(frozen=True)
class ConditionalArchitecture:
    """A generator, and what it sees.

    Parameters
    ----------
    base
        The generator without it.
    channels
        Numbers in each cell of the map that it sees.
    numbers
        Of the whole field, that it sees.
    """

    base: GeneratorArchitecture
    channels: int
    numbers: int = 0

    @property
    def widths(self) -> tuple[int, ...]:
        """Numbers of a cell, and features of blocks of 2, 4, … cells, up to the coarsest that enters a layer."""
        doublings = int(math.log2(self.base.after(1).ratio))
        return (self.channels, *(min(LARGEST_WIDTH, FIRST_WIDTH * 2**n) for n in range(doublings)))

    @functools.cached_property
    def generator(self) -> GeneratorArchitecture:
        """The generator with features and numbers as channels of latent maps, behind the noise of its own."""
        first, *others = self.base.layers
        more = (self.widths[self._level(n)] + self.numbers for n in range(1, len(self.base.layers)))
        wider = (replace(layer, noise=layer.noise + count) for layer, count in zip(others, more, strict=True))
        return replace(self.base, layers=(first, *wider))

    @property
    def encoder_shapes(self) -> tuple[tuple[int, int], ...]:
        """Shapes of the matrices, from blocks of two cells on."""
        return tuple((2**self.base.ndim * fine, coarse) for fine, coarse in itertools.pairwise(self.widths))

    @property
    def ahead(self) -> int:
        """Cells of the map ahead of the field, along each axis."""
        most = max(self._shift(n) for n in range(1, len(self.base.layers)))
        return self.base.ratio * math.ceil(most / self.base.ratio)

    def seen_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Cells of the map, its margins included, for a field of a shape."""
        return tuple(map(self._seen_size, shape))

    def latent_shapes(self, shape: tuple[int, ...]) -> tuple[tuple[int, ...], ...]:
        """Shapes of the maps of noise alone, channels last, for a field of a given shape."""
        return self.base.latent_shapes(shape)

    def entering(
        self,
        latents: Sequence[Float[Array, "batch *latent channel"]],
        features: Features | None,
        numbers: Float[Array, "batch number"],
        shape: tuple[int, ...],
    ) -> list[Float[Array, "batch *latent channel"]]:
        """What enters the layers of `generator` for a field of a shape: noise, features and numbers.

        Parameters
        ----------
        latents
            The maps of noise.
        features
            Of what is known; None if that is nothing.
        numbers
            Of the whole field.
        shape
            Of the field.
        """
        noise = dict(zip(self.base.entries, latents, strict=True))
        maps = [latents[0]]
        for position in self.generator.entries[1:]:
            level, first = self._level(position), self._first(position)
            sizes = [self.base.sizes(size)[position] for size in shape]
            if features is None:
                seen = jnp.zeros((len(latents[0]), *sizes, self.widths[level]), latents[0].dtype)
            else:
                seen = features[level][(slice(None), *(slice(first, first + size) for size in sizes))]
            constant = numbers.reshape(len(numbers), *(1,) * len(shape), -1)
            everywhere = jnp.broadcast_to(constant, (len(numbers), *sizes, self.numbers))
            own = [noise[position]] if position in noise else []
            maps.append(jnp.concatenate([*own, seen, everywhere], axis=-1))
        return maps

    def _level(self, position: int) -> int:
        """How many times the cells were doubled to the blocks of a layer's input."""
        return int(math.log2(self.base.after(position).ratio))

    def _shift(self, position: int) -> float:
        """Cells by which the middle of those that a place of a layer's input changes lies ahead of its block."""
        before, after = self.base.after(position).reach
        return (before - after) / 2

    def _first(self, position: int) -> int:
        """The block that belongs to the first place of a layer's input."""
        return round((self.ahead - self._shift(position)) / 2 ** self._level(position))

    def _seen_size(self, size: int) -> int:
        sizes = self.base.sizes(size)
        ends = ((self._first(n) + sizes[n]) * 2 ** self._level(n) for n in range(1, len(self.base.layers)))
        return self.base.ratio * math.ceil(max(self.ahead + size, *ends) / self.base.ratio)


def encode_known(
    architecture: ConditionalArchitecture,
    matrices: Sequence[Float[Array, "block feature"]],
    known: Float[Array, "batch *shape channel"],
    precision: lax.Precision = EXACT,
) -> tuple[Float[Array, "batch *block feature"], ...]:
    """Features of what is known of a field, with margins: the map itself, then those of blocks of 2, 4, … cells."""
    shape, ratio = known.shape[1:-1], architecture.base.ratio
    x = jnp.pad(known, [(0, 0), *((0, -n % ratio) for n in shape), (0, 0)])
    maps = [x]
    for matrix in matrices:
        x = jax.nn.relu(jnp.matmul(space_to_depth(x), matrix, precision=precision))
        maps.append(x)
    return tuple(_with_margins(architecture, x, 2**level, shape) for level, x in enumerate(maps))


def _with_margins(architecture: ConditionalArchitecture, x: Array, block: int, shape: tuple[int, ...]) -> Array:
    """Features of blocks with those of the margins, in which nothing is known."""
    ahead, whole = architecture.ahead // block, architecture.seen_shape(shape)
    edges = [(ahead, n // block - m - ahead) for n, m in zip(whole, x.shape[1:-1], strict=True)]
    return jnp.pad(x, [(0, 0), *edges, (0, 0)])
