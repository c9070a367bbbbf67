"""Preconditioned Crank–Nicolson: a random walk that the prior alone never refuses.

The proposal z' = √(1 − β²) z + β ξ, ξ ~ N(0, I), leaves the prior invariant, so the likelihood alone decides, whatever
the dimension (Cotter et al. 2013, doi:10.1214/13-STS421). A global move renews all latents a little; `local_moves`
moves follow that renew one random window of the latent map each (`_local`), where data ask for large changes in few
places. β is adapted in warm-up; the windows' is drawn afresh. Needs no gradient. Cost: ``1 + local_moves`` fields a
transition.
"""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array

from latentinv.posterior import Posterior, Predictions

from ._algorithm import AbstractAlgorithm, Kernel
from ._chains import chain_kernel, check_chains
from ._checks import check_counts, check_shares
from ._hamiltonian import Population
from ._local import local_move
from ._moves import Move, Outcome, Path, Position, metropolis


def pcn_move(path: Path, *, local_moves: int, acceptance_target: float) -> Move:
    """Make the move: one global renewal, then local ones."""
    posterior = path.posterior
    latent_map = posterior.prior.latent_map(posterior.grid)

    def begin(z: Array, t: Array) -> Position:
        del t
        return Position(z, posterior.predict(z))

    def local(key: Array, here: Position, t: Array) -> Position:
        def log_target(predictions: Predictions) -> Array:
            return path.log_target(predictions, t)

        one = jax.tree.map(lambda x: x[None], Population(here.z, here.predictions))
        predict = jax.vmap(posterior.predict)
        moved = local_move(key, one, predict=predict, log_target=log_target, latent_map=latent_map)
        return Position(*jax.tree.map(lambda x: x[0], moved))

    def step(key: Array, here: Position, step_size: Array, t: Array) -> tuple[Position, Outcome]:
        key_noise, key_accept, key_local = jax.random.split(key, 3)
        noise = jax.random.normal(key_noise, here.z.shape)
        there = begin(jnp.sqrt(1 - step_size**2) * here.z + step_size * noise, t)
        log_likelihoods = path.log_target(here.predictions, t), path.log_target(there.predictions, t)
        here, acceptance, finite = metropolis(key_accept, here, there, log_likelihoods)
        here = lax.fori_loop(0, local_moves, lambda n, here: local(jax.random.fold_in(key_local, n), here, t), here)
        none, false = jnp.zeros(()), jnp.bool_(False)
        return here, Outcome(acceptance, finite, false, step_size, none, jnp.float32(1 + local_moves))

    return Move(begin, step, uses_gradient=False, acceptance_target=acceptance_target, first_step=0.3)


@dataclass(frozen=True)
class PreconditionedCrankNicolson(AbstractAlgorithm):
    """Preconditioned Crank–Nicolson chains, with local moves.

    Parameters
    ----------
    chains
        Markov chains, evaluated at once.
    warmup
        Transitions of each chain before the first draw, in which β is adapted.
    draws
        Draws of all chains together; each gives its equal part, rounded up.
    thinning
        Transitions between two draws of a chain.
    start
        ``prior``: at draws of the prior, led to the data only where the target excludes them; ``optimised``: all are.
    local_moves
        Renewals of a random window in a transition; 0 for global moves alone.
    acceptance_target
        Acceptance of global moves towards which β is adapted.
    moments_per_step
        Draws of a chain between two reports.
    """

    chains: int = 4
    warmup: int = 2000
    draws: int = 1000
    thinning: int = 20
    start: str = "prior"
    local_moves: int = 2
    acceptance_target: float = 0.25
    moments_per_step: int = 10

    name = "pcn"
    needs_gradient = False

    def __post_init__(self) -> None:
        check_chains(self)
        check_counts(self, "local_moves", least=0)
        check_shares(self, "acceptance_target")

    def build(self, posterior: Posterior) -> Kernel:
        """Bind the chains to a posterior."""
        path = Path(posterior, sharpest_guide=1.0)
        move = pcn_move(path, local_moves=self.local_moves, acceptance_target=self.acceptance_target)
        return chain_kernel(self, move, path)
