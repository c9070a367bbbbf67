"""Metropolis-adjusted Langevin: a random walk that drifts along the gradient of the data.

Two proposals, with g the gradient of the surrogate's log-likelihood at z and ξ ~ N(0, I):

- ``infinity``: z' = ρ z + √(1 − ρ²) (ξ + √h/2 g) with ρ = (4 − h) / (4 + h) (∞-MALA: Cotter et al. 2013,
  doi:10.1214/13-STS421; Beskos et al. 2017, doi:10.1016/j.jcp.2016.12.041). Without data it leaves the prior
  invariant, so the step does not shrink as the latents grow in number. The step size is √(1 − ρ²);
- ``euler``: z' = z + ε²/2 (g − z) + ε ξ (Roberts and Tweedie 1996, doi:10.2307/3318418), with step size ε.

The surrogate is the soft model, also where the target is thresholded; acceptance is by the target. Cost: one gradient a
transition.
"""

from collections.abc import Callable
from typing import final

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from latentinv.inference.core import AbstractKernel, algorithm, check_choice, check_positive, check_shares
from latentinv.inference.moves import Move, Outcome, Position, TemperedLikelihood, metropolis
from latentinv.keys import named
from latentinv.posterior import log_prior
from latentinv.pytrees import Scalar

from ._settings import AbstractChains
from ._side_by_side import chain_kernel

VARIANTS = ("infinity", "euler")
Proposal = tuple[Float[Array, "latent"], Callable[[Position], Scalar]]
"""The proposed latents, and the prior's and the proposals' part of the log-ratio, once the position there is known."""


def mala_move(likelihood: TemperedLikelihood, *, variant: str, acceptance_target: float) -> Move:
    """Make the move."""
    propose = _propose_infinity if variant == "infinity" else _propose_euler

    def begin(z: Array, t: Array) -> Position:
        return Position(z, *likelihood.surrogate(z, t))

    def step(key: Array, here: Position, step_size: Array, t: Array) -> tuple[Position, Outcome]:
        key_noise, key_accept = named(key, "noise", "accept")
        z, correction = propose(here, jax.random.normal(key_noise, here.z.shape), step_size)
        there = begin(z, t)
        log_likelihoods = likelihood.log_target(here.predictions, t), likelihood.log_target(there.predictions, t)
        log_correction = correction(there)
        here, acceptance, finite = metropolis(key_accept, here, there, log_likelihoods, log_correction)
        return here, Outcome(acceptance, finite, jnp.bool_(False), step_size, jnp.ones(()), jnp.zeros(()))

    largest = 1.0 if variant == "infinity" else 2.0
    return Move(
        begin, step, uses_gradient=True, acceptance_target=acceptance_target, first_step=0.2, largest_step=largest
    )


def _propose_infinity(here: Position, noise: Float[Array, "latent"], step: Scalar) -> Proposal:
    rho = jnp.sqrt(1 - step**2)
    half_root = jnp.sqrt((1 - rho) / (1 + rho))  # √h / 2
    z = rho * here.z + step * (noise + half_root * here.memory)

    def correction(there: Position) -> Array:
        # With η = (z' − ρ z)/√(1 − ρ²) the prior times exp(−‖η‖²/2) is symmetric; the rest of −‖η − √h/2 g‖²/2 is
        # √h/2 η·g − h/8 ‖g‖².
        def drift(eta: Array, gradient: Array) -> Array:
            return half_root * jnp.dot(eta, gradient) - 0.5 * half_root**2 * jnp.sum(gradient**2)

        back = (here.z - rho * there.z) / step
        return drift(back, there.memory) - drift(noise + half_root * here.memory, here.memory)

    return z, correction


def _propose_euler(here: Position, noise: Float[Array, "latent"], step: Scalar) -> Proposal:
    z = here.z + 0.5 * step**2 * (here.memory - here.z) + step * noise

    def correction(there: Position) -> Array:
        back = (here.z - there.z - 0.5 * step**2 * (there.memory - there.z)) / step
        return log_prior(there.z) - log_prior(here.z) + log_prior(back) - log_prior(noise)

    return z, correction


@final
@algorithm("mala")
class MALA(AbstractChains):
    """Metropolis-adjusted Langevin chains, which follow gradients; each stays in its mode.

    Parameters
    ----------
    variant
        ``infinity``, whose step does not depend on the number of latents, or ``euler``.
    acceptance_target
        Acceptance towards which the step is adapted.
    sharpness
        With a thresholded target, inverse temperature of the soft model whose gradient is followed.
    """

    variant: str = "infinity"
    acceptance_target: float = 0.574
    sharpness: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        check_choice(self, "variant", VARIANTS)
        check_shares(self, "acceptance_target")
        check_positive(self, "sharpness")

    def build(self) -> AbstractKernel:
        """Make the chains."""

        def move(likelihood: TemperedLikelihood) -> Move:
            return mala_move(likelihood, variant=self.variant, acceptance_target=self.acceptance_target)

        return chain_kernel(self, move, sharpest_surrogate=self.sharpness)
