"""The networks of a SinGAN (Shaham, Dekel and Michaeli 2019, doi:10.1109/ICCV.2019.00467): scales, each of noise and
the one before.

The coarsest scale makes a map of noise alone. Each further one has cells half as large: it takes the map before, put on
its cells by linear interpolation, adds noise, and tells what is to be added, so that a network whose last layer is 0
leaves the map as it is. All networks are short chains of convolutions of 3 cells along each axis without normalisation,
so each scale learns what windows of `2 layers + 1` of its own cells look like, and nothing larger. As published but for
two things: scales differ by 2, not by 4/3, so that the cells of all scales meet and tiles equal parts of larger fields;
and what is added are logits, so that a map's levels lie between −1 and 1, and those of several facies are shares.

No padding is seen: each scale lies so far around a field that the field sees no end of it. Cost: nearly all is that of
the finest scale, whose cells are the most.
"""

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float

from ._blocks import inner
from ._convolution import EXACT, convolve
from ._critic import SLOPE, Scores
from ._sequential import Span
from ._velocity import Weights

WINDOW = 3
NOISE = "noise"
"""Name, among the weights, of the standard deviations of the noise of each scale."""
LEAST = 0.05
"""Share by which a map on its way to a finer scale is at least from 0 and 1, so that its logits have a slope."""


@dataclass(frozen=True)
class SinganArchitecture:
    """The scales of a SinGAN.

    Parameters
    ----------
    ndim
        Axes of the field, 2 or 3.
    channels
        Numbers in each cell, of the field and of the noise of each scale.
    widths
        Channels of the networks of each scale, from the coarsest to that of the field's own cells.
    layers
        Convolutions of each network.
    """

    ndim: int
    channels: int
    widths: tuple[int, ...]
    layers: int

    @property
    def scales(self) -> int:
        """How many there are."""
        return len(self.widths)

    @property
    def window(self) -> int:
        """Cells of a scale that its discriminator sees at once along an axis."""
        return 1 + self.layers * (WINDOW - 1)

    def stride(self, scale: int) -> int:
        """Edge in field cells of a cell of a scale."""
        return int(2 ** (self.scales - 1 - scale))

    def reach(self, scale: int) -> int:
        """Field cells that noise of a scale can change beyond its own block, at each side."""
        reach = self.layers
        for _ in range(scale + 1, self.scales):
            reach = 2 * reach + 1 + self.layers
        return reach

    def spans(self, shape: Sequence[int], scale: int) -> tuple[Span, ...]:
        """The parts of the plane, in cells of each scale up to one, where noise lies for a map of that scale."""
        wanted, spans = tuple((0, n) for n in shape), []
        for _ in range(scale + 1):
            spans.append(tuple((start - self.layers, end + self.layers) for start, end in wanted))
            # Cell 2 i lies between i − 1 and i of the coarser scale, and 2 i + 1 between i and i + 1.
            wanted = tuple(((start - 1) // 2, end // 2 + 1) for start, end in spans[-1])
        return tuple(reversed(spans))

    def noise_shapes(self, shape: Sequence[int], scale: int) -> tuple[tuple[int, ...], ...]:
        """Shapes of the noise of each scale, channels last, for a map of a scale."""
        spans = self.spans(shape, scale)
        return tuple((*(end - start for start, end in span), self.channels) for span in spans)


def initial_singan(key: Array, architecture: SinganArchitecture, *, outputs: int | None = None) -> dict[str, Array]:
    """Random weights.

    Parameters
    ----------
    key
        Of the random numbers.
    architecture
        The scales.
    outputs
        Of discriminators, 1; otherwise generators', whose last layers give 0 beyond the coarsest scale.
    """
    shapes = dict(_shapes(architecture, architecture.channels if outputs is None else outputs))
    keys = jax.random.split(key, len(shapes))

    def initial(key: Array, name: str, shape: tuple[int, ...]) -> Array:
        adds = outputs is None and not name.startswith("0.") and int(name.split(".")[1]) == architecture.layers - 1
        if adds or name.endswith("bias"):
            return jnp.zeros(shape)
        return jax.random.normal(key, shape) * np.sqrt(2 / math.prod(shape[:-1]))

    return {name: initial(key, name, shape) for key, (name, shape) in zip(keys, shapes.items(), strict=True)}


def _shapes(architecture: SinganArchitecture, outputs: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    for scale, width in enumerate(architecture.widths):
        sizes = [architecture.channels, *(width for _ in range(architecture.layers - 1)), outputs]
        for layer, pair in enumerate(itertools.pairwise(sizes)):
            yield f"{scale}.{layer}.kernel", (*(WINDOW,) * architecture.ndim, *pair)
            yield f"{scale}.{layer}.bias", (pair[1],)


def of_scale(weights: Weights, scale: int) -> dict[str, Array]:
    """The weights of one scale."""
    return {name: array for name, array in weights.items() if name.startswith(f"{scale}.")}


def synthesize_scales(
    architecture: SinganArchitecture,
    weights: Weights,
    noise: Sequence[Float[Array, "batch *place channel"]],
    shape: Sequence[int],
    precision: lax.Precision = EXACT,
) -> Float[Array, "batch *shape channel"]:
    """The logits of maps of a shape on the last of the scales for which there is noise."""
    scale = len(noise) - 1
    base = coarser(architecture, weights, noise[:-1], shape, precision)
    return refined(architecture, weights, scale, base, noise[-1], precision)


def coarser(
    architecture: SinganArchitecture,
    weights: Weights,
    noise: Sequence[Float[Array, "batch *place channel"]],
    shape: Sequence[int],
    precision: lax.Precision = EXACT,
) -> Float[Array, "batch *place channel"] | None:
    """Levels that the scales for which there is noise give a map of a shape on the next one, on its span; None if there
    is none.
    """
    spans = architecture.spans(shape, len(noise))
    base = None
    for scale, (each, span, wanted) in enumerate(zip(noise, spans[:-1], spans[1:], strict=True)):
        levels = levels_of(refined(architecture, weights, scale, base, each, precision))
        # The first cell that interpolation gives lies between the first two.
        first = [2 * (start + architecture.layers) + 1 for start, _ in span]
        base = risen(levels)
        places = (slice(begin - n, end - n) for n, (begin, end) in zip(first, wanted, strict=True))
        base = base[(slice(None), *places)]
    return base


def refined(
    architecture: SinganArchitecture,
    weights: Weights,
    scale: int,
    base: Float[Array, "batch *place channel"] | None,
    noise: Float[Array, "batch *place channel"],
    precision: lax.Precision = EXACT,
) -> Float[Array, "batch *space channel"]:
    """Logits of maps of a scale, from levels of the coarser ones on its cells and noise; both lie around them."""
    x = noise if base is None else base + weights[NOISE][scale] * noise
    told = convolved(architecture, of_scale(weights, scale), scale, x, precision)
    return told if base is None else told + logits_of(inner(base, architecture.layers))


def convolved(
    architecture: SinganArchitecture,
    weights: Weights,
    scale: int,
    x: Float[Array, "batch *place channel"],
    precision: lax.Precision = EXACT,
) -> Float[Array, "batch *space output"]:
    """What the network of a scale tells of maps, where its window lies inside."""
    for layer in range(architecture.layers):
        x = convolve(x, weights[f"{scale}.{layer}.kernel"], 1, precision) + weights[f"{scale}.{layer}.bias"]
        x = jax.nn.leaky_relu(x, SLOPE) if layer < architecture.layers - 1 else x
    return x


def scored(
    architecture: SinganArchitecture,
    weights: Weights,
    scale: int,
    levels: Float[Array, "batch *space channel"],
    precision: lax.Precision = EXACT,
) -> Scores:
    """Scores of the windows of maps by the discriminator of a scale."""
    return convolved(architecture, weights, scale, levels, precision)


def levels_of(logits: Float[Array, "*cell channel"]) -> Float[Array, "*cell channel"]:
    """Levels, in (−1, 1), of logits: their hyperbolic tangent, or, of several, their softmax."""
    return jnp.tanh(logits) if logits.shape[-1] == 1 else 2 * jax.nn.softmax(logits) - 1


def logits_of(levels: Float[Array, "*cell channel"]) -> Float[Array, "*cell channel"]:
    """Logits of levels that are brought as far as `LEAST` from their bounds."""
    if levels.shape[-1] == 1:
        return jnp.arctanh(jnp.clip(levels, 2 * LEAST - 1, 1 - 2 * LEAST))
    return jnp.log(jnp.maximum(0.5 * (levels + 1), LEAST))


def risen(x: Float[Array, "batch *space channel"]) -> Float[Array, "batch *finer channel"]:
    """Maps on cells half as large, by linear interpolation: all that lie between the centres of two of theirs."""
    for axis in range(1, x.ndim - 1):
        low, high = lax.slice_in_dim(x, 0, -1, axis=axis), lax.slice_in_dim(x, 1, None, axis=axis)
        pairs = jnp.stack([0.75 * low + 0.25 * high, 0.25 * low + 0.75 * high], axis=axis + 1)
        x = pairs.reshape(*x.shape[:axis], -1, *x.shape[axis + 1 :])
    return x
