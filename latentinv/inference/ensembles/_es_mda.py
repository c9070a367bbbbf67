"""Ensemble smoother with multiple data assimilation (ES-MDA), a baseline without gradients.

An ensemble of prior draws is conditioned to the data in a few assimilations (Emerick and Reynolds 2013,
doi:10.1016/j.cageo.2012.03.011). Assimilation k uses inflated noise, α_k C, with Σ 1/α_k = 1, so that a linear
forward with Gaussian noise is conditioned once in all, exactly so as the ensemble grows. A member moves by

    z ← z + K (d + √α_k ε − F(z)),        K = C_zd (C_dd + α_k C)⁻¹,        ε ~ N(0, C),

with covariances taken over the ensemble. With latents and predictions (in units of their noise) centred and divided by
√(N − 1), Z ``[member, latent]`` and D = V S Uᵀ ``[member, datum]``, the gain is Zᵀ V S (S² + α_k)⁻¹ Uᵀ ``[latent,
datum]`` (subspace inversion, Evensen 2004, doi:10.1007/s10236-004-0099-2), without directions beyond `energy` of ΣS².

A small ensemble shows correlations that are not there. `localised` tapers each element of the gain by the correlation
ρ of its latent and datum (Luo and Bhakta 2020, doi:10.1007/s10596-019-09880-7): the noise of correlations is measured
once members are shuffled, σ = median |ρ| / 0.6745 for each datum, and the taper is that of Gaspari and Cohn (1999,
doi:10.1002/qj.49712555417) at (1 − |ρ|) / (1 − θ) with θ = σ √(2 log latents).

The 1/α_k are equal, or grow geometrically by `growth` (small steps first, where the forward is least linear), or are
chosen from the misfit as it is (`adaptive`; Iglesias and Yang 2021, doi:10.1088/1361-6420/abd29b), at most as many as
`assimilations`. For nonlinear generators the draws are approximate, and too wide where the posterior has several modes;
hard data are fitted through a surrogate (`AbstractObservation.as_gaussian`). Cost: `members` fields an assimilation, no
gradient.
"""

from typing import Any, NamedTuple, final

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from latentinv.devices import compiled
from latentinv.errors import InputError, NonFiniteError
from latentinv.inference.core import (
    AbstractAlgorithm,
    AbstractApproximation,
    Draws,
    Info,
    Progress,
    algorithm,
    check_counts,
    check_positive,
    evaluate,
    gaussian_data,
    generate_all,
    honoured_share,
    honoured_words,
    latest_failures,
    surrogate_warning,
)
from latentinv.keys import named
from latentinv.posterior import Posterior, map_batched
from latentinv.pytrees import Count, Scalar


class ESMDAState(NamedTuple):
    """What the next assimilation needs."""

    z: Float[Array, "member latent"]
    valid: Bool[Array, "member"]
    """Members whose predictions have been finite so far; the others are not updated or used."""
    assimilation: Count
    information: Scalar
    """Σ 1/α of the assimilations done; 1 at the end."""


RECORD_PROGRAM = 0.15
"""Compilation of what records the members at the end, as a share of all before."""


@final
@algorithm("es_mda")
class ESMDA(AbstractAlgorithm):
    """Ensemble smoother with multiple data assimilation: approximate draws from few simulations.

    Parameters
    ----------
    members
        Size of the ensemble, and draws kept.
    assimilations
        How often the data are assimilated; with `adaptive` at most so often.
    growth
        Factor by which 1/α grows from one assimilation to the next; 1 for equal ones.
    adaptive
        Whether α is chosen from the misfit instead.
    localised
        Whether gains are tapered by correlation; of little use above some thousand members.
    energy
        Share of the variance of scaled predictions that the subspace keeps, up to 1.
    facies_sd
        Standard deviation given to hard data, which are treated as Gaussian facies indices (0, 1, 2, …).
    batch_size
        Members evaluated at once on each device; 0 stands for as many as suit it.
    """

    members: int = 128
    assimilations: int = 8
    growth: float = 1.0
    adaptive: bool = False
    localised: bool = True
    energy: float = 1.0
    facies_sd: float = 0.2
    batch_size: int = 0

    needs_gradient = False
    usual_batch = 16

    def __post_init__(self) -> None:
        check_counts(self, "members", least=3)
        check_counts(self, "assimilations")
        check_counts(self, "batch_size", least=0)
        check_positive(self, "growth", "energy", "facies_sd")
        if self.energy > 1:
            raise InputError(f"The setting energy is {self.energy}; expected a share of at most 1.")

    def check(self, posterior: Posterior) -> None:
        """Raise `InputError` if the noise of an observation is neither Gaussian nor has a surrogate."""
        gaussian_data(posterior, self.facies_sd)

    def build(self) -> AbstractApproximation:
        """Make the smoother."""
        return ESMDAKernel(self)


@final
class ESMDAKernel(AbstractApproximation):
    """Assimilations of an ensemble."""

    def __init__(self, settings: ESMDA) -> None:
        self.settings = settings
        self._assimilate, self._update = compiled(self._assimilation), compiled(self._updated)
        self._read = compiled(self._read_all)

    def init(self, posterior: Posterior, key: Array) -> ESMDAState:
        """Draw the ensemble from the prior."""
        members = self.settings.members
        z = jax.random.normal(key, (members, posterior.latent_size))
        return ESMDAState(z, jnp.ones(members, bool), jnp.int32(0), jnp.float32(0))

    def step(self, posterior: Posterior, key: Array, state: ESMDAState) -> tuple[ESMDAState, Info]:
        """Do one assimilation."""
        if posterior.external:
            exact, predicted = self._simulated(posterior, np.asarray(state.z))
            state, info = self._update(posterior, key, state, predicted)
        else:
            state, info, exact = self._assimilate(posterior, key, state)
        failed = self.settings.members - int(state.valid.sum())
        if failed > 0.5 * self.settings.members:
            raise NonFiniteError(
                f"The predictions of {failed} of {self.settings.members} members became NaN or infinite"
                f"{latest_failures(posterior)}; check the data's sd, the prior and the simulator. What was saved "
                "before is intact."
            )
        kept = jax.tree.map(lambda x: np.asarray(x)[np.asarray(state.valid)], exact)
        return state, info | Info(honoured=jnp.float32(honoured_share(kept, posterior)))

    def finished(self, state: ESMDAState) -> bool:
        """Whether the data have been assimilated once in total."""
        return float(state.information) >= 1.0

    def progress(self, posterior: Posterior, state: ESMDAState, info: Info) -> Progress:
        """Assimilation, inflation and misfit in words."""
        del posterior
        words = f"assimilation {int(state.assimilation)}, inflation {float(info['inflation']):.3g}"
        words += f", misfit before {float(info['misfit']):.2f} of the noise"
        return Progress(float(state.information), words + honoured_words(info["honoured"]), RECORD_PROGRAM)

    def draws(self, posterior: Posterior, state: ESMDAState) -> Draws:
        """The members whose predictions stayed finite."""
        return evaluate(posterior, np.asarray(state.z)[np.asarray(state.valid)])

    def current(self, state: ESMDAState) -> Float[Array, "member latent"]:
        """The members."""
        return state.z

    def results(self, posterior: Posterior, state: ESMDAState) -> dict[str, Any]:
        """Forward runs spent, and warnings on the approximation."""
        settings, count = self.settings, int(state.assimilation)
        warnings = surrogate_warning(posterior, settings.facies_sd)
        failed = settings.members - int(state.valid.sum())
        if failed:
            warnings.append(
                f"The predictions of {failed} of {settings.members} members became NaN or infinite; these are dropped."
            )
        results: dict[str, Any] = {"assimilations": count, "forward_runs": settings.members * count, "gradients": 0}
        return {**results, "warnings": warnings} if warnings else results

    def _simulated(self, posterior: Posterior, z: Float[np.ndarray, "member latent"]) -> tuple[Any, Array]:
        """Exact predictions, and those of the data read as Gaussian, where a simulator runs outside JAX."""
        predictions, fields = evaluate(posterior, z).predictions, generate_all(posterior, z)
        return predictions.exact, self._read(posterior, jnp.asarray(fields), predictions.soft)

    def _read_all(self, posterior: Posterior, fields: Array, soft: tuple[Array, ...]) -> Float[Array, "member datum"]:
        data = gaussian_data(posterior, self.settings.facies_sd)
        return jax.vmap(data.predict)(fields, soft)

    def _assimilation(
        self, posterior: Posterior, key: Array, state: ESMDAState
    ) -> tuple[ESMDAState, Info, tuple[Array, ...]]:
        data = gaussian_data(posterior, self.settings.facies_sd)

        def predict(z: Array) -> tuple[Array, tuple[Array, ...]]:
            field = posterior.field(z)
            predictions = posterior.predict_field(field)
            return data.predict(field, predictions.soft), predictions.exact

        predicted, exact = map_batched(predict, state.z, self.settings.together)
        return *self._updated(posterior, key, state, predicted), exact

    def _updated(
        self, posterior: Posterior, key: Array, state: ESMDAState, predicted: Array
    ) -> tuple[ESMDAState, Info]:
        """The ensemble after an assimilation, from what it predicted before."""
        key_noise, key_shuffle = named(key, "noise", "shuffle")
        data = gaussian_data(posterior, self.settings.facies_sd)
        residual = jax.vmap(data.whiten)(data.observed - predicted)
        valid = state.valid & jnp.isfinite(residual).all(axis=1)
        residual = jnp.where(valid[:, None], residual, 0.0)
        share, information = self._share(state, residual, valid)
        innovation = residual + jax.random.normal(key_noise, residual.shape) / jnp.sqrt(share)
        latents, predictions = _anomalies(state.z, valid), _anomalies(-residual, valid)
        gain = _gain(latents, predictions, 1 / share, self.settings.energy)
        if self.settings.localised:
            gain = gain * correlation_taper(key_shuffle, latents, predictions)
        z = state.z + jnp.where(valid[:, None], jnp.matmul(innovation, gain.T, precision="highest"), 0.0)
        misfit = jnp.sum(residual**2) / jnp.maximum(valid.sum() * residual.shape[1], 1)
        spread = jnp.sqrt(jnp.mean(jnp.sum(_anomalies(z, valid) ** 2, axis=0)))
        failed = jnp.sum(~valid).astype(jnp.float32)
        info = Info(inflation=1 / share, misfit=misfit, spread=spread, non_finite=failed)
        return ESMDAState(z, valid, state.assimilation + 1, information), info

    def _share(self, state: ESMDAState, residual: Array, valid: Array) -> tuple[Array, Array]:
        """1/α of this assimilation, and the sum so far."""
        settings, left = self.settings, 1.0 - state.information
        if settings.adaptive:
            # Iglesias and Yang, equation 17: as much as the misfit's mean or its variance allows.
            misfit, data = 0.5 * jnp.sum(residual**2, axis=1), residual.shape[1]
            mean = jnp.mean(misfit, where=valid)
            variance = jnp.var(misfit, where=valid)
            wanted = jnp.maximum(0.5 * data / mean, jnp.sqrt(0.5 * data / variance))
        else:
            parts = settings.growth ** np.arange(settings.assimilations)
            wanted = jnp.asarray(parts / parts.sum(), jnp.float32)[state.assimilation]
        last = (state.assimilation + 1 >= settings.assimilations) | ~(wanted < left)
        return jnp.where(last, left, wanted), jnp.where(last, 1.0, state.information + wanted)


def _anomalies(x: Float[Array, "member number"], valid: Bool[Array, "member"]) -> Float[Array, "member number"]:
    """Deviations from the ensemble's mean over √(members − 1); zero for members left out."""
    count = valid.sum()
    mean = jnp.sum(jnp.where(valid[:, None], x, 0.0), axis=0) / count
    return jnp.where(valid[:, None], x - mean, 0.0) / jnp.sqrt(count - 1.0)


def _gain(
    latents: Float[Array, "member latent"], predictions: Float[Array, "member datum"], inflation: Array, energy: float
) -> Float[Array, "latent datum"]:
    if not predictions.shape[1]:
        return jnp.zeros((latents.shape[1], 0))
    members, singular, data = jnp.linalg.svd(predictions, full_matrices=False)
    before = jnp.cumsum(singular**2) - singular**2
    kept = before < energy * jnp.sum(singular**2)
    weights = jnp.where(kept, singular / (singular**2 + inflation), 0.0)
    return jnp.matmul(latents.T, jnp.matmul(members * weights, data, precision="highest"), precision="highest")


def correlation_taper(
    key: Array, latents: Float[Array, "member latent"], predictions: Float[Array, "member datum"]
) -> Float[Array, "latent datum"]:
    """Weights between 0 and 1 for the gain, near 0 where a correlation is no larger than noise.

    Parameters
    ----------
    key
        Random key, for the shuffling of members.
    latents, predictions
        Centred over the members.
    """
    correlation = _correlation(latents, predictions)
    noise = _correlation(jax.random.permutation(key, latents), predictions)
    sd = jnp.median(jnp.abs(noise), axis=0) / 0.6745
    threshold = jnp.minimum(sd * jnp.sqrt(2 * jnp.log(max(latents.shape[1], 2))), 0.99)
    return gaspari_cohn((1 - jnp.abs(correlation)) / (1 - threshold))


def gaspari_cohn(distance: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """The compactly supported correlation of Gaspari and Cohn, equation 4.10: 1 at 0, 5/24 at 1, 0 from 2 on."""
    r = jnp.clip(distance, 0.0, 2.0)
    near = -(r**5) / 4 + r**4 / 2 + 5 * r**3 / 8 - 5 * r**2 / 3 + 1
    far = r**5 / 12 - r**4 / 2 + 5 * r**3 / 8 + 5 * r**2 / 3 - 5 * r + 4 - 2 / (3 * jnp.maximum(r, 1.0))
    return jnp.where(r <= 1, near, jnp.maximum(far, 0.0))


def _correlation(latents: Array, predictions: Array) -> Float[Array, "latent datum"]:
    sizes = jnp.linalg.norm(latents, axis=0)[:, None] * jnp.linalg.norm(predictions, axis=0)
    product = jnp.matmul(latents.T, predictions, precision="highest")
    return jnp.clip(product / jnp.maximum(sizes, 1e-30), -1.0, 1.0)
