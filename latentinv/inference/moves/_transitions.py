"""What a move of one Markov chain is; one kernel runs any of them, alone or on a ladder of temperatures.

A move leaves a member of the path from the prior to the target invariant. The inverse temperature t says where on the
path: 0 is no information, 1 the stated soft model, and beyond it hard data become sharper, up to t = ∞, which stands
for the exact likelihood of thresholded facies. Gradients are those of a *surrogate*, the soft model at t or at the
sharpest that is allowed for it; proposals are accepted by the target itself (Christen and Fox 2005,
doi:10.1198/106186005X76983).
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from latentinv.posterior import Posterior, Predictions
from latentinv.pytrees import Flag, Scalar

EXACT = float("inf")
"""The inverse temperature that stands for the exact likelihood."""
SHARPEST = 30.0
"""Inverse temperature at which the soft model is as good as exact, and beyond which no ladder goes."""


class Position(NamedTuple):
    """The position of a chain, with the predictions of its field."""

    z: Float[Array, "latent"]
    predictions: Predictions
    memory: Any = ()
    """What else the next move needs: the surrogate's gradient, a metric."""


class Outcome(NamedTuple):
    """What happened in one move."""

    acceptance: Scalar
    """Probability with which the proposal was accepted."""
    finite: Flag
    """Whether the proposal is finite; it is rejected if not."""
    diverging: Flag
    """Whether a trajectory did not conserve its energy."""
    step_size: Scalar
    gradients: Scalar
    forward_runs: Scalar
    """Fields generated without a gradient."""


class Proposal(NamedTuple):
    """A part of a transition whose latents are evaluated outside JAX; both functions are pure and get the same key."""

    propose: Callable[[Array, Position, Array], Array]
    """From a key, a position and a step size to the latents to evaluate."""
    accept: Callable[[Array, Position, Position, Array], tuple[Position, Array, Array]]
    """From a key, the position, the proposed one and an inverse temperature to the next position, the probability with
    which the proposal was accepted and whether it is finite."""


class ProposalSequence(NamedTuple):
    """A transition as proposals that are evaluated outside JAX, for moves without gradients."""

    proposals: tuple[Proposal, ...]
    """The step size is adapted by the acceptance of the first."""
    keys: Callable[[Array], tuple[Array, ...]]
    """From the transition's key to one for each proposal."""


class Move(NamedTuple):
    """A Markov transition of one chain, pure."""

    begin: Callable[[Array, Array], Position]
    """From latents and inverse temperature to a position."""
    step: Callable[[Array, Position, Array, Array], tuple[Position, Outcome]]
    """From a key, a position, a step size and an inverse temperature to the next position."""
    uses_gradient: bool
    """Whether what a position remembers depends on the inverse temperature."""
    acceptance_target: float | None = None
    """Mean acceptance to which the step size is adapted; None if a move has none, or adapts its own."""
    first_step: float = 1.0
    largest_step: float = 1.0
    sequence: ProposalSequence | None = None
    """The same transition as proposals that are evaluated outside JAX; None if the move has no such form."""


class TemperedLikelihood(NamedTuple):
    """Log-likelihoods from no information to the target."""

    posterior: Posterior
    sharpest_surrogate: float = 1.0
    """Inverse temperature beyond which the surrogate does not follow the target."""

    @property
    def end(self) -> float:
        """Inverse temperature of the target."""
        return EXACT if self.posterior.target == "thresholded" else 1.0

    def log_target(self, predictions: Predictions, t: Scalar) -> Scalar:
        """Log-likelihood at an inverse temperature."""
        tempered = self.posterior.tempered_log_likelihood(predictions, jnp.where(jnp.isinf(t), 1.0, t))
        if self.posterior.target == "soft":
            return tempered
        return jnp.where(jnp.isinf(t), self.posterior.exact_log_likelihood(predictions), tempered)

    def log_surrogate(self, predictions: Predictions, t: Scalar) -> Scalar:
        """Log-likelihood whose gradients proposals follow."""
        return self.posterior.tempered_log_likelihood(predictions, jnp.minimum(t, self.sharpest_surrogate))

    def surrogate(self, z: Float[Array, "latent"], t: Scalar) -> tuple[Predictions, Float[Array, "latent"]]:
        """Predictions and the gradient of the surrogate's log-likelihood."""

        def value(z: Array) -> tuple[Array, Predictions]:
            predictions = self.posterior.predict(z)
            return self.log_surrogate(predictions, t), predictions

        gradient, predictions = jax.grad(value, has_aux=True)(z)
        return predictions, gradient


def metropolis(
    key: Array,
    here: Position,
    there: Position,
    log_likelihoods: tuple[Scalar, Scalar],
    log_correction: Scalar | float = 0.0,
) -> tuple[Position, Scalar, Flag]:
    """Accept a proposal or not; gives the probability with which that was done and whether the proposal is finite.

    A chain that the target excludes accepts any proposal that the target allows, and no other.

    Parameters
    ----------
    key
        Random key.
    here, there
        The position and the proposal.
    log_likelihoods
        The target's, here and there.
    log_correction
        What the densities of prior and proposals add to their difference.
    """
    before, after = log_likelihoods
    finite = is_finite(there) & ~jnp.isnan(after)
    log_ratio = after - before + log_correction
    acceptance = jnp.where(finite & ~jnp.isnan(log_ratio), jnp.exp(jnp.minimum(log_ratio, 0.0)), 0.0)
    accepted = jax.random.uniform(key) < acceptance
    return jax.tree.map(lambda new, old: jnp.where(accepted, new, old), there, here), acceptance, finite


def is_finite(position: Position) -> Flag:
    """Whether the latents of a position, its predictions and what the next move needs are finite."""
    return _all_finite((position.z, position.memory, position.predictions.soft, position.predictions.exact))


def _all_finite(tree: Any) -> Flag:
    return jnp.stack([jnp.isfinite(leaf).all() for leaf in jax.tree.leaves(tree)]).all()
