"""A mass matrix for Hamiltonian moves from the likelihood's curvature, averaged over a population.

Well data make the posterior stiff in a few directions of the latent space and leave the rest as the prior. The
Gauss–Newton matrix averaged over particles, H = mean JᵀWJ (J: predictions by latents, W: curvature of the
log-likelihood in its predictions), knows these directions. It is estimated without forming J: for random signs r, g =
JᵀW^½ r has E[ggᵀ] = JᵀWJ, so one backward pass per particle and probe gives a rank-one sample. With U the probes over
the root of their number, the mass matrix is

    M = I + U Uᵀ = I + Q diag(s²) Qᵀ,        M⁻¹ p = p − Q diag(s² / (1 + s²)) Qᵀ p,        p = ε₁ + Q (s ∘ ε₂) ~ N(0,
    M),

where Q and s come from a thin singular value decomposition, which float32 survives however stiff the data are. Its cost
is linear in the latent size. In the metric M every direction has frequency near one, be it the data's or the prior's
(likelihood-informed subspace, Cui et al. 2014, doi:10.1088/0266-5611/30/11/114015; here matrix-free and averaged over
the population).
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from latentinv.data import AbstractObservation
from latentinv.keys import named
from latentinv.posterior import Posterior
from latentinv.pytrees import Scalar


class MassMatrix(NamedTuple):
    """M = I + Q diag(s²) Qᵀ."""

    basis: Float[Array, "latent probe"]
    """Q, orthonormal columns."""
    singular: Float[Array, "probe"]
    """s."""

    def sample(self, key: Array, shape: tuple[int, ...]) -> Float[Array, "*shape latent"]:
        """Draw momenta from N(0, M)."""
        key_prior, key_data = named(key, "prior", "data")
        latent, probes = self.basis.shape
        prior = jax.random.normal(key_prior, (*shape, latent))
        return prior + _product(jax.random.normal(key_data, (*shape, probes)) * self.singular, self.basis.T)

    def solve(self, momentum: Float[Array, "*batch latent"]) -> Float[Array, "*batch latent"]:
        """Velocities M⁻¹ p."""
        shrink = 1 / (1 + 1 / jnp.maximum(self.singular, 1e-30) ** 2)
        return momentum - self._scaled(momentum, shrink)

    def solve_root(self, vector: Float[Array, "*batch latent"]) -> Float[Array, "*batch latent"]:
        """M^(−½) v: of standard normal noise a draw of N(0, M⁻¹)."""
        shrink = 1 - 1 / jnp.sqrt(1 + self.singular**2)
        return vector - self._scaled(vector, shrink)

    def times_root(self, vector: Float[Array, "*batch latent"]) -> Float[Array, "*batch latent"]:
        """M^½ v."""
        stretch = jnp.sqrt(1 + self.singular**2) - 1
        return vector + self._scaled(vector, stretch)

    def kinetic(self, momentum: Float[Array, "*batch latent"]) -> Float[Array, "*batch"]:
        """Kinetic energies ½ pᵀ M⁻¹ p."""
        return 0.5 * jnp.sum(momentum * self.solve(momentum), axis=-1)

    def _scaled(self, vector: Float[Array, "*batch latent"], factors: Float[Array, "probe"]) -> Array:
        """Q diag(factors) Qᵀ v."""
        return _product(_product(vector, self.basis) * factors, self.basis.T)


def _product(one: Array, other: Array) -> Array:
    # Accelerators round the factors of a product to ten bits unless asked; the metric must be the same in all uses.
    return jnp.matmul(one, other, precision="highest")


def no_curvature(latents: int, directions: int) -> MassMatrix:
    """The identity, in the form of a matrix of so many directions."""
    rank = min(latents, directions)
    return MassMatrix(jnp.zeros((latents, rank)), jnp.zeros(rank))


def mass_matrix(directions: Float[Array, "latent probe"]) -> MassMatrix:
    """Make M = I + U Uᵀ from its directions U."""
    basis, singular, _ = jnp.linalg.svd(directions, full_matrices=False)
    return MassMatrix(basis, singular)


def curvature_probe(
    posterior: Posterior, z: Float[Array, "latent"], inverse_temperature: Scalar, key: Array
) -> Float[Array, "latent"]:
    """One random g with E[g gᵀ] = JᵀWJ of the tempered likelihood at z.

    W is the negative second derivative in the predictions: of Gaussian noise, correlated or not, by its root; of
    others the sums of its rows, which are its diagonal where data are independent, negative ones counting as none.
    """
    soft, pullback = jax.vjp(lambda z: posterior.predict_soft(z).soft, z)
    keys = jax.random.split(key, len(soft))
    parts = zip(posterior.observations, soft, keys, strict=True)
    return pullback(tuple(_signed_root(o, p, inverse_temperature, k) for o, p, k in parts))[0]


def _signed_root(observation: AbstractObservation, prediction: Array, inverse_temperature: Scalar, key: Array) -> Array:
    """A root of W times random signs."""
    signs = jax.random.rademacher(key, prediction.shape, prediction.dtype)
    noise = observation.gaussian_noise
    if noise is not None:
        _, transposed = jax.vjp(noise.whiten, prediction)
        return jnp.sqrt(jnp.minimum(inverse_temperature, 1.0)) * transposed(signs)[0]

    def gradient(prediction: Array) -> Array:
        return jax.grad(lambda p: observation.tempered_log_likelihood(p, inverse_temperature))(prediction)

    _, second = jax.jvp(gradient, (prediction,), (jnp.ones_like(prediction),))
    return jnp.sqrt(jnp.maximum(-second, 0.0)) * signs
