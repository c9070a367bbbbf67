"""Random walks of a population whose data a simulator outside JAX predicts, without gradients."""

import jax
import jax.numpy as jnp
from jaxtyping import Array

from latentinv.inference.chains import HostTransitions, pcn_move
from latentinv.inference.moves import EXACT, SHARPEST, Move, MoveInfo, Population, Position, TemperedLikelihood
from latentinv.posterior import Posterior
from latentinv.pytrees import Scalar

from ._smc_state import SMCState

ACCEPTANCE = 0.25
"""Mean acceptance towards which walks are adapted."""


class RandomWalks:
    """Moves of all particles, which are simulated at once.

    Parameters
    ----------
    windows
        Local moves of each walk.
    moves
        Walks in a level.
    """

    def __init__(self, windows: int, moves: int) -> None:
        self._windows, self._moves = windows, moves
        self._walk = HostTransitions(self._move)

    def __call__(
        self, posterior: Posterior, key: Array, state: SMCState, *, final: bool, keep_all: bool
    ) -> tuple[Population, Scalar, MoveInfo]:
        """Move the population; gives it, or with `keep_all` all places it passed, the step size and what happened."""
        likelihood, t = TemperedLikelihood(posterior, SHARPEST), state.inverse_temperature
        positions, step_size, infos = Position(*state.population), state.step_size, []
        passed = [positions]
        for key_move in jax.random.split(key, self._moves):
            keys = jax.random.split(key_move, len(positions.z))
            positions, outcome = self._walk(likelihood, keys, positions, step_size, jnp.float32(EXACT) if final else t)
            change = jnp.exp(0.7 * (outcome.acceptance.mean() - ACCEPTANCE))
            step_size = jnp.clip(step_size * change, 1e-4, 1.0)
            lost = jnp.sum(~outcome.finite).astype(jnp.float32)
            infos.append(MoveInfo(outcome.acceptance, outcome.acceptance, lost))
            passed.append(positions)
        if keep_all:
            positions = jax.tree.map(lambda *places: jnp.concatenate(places), *passed)
        moves = jax.tree.map(lambda *each_move: jnp.stack(each_move), *infos)
        return Population(positions.z, positions.predictions), step_size, moves

    def _move(self, likelihood: TemperedLikelihood) -> Move:
        return pcn_move(likelihood, local_moves=self._windows, acceptance_target=ACCEPTANCE)
