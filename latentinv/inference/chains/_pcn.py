"""Preconditioned Crank–Nicolson: a random walk that is always accepted under the prior alone.

The proposal z' = √(1 − β²) z + β ξ, ξ ~ N(0, I), leaves the prior invariant, so acceptance depends on the likelihood
alone, whatever the dimension (Cotter et al. 2013, doi:10.1214/13-STS421). A global move renews all latents a little;
`local_moves` moves follow that renew random windows of the latent map (`_local`), where data ask for large
changes in few places. β is adapted in warm-up; that of windows is drawn anew each time. Needs no gradient. Cost: ``1 +
local_moves`` fields per transition.
"""

from typing import final

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array

from latentinv.inference.core import AbstractKernel, algorithm, check_counts, check_shares
from latentinv.inference.moves import (
    Move,
    Outcome,
    Population,
    Position,
    Proposal,
    ProposalSequence,
    TemperedLikelihood,
    Windows,
    accept_locally,
    drawn_windows,
    local_windows,
    metropolis,
    propose_locally,
)
from latentinv.keys import named, numbered

from ._settings import AbstractChains
from ._side_by_side import chain_kernel


def pcn_move(likelihood: TemperedLikelihood, *, local_moves: int, acceptance_target: float) -> Move:
    """Make the move: one global proposal, then local ones."""
    posterior = likelihood.posterior
    lattice = local_windows(posterior)

    def begin(z: Array, t: Array) -> Position:
        del t
        return Position(z, posterior.predict(z))

    def propose(key: Array, here: Position, step_size: Array) -> Array:
        noise = jax.random.normal(named(key, "noise"), here.z.shape)
        return jnp.sqrt(1 - step_size**2) * here.z + step_size * noise

    def accept(key: Array, here: Position, there: Position, t: Array) -> tuple[Position, Array, Array]:
        log_likelihoods = likelihood.log_target(here.predictions, t), likelihood.log_target(there.predictions, t)
        return metropolis(named(key, "accept"), here, there, log_likelihoods)

    def propose_window(key: Array, here: Position, step_size: Array) -> Array:
        del step_size
        return propose_locally(key, here.z, lattice)[0]

    def accept_window(key: Array, here: Position, there: Position, t: Array) -> tuple[Position, Array, Array]:
        return decide(key, here, there, t, drawn_windows(key, lattice)), jnp.zeros(()), jnp.bool_(True)

    def decide(key: Array, here: Position, there: Position, t: Array, windows: Windows) -> Position:
        one, other = (Population(p.z, p.predictions) for p in (here, there))
        return Position(*accept_locally(key, one, other, windows, lattice, lambda p: likelihood.log_target(p, t)))

    def step(key: Array, here: Position, step_size: Array, t: Array) -> tuple[Position, Outcome]:
        here, acceptance, finite = accept(key, here, begin(propose(key, here, step_size), t), t)
        key_local = named(key, "local")

        def renew(n: Array, here: Position) -> Position:
            key_n = numbered(key_local, n)
            z, windows = propose_locally(key_n, here.z, lattice)
            return decide(key_n, here, begin(z, t), t, windows)

        here = lax.fori_loop(0, local_moves, renew, here)
        none, false = jnp.zeros(()), jnp.bool_(False)
        return here, Outcome(acceptance, finite, false, step_size, none, jnp.float32(1 + local_moves))

    def keys(key: Array) -> tuple[Array, ...]:
        key_local = named(key, "local")
        return (key, *(numbered(key_local, n) for n in range(local_moves)))

    windows = [Proposal(propose_window, accept_window)] * local_moves
    sequence = ProposalSequence((Proposal(propose, accept), *windows), keys)
    return Move(
        begin,
        step,
        uses_gradient=False,
        acceptance_target=acceptance_target,
        first_step=0.3,
        sequence=sequence,
    )


@final
@algorithm("pcn")
class PreconditionedCrankNicolson(AbstractChains):
    """Preconditioned Crank–Nicolson chains with local moves, without gradients; each stays in its mode.

    Parameters
    ----------
    local_moves
        Moves of a random window per transition; 0 for global moves only.
    acceptance_target
        Acceptance of global moves towards which β is adapted.
    """

    warmup: int = 2000
    thinning: int = 20
    local_moves: int = 2
    acceptance_target: float = 0.25

    needs_gradient = False

    def __post_init__(self) -> None:
        super().__post_init__()
        check_counts(self, "local_moves", least=0)
        check_shares(self, "acceptance_target")

    def build(self) -> AbstractKernel:
        """Make the chains."""

        def move(likelihood: TemperedLikelihood) -> Move:
            return pcn_move(likelihood, local_moves=self.local_moves, acceptance_target=self.acceptance_target)

        return chain_kernel(self, move)
