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

from latentinv.inference.core import (
    AbstractAlgorithm,
    Kernel,
    Move,
    Outcome,
    Path,
    Position,
    Question,
    Questions,
    check_counts,
    check_shares,
    metropolis,
)
from latentinv.inference.moves import Population, decided, renewed
from latentinv.posterior import Posterior

from ._chains import chain_kernel, check_chains


def pcn_move(path: Path, *, local_moves: int, acceptance_target: float) -> Move:
    """Make the move: one global renewal, then local ones."""
    posterior = path.posterior
    latent_maps = posterior.prior.latent_maps(posterior.grid)

    def begin(z: Array, t: Array) -> Position:
        del t
        return Position(z, posterior.predict(z))

    def ask(key: Array, here: Position, step_size: Array) -> Array:
        noise = jax.random.normal(jax.random.split(key, 3)[0], here.z.shape)
        return jnp.sqrt(1 - step_size**2) * here.z + step_size * noise

    def tell(key: Array, here: Position, there: Position, t: Array) -> tuple[Position, Array, Array]:
        log_likelihoods = path.log_target(here.predictions, t), path.log_target(there.predictions, t)
        return metropolis(jax.random.split(key, 3)[1], here, there, log_likelihoods)

    def ask_locally(key: Array, here: Position, step_size: Array) -> Array:
        del step_size
        return renewed(key, here.z[None], latent_maps)[0]

    def tell_locally(key: Array, here: Position, there: Position, t: Array) -> tuple[Position, Array, Array]:
        one, other = (jax.tree.map(lambda x: x[None], Population(p.z, p.predictions)) for p in (here, there))
        moved = decided(key, one, other, lambda predictions: path.log_target(predictions, t))
        return Position(*jax.tree.map(lambda x: x[0], moved)), jnp.zeros(()), jnp.bool_(True)

    def step(key: Array, here: Position, step_size: Array, t: Array) -> tuple[Position, Outcome]:
        here, acceptance, finite = tell(key, here, begin(ask(key, here, step_size), t), t)
        key_local = jax.random.split(key, 3)[2]

        def locally(n: Array, here: Position) -> Position:
            key_n = jax.random.fold_in(key_local, n)
            return tell_locally(key_n, here, begin(ask_locally(key_n, here, step_size), t), t)[0]

        here = lax.fori_loop(0, local_moves, locally, here)
        none, false = jnp.zeros(()), jnp.bool_(False)
        return here, Outcome(acceptance, finite, false, step_size, none, jnp.float32(1 + local_moves))

    def keys(key: Array) -> tuple[Array, ...]:
        key_local = jax.random.split(key, 3)[2]
        return (key, *(jax.random.fold_in(key_local, n) for n in range(local_moves)))

    questions = Questions((Question(ask, tell), *[Question(ask_locally, tell_locally)] * local_moves), keys)
    return Move(
        begin,
        step,
        uses_gradient=False,
        acceptance_target=acceptance_target,
        first_step=0.3,
        questions=questions,
    )


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
        ``prior``: at likely draws of the prior, led to the data only where the target excludes them; ``optimised``:
        all are.
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
