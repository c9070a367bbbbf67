"""Floating-point operations of a program, and a matrix product as the rate that a machine can reach."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp


def operations(lowered: Any) -> float:
    """Floating-point operations of a program, as XLA counts them before libraries take over its convolutions."""
    counted = lowered.cost_analysis()
    table = counted[0] if isinstance(counted, list) else counted
    return float(table.get("flops", float("nan")))


def matrix_product(edge: int) -> tuple[Callable[[], jax.Array], float]:
    """A compiled product of two square matrices in full float32, and its floating-point operations."""
    square = jnp.ones((edge, edge), jnp.float32)
    product = jax.jit(lambda a: jnp.matmul(a, a, precision="highest"))
    return lambda: product(square), 2.0 * edge**3
