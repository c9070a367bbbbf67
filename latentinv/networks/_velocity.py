"""The velocity of a flow: from a field on its way from noise to geology, and its time, the direction in which it goes.

A U-Net (Ronneberger et al. 2015, arXiv:1505.04597) in blocks of cells: at 1/2 of the resolution and coarser, the cells
of a block are channels (space-to-depth), so that no layer works at full resolution and none skips cells. Each level has
a layer on the way down, which sees one block, and one of 3 blocks per axis on the way up; the coarsest has several. (On
the way down, 3 blocks would double the cells and the time for the same error.) Channels are normalised
cell by cell (root mean square, Zhang and Sennrich 2019, arXiv:1910.07467), so a cell depends on its window and on
nothing else. Time, and the length of the step that is to be taken, scale and shift channels.

Without padding the result is smaller than the input by `margin` cells at each end of each axis: the window is what a
step of the flow sees. In training, zeros are padded instead, and the loss leaves out what they reach most.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float

from ._convolution import EXACT, convolve, depth_to_space, space_to_depth

Weights = Mapping[str, Array]
FREQUENCIES = 8
"""Waves by which time and step length are told."""
EMBEDDING = 64
TINY = 1e-6


@dataclass(frozen=True)
class VelocityArchitecture:
    """A velocity network."""

    ndim: int
    """Axes of the field, 2 or 3."""
    channels: int
    """Numbers in each cell."""
    widths: tuple[int, ...]
    """Channels at 1/2, 1/4, … of the field's resolution."""
    middle: int = 2
    """Layers at the coarsest level."""

    @property
    def block(self) -> int:
        """Field cells per cell of the coarsest level along an axis."""
        return 2 ** len(self.widths)

    @property
    def margin(self) -> int:
        """Cells, in whole blocks, that a velocity needs beyond each end of its own along an axis."""
        return 2 * self._margins()[0][0]

    def _margins(self) -> tuple[list[int], list[int]]:
        """Cells of each level beyond the result after the way down, and before the way up."""
        levels = len(self.widths)
        up = [2]  # one for the layer of the way up and one for the last
        for _ in range(1, levels - 1):
            up.append(math.ceil(up[-1] / 2) + 1)
        bottom = math.ceil(up[-1] / 2) + self.middle if levels > 1 else up[0] + self.middle - 1
        down = [bottom]
        for _ in range(levels - 1):
            down.append(2 * down[-1])
        return down[::-1], up


def initial_velocity(key: Array, architecture: VelocityArchitecture) -> dict[str, Array]:
    """Random weights; the last layer gives 0."""
    ndim, widths, phases = architecture.ndim, architecture.widths, 2**architecture.ndim
    window, ones = (3,) * ndim, (1,) * ndim
    last = len(widths) - 1
    shapes: dict[str, tuple[int, ...]] = {}
    for level, width in enumerate(widths):
        before = architecture.channels if level == 0 else widths[level - 1]
        shapes[f"down_{level}"] = (*ones, phases * before, width)
    for n in range(architecture.middle):
        shapes[f"middle_{n}"] = (*window, widths[last], widths[last])
    for level in range(last):
        shapes[f"rise_{level}"] = (*ones, widths[level + 1], phases * widths[level])
        shapes[f"up_{level}"] = (*window, widths[level], widths[level])
    shapes["last"] = (*window, widths[0], phases * architecture.channels)
    keys = jax.random.split(key, len(shapes) + 1)
    weights = {
        name: jax.random.normal(each, shape) * np.sqrt((0 if name == "last" else 2) / math.prod(shape[:-1]))
        for each, (name, shape) in zip(keys[1:], shapes.items(), strict=True)
    }
    told = [name for name in shapes if name.split("_")[0] in ("down", "middle", "up")]
    sizes = {name: shapes[name][-1] for name in told}
    return {
        **weights,
        **{f"{name}.bias": jnp.zeros(shape[-1]) for name, shape in shapes.items()},
        **{f"{name}.time": jnp.zeros((EMBEDDING, 2 * size)) for name, size in sizes.items()},
        "embedding": jax.random.normal(keys[0], (4 * FREQUENCIES, EMBEDDING)) / np.sqrt(4 * FREQUENCIES),
    }


def velocity(
    architecture: VelocityArchitecture,
    weights: Weights,
    x: Float[Array, "batch *space channel"],
    time: Float[Array, "batch"],
    step: Float[Array, "batch"],
    *,
    padded: bool = False,
    precision: lax.Precision = EXACT,
) -> Float[Array, "batch *result channel"]:
    """The velocity of fields.

    Parameters
    ----------
    architecture, weights
        The network.
    x
        Fields; their sides are whole blocks.
    time
        Of each, from 0 (noise) to 1.
    step
        Length of the step to be taken; 0 for the velocity itself.
    padded
        Whether zeros are padded, so that the result is as large as `x`; otherwise it is `margin` cells smaller at each
        end.
    precision
        Of products.
    """
    told = _told(weights, time, step)
    levels = len(architecture.widths)
    down, up = architecture._margins()

    def layer(name: str, x: Array) -> Array:
        y = _convolve(x, weights[name], padded, precision) + weights[f"{name}.bias"]
        scale, shift = jnp.split(jnp.matmul(told, weights[f"{name}.time"], precision=precision), 2, axis=-1)
        ones = (slice(None), *(None,) * architecture.ndim)
        norm = lax.rsqrt(jnp.mean(y**2, axis=-1, keepdims=True) + TINY)
        return jax.nn.silu(y * norm * (1 + scale[ones]) + shift[ones])

    h, kept = x, []
    for level in range(levels):
        h = layer(f"down_{level}", space_to_depth(h))
        kept.append(h)
    for n in range(architecture.middle):
        h = h + layer(f"middle_{n}", h) if padded else _crop(h, 1) + layer(f"middle_{n}", h)
    for level in reversed(range(levels - 1)):
        rise = convolve(h, weights[f"rise_{level}"], 1, precision) + weights[f"rise_{level}.bias"]
        h = depth_to_space(rise, (2,) * architecture.ndim)
        if not padded:
            have = 2 * (math.ceil(up[level] / 2))
            h = _crop(h, have - up[level])
            kept[level] = _crop(kept[level], down[level] - up[level])
        h = layer(f"up_{level}", h + kept[level])
    last = _convolve(h, weights["last"], padded, precision) + weights["last.bias"]
    return depth_to_space(last, (2,) * architecture.ndim)


def _told(weights: Weights, time: Float[Array, "batch"], step: Float[Array, "batch"]) -> Float[Array, "batch number"]:
    waves = 2 * jnp.pi * jnp.stack([time, step], axis=-1)[..., None] * 2.0 ** (jnp.arange(FREQUENCIES) - 2)
    both = jnp.concatenate([jnp.cos(waves), jnp.sin(waves)], axis=-1).reshape(len(time), -1)
    return jax.nn.silu(jnp.matmul(both, weights["embedding"], precision=EXACT))


def _convolve(x: Array, kernel: Array, padded: bool, precision: lax.Precision) -> Array:
    if padded and kernel.shape[0] > 1:
        x = jnp.pad(x, [(0, 0), *((1, 1),) * (x.ndim - 2), (0, 0)])
    return convolve(x, kernel, 1, precision)


def _crop(x: Array, cells: int) -> Array:
    return x[(slice(None), *(slice(cells, n - cells) for n in x.shape[1:-1]))]
