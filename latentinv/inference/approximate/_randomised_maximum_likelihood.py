"""Randomised maximum likelihood (RML): one optimisation per draw, against perturbed data and a draw of the prior.

Draw j takes z* from the prior and data d + ε, ε ~ N(0, C), perturbed by their noise, and minimises

    ½‖z − z*‖² + ½‖F(z) − d − ε‖²_C

(Oliver et al. 1996, "Conditioning permeability fields to pressure data"; Oliver et al. 2008,
doi:10.1017/CBO9780511535642) by L-BFGS. If F is linear and the noise Gaussian, the minima are independent draws of the
posterior; else they lie in all its modes, but not in the right proportions. Hard data are not perturbed: they keep
their stated soft likelihood (Wang et al. 2018, doi:10.1137/17M1151900), as certain facies have no noise to be perturbed
by.

With `weighted` the draws are weighted by the ratio of the posterior to the density that they come from, and resampled.
Where the optimum is unique, z* = z − ∇log p(d + ε | z), whose Jacobian gives that density; ε is then
integrated out against its conditional distribution in the linear case (Ba et al. 2022, doi:10.1007/s10596-021-10100-x).
With S the scaled Jacobian of all data, S_g of the perturbed ones, and u = z − ∇log p(d | z),

    log w = −½‖z‖² + log p(d | z) + ½ uᵀ (I + S_gᵀS_g)⁻¹ u + ½ log det(I + S_gᵀS_g) − log det(I + SᵀS),

constant where F is linear; second derivatives of F are left out, so the weights are approximate too. Their mean
estimates the evidence. Cost: per draw typically 50 to 200 gradients, and with `weighted` as many as there are data.
"""

import functools
from typing import Any, NamedTuple, final

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import logsumexp
from jaxtyping import Array, Float

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
    resample,
)
from latentinv.inference.moves import linearise
from latentinv.inference.optimisation import Descent, begin_descent, descend
from latentinv.keys import named
from latentinv.posterior import Posterior, Predictions, log_prior, map_batched
from latentinv.pytrees import Count, Flag, Scalar


class Perturbation(NamedTuple):
    """Numbers in which the objectives of the draws differ."""

    anchor: Float[Array, "draw latent"]
    """z*."""
    noise: tuple[Float[Array, "draw datum"], ...]
    """ε of each observation; zero where the noise is not Gaussian."""


class RMLState(NamedTuple):
    """What the next step needs."""

    key: Array
    """Data of the key of the resampling, which does not depend on how many steps the descent takes."""
    descent: Descent
    perturbation: Perturbation
    iteration: Count
    slope: Float[Array, "draw"]
    """Norm of each objective's gradient."""
    weighted: Flag
    effective_size: Scalar
    log_evidence: Scalar


@final
@algorithm("rml")
class RandomisedMaximumLikelihood(AbstractIterations):
    """Randomised maximum likelihood: approximate draws, each a best fit to perturbed data.

    Parameters
    ----------
    samples
        Draws, each from an optimisation of its own.
    max_iterations
        L-BFGS iterations after which draws are taken as they are.
    tolerance
        Norm of the gradient below which a draw is at its minimum, in latent standard deviations.
    weighted
        Whether to weight and resample the draws.
    """

    usual_batch = 1

    samples: int = 64
    max_iterations: int = 200
    tolerance: float = 0.01
    weighted: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        check_counts(self, "samples", "max_iterations")
        check_positive(self, "tolerance")

    def check(self, posterior: Posterior) -> None:
        """Raise `InputError` if the noise of measured numbers is not Gaussian."""
        check_noise(posterior)

    def build(self) -> AbstractApproximation:
        """Make the optimiser."""
        return RMLKernel(self)


@final
class RMLKernel(AbstractApproximation):
    """Descents of all draws, and their weights."""

    def __init__(self, settings: RandomisedMaximumLikelihood) -> None:
        self.settings = settings
        self._descend, self._evaluate = compiled(self._descent), compiled(self._evaluation)
        self._weigh = compiled(self._weighing)

    def init(self, posterior: Posterior, key: Array) -> RMLState:
        """Draw the perturbations, and start at the minimum of the prior's part of the objective."""
        key_anchor, key_noise, key_weights = named(key, "anchor", "noise", "weights")
        draws, observations = self.settings.samples, posterior.observations
        anchor = jax.random.normal(key_anchor, (draws, posterior.latent_size))
        keys = jax.random.split(key_noise, max(len(observations), 1))
        noise = tuple(
            jnp.zeros((draws, o.count))
            if o.gaussian_noise is None
            else jax.vmap(functools.partial(o.gaussian_noise.simulate, count=o.count))(jax.random.split(k, draws))
            for o, k in zip(observations, keys, strict=False)
        )
        unknown = jnp.float32(jnp.nan)
        start = Perturbation(anchor, noise)
        return RMLState(
            key=jax.random.key_data(key_weights),
            descent=begin_descent(anchor),
            perturbation=start,
            iteration=jnp.int32(0),
            slope=jnp.full(draws, jnp.inf),
            weighted=jnp.array(False),
            effective_size=unknown,
            log_evidence=unknown,
        )

    def step(self, posterior: Posterior, key: Array, state: RMLState) -> tuple[RMLState, Info]:
        """Do some iterations, and at the end weight the draws."""
        del key
        if self._descending(state):
            left = self.settings.max_iterations - int(state.iteration)
            state = self._descend(posterior, state, jnp.int32(min(self.settings.iterations_per_step, left)))
        else:
            state = self._weigh(posterior, state)
        objective, slope, exact = self._evaluate(posterior, state)
        finite = jnp.isfinite(objective)
        if not bool(finite.any()):
            why = latest_failures(posterior)
            raise NonFiniteError(f"All draws became NaN or infinite{why}; check the data's sd and the prior.")
        state = state if bool(state.weighted) else state._replace(slope=slope)
        converged = jnp.mean(state.slope < self.settings.tolerance)
        honoured = jnp.float32(honoured_share(exact, posterior))
        non_finite = jnp.sum(~finite).astype(jnp.float32)
        info = Info(median_objective=jnp.nanmedian(objective), largest_slope=jnp.max(state.slope), converged=converged)
        return state, info | Info(honoured=honoured, non_finite=non_finite)

    def finished(self, state: RMLState) -> bool:
        """Whether all draws are at their minima or out of iterations, and weighted if the settings say so."""
        return not self._descending(state) and (bool(state.weighted) or not self.settings.weighted)

    def progress(self, posterior: Posterior, state: RMLState, info: Info) -> Progress:
        """Iteration, converged draws and honoured wells, in words."""
        del posterior
        words = f"iteration {int(state.iteration)}, {100 * float(info['converged']):.0f} % of draws at their minimum"
        done = 1.0 if self.finished(state) else 0.95 * int(state.iteration) / self.settings.max_iterations
        return Progress(done, words + honoured_words(info["honoured"]))

    def draws(self, posterior: Posterior, state: RMLState) -> Draws:
        """The minima, or the draws resampled from them; those that became NaN or infinite are dropped."""
        z = np.asarray(state.descent.z)
        return evaluate(posterior, z[np.isfinite(z).all(axis=1)])

    def current(self, state: RMLState) -> Float[Array, "draw latent"]:
        """The latents of all draws."""
        return state.descent.z

    def results(self, posterior: Posterior, state: RMLState) -> dict[str, Any]:
        """Iterations and gradients; effective sample size and log-evidence of the weights; warnings."""
        results: dict[str, Any] = {"iterations": int(state.iteration)}
        results["gradients"] = int(state.descent.gradients.sum())
        if bool(state.weighted):
            results["gradients"] += self.settings.samples * posterior.count
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
        if bool(state.weighted) and float(state.effective_size) < 0.1 * settings.samples:
            warnings.append(
                f"The effective sample size of the weights is {float(state.effective_size):.1f} of {settings.samples} "
                "draws, so draws repeat and the log-evidence is not reliable; raise samples."
            )
        return warnings

    def _descending(self, state: RMLState) -> bool:
        done = bool((state.slope < self.settings.tolerance).all())
        return not (bool(state.weighted) or done) and int(state.iteration) < self.settings.max_iterations

    def _objective(self, posterior: Posterior, z: Array, perturbation: Perturbation) -> Array:
        """The objective of one draw; adding noise to data is the same as subtracting it from predictions."""
        soft = posterior.predict_soft(z).soft
        shifted = tuple(p - noise for p, noise in zip(soft, perturbation.noise, strict=True))
        return -log_prior(z - perturbation.anchor) - posterior.tempered_log_likelihood(Predictions(shifted, ()), 1.0)

    def _descent(self, posterior: Posterior, state: RMLState, count: Array) -> RMLState:
        def iterate(_: Array, descent: Descent) -> Descent:
            settings = self.settings
            objective = functools.partial(self._objective, posterior)
            return descend(objective, descent, state.perturbation, settings.together, tolerance=settings.tolerance)

        descent = jax.lax.fori_loop(0, count, iterate, state.descent)
        return state._replace(descent=descent, iteration=state.iteration + count)

    def _evaluation(self, posterior: Posterior, state: RMLState) -> tuple[Array, Array, tuple[Array, ...]]:
        def one(pair: tuple[Array, Perturbation]) -> tuple[Array, Array, tuple[Array, ...]]:
            objective, gradient = jax.value_and_grad(functools.partial(self._objective, posterior))(*pair)
            return objective, jnp.linalg.norm(gradient), posterior.predict(pair[0]).exact

        return map_batched(one, (state.descent.z, state.perturbation), self.settings.together)

    def _weighing(self, posterior: Posterior, state: RMLState) -> RMLState:
        z = state.descent.z
        log_weights = map_batched(functools.partial(self._log_weight, posterior), z, 1)
        log_weights = jnp.where(jnp.isfinite(log_weights), log_weights, -jnp.inf)
        key = jax.random.wrap_key_data(state.key)
        (z, perturbation), size = resample(key, (z, state.perturbation), log_weights)
        return state._replace(
            descent=state.descent._replace(z=z),
            perturbation=perturbation,
            weighted=jnp.array(True),
            effective_size=size,
            log_evidence=logsumexp(log_weights) - jnp.log(len(z)),
        )

    def _log_weight(self, posterior: Posterior, z: Array) -> Array:
        about = linearise(posterior, z, batch_size=self.settings.together)
        uphill = z - about.gradient
        counts = [o.count for o in posterior.observations]
        gaussian = [o.gaussian_noise is not None for o in posterior.observations]
        perturbed = np.repeat(gaussian, counts).astype(bool)
        rows = jnp.pad(about.scaled_jacobian, ((0, 1), (0, 0)))  # a row of zeros, since there may be no data
        basis, singular, _ = jnp.linalg.svd((rows * np.append(perturbed, False)[:, None]).T, full_matrices=False)
        squared = singular**2
        inside = jnp.sum((basis.T @ uphill) ** 2 * squared / (1 + squared))
        quadratic = 0.5 * (jnp.sum(uphill**2) - inside)
        log_determinant = jnp.sum(jnp.log1p(jnp.linalg.svd(rows, compute_uv=False) ** 2))
        volume = 0.5 * jnp.sum(jnp.log1p(squared)) - log_determinant
        return log_prior(z) + about.log_likelihood + quadratic + volume
