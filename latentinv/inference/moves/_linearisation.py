"""The soft model about a latent vector: its gradient and its full Gauss–Newton curvature.

With J the Jacobian of the predictions ``[datum, latent]`` and W the negative second derivative of the log-likelihood in
the predictions, negative curvature counted as none, the curvature is JᵀWJ = SᵀS with S = W^½ J. The rows of S are
backward passes through the generator, one per datum, so that any forward with a gradient will do. The right singular
vectors of S span the likelihood-informed subspace (Cui et al. 2014, doi:10.1088/0266-5611/30/11/114015): the directions
in which the data say more than the prior, for which the squared singular values are above one. Cost: as many gradients
as there are data; `_preconditioner` estimates the same from fewer.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from latentinv.data import AbstractObservation
from latentinv.devices import spread
from latentinv.posterior import Posterior
from latentinv.pytrees import Scalar

from ._preconditioner import MassMatrix, mass_matrix


class Linearisation(NamedTuple):
    """The log-likelihood of the soft model about a latent vector."""

    log_likelihood: Scalar
    gradient: Float[Array, "latent"]
    scaled_jacobian: Float[Array, "datum latent"]
    """S; rows of an observation lie together, in the posterior's order."""


def linearise(posterior: Posterior, z: Float[Array, "latent"], *, batch_size: int = 16) -> Linearisation:
    """Linearise the soft model.

    Parameters
    ----------
    posterior
        Whose soft model.
    z
        Where.
    batch_size
        Backward passes done at once on each device.
    """

    def predict(z: Array) -> tuple[Array, ...]:
        return posterior.predict_soft(z).soft

    soft, pullback = jax.vjp(predict, z)
    parts = [_likelihood(o, p) for o, p in zip(posterior.observations, soft, strict=True)]
    if not parts:
        return Linearisation(jnp.zeros(()), jnp.zeros_like(z), jnp.zeros((0, z.size)))
    value = sum((part[0] for part in parts), jnp.zeros(()))
    gradient = pullback(tuple(part[1] for part in parts))[0]
    roots = jax.scipy.linalg.block_diag(*(part[2] for part in parts))

    def rows(share: Array) -> Array:
        _, own = jax.vjp(predict, z)  # each device's own, for its share of the data
        return jax.lax.map(lambda weights: own(_split(weights, soft))[0], share, batch_size=batch_size)

    return Linearisation(value, gradient, spread(rows, roots))


def likelihood_informed_subspace(
    posterior: Posterior, latents: Float[Array, "point latent"], *, batch_size: int = 16
) -> MassMatrix:
    """Directions that the data inform, from the curvature averaged over points: a metric for Hamiltonian moves.

    Parameters
    ----------
    posterior
        Whose soft model.
    latents
        Where its curvature is taken: an optimum, or draws. Where it is no finite number, it counts as none.
    batch_size
        Backward passes done at once on each device.

    Returns
    -------
    I + mean SᵀS = I + Q diag(s²) Qᵀ, whose basis Q are the directions, the most informed first.
    """
    rows = jax.lax.map(lambda z: linearise(posterior, z, batch_size=batch_size).scaled_jacobian, latents)
    rows = jnp.where(jnp.isfinite(rows).all(axis=(1, 2), keepdims=True), rows, 0.0)
    return mass_matrix(rows.reshape(-1, latents.shape[1]).T / jnp.sqrt(len(latents)))


def _likelihood(observation: AbstractObservation, prediction: Array) -> tuple[Array, Array, Array]:
    """Log-likelihood of a prediction, its gradient, and Rᵀ where W = R Rᵀ."""

    def log_likelihood(prediction: Array) -> Array:
        return observation.tempered_log_likelihood(prediction, 1.0)

    value, gradient = jax.value_and_grad(log_likelihood)(prediction)
    noise = observation.gaussian_noise
    if noise is not None:  # the root of W is known, and more accurate than second derivatives
        return value, gradient, jax.jacobian(noise.whiten)(prediction)
    curvature, vectors = jnp.linalg.eigh(-jax.hessian(log_likelihood)(prediction))
    return value, gradient, (vectors * jnp.sqrt(jnp.maximum(curvature, 0.0))).T


def _split(flat: Array, like: tuple[Array, ...]) -> tuple[Array, ...]:
    """Cut a vector into pieces of the same sizes."""
    pieces, start = [], 0
    for array in like:
        pieces.append(flat[start : start + array.size])
        start += array.size
    return tuple(pieces)
