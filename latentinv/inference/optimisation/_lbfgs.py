"""L-BFGS for many latent vectors, each with its own objective.

Limited-memory BFGS with a zoom line search (Nocedal and Wright 2006, doi:10.1007/978-0-387-40065-5, chapters 3 and 7;
optax's implementation). Cost: as many gradients as the line search tries steps, mostly one or two per iteration.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float

from latentinv.posterior import map_batched
from latentinv.pytrees import Scalar

_OPTIMISER = optax.lbfgs()


class Descent(NamedTuple):
    """Latent vectors during the descent, with the memory of L-BFGS."""

    z: Float[Array, "start latent"]
    memory: Any
    gradients: Float[Array, "start"]
    """Gradients spent."""


def begin_descent(z: Float[Array, "start latent"]) -> Descent:
    """Start from these latents."""
    memory = jax.vmap(_OPTIMISER.init)(z)
    # Numbers whose type Python chose would have the program of the first iterations compiled again for the next ones.
    memory = jax.tree.map(lambda leaf: jax.lax.convert_element_type(leaf, leaf.dtype), memory)
    return Descent(z, memory, jnp.zeros(len(z)))


def descend(
    loss: Callable[[Float[Array, "latent"], Any], Scalar],
    descent: Descent,
    contexts: Any,
    batch_size: int,
    *,
    tolerance: float = 0.0,
) -> Descent:
    """Do one iteration.

    Parameters
    ----------
    loss
        The objective of a latent vector and its context.
    descent
        Where the latents are.
    contexts
        A tree of arrays with one row per latent vector; what makes its objective its own.
    batch_size
        Latents evaluated at once.
    tolerance
        Norm of the gradient from which a latent vector stays where it is, for one gradient: near its minimum rounding
        leaves the line search nothing to find, and it would try all its steps.
    """

    def one(pair: tuple[Descent, Any]) -> Descent:
        (z, memory, gradients), context = pair

        def own(z: Array) -> Array:
            return loss(z, context)

        value, gradient = optax.value_and_grad_from_state(own)(z, state=memory)
        settled = jnp.linalg.norm(gradient) < tolerance
        gradient = jnp.where(settled, 0.0, gradient)  # any step satisfies this
        update, memory = _OPTIMISER.update(gradient, memory, z, value=value, grad=gradient, value_fn=own)
        return Descent(optax.apply_updates(z, update), memory, gradients + memory[-1].info.num_linesearch_steps)

    return map_batched(one, (descent, contexts), batch_size)
