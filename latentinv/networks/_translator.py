"""Networks that put fields of one style into another, cell by cell, and those that put them back.

A translator sees the facies of a window of cells as shares between 0 and 1, and tells numbers of the facies of the
other style. Most layers work on blocks of 2 cells along each axis, whose cells are channels (space-to-depth), and are
residual: one that sees blocks some distance apart, then one that sees the block alone (He et al. 2016,
doi:10.1109/CVPR.2016.90). What they tell is interpolated to cells, since channels for each cell of a block would draw
by blocks: they leave speckle of two cells along banks. At full resolution one layer adds what the cells themselves are,
and another tells the numbers. These are added to what the facies stand for, so that a network whose last layer is 0
keeps every cell.

There is no padding and no norm, of channels over a field or of a batch: a cell depends on its window and on nothing
else, so a part of a translation is the translation of the part and `margin` cells around it. (Instance norm, usual in
such networks, would make every cell depend on the whole field.) Cost: with the default widths some 9 000 multiply-adds
a cell.
"""

import functools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float

from ._blocks import inner
from ._convolution import EXACT, convolve, space_to_depth
from ._singan import risen
from ._velocity import Weights

WINDOW = 3
KEPT = 2.0
"""Numbers of a cell before training: half the log-odds of two facies, whose levels are then ±0.96."""


@dataclass(frozen=True)
class TranslatorArchitecture:
    """A network from one style to another.

    Parameters
    ----------
    ndim
        Axes of fields, 2 or 3.
    stands
        For each facies of the fields that it sees, the position of the facies that it stands for.
    facies
        How many there are of these.
    widths
        Channels at full and at half resolution.
    dilations
        Of each residual layer, blocks from one that it sees to the next.
    """

    ndim: int
    stands: tuple[int, ...]
    facies: int
    widths: tuple[int, int]
    dilations: tuple[int, ...]

    @property
    def inputs(self) -> int:
        """Levels in each cell that it sees."""
        return channels_of(len(self.stands))

    @property
    def outputs(self) -> int:
        """Numbers in each cell that it tells."""
        return channels_of(self.facies)

    @property
    def blocks(self) -> int:
        """Blocks that it sees at each side of one."""
        return 1 + sum(self.dilations)

    @property
    def margin(self) -> int:
        """Cells beyond each end of its result that it sees; even, so that blocks lie alike in fields and their parts.

        One more than the widest window, for that lies unevenly around a cell of a block.
        """
        return 2 * self.blocks + 4

    @property
    def back(self) -> "TranslatorArchitecture":
        """The network of the way back, in which a facies stands for the first of those that stand for it."""
        stands = tuple(self.stands.index(facies) for facies in range(self.facies))
        return replace(self, stands=stands, facies=len(self.stands))


def channels_of(facies: int) -> int:
    """Numbers in a cell of facies without order: one for two, and otherwise one for each."""
    return 1 if facies == 2 else facies


def initial_translator(key: Array, architecture: TranslatorArchitecture) -> dict[str, Array]:
    """Random weights that keep the facies of all cells."""
    shapes = dict(translator_shapes(architecture))
    keys = jax.random.split(key, len(shapes))

    def initial(key: Array, name: str, shape: tuple[int, ...]) -> Array:
        if name.endswith("bias") or name.startswith("last"):
            return jnp.zeros(shape)
        gain = 0.1 if name.startswith("near") else 1.0
        return gain * jax.random.normal(key, shape) * np.sqrt(2 / math.prod(shape[:-1]))

    return {name: initial(one, name, shape) for one, (name, shape) in zip(keys, shapes.items(), strict=True)}


def translator_shapes(architecture: TranslatorArchitecture) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Names and shapes of the weights."""
    fine, coarse = architecture.widths
    window, one, cells = (WINDOW,) * architecture.ndim, (1,) * architecture.ndim, 2**architecture.ndim
    kernels = {"enter": (*window, cells * architecture.inputs, coarse)}
    for number in range(len(architecture.dilations)):
        kernels[f"far_{number}"], kernels[f"near_{number}"] = (*window, coarse, coarse), (*one, coarse, coarse)
    kernels["rise"] = (*one, coarse, fine)
    kernels["fine"], kernels["last"] = (*window, architecture.inputs, fine), (*window, fine, architecture.outputs)
    for name, shape in kernels.items():
        yield name, shape
        yield f"{name}.bias", shape[-1:]


def translated(
    architecture: TranslatorArchitecture,
    weights: Weights,
    levels: Float[Array, "batch *space level"],
    precision: lax.Precision = EXACT,
) -> Float[Array, "batch *inside number"]:
    """Numbers of the facies of the other style, of fields and `margin` cells around them.

    Parameters
    ----------
    architecture, weights
        The network.
    levels
        Of what is translated, in [−1, 1].
    precision
        Of products.
    """
    margin, space = architecture.margin, levels.shape[1:-1]
    # Blocks are whole; what is added for it lies beyond the windows of all cells that are kept.
    x = jnp.pad(levels, [(0, 0), *((0, n % 2) for n in space), (0, 0)])

    def layer(name: str, x: Array, dilation: int = 1) -> Array:
        return convolve(x, weights[name], dilation, precision) + weights[f"{name}.bias"]

    h = jax.nn.silu(layer("enter", space_to_depth(x)))
    for number, dilation in enumerate(architecture.dilations):
        more = layer(f"near_{number}", jax.nn.silu(layer(f"far_{number}", h, dilation)))
        h = inner(h, dilation) + more
    # Interpolation begins at the second cell of the first block, and two more layers see a cell around.
    h = jax.nn.silu(risen(layer("rise", h)) + layer("fine", inner(x, 2 * architecture.blocks)))
    told = layer("last", h)[(slice(None), *(slice(2, 2 + n - 2 * margin) for n in space))]
    same = standing(shares_of(inner(levels, margin)), architecture.stands, architecture.facies)
    return told + KEPT * levels_of_shares(same)


def shares_of(levels: Float[Array, "*cell level"]) -> Float[Array, "*cell facies"]:
    """Shares of facies, from levels in [−1, 1]."""
    both = jnp.concatenate([-levels, levels], axis=-1) if levels.shape[-1] == 1 else levels
    return 0.5 * (1 + both)


def levels_of_shares(shares: Float[Array, "*cell facies"]) -> Float[Array, "*cell level"]:
    """Levels in [−1, 1], from shares of facies."""
    return shares[..., 1:] - shares[..., :1] if shares.shape[-1] == 2 else 2 * shares - 1


def standing(
    shares: Float[Array, "*cell facies"], stands: Sequence[int], count: int
) -> Float[Array, "*cell other_facies"]:
    """Shares of the facies for which others stand, of which there are `count`."""
    parts = [[shares[..., n] for n, one in enumerate(stands) if one == facies] for facies in range(count)]
    none = jnp.zeros_like(shares[..., 0])
    return jnp.stack([functools.reduce(jnp.add, part, none) for part in parts], axis=-1)
