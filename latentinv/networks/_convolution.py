"""Exact convolutions arranged so that XLA's CPU backend runs them, and their gradients, at full speed.

Eight properties of that backend determine the arrangement:

* inside ``scan``, ``fori_loop`` and ``while_loop`` the input gradient of automatic differentiation is 5 to 22 times
  slower than the same convolution written out with a flipped kernel, so `convolve` carries its own input gradient;
* the weight gradient of a stride-2 transposed convolution is pathologically slow, while the *polyphase* form (a small
  stride-1 convolution to 2ⁿ·C channels, then depth-to-space) computes the same numbers, so generators use that;
* a convolution without any padding is 5 to 18 times slower than one padded by a single column that is dropped again,
  once the unrolled window exceeds some tens of megabytes, so one column is padded and dropped;
* a convolution with no more outputs than inputs along any axis is left to YNNPACK, which uses one processor unless
  there are 128 channels or so on both sides; with more outputs it is left to Eigen, which reaches a matrix product's
  rate on all processors, so rows are padded that are dropped again;
* a convolution in three dimensions reaches a tenth of the rate of one in two, of which it is a sum, so it is that;
* a window of one cell is a matrix product, 2 to 14 times as fast as one;
* the weight gradient of a stride-1 convolution is slower than a matrix product for each row of taps, image by
  image, from some channels of output on, so `convolve` carries its own weight gradient too;
* a large-kernel stride-2 convolution gains as space-to-depth followed by stride 1, so `convolve_strided` is that.

All arrays are channels-last, ``[batch, *space, channel]``; kernels are ``[*window, channel_in, channel_out]``; two and
three spatial axes are served. No function pads: a caller that wants padding pads, and a generator grows its latent
instead. Nothing is approximated: values and all gradients equal those of `jax.lax` to float32 rounding, also on a GPU,
which by default would round factors to 10 bits (TF32): `EXACT` is the default here, and training, which is noisy
anyway, uses `FAST`. The polyphase identity is textbook multirate filtering (Vaidyanathan 1990, doi:10.1109/5.52200).
"""

import functools
import math
import os
from collections.abc import Sequence
from typing import TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float

Image = Float[Array, "batch *space channel"]
Kernel = Float[Array, "*window channel_in channel_out"]
Weights = TypeVar("Weights", Array, np.ndarray)
"""A kernel, on the device or on the host."""

LEAST_CHANNELS = 16
"""Channels of output from which on a weight gradient is computed tap by tap."""
FEW = 16
"""Channels of input below which the layers of a volume are gathered in channels, and one processor is enough."""
SEVERAL = len(os.sched_getaffinity(0)) > 1 if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1) > 1
"""Whether there are several processors; on one, rows that are dropped again cost a tenth and gain nothing."""
EXACT, FAST = lax.Precision.HIGHEST, lax.Precision.DEFAULT
"""Products in float32, or in the device's fastest precision."""


def convolve(
    x: Image, kernel: Kernel, dilation: int = 1, precision: lax.Precision = EXACT, transposed: Kernel | None = None
) -> Image:
    """Correlate with a kernel at stride 1, keeping only outputs whose window lies inside.

    Parameters
    ----------
    x
        Input, ``[batch, *space, channel_in]``.
    kernel
        Weights, ``[*window, channel_in, channel_out]``.
    dilation
        Distance between the kernel's taps, in cells.
    precision
        `EXACT` or `FAST`, of the gradients too.
    transposed
        The kernel's `adjoint`, where that was made beforehand, so that no loop makes it again and again.

    Returns
    -------
    ``[batch, *space − dilation·(window − 1), channel_out]``.
    """
    if math.prod(kernel.shape[:-2]) == 1:
        return jnp.matmul(x, kernel.reshape(kernel.shape[-2:]), precision=precision)
    return _convolve(x, kernel, adjoint(kernel) if transposed is None else transposed, dilation, precision)


def adjoint(kernel: Weights) -> Weights:
    """The kernel whose correlation is the transpose of a kernel's, for the gradient by the input."""
    return kernel[(slice(None, None, -1),) * (kernel.ndim - 2)].swapaxes(-1, -2)


@functools.partial(jax.custom_vjp, nondiff_argnums=(3, 4))
def _convolve(x: Image, kernel: Kernel, transposed: Kernel, dilation: int, precision: lax.Precision) -> Image:
    del transposed
    return _correlate(x, kernel, dilation, precision, padding=0)


def _convolve_forward(
    x: Image, kernel: Kernel, transposed: Kernel, dilation: int, precision: lax.Precision
) -> tuple[Image, tuple[Image, Kernel, Kernel]]:
    return _correlate(x, kernel, dilation, precision, padding=0), (x, kernel, transposed)


def _convolve_backward(
    dilation: int, precision: lax.Precision, saved: tuple[Image, Kernel, Kernel], dy: Image
) -> tuple[Image, Kernel, Kernel]:
    x, kernel, transposed = saved
    dx = _correlate(dy, transposed, dilation, precision, padding=1)
    dw = _weight_gradient(x, kernel, dy, dilation, precision)
    return dx, dw, jnp.zeros_like(transposed)  # the gradient is taken through the kernel


_convolve.defvjp(_convolve_forward, _convolve_backward)


def _weight_gradient(x: Image, kernel: Kernel, dy: Image, dilation: int, precision: lax.Precision) -> Kernel:
    """Gradient by the kernel: on a CPU one matrix product for each row of taps and image, which stays in the cache."""
    *rows, taps = kernel.shape[:-2]
    of_input, of_output = kernel.shape[-2:]
    *inner, columns = dy.shape[1:-1]

    def by_xla(x: Image, dy: Image) -> Kernel:
        return jax.vjp(lambda w: _correlate(x, w, dilation, precision, padding=0), kernel)[1](dy)[0]

    def products(image: Array, slope: Array) -> Array:
        starts = (tuple(dilation * k for k in tap) for tap in np.ndindex(*rows))
        cuts = (image[tuple(slice(s, s + n) for s, n in zip(start, inner, strict=True))] for start in starts)
        flat = slope.reshape(-1, slope.shape[-1])
        each = [jnp.matmul(cut.reshape(-1, cut.shape[-1]).T, flat, precision=precision) for cut in cuts]
        return jnp.stack(each).reshape(*rows, image.shape[-1], slope.shape[-1])

    def of_image(image: Array, slope: Array) -> Array:
        shifts = [dilation * k for k in range(taps)]
        if of_input < of_output:  # the narrower of both has the taps of a row side by side
            image = jnp.concatenate([image[..., s : s + columns, :] for s in shifts], axis=-1)
            return products(image, slope).reshape(kernel.shape)
        around = [(0, 0)] * len(rows)
        slopes = [jnp.pad(slope, [*around, (s, shifts[-1] - s), (0, 0)]) for s in shifts]
        found = products(image, jnp.concatenate(slopes, axis=-1))
        return jnp.moveaxis(found.reshape(*rows, of_input, taps, of_output), -2, -3)

    def by_taps(x: Image, dy: Image) -> Kernel:
        def add(total: Array, pair: tuple[Array, Array]) -> tuple[Array, None]:
            return total + of_image(*pair), None

        return lax.scan(add, jnp.zeros(kernel.shape, kernel.dtype), (x, dy))[0]

    if kernel.shape[-1] < LEAST_CHANNELS:
        return by_xla(x, dy)
    return lax.platform_dependent(x, dy, cpu=by_taps, default=by_xla)


def _correlate(x: Image, kernel: Kernel, dilation: int, precision: lax.Precision, *, padding: int) -> Image:
    """Stride-1 correlation; `padding` 0 keeps the interior, 1 keeps every output that depends on any input."""
    rank = x.ndim - 2

    def plain(x: Image, kernel: Kernel) -> Image:
        return _by_xla(x, kernel, dilation, precision, [(padding * dilation * (size - 1),) * 2 for size in window])

    def arranged(x: Image, kernel: Kernel) -> Image:
        if padding and rank == 2 and _gains_from_more_outputs(kernel):
            return plain(x, kernel)
        if padding:
            around = [(dilation * (size - 1),) * 2 for size in window]
            x = jnp.pad(x, [(0, 0), *around, (0, 0)])
        return (_plane if rank == 2 else _volume)(x, kernel, dilation, precision)

    window = kernel.shape[:rank]
    return lax.platform_dependent(x, kernel, cpu=arranged, default=plain)


def _plane(x: Image, kernel: Kernel, dilation: int, precision: lax.Precision) -> Image:
    """The interior of a correlation in two dimensions."""
    if _gains_from_more_outputs(kernel):
        extra = dilation * (kernel.shape[0] - 1) + 1
        y = _by_xla(x, kernel, dilation, precision, [(0, extra), (0, 0)])
        return lax.slice_in_dim(y, 0, y.shape[1] - extra, axis=1)
    # XLA unrolls an unpadded convolution into a slow matrix product; a spare column prevents it.
    y = _by_xla(x, kernel, dilation, precision, [(0, 0), (0, 1)])
    return lax.slice_in_dim(y, 0, y.shape[2] - 1, axis=2)


def _gains_from_more_outputs(kernel: Kernel) -> bool:
    of_input, of_output = kernel.shape[-2:]
    return SEVERAL and of_input >= FEW and of_output >= 2 * FEW and min(of_input, of_output) < 128


def _volume(x: Image, kernel: Kernel, dilation: int, precision: lax.Precision) -> Image:
    """The interior of a correlation in three dimensions, by layers."""
    taps, (batch, depth), width = kernel.shape[0], x.shape[:2], kernel.shape[-1]
    layers = depth - dilation * (taps - 1)

    def shifted(y: Array) -> list[Array]:
        return [lax.slice_in_dim(y, dilation * tap, dilation * tap + layers, axis=1) for tap in range(taps)]

    def by_layer(x: Array, kernel: Array) -> Array:
        y = _plane(x.reshape(-1, *x.shape[2:]), kernel, dilation, precision)
        return y.reshape(batch, -1, *y.shape[1:])

    flat = (*kernel.shape[1:3], -1)
    if kernel.shape[-2] < FEW:
        return by_layer(jnp.concatenate(shifted(x), axis=-1), jnp.moveaxis(kernel, 0, 2).reshape(*flat, width))
    each = by_layer(x, jnp.moveaxis(kernel, 0, 3).reshape(*flat[:2], kernel.shape[-2], -1))
    parts = jnp.split(each, taps, axis=-1)
    return functools.reduce(jnp.add, (shifted(part)[tap] for tap, part in enumerate(parts)))


def _by_xla(x: Image, kernel: Kernel, dilation: int, precision: lax.Precision, padding: list[tuple[int, int]]) -> Image:
    return lax.conv_general_dilated(
        x,
        kernel,
        window_strides=(1,) * len(padding),
        padding=padding,
        rhs_dilation=(dilation,) * len(padding),
        dimension_numbers=_layout(len(padding)),
        precision=precision,
    )


def convolve_strided(x: Image, kernel: Kernel, precision: lax.Precision = EXACT) -> Image:
    """Correlate at stride 2, keeping only outputs whose window lies inside; computed as space-to-depth and stride 1.

    Returns
    -------
    ``[batch, *((space − window) // 2 + 1), channel_out]``.
    """
    return convolve_blocks(x, blockwise(kernel), kernel.shape[:-2], precision)


def blockwise(kernel: Kernel) -> Kernel:
    """Rearrange a stride-2 kernel into the stride-1 kernel over blocks of 2ⁿ cells as channels."""
    rank = kernel.ndim - 2
    kernel = _fit(kernel, [*((0, k % 2) for k in kernel.shape[:rank]), (0, 0), (0, 0)])
    blocks = space_to_depth(kernel.reshape(1, *kernel.shape[:rank], -1))[0]  # [*taps, 2ⁿ·in·out]
    return blocks.reshape(*blocks.shape[:rank], -1, kernel.shape[-1])


def convolve_blocks(
    x: Image,
    blocks: Kernel,
    window: tuple[int, ...],
    precision: lax.Precision = EXACT,
    transposed: Kernel | None = None,
) -> Image:
    """`convolve_strided` with a kernel already made `blockwise`, whose original window is given."""
    outputs = [(n - k) // 2 + 1 for n, k in zip(x.shape[1:], window, strict=False)]
    needed = [2 * (m + t - 1) for m, t in zip(outputs, blocks.shape, strict=False)]
    x = _fit(x, [(0, 0), *((0, m - n) for m, n in zip(needed, x.shape[1:], strict=False)), (0, 0)])
    return convolve(space_to_depth(x), blocks, 1, precision, transposed)


def polyphase(kernel: Kernel) -> Kernel:
    """Rearrange a stride-2 transposed kernel into the stride-1 kernel whose channels are the 2ⁿ output phases.

    With T = ceil(window / 2), output ``2·(T − 1) + o`` of ``lax.conv_transpose(x, kernel, strides=2, padding="VALID")``
    is output ``o`` of ``depth_to_space(convolve(x, polyphase(kernel)))``, of which there are ``2·(space − T + 1)``
    along each axis: those that receive every tap.
    """
    rank = kernel.ndim - 2
    # lax.conv_transpose correlates: output o takes tap k of input (o + k − window + 1) / 2. Reversing the window makes
    # tap k feed output 2i + k, so that phase r of position q gathers taps r, r + 2, … of inputs q, q − 1, …
    kernel = jnp.flip(kernel, tuple(range(rank)))
    taps = [math.ceil(k / 2) for k in kernel.shape[:rank]]
    kernel = _fit(kernel, [(0, 2 * t - k) for t, k in zip(taps, kernel.shape, strict=False)] + [(0, 0), (0, 0)])
    split = kernel.reshape(*(n for t in taps for n in (t, 2)), *kernel.shape[rank:])
    axes_taps = tuple(range(0, 2 * rank, 2))
    axes_phase = tuple(range(1, 2 * rank, 2))
    split = split.transpose(*axes_taps, 2 * rank, *axes_phase, 2 * rank + 1)
    phases = split.reshape(*taps, kernel.shape[rank], -1)
    return jnp.flip(phases, tuple(range(rank)))


def space_to_depth(x: Image, factors: Sequence[int] | None = None) -> Image:
    """Fold blocks of cells, of a factor along each axis, 2 unless given, into channels (the block's cells slowest, the
    old channels fastest).
    """
    rank = x.ndim - 2
    each = factors or (2,) * rank
    space = [n // factor for n, factor in zip(x.shape[1:-1], each, strict=True)]
    split = x.reshape(x.shape[0], *(n for pair in zip(space, each, strict=True) for n in pair), x.shape[-1])
    blocks = tuple(range(1, 2 * rank, 2))
    inner = tuple(range(2, 2 * rank + 1, 2))
    return split.transpose(0, *blocks, *inner, 2 * rank + 1).reshape(x.shape[0], *space, -1)


def depth_to_space(x: Image, factors: Sequence[int]) -> Image:
    """Unfold groups of channels into blocks of cells, of a factor along each axis: the inverse of `space_to_depth`."""
    space, rank = x.shape[1:-1], len(factors)
    split = x.reshape(x.shape[0], *space, *factors, -1)
    order = [axis for n in range(rank) for axis in (1 + n, 1 + rank + n)]
    whole = (n * factor for n, factor in zip(space, factors, strict=True))
    return split.transpose(0, *order, 2 * rank + 1).reshape(x.shape[0], *whole, -1)


def _fit(x: Array, edges: list[tuple[int, int]]) -> Array:
    """Pad with zeros at the ends of axes, or drop cells where the count is negative."""
    return lax.pad(x, jnp.zeros((), x.dtype), [(low, high, 0) for low, high in edges])


def _layout(rank: int) -> tuple[str, str, str]:
    space = "DHW"[-rank:]
    return f"N{space}C", f"{space}IO", f"N{space}C"
