"""How a field tells the weight of a datum that its prior was made to honour.

In the cell of such a datum the field, or the score of its facies, lies on the facies' side of 0, in size v with
v − 1/v = log w, where w is the weight: 1 for weight 1, nearer to 0 the less likely the prior would have honoured the
datum by itself.
"""

import jax.numpy as jnp
from jaxtyping import Array, Float


def log_weight_in_field(log_weight: Float[Array, "datum"]) -> Float[Array, "datum"]:
    """Size of the field in cells whose data have these logarithms of weights."""
    root = jnp.sqrt(log_weight**2 + 4)
    return jnp.where(log_weight > 0, (root + log_weight) / 2, 2 / (root - jnp.minimum(log_weight, 0.0)))


def log_weight_of_field(size: Float[Array, "datum"]) -> Float[Array, "datum"]:
    """Logarithm of the weight that the size of the field in a cell tells."""
    return jnp.abs(size) - 1 / jnp.abs(size)
