"""Laplace's approximation: a Gaussian about the best optimum, with the Gauss–Newton curvature of the soft model there.

The optimum m of −log p(d | z) + ½‖z‖² is searched for from several draws of the prior by Levenberg's and Marquardt's
damped Gauss–Newton steps (Nocedal and Wright 2006, doi:10.1007/978-0-387-40065-5, chapter 10),

    ((1 + λ) I + SᵀS) δ = −∇,        SᵀS = JᵀWJ        (`_linearisation`),

solved in the right singular vectors of S; λ falls after a step that lowers the objective and grows after one that does
not, which is undone. At the best m, SᵀS = Q diag(s²) Qᵀ spans the likelihood-informed subspace (Cui et al. 2014,
doi:10.1088/0266-5611/30/11/114015); draws and evidence cost no more than that:

    z = m + ξ − Q (1 − (1 + s²)^−½) Qᵀ ξ ~ N(m, (I + SᵀS)⁻¹),        log p(d) ≈ log p(d | m) − ½‖m‖² − ½ Σ log(1 + s²).

Both are exact if the forward is linear and the noise Gaussian, which is tested on random latents. For a generator there
are many modes, of which this is one, and hard data make densities with edges, which a Gaussian does not have; it
approximates the soft model whatever the target. Cost: per start and iteration as many gradients as there are data; one
singular value decomposition of S each.
"""

from typing import Any, NamedTuple, final

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from latentinv.devices import compiled
from latentinv.errors import NonFiniteError
from latentinv.inference.core import (
    AbstractApproximation,
    AbstractIterations,
    Draws,
    Info,
    Progress,
    algorithm,
    check_counts,
    check_noise,
    check_positive,
    evaluate,
    honoured_share,
    honoured_words,
    latest_failures,
    linear_gaussian,
)
from latentinv.inference.moves import Linearisation, MassMatrix, likelihood_informed_subspace, linearise
from latentinv.keys import named
from latentinv.posterior import Posterior, log_prior, map_batched
from latentinv.pytrees import Count, Flag

LEAST_DAMPING, MOST_DAMPING = 1e-6, 1e6


class LaplaceState(NamedTuple):
    """What the next step needs."""

    key: Array
    """Data of the key of the draws, which do not depend on how many steps the search takes."""
    z: Float[Array, "start latent"]
    damping: Float[Array, "start"]
    log_density: Float[Array, "start"]
    decrement: Float[Array, "start"]
    """Height of the objective above its minimum in its quadratic model; half of Newton's decrement squared."""
    iteration: Count
    draws: Float[Array, "draw latent"]
    """Zero before the last step."""
    singular: Float[Array, "direction"]
    """s at the best optimum; zero before the last step."""
    done: Flag


@final
@algorithm("laplace")
class Laplace(AbstractIterations):
    """A Gaussian about the best of several optima (Laplace's approximation); exact for linear Gaussian problems.

    Parameters
    ----------
    draws
        Draws of the Gaussian.
    starts
        Draws of the prior to look for optima from.
    max_iterations
        Gauss–Newton iterations at most.
    tolerance
        A start has converged when an iteration raises the log-density by less than this.
    """

    draws: int = 64
    starts: int = 4
    max_iterations: int = 50
    tolerance: float = 1e-5
    iterations_per_step: int = 2

    def __post_init__(self) -> None:
        super().__post_init__()
        check_counts(self, "draws", "starts", "max_iterations")
        check_positive(self, "tolerance")

    def check(self, posterior: Posterior) -> None:
        """Raise `InputError` if the noise of measured numbers is not Gaussian."""
        check_noise(posterior)

    def build(self) -> AbstractApproximation:
        """Make the approximation."""
        return LaplaceKernel(self)


@final
class LaplaceKernel(AbstractApproximation):
    """The search for an optimum, and the draws about it."""

    def __init__(self, settings: Laplace) -> None:
        self.settings = settings
        self._search, self._expand = compiled(self._iterations), compiled(self._expansion)
        self._honoured = compiled(self._exact)

    def samples_target(self, posterior: Posterior) -> bool:
        """True if the posterior is Gaussian; a simulator outside JAX is not run to find out."""
        return not posterior.external and linear_gaussian(posterior)

    def init(self, posterior: Posterior, key: Array) -> LaplaceState:
        """Draw the starts from the prior."""
        starts, latents = self.settings.starts, posterior.latent_size
        key_starts, key_draws = named(key, "starts", "draws")
        return LaplaceState(
            key=jax.random.key_data(key_draws),
            z=jax.random.normal(key_starts, (starts, latents)),
            damping=jnp.full(starts, 1e-2),
            log_density=jnp.full(starts, -jnp.inf),
            decrement=jnp.full(starts, jnp.inf),
            iteration=jnp.int32(0),
            draws=jnp.zeros((self.settings.draws, latents)),
            singular=jnp.zeros(min(posterior.count, latents)),
            done=jnp.array(False),
        )

    def step(self, posterior: Posterior, key: Array, state: LaplaceState) -> tuple[LaplaceState, Info]:
        """Do some iterations of all starts, and at the end draw about the best optimum."""
        del key
        if self._searching(state):
            left = self.settings.max_iterations - int(state.iteration)
            state = self._search(posterior, state, jnp.int32(min(self.settings.iterations_per_step, left)))
            shown = state.z
            if not bool(jnp.isfinite(state.log_density).any()):
                why = latest_failures(posterior)
                raise NonFiniteError(f"All starts became NaN or infinite{why}; check the data's sd and the prior.")
        else:
            state = self._expand(posterior, state)
            shown = state.draws
        best = jnp.argmax(state.log_density)
        converged = jnp.mean(self._settled(state).astype(jnp.float32))
        honoured = jnp.float32(honoured_share(self._honoured(posterior, shown), posterior))
        non_finite = jnp.sum(~jnp.isfinite(state.log_density)).astype(jnp.float32)
        info = Info(best_log_density=state.log_density[best], decrement=state.decrement[best], converged=converged)
        return state, info | Info(honoured=honoured, non_finite=non_finite)

    def finished(self, state: LaplaceState) -> bool:
        """Whether the draws have been made."""
        return bool(state.done)

    def progress(self, posterior: Posterior, state: LaplaceState, info: Info) -> Progress:
        """Iteration, best log-density and honoured wells, in words."""
        del posterior
        words = f"iteration {int(state.iteration)}, best log-density {float(info['best_log_density']):.1f}"
        done = 1.0 if bool(state.done) else 0.95 * int(state.iteration) / self.settings.max_iterations
        return Progress(done, words + honoured_words(info["honoured"]))

    def draws(self, posterior: Posterior, state: LaplaceState) -> Draws:
        """Draws of the Gaussian."""
        return evaluate(posterior, np.asarray(state.draws))

    def current(self, state: LaplaceState) -> Float[Array, "start latent"]:
        """The latents of all starts."""
        return state.z

    def results(self, posterior: Posterior, state: LaplaceState) -> dict[str, Any]:
        """Log-evidence, how many directions the data inform more than the prior, gradients spent; warnings."""
        settings, best, iterations = self.settings, int(jnp.argmax(state.log_density)), int(state.iteration)
        singular, density = np.asarray(state.singular, float), np.asarray(state.log_density, float)
        results: dict[str, Any] = {
            "iterations": iterations,
            "gradients": settings.starts * iterations * (posterior.count + 1) + posterior.count,
            "log_density": sorted((float(value) for value in density[np.isfinite(density)]), reverse=True),
            "informed_directions": int(np.sum(singular > 1)),
            "log_evidence": float(density[best] - 0.5 * np.log1p(singular**2).sum()),
        }
        if not bool(self._settled(state)[best]):
            results["warnings"] = [
                f"The best start is not at its optimum after {iterations} iterations: its log-density can rise by "
                f"about {float(state.decrement[best]):.2g}; raise max_iterations."
            ]
        return results

    def _searching(self, state: LaplaceState) -> bool:
        stuck = self._settled(state) | (state.damping >= MOST_DAMPING)
        return int(state.iteration) < self.settings.max_iterations and not bool(stuck.all())

    def _settled(self, state: LaplaceState) -> Bool[Array, "start"]:
        return state.decrement < self.settings.tolerance

    def _exact(self, posterior: Posterior, z: Array) -> tuple[Array, ...]:
        return map_batched(lambda one: posterior.predict(one).exact, z, self.settings.together)

    def _iterations(self, posterior: Posterior, state: LaplaceState, count: Array) -> LaplaceState:
        def iterate(_: Array, state: LaplaceState) -> LaplaceState:
            places = (state.z, state.damping)
            z, damping, log_density, decrement = jax.lax.map(lambda place: self._iteration(posterior, *place), places)
            return state._replace(
                z=z, damping=damping, log_density=log_density, decrement=decrement, iteration=state.iteration + 1
            )

        return jax.lax.fori_loop(0, count, iterate, state)

    def _iteration(self, posterior: Posterior, z: Array, damping: Array) -> tuple[Array, Array, Array, Array]:
        """One damped Gauss–Newton step: new latents, next damping, new log-density, decrement at the start."""
        about = linearise(posterior, z, batch_size=self.settings.together)
        density = log_prior(z) + about.log_likelihood
        density = jnp.where(jnp.isfinite(density), density, -jnp.inf)
        step, _ = _newton(about, z, damping)
        _, decrement = _newton(about, z, jnp.float32(0))
        proposed = z + step
        reached = posterior.soft_log_density(proposed)
        better = reached > density  # false if it is not a number
        damping = jnp.clip(jnp.where(better, damping / 10, damping * 10), LEAST_DAMPING, MOST_DAMPING)
        return jnp.where(better, proposed, z), damping, jnp.where(better, reached, density), decrement

    def _expansion(self, posterior: Posterior, state: LaplaceState) -> LaplaceState:
        optimum = state.z[jnp.argmax(state.log_density)]
        subspace = likelihood_informed_subspace(posterior, optimum[None], batch_size=self.settings.together)
        draws = optimum + _centred_draws(jax.random.wrap_key_data(state.key), subspace, self.settings.draws)
        return state._replace(draws=draws, singular=subspace.singular, done=jnp.array(True))


def _newton(about: Linearisation, z: Array, damping: Array) -> tuple[Array, Array]:
    """The step −((1 + λ) I + SᵀS)⁻¹ ∇, and half of the decrease that the gradient predicts for it."""
    uphill = z - about.gradient
    if not about.scaled_jacobian.shape[0]:
        step = -uphill / (1 + damping)
    else:
        _, singular, basis = jnp.linalg.svd(about.scaled_jacobian, full_matrices=False)
        shrink = singular**2 / (1 + damping + singular**2)
        step = -(uphill - (shrink * (basis @ uphill)) @ basis) / (1 + damping)
    return step, -0.5 * jnp.dot(uphill, step)


def _centred_draws(key: Array, subspace: MassMatrix, count: int) -> Float[Array, "draw latent"]:
    """Draws of N(0, M⁻¹), M the metric of the subspace."""
    return subspace.solve_root(jax.random.normal(key, (count, subspace.basis.shape[0])))
