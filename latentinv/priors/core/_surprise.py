"""How a field tells with what probability a prior would have drawn a facies that it was made to honour.

In such a cell the field, or the score of the facies, lies on the facies' side of 0 at 1 / (1 − log p), where p is the
probability: at 1 for what would have been drawn anyway, and nearer to 0 the less likely it was.
"""

import jax.numpy as jnp
from jaxtyping import Array, Float


def surprise_in_field(log_probability: Float[Array, "datum"]) -> Float[Array, "datum"]:
    """Size of the field in cells that are honoured with these logarithms of probabilities."""
    return 1 / (1 - log_probability)


def surprise_of_field(size: Float[Array, "datum"]) -> Float[Array, "datum"]:
    """Logarithm of the probability that the size of the field in a cell tells."""
    return 1 - 1 / jnp.abs(size)
