"""A normalising flow on maps of codes: white noise to codes and, exactly, back.

Affine couplings (Dinh et al. 2017, arXiv:1605.08803): places are coloured like a checkerboard, through the channels
too; each coupling scales and shifts the codes of one colour by what a small network sees of the other colour in a
window of 3 places along each axis, so that it can be undone, and its density is known. Without padding the result is
smaller by one place at each end for every coupling: a code depends on its window of noise, and on nothing else. Cost:
two layers of 1 place and one of 3 for each coupling, at the resolution of codes.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Bool, Float

from ._convolution import EXACT, convolve
from ._velocity import Weights

STEEPEST = 2.0
"""Largest logarithm of the factor of a coupling."""


@dataclass(frozen=True)
class CouplingArchitecture:
    """A flow of couplings; of none, codes are the noise itself."""

    ndim: int
    """Axes of the map."""
    channels: int
    """Codes at each place."""
    couplings: int
    """An even number, so that colours are the same before and behind them."""
    width: int = 64
    """Channels of their networks."""


class Undone(NamedTuple):
    """What codes come from."""

    noise: Float[Array, "batch *places channel"]
    log_density: Float[Array, "batch *places"]
    """Of the codes at each place: that of its noise, and the logarithms of the factors by which it was scaled."""


def initial_coupling(key: Array, architecture: CouplingArchitecture) -> dict[str, Array]:
    """Random weights; the last layers give 0, so that codes are the noise at first."""
    ndim, channels, width = architecture.ndim, architecture.channels, architecture.width
    weights: dict[str, Array] = {}
    for n in range(architecture.couplings):
        shapes = {"first": ((3,) * ndim, channels, width), "middle": ((1,) * ndim, width, width)}
        for key_layer, (name, (window, *sizes)) in zip(
            jax.random.split(jax.random.fold_in(key, n)), shapes.items(), strict=True
        ):
            gain = np.sqrt(2 / (math.prod(window) * sizes[0]))
            weights[f"coupling_{n}.{name}"] = gain * jax.random.normal(key_layer, (*window, *sizes))
            weights[f"coupling_{n}.{name}.bias"] = jnp.zeros(width)
        weights[f"coupling_{n}.last"] = jnp.zeros((*(1,) * ndim, width, 2 * channels))
        weights[f"coupling_{n}.last.bias"] = jnp.zeros(2 * channels)
    if architecture.couplings:
        weights |= {"coupling.scale": jnp.zeros(channels), "coupling.shift": jnp.zeros(channels)}
    return weights


def couple(
    architecture: CouplingArchitecture, weights: Weights, noise: Float[Array, "batch *places channel"]
) -> Float[Array, "batch *inner channel"]:
    """Noise to codes; `couplings` places fewer at each end.

    The first place of the noise must be an even number of places from that with which the flow was trained.
    """
    x = noise
    for n in range(architecture.couplings):
        moved, scale, shift = _told(architecture, weights, n, x, n, padded=False, precision=EXACT)
        x = _crop(x, architecture.ndim)
        x = jnp.where(moved, x * jnp.exp(scale) + shift, x)
    return x * jnp.exp(weights["coupling.scale"]) + weights["coupling.shift"] if architecture.couplings else x


def uncouple(
    architecture: CouplingArchitecture,
    weights: Weights,
    codes: Float[Array, "batch *places channel"],
    precision: lax.Precision = EXACT,
) -> Undone:
    """Codes to noise, at as many places.

    Zeros stand for what lies beyond the map; `couple` gives back the codes that are `couplings` places or more inside
    it, and the density of these is exact.
    """
    x, logs = codes, jnp.zeros(codes.shape[:-1])
    if architecture.couplings:
        x = (x - weights["coupling.shift"]) * jnp.exp(-weights["coupling.scale"])
        logs = logs - jnp.sum(weights["coupling.scale"])
    for n in reversed(range(architecture.couplings)):
        moved, scale, shift = _told(architecture, weights, n, x, 0, padded=True, precision=precision)
        x = jnp.where(moved, (x - shift) * jnp.exp(-scale), x)
        logs = logs - jnp.sum(jnp.where(moved, scale, 0.0), axis=-1)
    gaussian = -0.5 * jnp.sum(x**2 + math.log(2 * math.pi), axis=-1)
    return Undone(x, gaussian + logs)


def _told(
    architecture: CouplingArchitecture,
    weights: Weights,
    n: int,
    x: Array,
    lost: int,
    *,
    padded: bool,
    precision: lax.Precision,
) -> tuple[Array, Array, Array]:
    """Which codes a coupling moves, and by which logarithm of a factor and which shift."""
    colours = _colours(x.shape[1:], architecture.ndim * lost + n)
    h = jnp.where(colours, 0.0, x)
    if padded:
        h = jnp.pad(h, [(0, 0), *((1, 1),) * architecture.ndim, (0, 0)])
    for name in ("first", "middle"):
        kernel, bias = weights[f"coupling_{n}.{name}"], weights[f"coupling_{n}.{name}.bias"]
        h = jax.nn.silu(convolve(h, kernel, 1, precision) + bias)
    h = convolve(h, weights[f"coupling_{n}.last"], 1, precision) + weights[f"coupling_{n}.last.bias"]
    scale, shift = jnp.split(h, 2, axis=-1)
    moved = colours if padded else colours[(slice(1, -1),) * architecture.ndim]
    return moved, STEEPEST * jnp.tanh(scale / STEEPEST), shift


def _colours(shape: tuple[int, ...], first: int) -> Bool[Array, "*places channel"]:
    """A checkerboard over places and channels; `first` is the colour of its first square."""
    each = (lax.broadcasted_iota(jnp.int32, shape, axis) for axis in range(len(shape)))
    return (sum(each, jnp.int32(first)) % 2) == 1


def _crop(x: Array, ndim: int) -> Array:
    return x[(slice(None), *(slice(1, -1),) * ndim)]
