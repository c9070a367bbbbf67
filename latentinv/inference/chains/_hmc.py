"""Hamiltonian Monte Carlo: distant proposals of high acceptance, at a gradient per step.

A particle with a random momentum moves in the surrogate's potential by the leapfrog; where it arrives is accepted or
rejected by the target (Duane et al. 1987, doi:10.1016/0370-2693(87)91197-X; Neal 2011, arXiv:1206.1901, section 5.5).
The surrogate is the soft model, also where the target is thresholded. The mass is that of the prior, the identity, or
has the curvature of the data besides (`_side_by_side`), and the step is jittered by ±20 %, so that no orbit closes.
Cost: `leapfrogs` gradients per transition.
"""

from typing import final

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

from latentinv.inference.core import AbstractKernel, algorithm, check_counts, check_positive, check_shares
from latentinv.inference.moves import MassMatrix, Move, Outcome, Position, TemperedLikelihood, metropolis
from latentinv.keys import named
from latentinv.posterior import Posterior, Predictions, log_prior

from ._settings import AbstractMetricChains
from ._side_by_side import check_metric_size, metric_kernel

Way = tuple[Float[Array, "latent"], Float[Array, "latent"], Float[Array, "latent"]]
"""Latents, the surrogate's gradient there, and the momentum."""
LARGEST_ERROR = 1000.0
"""Energy error above which a trajectory counts as divergent, as in Stan."""


def hmc_move(
    likelihood: TemperedLikelihood, *, leapfrogs: int, acceptance_target: float, mass: MassMatrix | None = None
) -> Move:
    """Make the move: in the coordinates M^½ z, where the mass M, the identity if None, is one."""

    def scaled(vector: Array) -> Array:
        return vector if mass is None else mass.solve_root(vector)

    def begin(z: Array, t: Array) -> Position:
        return Position(z, *likelihood.surrogate(z, t))

    def gradient(z: Array, t: Array) -> Array:
        return jax.grad(lambda z: likelihood.log_surrogate(likelihood.posterior.predict_soft(z), t))(z)

    def step(key: Array, here: Position, step_size: Array, t: Array) -> tuple[Position, Outcome]:
        key_momentum, key_jitter, key_accept = named(key, "momentum", "jitter", "accept")
        size = step_size * jax.random.uniform(key_jitter, (), minval=0.8, maxval=1.2)
        momentum = jax.random.normal(key_momentum, here.z.shape)

        def kicked(p: Array, z: Array, force: Array) -> Array:
            return p + 0.5 * size * scaled(force - z)

        def leapfrog(carry: Way, _: None) -> tuple[Way, None]:
            z, force, p = carry
            p = kicked(p, z, force)
            z = z + size * scaled(p)
            force = gradient(z, t)
            return (z, force, kicked(p, z, force)), None

        # predictions that only the target needs are made only at the end
        (z, force, p), _ = lax.scan(leapfrog, (here.z, here.memory, momentum), length=leapfrogs - 1)
        p = kicked(p, z, force)
        there = begin(z + size * scaled(p), t)
        p = kicked(p, there.z, there.memory)
        log_correction = log_prior(there.z) - log_prior(here.z) + log_prior(p) - log_prior(momentum)

        def surrogate(predictions: Predictions) -> Array:
            return likelihood.log_surrogate(predictions, t)

        error = surrogate(there.predictions) - surrogate(here.predictions) + log_correction
        log_likelihoods = likelihood.log_target(here.predictions, t), likelihood.log_target(there.predictions, t)
        here, acceptance, finite = metropolis(key_accept, here, there, log_likelihoods, log_correction)
        diverging = finite & (error < -LARGEST_ERROR)
        return here, Outcome(acceptance, finite, diverging, step_size, jnp.float32(leapfrogs), jnp.zeros(()))

    return Move(begin, step, uses_gradient=True, acceptance_target=acceptance_target, first_step=0.2, largest_step=1.8)


@final
@algorithm("hmc")
class HMC(AbstractMetricChains):
    """Hamiltonian Monte Carlo chains, which follow gradients; each stays in its mode.

    Parameters
    ----------
    leapfrogs
        Steps of a trajectory.
    acceptance_target
        Acceptance towards which the step is adapted.
    sharpness
        With a thresholded target, inverse temperature of the soft model whose gradient is followed.
    """

    warmup: int = 300
    thinning: int = 1
    leapfrogs: int = 16
    acceptance_target: float = 0.7
    sharpness: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        check_counts(self, "leapfrogs")
        check_shares(self, "acceptance_target")
        check_positive(self, "sharpness")

    def check(self, posterior: Posterior) -> None:
        """Raise `InputError` if the metric of the curvature would be too large to decompose."""
        check_metric_size(self, posterior)

    def build(self) -> AbstractKernel:
        """Make the chains."""

        def move(likelihood: TemperedLikelihood, mass: MassMatrix | None) -> Move:
            return hmc_move(likelihood, leapfrogs=self.leapfrogs, acceptance_target=self.acceptance_target, mass=mass)

        return metric_kernel(self, move, sharpest_surrogate=self.sharpness)
