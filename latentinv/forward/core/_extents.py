"""Which part of a field each datum depends on, as the box around it."""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Int


class Extents(NamedTuple):
    """For each datum the first and the last cell along each array axis on which its prediction may depend."""

    first: Int[Array, "datum axis"]
    last: Int[Array, "datum axis"]


def whole_extents(count: int, shape: tuple[int, ...]) -> Extents:
    """Extents of data each of which may depend on all cells."""
    return Extents(jnp.zeros((count, len(shape)), jnp.int32), jnp.tile(jnp.asarray(shape, jnp.int32) - 1, (count, 1)))
