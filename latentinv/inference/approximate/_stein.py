"""Stein variational gradient descent: particles that follow the density and repel each other.

All particles move at once along

    φ(z_i) = 1/N Σ_j [k(z_j, z_i) ∇log p(z_j | d) + ∇_{z_j} k(z_j, z_i)],        k(z, z') = exp(−‖z − z'‖² / h),

the direction that lowers the Kullback–Leibler divergence fastest (Liu and Wang 2016, arXiv:1608.04471), with h the
squared median of the distances between particles over log N, and Adam (arXiv:1412.6980) with a rate that falls to 0
along a cosine. The first term gathers particles where the density is high, the second keeps them apart. The draws are
deterministic once the start is drawn, and in more dimensions than there are particles they are far too close together
(Ba et al. 2022, "Understanding the variance collapse of SVGD in high dimensions"); they approximate the soft model
whatever the target. Cost: one gradient per particle and iteration, and N² distances.
"""

from typing import Any, NamedTuple, final

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float

from latentinv.devices import compiled
from latentinv.errors import NonFiniteError
from latentinv.inference.core import (
    AbstractApproximation,
    AbstractIterations,
    Info,
    Progress,
    algorithm,
    check_counts,
    check_positive,
)
from latentinv.posterior import Posterior, map_batched
from latentinv.pytrees import Count


class SteinState(NamedTuple):
    """What the next step needs."""

    z: Float[Array, "particle latent"]
    adam: Any
    iteration: Count


@final
@algorithm("stein")
class SteinVariational(AbstractIterations):
    """Stein variational gradient descent: particles that repel each other; approximate.

    Parameters
    ----------
    particles
        Draws kept.
    iterations
        Moves of all particles.
    learning_rate
        Adam's at the start, in units of the latents' standard deviation.
    """

    particles: int = 64
    iterations: int = 500
    learning_rate: float = 0.1
    iterations_per_step: int = 20

    def __post_init__(self) -> None:
        super().__post_init__()
        check_counts(self, "particles", least=2)
        check_counts(self, "iterations")
        check_positive(self, "learning_rate")

    def build(self) -> AbstractApproximation:
        """Make the descent."""
        return SteinKernel(self)


@final
class SteinKernel(AbstractApproximation):
    """The descent of all particles."""

    def __init__(self, settings: SteinVariational) -> None:
        self.settings = settings
        self.adam = optax.adam(optax.cosine_decay_schedule(settings.learning_rate, settings.iterations))
        self._advance = compiled(self._iterations)

    def init(self, posterior: Posterior, key: Array) -> SteinState:
        """Draw the particles from the prior."""
        z = jax.random.normal(key, (self.settings.particles, posterior.latent_size))
        return SteinState(z, self.adam.init(z), jnp.int32(0))

    def step(self, posterior: Posterior, key: Array, state: SteinState) -> tuple[SteinState, Info]:
        """Do some iterations, which are deterministic."""
        del key
        left = self.settings.iterations - int(state.iteration)
        state, info = self._advance(posterior, state, jnp.int32(min(self.settings.iterations_per_step, left)))
        if not bool(jnp.isfinite(state.z).all()):
            raise NonFiniteError(
                "A particle became NaN or infinite, and with it all others; check the data's sd or lower the "
                "learning rate."
            )
        if int(info["non_finite"]) == len(state.z):
            raise NonFiniteError(
                "At all particles the likelihood became NaN or infinite; check the data's sd and the prior."
            )
        return state, info

    def finished(self, state: SteinState) -> bool:
        """Whether all iterations are done."""
        return int(state.iteration) >= self.settings.iterations

    def progress(self, posterior: Posterior, state: SteinState, info: Info) -> Progress:
        """Iteration, log-density and spread in words."""
        del posterior
        words = f"iteration {int(state.iteration)}, median log-density {float(info['median_log_density']):.1f}"
        words += f", spread {float(info['spread']):.2f}"
        return Progress(int(state.iteration) / self.settings.iterations, words)

    def current(self, state: SteinState) -> Float[Array, "particle latent"]:
        """The particles."""
        return state.z

    def results(self, posterior: Posterior, state: SteinState) -> dict[str, Any]:
        """Iterations and gradients; a warning if the particles are too few for a meaningful spread."""
        particles, latents = self.settings.particles, posterior.latent_size
        results: dict[str, Any] = {"iterations": int(state.iteration), "gradients": int(state.iteration) * particles}
        if latents >= particles:
            results["warnings"] = [
                f"{particles} particles in {latents} latent dimensions lie too close together, so their spread is no "
                "measure of uncertainty; use 'smc', or more particles than latents."
            ]
        return results

    def _iterations(self, posterior: Posterior, state: SteinState, count: Array) -> tuple[SteinState, Info]:
        def iterate(_: Array, carry: tuple[SteinState, Array, Array]) -> tuple[SteinState, Array, Array]:
            z, adam, iteration = carry[0]
            density, gradient = map_batched(jax.value_and_grad(posterior.soft_log_density), z, self.settings.together)
            direction = stein_direction(z, gradient)
            update, adam = self.adam.update(-direction, adam)
            force = jnp.sqrt(jnp.mean(direction**2))
            return SteinState(optax.apply_updates(z, update), adam, iteration + 1), density, force

        start = state, jnp.zeros(len(state.z)), jnp.zeros(())
        state, density, force = jax.lax.fori_loop(0, count, iterate, start)
        spread = jnp.sqrt(jnp.mean(jnp.var(state.z, axis=0, ddof=1)))
        lost = jnp.sum(~jnp.isfinite(density)).astype(jnp.float32)
        return state, Info(median_log_density=jnp.median(density), force=force, spread=spread, non_finite=lost)


def stein_direction(
    z: Float[Array, "particle latent"], gradient: Float[Array, "particle latent"]
) -> Float[Array, "particle latent"]:
    """The direction φ of every particle.

    Parameters
    ----------
    z
        The particles, two or more.
    gradient
        Of the log-density at each.
    """
    count = len(z)
    # Distances from the particles' mean, so that products of large numbers do not cancel.
    centred = z - z.mean(axis=0)
    norms = jnp.sum(centred**2, axis=1)
    squared = norms[:, None] + norms - 2 * jnp.matmul(centred, centred.T, precision="highest")
    squared = jnp.maximum(squared, 0.0)
    bandwidth = jnp.maximum(jnp.median(squared[np.triu_indices(count, 1)]), 1e-12) / jnp.log(count)
    kernel = jnp.exp(-squared / bandwidth)
    # Σ_j ∇_{z_j} k(z_j, z_i) = 2/h Σ_j (z_i − z_j) k(z_j, z_i)
    attraction, mean = (jnp.matmul(kernel, rows, precision="highest") for rows in (gradient, centred))
    repulsion = 2 / bandwidth * (kernel.sum(axis=1)[:, None] * centred - mean)
    return (attraction + repulsion) / count
