"""Transitions of chains whose data are simulated outside JAX: propose in JAX, simulate, decide in JAX.

All chains ask at the same moment, so that an executor has one simulation a chain to make at once. Cost: a call of two
small compiled programs for each question of a move, beside the simulations.
"""

import copy
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from latentinv.inference.core import Move, Outcome, Position, Question, Questions, outside
from latentinv.posterior import Posterior


class _Compiled(NamedTuple):
    """A question to all chains."""

    ask: Callable[..., Array]
    tell: Callable[..., tuple[Position, Array, Array]]


class OutsideTransitions:
    """Transitions of all chains by ask and tell.

    Parameters
    ----------
    move
        A move that has questions.
    posterior
        Whose data are simulated.
    """

    def __init__(self, move: Move, posterior: Posterior) -> None:
        assert move.questions is not None
        self._questions: Questions = move.questions
        self._outside = outside(posterior)
        self._keys = jax.jit(jax.vmap(self._questions.keys))
        self._compiled: dict[Question, _Compiled] = {}
        for question in self._questions.sequence:
            ask, tell = (
                jax.jit(jax.vmap(question.ask, (0, 0, None))),
                posterior.jit(jax.vmap(question.tell, (0, 0, 0, None))),
            )
            self._compiled.setdefault(question, _Compiled(ask, tell))

    def begin(self, z: Float[Array, "chain latent"]) -> Position:
        """The positions of latents."""
        return Position(z, self._outside.predict(z))

    def __call__(
        self, keys: Array, positions: Position, step_size: Float[Array, ""], t: Float[Array, ""]
    ) -> tuple[Position, Outcome]:
        """Move every chain once, from a key for each, at one inverse temperature."""
        first: tuple[Array, Array] | None = None
        for question, key in zip(self._questions.sequence, self._keys(keys), strict=True):
            compiled = self._compiled[question]
            there = self.begin(compiled.ask(key, positions, step_size))
            positions, acceptance, finite = compiled.tell(key, positions, there, t)
            first = first or (acceptance, finite)
        assert first is not None
        none, size = jnp.zeros(len(keys)), jnp.full(len(keys), step_size)
        runs = jnp.full(len(keys), float(len(self._questions.sequence)))
        return positions, Outcome(first[0], first[1], none.astype(bool), size, none, runs)


def differentiable_part(posterior: Posterior) -> Posterior:
    """The posterior without data whose simulator knows no gradients, for the search of a start."""
    if posterior.has_gradient:
        return posterior
    part = copy.copy(posterior)
    part.observations = tuple(observation for observation in posterior.observations if observation.has_gradient)
    return part
