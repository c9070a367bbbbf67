"""Importance weights of a population: their effective sample size, and draws of equal weight from them."""

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from latentinv.pytrees import Scalar


def effective_size(log_weights: Float[Array, "particle"]) -> Scalar:
    """Effective sample size (Σw)² / Σw²; zero where all weights vanish."""
    top = log_weights.max()
    w = jnp.where(jnp.isfinite(top), jnp.exp(log_weights - top), 0.0)
    return jnp.sum(w) ** 2 / jnp.maximum(jnp.sum(w**2), 1e-30)


def resample(
    key: Array, population: Any, log_weights: Float[Array, "particle"], count: int | None = None
) -> tuple[Any, Scalar]:
    """Draw `count` particles, as many as there are if not given, by systematic resampling (Kitagawa 1996,
    doi:10.2307/1390750); gives the effective sample size too.
    """
    cumulative = jnp.cumsum(jax.nn.softmax(log_weights))
    count, total = count or log_weights.size, cumulative[-1]
    positions = (jnp.arange(count) + jax.random.uniform(key)) / count * total
    # From the right, and not beyond the last that adds weight, so that rounding never picks a particle of weight zero.
    last = jnp.searchsorted(cumulative, total, side="left")
    index = jnp.minimum(jnp.searchsorted(cumulative, positions, side="right"), last)
    return jax.tree.map(lambda x: x[index], population), effective_size(log_weights)
