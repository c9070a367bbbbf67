"""A latent vector that is drawn where it is looked at, so that it may be larger than the memory.

JAX's generator counts: latent n of ``jax.random.normal(key, (size,))`` depends on the key and n alone (Salmon et al.
2011, doi:10.1145/2063384.2063405). So a window of latents is drawn by itself, with the numbers that it has in the whole
vector, and a field of any size is stored by its seed.
"""

import functools
import math
from collections.abc import Sequence
from typing import Any, final

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.random import threefry_2x32
from jaxtyping import Array, Float, Int

COUNTER = "threefry2x32"
"""JAX's generator whose counters are known here, its default."""


@final
class DrawnLatents:
    """The vector ``jax.random.normal(key, (size,))``, number by number the same.

    Parameters
    ----------
    key
        Random key.
    size
        Number of latents.
    """

    def __init__(self, key: Array, size: int) -> None:
        self._key, self._size = key, size

    def __len__(self) -> int:
        return self._size

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        del copy
        return np.asarray(jax.random.normal(self._key, (self._size,)), dtype)

    def __getitem__(self, part: slice) -> Float[np.ndarray, "latent"]:
        return self._at(np.arange(*part.indices(self._size)))

    def box(
        self, offset: int, shape: Sequence[int], start: Sequence[int], counts: Sequence[int]
    ) -> Float[np.ndarray, "*place number"]:
        """A box of a map of latents.

        Parameters
        ----------
        offset, shape
            Where the map begins in the vector, and its shape, the numbers of a place last.
        start, counts
            The first place of the box along each axis, and how many; all numbers of each place.
        """
        strides = np.cumprod([1, *shape[:0:-1]])[::-1]
        axes = zip((*start, 0), (*counts, shape[-1]), strides, strict=True)
        along = [stride * np.arange(first, first + count) for first, count, stride in axes]
        return self._at(offset + functools.reduce(np.add.outer, along))

    def _at(self, numbers: Int[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
        partitionable = getattr(jax.config, "jax_threefry_partitionable", False)
        if str(jax.random.key_impl(self._key)) != COUNTER or not partitionable:
            return np.asarray(self)[numbers]
        flat = numbers.ravel()
        counters = np.concatenate([flat >> 32, flat & 0xFFFFFFFF]).astype(np.uint32)
        return np.asarray(_normal(jax.random.key_data(self._key), counters)).reshape(numbers.shape)


@jax.jit
def _normal(key: Array, counters: Array) -> Float[Array, "latent"]:
    """Numbers of counters, whose upper halves precede the lower ones, as `jax.random.normal` makes them."""
    high, low = jnp.split(threefry_2x32(key, counters), 2)
    ones = jax.lax.bitcast_convert_type(((high ^ low) >> 9) | jnp.uint32(0x3F800000), jnp.float32)
    least = np.nextafter(np.float32(-1), np.float32(0))
    uniform = jnp.maximum(least, (ones - 1) * (np.float32(1) - least) + least)
    return np.float32(math.sqrt(2)) * jax.lax.erf_inv(uniform)
