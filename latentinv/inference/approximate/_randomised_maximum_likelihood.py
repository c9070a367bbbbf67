"""Randomised maximum likelihood (RML): one optimisation a draw, against data and a prior that are drawn anew.

Draw j takes z* from the prior and data d + ε, ε ~ N(0, C), perturbed by their noise, and minimises

    ½‖z − z*‖² + ½‖F(z) − d − ε‖²_C

(Oliver et al. 1996, "Conditioning permeability fields to pressure data"; Oliver et al. 2008,
doi:10.1017/CBO9780511535642) by L-BFGS. If F is linear and the noise Gaussian, minima are independent draws of the
posterior; else they lie in all its modes, but not in the right proportions. Hard data are not perturbed: they keep
their stated soft likelihood (Wang et al. 2018, doi:10.1137/17M1151900), as certain facies have no noise to be drawn
anew.

With `weighted` the draws are weighed by the ratio of the posterior to the density they come from, and drawn again.
Where the optimisation has one answer, z* = z − ∇log p(d + ε | z), whose Jacobian gives that density; ε is then
integrated out against its conditional law in the linear case (Ba et al. 2022, doi:10.1007/s10596-021-10100-x). With S
the scaled Jacobian of all data, S_g of the perturbed ones, and u = z − ∇log p(d | z),

    log w = −½‖z‖² + log p(d | z) + ½ uᵀ (I + S_gᵀS_g)⁻¹ u + ½ log det(I + S_gᵀS_g) − log det(I + SᵀS),

constant where F is linear; second derivatives of F are left out, so the weights are approximate too. Their mean
estimates the evidence. Cost: per draw typically 50 to 200 gradients, and with `weighted` as many as there are data.
"""

import functools
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import logsumexp
from jaxtyping import Array, Bool, Float, Int

from latentinv.errors import NonFiniteError
from latentinv.inference.core import (
    AbstractAlgorithm,
    Kernel,
    Progress,
    check_counts,
    check_noise,
    check_positive,
    gaussian_noise,
    honoured_share,
    latest_failures,
    resampled,
)
from latentinv.inference.moves import linearise
from latentinv.inference.optimisation import Descent, begin_descent, descend
from latentinv.posterior import Posterior, Predictions, log_prior, map_batched


class Perturbation(NamedTuple):
    """What makes the objective of each draw its own."""

    anchor: Float[Array, "draw latent"]
    """z*."""
    noise: tuple[Float[Array, "draw datum"], ...]
    """ε of each observation; zero where the noise is not Gaussian."""


class RMLState(NamedTuple):
    """What the next step needs."""

    key: Array
    """Data of the key of the weighing, which does not depend on how many steps the descent takes."""
    descent: Descent
    perturbation: Perturbation
    iteration: Int[Array, ""]
    slope: Float[Array, "draw"]
    """Norm of each objective's gradient."""
    weighed: Bool[Array, ""]
    effective_size: Float[Array, ""]
    log_evidence: Float[Array, ""]


class RMLInfo(NamedTuple):
    """What a person wants to know of a step."""

    median_objective: Float[Array, ""]
    largest_slope: Float[Array, ""]
    """Largest norm of a gradient among the draws; it bounds the distance to the minimum where that is convex."""
    converged: Float[Array, ""]
    """Share of draws whose gradient is below the tolerance."""
    honoured: Float[Array, ""]
    """Share of hard data honoured over all draws; nan without hard data."""
    non_finite: Float[Array, ""]
    """Draws whose objective is not a finite number."""


@dataclass(frozen=True)
class RandomisedMaximumLikelihood(AbstractAlgorithm):
    """Randomised maximum likelihood.

    Parameters
    ----------
    samples
        Draws, each from an optimisation of its own.
    max_iterations
        L-BFGS iterations after which draws are taken as they are.
    tolerance
        Norm of the gradient below which a draw is at its minimum, in latent standard deviations.
    weighted
        Whether to weigh the draws and draw among them again.
    iterations_per_step
        Iterations between two reports.
    batch_size
        Draws evaluated at once, which all wait for the longest line search among them; more than one pays on a GPU.
    """

    samples: int = 64
    max_iterations: int = 200
    tolerance: float = 0.01
    weighted: bool = False
    iterations_per_step: int = 10
    batch_size: int = 1

    name = "rml"

    def __post_init__(self) -> None:
        check_counts(self, "samples", "max_iterations", "iterations_per_step", "batch_size")
        check_positive(self, "tolerance")

    def build(self, posterior: Posterior) -> Kernel:
        """Bind the optimiser to a posterior.

        Raises
        ------
        InputError
            If the noise of measured numbers is not Gaussian.
        """
        check_noise(posterior)
        machine = _Machine(self, posterior)
        return Kernel(
            init=machine.init,
            step=machine.step,
            finished=machine.finished,
            progress=machine.progress,
            draws=machine.draws,
            current=lambda state: state.descent.z,
            samples_target=False,
            results=machine.results,
        )


class _Machine:
    """The optimiser bound to a posterior."""

    def __init__(self, settings: RandomisedMaximumLikelihood, posterior: Posterior) -> None:
        self.settings, self.posterior = settings, posterior
        self.noises = [gaussian_noise(observation) for observation in posterior.observations]
        self._descend = posterior.jit(self._descent)
        self._evaluate = posterior.jit(self._evaluation)
        self._weigh = posterior.jit(self._weighing)

    def init(self, key: Array) -> RMLState:
        """Draw what the objectives are made of, and start where the prior's part is least."""
        key_anchor, key_noise, key_weighing = jax.random.split(key, 3)
        draws, observations = self.settings.samples, self.posterior.observations
        anchor = jax.random.normal(key_anchor, (draws, self.posterior.latent_size))
        keys = jax.random.split(key_noise, max(len(observations), 1))
        noise = tuple(
            jnp.zeros((draws, o.count))
            if noise is None
            else jax.vmap(functools.partial(noise.simulate, count=o.count))(jax.random.split(k, draws))
            for o, noise, k in zip(observations, self.noises, keys, strict=False)
        )
        unknown = jnp.float32(jnp.nan)
        start = Perturbation(anchor, noise)
        return RMLState(
            key=jax.random.key_data(key_weighing),
            descent=begin_descent(anchor),
            perturbation=start,
            iteration=jnp.int32(0),
            slope=jnp.full(draws, jnp.inf),
            weighed=jnp.array(False),
            effective_size=unknown,
            log_evidence=unknown,
        )

    def step(self, key: Array, state: RMLState) -> tuple[RMLState, RMLInfo]:
        """Do some iterations, and at the end the weighing."""
        del key
        if self._descending(state):
            left = self.settings.max_iterations - int(state.iteration)
            state = self._descend(state, jnp.int32(min(self.settings.iterations_per_step, left)))
        else:
            state = self._weigh(state)
        objective, slope, exact = self._evaluate(state)
        finite = jnp.isfinite(objective)
        if not bool(finite.any()):
            why = latest_failures(self.posterior)
            raise NonFiniteError(f"All draws left the finite numbers{why}; check the data's sd and the prior.")
        state = state if bool(state.weighed) else state._replace(slope=slope)
        converged = jnp.mean(state.slope < self.settings.tolerance)
        honoured = jnp.float32(honoured_share(exact, self.posterior))
        non_finite = jnp.sum(~finite).astype(jnp.float32)
        return state, RMLInfo(jnp.nanmedian(objective), jnp.max(state.slope), converged, honoured, non_finite)

    def finished(self, state: RMLState) -> bool:
        """Whether all draws are at their minima or out of iterations, and weighed if they are to be."""
        return not self._descending(state) and (bool(state.weighed) or not self.settings.weighted)

    def progress(self, state: RMLState, info: RMLInfo) -> Progress:
        """Iteration, converged draws and honoured wells in words."""
        words = f"iteration {int(state.iteration)}, {100 * float(info.converged):.0f} % of draws at their minimum"
        if np.isfinite(float(info.honoured)):
            words += f", wells honoured {100 * float(info.honoured):.1f} %"
        done = 1.0 if self.finished(state) else 0.95 * int(state.iteration) / self.settings.max_iterations
        return Progress(done, words)

    def draws(self, state: RMLState) -> Array:
        """The minima, or the draws among them; those that left the finite numbers are dropped."""
        return state.descent.z[np.isfinite(np.asarray(state.descent.z)).all(axis=1)]

    def results(self, state: RMLState) -> dict[str, Any]:
        """Iterations and gradients; effective sample size and log-evidence of the weights; warnings."""
        results: dict[str, Any] = {"iterations": int(state.iteration)}
        results["gradients"] = int(state.descent.gradients.sum())
        if bool(state.weighed):
            results["gradients"] += self.settings.samples * sum(o.count for o in self.posterior.observations)
            results["effective_sample_size"] = float(state.effective_size)
            results["log_evidence"] = float(state.log_evidence)
        warnings = self._warnings(state)
        return {**results, "warnings": warnings} if warnings else results

    def _warnings(self, state: RMLState) -> list[str]:
        warnings, settings = [], self.settings
        short = int(np.sum(~(np.asarray(state.slope) < settings.tolerance)))
        if short:
            warnings.append(
                f"{short} of {settings.samples} draws did not reach a gradient below {settings.tolerance:g} in "
                f"{int(state.iteration)} iterations; raise max_iterations, or tolerance where the data are stiff."
            )
        if bool(state.weighed) and float(state.effective_size) < 0.1 * settings.samples:
            warnings.append(
                f"The weights leave about {float(state.effective_size):.1f} of {settings.samples} draws, so the draws "
                "repeat these and the log-evidence is not reliable; raise samples."
            )
        return warnings

    def _descending(self, state: RMLState) -> bool:
        done = bool((state.slope < self.settings.tolerance).all())
        return not (bool(state.weighed) or done) and int(state.iteration) < self.settings.max_iterations

    def _objective(self, z: Array, perturbation: Perturbation) -> Array:
        """The objective of one draw; Gaussian noise added to data is the same as taken from predictions."""
        soft = self.posterior.predict(z).soft
        shifted = tuple(p - noise for p, noise in zip(soft, perturbation.noise, strict=True))
        return -log_prior(z - perturbation.anchor) - self.posterior.tempered_log_likelihood(
            Predictions(shifted, ()), 1.0
        )

    def _descent(self, state: RMLState, count: Array) -> RMLState:
        def iterate(_: Array, descent: Descent) -> Descent:
            settings = self.settings
            return descend(
                self._objective, descent, state.perturbation, settings.batch_size, tolerance=settings.tolerance
            )

        descent = jax.lax.fori_loop(0, count, iterate, state.descent)
        return state._replace(descent=descent, iteration=state.iteration + count)

    def _evaluation(self, state: RMLState) -> tuple[Array, Array, tuple[Array, ...]]:
        def one(pair: tuple[Array, Perturbation]) -> tuple[Array, Array, tuple[Array, ...]]:
            objective, gradient = jax.value_and_grad(self._objective)(*pair)
            return objective, jnp.linalg.norm(gradient), self.posterior.predict(pair[0]).exact

        return map_batched(one, (state.descent.z, state.perturbation), self.settings.batch_size)

    def _weighing(self, state: RMLState) -> RMLState:
        z = state.descent.z
        log_weights = jax.lax.map(self._log_weight, z)
        log_weights = jnp.where(jnp.isfinite(log_weights), log_weights, -jnp.inf)
        (z, perturbation), size = resampled(jax.random.wrap_key_data(state.key), (z, state.perturbation), log_weights)
        return state._replace(
            descent=state.descent._replace(z=z),
            perturbation=perturbation,
            weighed=jnp.array(True),
            effective_size=size,
            log_evidence=logsumexp(log_weights) - jnp.log(len(z)),
        )

    def _log_weight(self, z: Array) -> Array:
        about = linearise(self.posterior, z, batch_size=self.settings.batch_size)
        uphill = z - about.gradient
        counts = [o.count for o in self.posterior.observations]
        perturbed = np.repeat([noise is not None for noise in self.noises], counts).astype(bool)
        rows = jnp.pad(about.scaled_jacobian, ((0, 1), (0, 0)))  # a row of zeros, for there may be no data
        basis, singular, _ = jnp.linalg.svd((rows * np.append(perturbed, False)[:, None]).T, full_matrices=False)
        squared = singular**2
        inside = jnp.sum((basis.T @ uphill) ** 2 * squared / (1 + squared))
        quadratic = 0.5 * (jnp.sum(uphill**2) - inside)
        log_determinant = jnp.sum(jnp.log1p(jnp.linalg.svd(rows, compute_uv=False) ** 2))
        volume = 0.5 * jnp.sum(jnp.log1p(squared)) - log_determinant
        return log_prior(z) + about.log_likelihood + quadratic + volume
