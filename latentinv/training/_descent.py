"""Training by one loss: the state of a training whose networks descend together, and a step of it.

Adam with clipped gradients, a learning rate that rises over the first steps, and an exponential average of the weights.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array

from ._step import times

BETAS, CLIP = (0.9, 0.99), 1.0


class DescentState(NamedTuple):
    """State of a training."""

    weights: Any
    optimizer: Any
    average: Any
    best: Any
    best_score: Array
    step: Array


def rising_adam(learning_rate: float, warm: int) -> optax.GradientTransformation:
    """Adam whose rate rises over `warm` steps."""
    rate = optax.linear_schedule(0.0, learning_rate, warm)
    return optax.chain(optax.clip_by_global_norm(CLIP), optax.adam(rate, b1=BETAS[0], b2=BETAS[1]))


def begin(weights: Any, optimizer: optax.GradientTransformation) -> DescentState:
    """The state before the first step."""
    # Copies, since a step can donate each array only once.
    average, best = (jax.tree.map(jnp.array, weights) for _ in range(2))
    return DescentState(weights, optimizer.init(weights), average, best, jnp.float32(jnp.inf), jnp.int32(0))


def descended(
    state: DescentState, gradient: Any, optimizer: optax.GradientTransformation, rate: Array | float, decay: float
) -> DescentState:
    """The state after a step along a gradient, whose length is multiplied by `rate`; `decay` is the average's."""
    update, after = optimizer.update(gradient, state.optimizer, state.weights)
    weights = optax.apply_updates(state.weights, times(rate, update))
    # Early weights are far from any useful average, so the decay grows to its value over the first steps.
    decays = jnp.minimum(decay, (1 + state.step) / (10 + state.step))
    average = jax.tree.map(lambda a, w: decays * a + (1 - decays) * w, state.average, weights)
    return state._replace(weights=weights, optimizer=after, average=average, step=state.step + 1)
