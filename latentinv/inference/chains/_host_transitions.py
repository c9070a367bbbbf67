"""Transitions of chains whose data are simulated outside JAX: propose in JAX, simulate, accept in JAX.

Proposals of all chains are simulated together, so that an executor has one simulation a chain to run at once.
Cost: a call of two small compiled programs for each proposal of a move, beside the simulations.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from latentinv.devices import compiled
from latentinv.inference.core import predict_all
from latentinv.inference.moves import Move, Outcome, Position, ProposalSequence, TemperedLikelihood
from latentinv.posterior import Posterior
from latentinv.pytrees import Scalar


class HostTransitions:
    """Transitions of all chains by proposing and accepting.

    Parameters
    ----------
    move
        Makes the move, which has a sequence of proposals, for a likelihood.
    """

    def __init__(self, move: Callable[[TemperedLikelihood], Move]) -> None:
        self._move = move
        self._keys = compiled(self._traced_keys)
        self._propose = compiled(self._traced_propose, static_argnames=("number",))
        self._accept = compiled(self._traced_accept, static_argnames=("number",))

    def begin(self, posterior: Posterior, z: Float[Array, "chain latent"]) -> Position:
        """The positions of latents."""
        return Position(z, predict_all(posterior, z))

    def __call__(
        self,
        likelihood: TemperedLikelihood,
        keys: Array,
        positions: Position,
        step_size: Scalar,
        t: Scalar,
    ) -> tuple[Position, Outcome]:
        """Move every chain once, from a key for each, at one inverse temperature."""
        first: tuple[Array, Array] | None = None
        proposals = self._sequence(likelihood).proposals
        for place, key in enumerate(self._keys(likelihood, keys)):
            number = proposals.index(proposals[place])  # equal proposals share their programs
            z = self._propose(likelihood, key, positions, step_size, number=number)
            there = self.begin(likelihood.posterior, z)
            positions, acceptance, finite = self._accept(likelihood, key, positions, there, t, number=number)
            first = first or (acceptance, finite)
        assert first is not None
        none, size = jnp.zeros(len(keys)), jnp.full(len(keys), step_size)
        runs = jnp.full(len(keys), float(len(proposals)))
        return positions, Outcome(first[0], first[1], none.astype(bool), size, none, runs)

    def _sequence(self, likelihood: TemperedLikelihood) -> ProposalSequence:
        sequence = self._move(likelihood).sequence
        assert sequence is not None
        return sequence

    def _traced_keys(self, likelihood: TemperedLikelihood, keys: Array) -> tuple[Array, ...]:
        return jax.vmap(self._sequence(likelihood).keys)(keys)

    def _traced_propose(
        self, likelihood: TemperedLikelihood, keys: Array, here: Position, step_size: Array, *, number: int
    ) -> Array:
        return jax.vmap(self._sequence(likelihood).proposals[number].propose, (0, 0, None))(keys, here, step_size)

    def _traced_accept(
        self, likelihood: TemperedLikelihood, keys: Array, here: Position, there: Position, t: Array, *, number: int
    ) -> Any:
        return jax.vmap(self._sequence(likelihood).proposals[number].accept, (0, 0, 0, None))(keys, here, there, t)
