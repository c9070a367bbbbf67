"""Variational inference: the member of a family of densities that is nearest to the soft posterior.

NumPyro's stochastic variational inference maximises the evidence lower bound (ELBO)

    E_q [log p(d | z) + log N(z; 0, I) − log q(z)] = log p(d) − KL(q ‖ posterior)

over the parameters of an approximating density q, NumPyro's guide (Hoffman et al. 2013, JMLR 14; Kucukelbir et al.
2017, JMLR 18): ``mean_field``, a Gaussian with independent latents; ``low_rank``, one whose covariance has `rank`
directions beside a diagonal; ``full_rank``; or ``flow``, inverse autoregressive flows (Kingma et al. 2016,
arXiv:1606.04934). Gradients are averaged over `elbo_samples` draws of q, for Adam with a rate that falls to 0 along a
cosine.

The divergence penalises q for mass where the posterior has none, not for what it leaves out: a guide covers one mode
and is narrower than the posterior. At the end the draws are weighted against the soft posterior; the shape k of the
weights' tail (`_pareto`) says whether q is near enough for their mean to estimate the evidence, and there is a warning
if not (Yao et al. 2018, arXiv:1802.02538). Cost: `elbo_samples` gradients per iteration, `draws` fields at the end.
"""

import copy
from typing import Any, NamedTuple, final

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.distributions as dist
import optax
from jax.scipy.special import logsumexp
from jaxtyping import Array, Float
from numpyro.infer import SVI, Trace_ELBO, init_to_value
from numpyro.infer.autoguide import (
    AutoContinuous,
    AutoDiagonalNormal,
    AutoIAFNormal,
    AutoLowRankMultivariateNormal,
    AutoMultivariateNormal,
)
from numpyro.infer.svi import SVIState

from latentinv.devices import compiled
from latentinv.errors import InputError, NonFiniteError
from latentinv.inference.core import (
    AbstractApproximation,
    AbstractIterations,
    Info,
    Progress,
    algorithm,
    check_choice,
    check_counts,
    check_positive,
)
from latentinv.keys import named
from latentinv.posterior import Posterior, map_batched
from latentinv.pytrees import Count, Scalar

from ._pareto import RELIABLE, tail_shape

GUIDES = ("mean_field", "low_rank", "full_rank", "flow")
START_SCALE = 0.5
"""Standard deviation of a Gaussian guide at the start, between the prior's and that of directions the data inform."""


class VariationalState(NamedTuple):
    """What the next step needs."""

    z: Float[Array, "draw latent"]
    """Draws of the current guide."""
    optimiser: Any
    """The guide's parameters and Adam's memory."""
    key: Array
    """Data of the key of the next iteration."""
    iteration: Count
    elbo: Scalar
    log_weights: Float[Array, "draw"]
    """Log-ratio of the posterior, not normalised, to the guide at each draw; nan before the end."""
    non_finite: Count
    """Iterations whose ELBO became NaN or infinite, which were skipped."""


@final
@algorithm("variational")
class Variational(AbstractIterations):
    """A tractable distribution, one of NumPyro's guides, fitted to the posterior; approximate.

    Parameters
    ----------
    guide
        ``mean_field``, ``low_rank``, ``full_rank`` or ``flow``.
    rank
        Directions of the low-rank guide.
    draws
        Draws of the guide kept at the end.
    iterations
        Steps of Adam.
    learning_rate
        Adam's at the start.
    elbo_samples
        Draws over which a gradient is averaged.
    """

    guide: str = "low_rank"
    rank: int = 16
    draws: int = 256
    iterations: int = 1000
    learning_rate: float = 0.02
    elbo_samples: int = 8
    iterations_per_step: int = 25

    def __post_init__(self) -> None:
        super().__post_init__()
        check_choice(self, "guide", GUIDES)
        check_counts(self, "rank", "draws", "iterations", "elbo_samples")
        check_positive(self, "learning_rate")

    def check(self, posterior: Posterior) -> None:
        """Check that the guide can start.

        Raises
        ------
        InputError
            If the guide is a flow and there is only one latent.
        NonFiniteError
            If the likelihood is no number at the prior's centre, where the guide starts.
        """
        if self.guide == "flow" and posterior.latent_size == 1:
            raise InputError("A flow needs two latents or more, and the prior has one on this grid; use 'full_rank'.")
        if not bool(jnp.isfinite(_density_at_centre(posterior))):
            raise NonFiniteError(
                "At the prior's centre the likelihood became NaN or infinite; check the data's sd and the prior."
            )

    def build(self) -> AbstractApproximation:
        """Make the guide."""
        return VariationalKernel(self)


@final
class VariationalKernel(AbstractApproximation):
    """The guide's iterations, and the weights of its draws."""

    def __init__(self, settings: Variational) -> None:
        self.settings = settings
        rate = optax.cosine_decay_schedule(settings.learning_rate, settings.iterations)
        self._optimiser = numpyro.optim.optax_to_numpyro(optax.adam(rate))
        self._made: dict[int, SVI] = {}
        self._advance, self._weigh = compiled(self._iterations), compiled(self._weights)

    def init(self, posterior: Posterior, key: Array) -> VariationalState:
        """Start the guide at the prior's centre."""
        settings, inner = self.settings, self._svi(posterior).init(named(key, "guide"))
        return VariationalState(
            z=jnp.zeros((settings.draws, posterior.latent_size)),
            optimiser=inner.optim_state,
            key=jax.random.key_data(inner.rng_key),
            iteration=jnp.int32(0),
            elbo=jnp.float32(jnp.nan),
            log_weights=jnp.full(settings.draws, jnp.nan),
            non_finite=jnp.int32(0),
        )

    def step(self, posterior: Posterior, key: Array, state: VariationalState) -> tuple[VariationalState, Info]:
        """Do some iterations, and draw from the guide; after the last one weight the draws."""
        del key
        count = min(self.settings.iterations_per_step, self.settings.iterations - int(state.iteration))
        before = int(state.non_finite)
        state = self._advance(posterior, state, jnp.int32(count))
        if int(state.non_finite) - before == count:
            raise NonFiniteError(
                f"The ELBO became NaN or infinite in {count} successive iterations; check the data's sd or lower the "
                "learning rate. What was saved before is intact."
            )
        z, log_guide = self._draw(posterior, state)
        state = state._replace(z=z)
        if self.finished(state):
            state = state._replace(log_weights=self._weigh(posterior, z, log_guide))
        spread = jnp.sqrt(jnp.mean(jnp.var(z, axis=0)))
        return state, Info(elbo=state.elbo, spread=spread, non_finite=jnp.float32(state.non_finite))

    def finished(self, state: VariationalState) -> bool:
        """Whether all iterations are done."""
        return int(state.iteration) >= self.settings.iterations

    def progress(self, posterior: Posterior, state: VariationalState, info: Info) -> Progress:
        """Iteration, ELBO and spread in words."""
        del posterior
        words = f"iteration {int(state.iteration)}, ELBO {float(info['elbo']):.2f}, spread {float(info['spread']):.2f}"
        return Progress(int(state.iteration) / self.settings.iterations, words)

    def current(self, state: VariationalState) -> Float[Array, "draw latent"]:
        """Draws of the current guide."""
        return state.z

    def results(self, posterior: Posterior, state: VariationalState) -> dict[str, Any]:
        """ELBO of the last step, log-evidence by importance sampling with its k, gradients spent; warnings."""
        del posterior
        settings, log_weights = self.settings, np.asarray(state.log_weights, float)
        shape = tail_shape(log_weights)
        results: dict[str, Any] = {
            "elbo": float(state.elbo),
            "log_evidence": float(logsumexp(log_weights) - np.log(log_weights.size)),
            "pareto_k": shape,
            "gradients": int(state.iteration) * settings.elbo_samples,
            "forward_runs": settings.draws,
        }
        warnings = []
        if shape > RELIABLE:
            warnings.append(
                f"The guide '{settings.guide}' is far from the posterior (Pareto k {shape:.2f}, above {RELIABLE}), so "
                "its draws and the log-evidence are not reliable; use a more flexible guide, more iterations, or 'smc'."
            )
        if int(state.non_finite):
            warnings.append(
                f"The ELBO became NaN or infinite in {int(state.non_finite)} of {settings.iterations} iterations, "
                "which were left out; lower the learning rate."
            )
        return {**results, "warnings": warnings} if warnings else results

    def _svi(self, posterior: Posterior) -> SVI:
        """NumPyro's inference of a posterior.

        A guide learns the latents' number when it is first called, which must not happen while a program is traced; it
        is called with the prior alone, so that one guide serves all posteriors of as many latents.
        """
        size = posterior.latent_size
        if size not in self._made:
            with jax.ensure_compile_time_eval():
                svi = SVI(_prior_model(size), _guide(self.settings, size), self._optimiser, _elbo(self.settings))
                svi.init(jax.random.key(0))
            self._made[size] = svi
        svi = copy.copy(self._made[size])
        svi.model = posterior.as_numpyro_model()
        return svi

    def _iterations(self, posterior: Posterior, state: VariationalState, count: Array) -> VariationalState:
        svi = self._svi(posterior)

        def iterate(_: Array, carry: tuple[SVIState, Array, Array]) -> tuple[SVIState, Array, Array]:
            inner, total, failed = carry
            inner, loss = svi.stable_update(inner)
            finite = jnp.isfinite(loss)
            return inner, total - jnp.where(finite, loss, 0.0), failed + ~finite

        start = (SVIState(state.optimiser, None, jax.random.wrap_key_data(state.key)), jnp.zeros(()), jnp.int32(0))
        inner, total, failed = jax.lax.fori_loop(0, count, iterate, start)
        return state._replace(
            optimiser=inner.optim_state,
            key=jax.random.key_data(inner.rng_key),
            iteration=state.iteration + count,
            elbo=total / jnp.maximum(count - failed, 1),
            non_finite=state.non_finite + failed,
        )

    def _draw(self, posterior: Posterior, state: VariationalState) -> tuple[Array, Array]:
        """Draws of the guide and their log-density, which a flow can compute only for its own draws."""
        key, svi = named(jax.random.wrap_key_data(state.key), "draws"), self._svi(posterior)
        guide = svi.guide.get_posterior(svi.get_params(SVIState(state.optimiser, None, key)))
        guide = guide if guide.event_shape else guide.to_event(1)
        z, way = guide.sample_with_intermediates(key, (self.settings.draws,))
        return z, guide.log_prob(z, way) if way else guide.log_prob(z)

    def _weights(self, posterior: Posterior, z: Array, log_guide: Array) -> Array:
        density = map_batched(posterior.soft_log_density, z, self.settings.together)
        return density - 0.5 * z.shape[1] * jnp.log(2 * jnp.pi) - log_guide


@final
class _OrderedELBO:
    """NumPyro's ELBO, with its sites summed by name.

    NumPyro adds them in the order of a set of names, which differs from process to process, and so would the rounding
    of a run that is resumed.
    """

    can_infer_discrete = False

    def __init__(self, samples: int) -> None:
        self._by_site = Trace_ELBO(num_particles=samples, sum_sites=False)

    def loss(self, *arguments: Any, **settings: Any) -> Scalar:
        """Minus the bound, from the arguments that NumPyro's takes."""
        sites: Any = self._by_site.loss(*arguments, **settings)
        return sum((sites[name] for name in sorted(sites)), jnp.zeros(()))


def _elbo(settings: Variational) -> _OrderedELBO:
    return _OrderedELBO(settings.elbo_samples)


def _prior_model(size: int) -> Any:
    def model() -> None:
        numpyro.sample("z", dist.Normal(0.0, 1.0).expand([size]).to_event(1))

    return model


def _guide(settings: Variational, size: int) -> AutoContinuous:
    start, model = init_to_value(values={"z": jnp.zeros(size)}), _prior_model(size)
    if settings.guide == "flow":
        return AutoIAFNormal(model, init_loc_fn=start)
    if settings.guide == "low_rank":
        return AutoLowRankMultivariateNormal(
            model, init_loc_fn=start, init_scale=START_SCALE, rank=min(settings.rank, size)
        )
    family = AutoMultivariateNormal if settings.guide == "full_rank" else AutoDiagonalNormal
    return family(model, init_loc_fn=start, init_scale=START_SCALE)


@compiled
def _density_at_centre(posterior: Posterior) -> Scalar:
    return posterior.soft_log_density(jnp.zeros(posterior.latent_size))
