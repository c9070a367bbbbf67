"""Maximum a-posteriori fields from many starts: Adam, then L-BFGS, on the soft posterior density.

Each start is a draw of the prior, so the optima show how many ways the data can be met; they are not posterior draws,
as they ignore the volume around each optimum. Adam (Kingma and Ba 2014, arXiv:1412.6980) crosses rough ground, L-BFGS
(`_lbfgs`) finishes. One step of the driver is `iterations_per_step` iterations of all starts. Cost: one gradient an
Adam iteration, typically one or two an L-BFGS iteration.

Where data see much of the field and sharply, most starts end in poor optima of the stated model: facies that are read
by a steep slope have gradients only along their borders, and each datum pulls to its own side. So Adam may begin with
an easier problem and go over to the stated one gradually (continuation; Allgower and Georg 1990,
doi:10.1007/978-3-642-61257-2): at first only `first_inverse_temperature` of the log-likelihood counts, as if the noise
were larger, and facies are read by `first_sharpness` times the stated slope, both growing geometrically to 1 within
`continuation` of Adam's iterations. At `exchanges` moments, evenly spread over the first four fifths of all iterations,
the worst quarter of the starts is given up, and goes on beside the best quarter; optima of such runs are not
independent of each other.

A latent vector of n numbers drawn from the prior has a norm r near √n, but its log-density −½r² is highest at r = 0,
so that optima with few data are smoother than any draw. With `norm_shell` the prior counts as that of the norm,

    (n − 1) log r − ½r²,

the chi distribution, whose peak is where draws are.
"""

import functools
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, Int

from latentinv.errors import NonFiniteError
from latentinv.posterior import Posterior, Predictions, each, log_prior, map_batched

from ._algorithm import AbstractAlgorithm, Kernel, Progress, honoured_share
from ._checks import check_counts, check_positive, check_shares
from ._lbfgs import Descent, begin_descent, descend

EXCHANGING = 0.8
"""Share of all iterations in which starts are exchanged; the rest lets them settle."""
NEIGHBOUR = 0.2
"""How far from a good start another one goes on, over the size of its latents."""


class Stage(NamedTuple):
    """On the way from an easy problem to the stated one."""

    inverse_temperature: float | Float[Array, ""]
    sharpness: float | Float[Array, ""]


class MAPState(NamedTuple):
    """What the next step needs."""

    descent: Descent
    adam: Any
    iteration: Int[Array, ""]


class MAPInfo(NamedTuple):
    """What a person wants to know of a step."""

    best_log_density: Float[Array, ""]
    median_log_density: Float[Array, ""]
    honoured: Float[Array, ""]
    """Share of hard data honoured over all starts; nan without hard data."""
    non_finite: Float[Array, ""]


@dataclass(frozen=True)
class MultistartMAP(AbstractAlgorithm):
    """Multi-start maximisation of the soft posterior density.

    Parameters
    ----------
    starts
        Draws of the prior to start from; as many optima come out.
    adam_iterations, lbfgs_iterations
        Iterations of the two phases.
    learning_rate
        Adam's, in units of the latents' standard deviation.
    norm_shell
        Whether the prior keeps latents at the norm of its draws, instead of drawing them to 0.
    first_inverse_temperature, first_sharpness
        Where Adam begins: share of the log-likelihood that counts, and share of the slope facies are read by.
    continuation
        Share of Adam's iterations after which the stated model is reached.
    last_learning_rate
        At Adam's last iteration, reached geometrically; as at the first unless given.
    exchanges
        How often poor starts are given up for better ones.
    iterations_per_step
        Iterations between two reports.
    batch_size
        Starts evaluated at once.
    """

    starts: int = 16
    adam_iterations: int = 200
    lbfgs_iterations: int = 100
    learning_rate: float = 0.05
    norm_shell: bool = False
    first_inverse_temperature: float = 1.0
    first_sharpness: float = 1.0
    continuation: float = 0.7
    last_learning_rate: float | None = None
    exchanges: int = 0
    iterations_per_step: int = 10
    batch_size: int = 16

    name = "map"

    def __post_init__(self) -> None:
        check_counts(self, "starts", "iterations_per_step", "batch_size")
        check_counts(self, "adam_iterations", "lbfgs_iterations", least=0)
        check_counts(self, "exchanges", least=0)
        check_positive(self, "learning_rate", "first_inverse_temperature", "first_sharpness")
        check_shares(self, "continuation")
        if self.last_learning_rate is not None:
            check_positive(self, "last_learning_rate")

    def build(self, posterior: Posterior) -> Kernel:
        """Bind the optimiser to a posterior."""
        machine = _Machine(self, posterior)
        return Kernel(
            init=machine.init,
            step=machine.step,
            finished=machine.finished,
            progress=machine.progress,
            draws=machine.draws,
            samples_target=False,
            results=machine.results,
        )


class _Machine:
    """The optimiser bound to a posterior."""

    def __init__(self, settings: MultistartMAP, posterior: Posterior) -> None:
        self.settings, self.posterior = settings, posterior
        self.adam = optax.adam(_learning_rates(settings))
        self.total = settings.adam_iterations + settings.lbfgs_iterations
        self._adam_step = posterior.jit(functools.partial(self._advance, self._adam_iteration))
        self._lbfgs_step = posterior.jit(functools.partial(self._advance, self._lbfgs_iteration))
        self._exchange = posterior.jit(self._exchanged)
        self._evaluate = posterior.jit(self._evaluation)

    def init(self, key: Array) -> MAPState:
        """Draw the starts from the prior."""
        z = jax.random.normal(key, (self.settings.starts, self.posterior.latent_size))
        return MAPState(begin_descent(z), jax.vmap(self.adam.init)(z), jnp.int32(0))

    def step(self, key: Array, state: MAPState) -> tuple[MAPState, MAPInfo]:
        """Do some iterations of all starts, and exchange poor ones if it is time to."""
        done, settings = int(state.iteration), self.settings
        in_adam = done < settings.adam_iterations
        end = settings.adam_iterations if in_adam else self.total
        count = jnp.int32(min(settings.iterations_per_step, end - done))
        state = (self._adam_step if in_adam else self._lbfgs_step)(state, count)
        if self._exchanges_by(int(state.iteration)) > self._exchanges_by(done):
            state = self._exchange(key, state)
        density, predictions = self._evaluate(state.descent.z)
        finite = jnp.isfinite(density)
        if not bool(finite.any()):
            raise NonFiniteError("All starts left the finite numbers; check the data's sd or lower the learning rate.")
        shown = jnp.where(finite, density, -jnp.inf)
        honoured = jnp.float32(honoured_share(predictions.exact, self.posterior))
        return state, MAPInfo(shown.max(), jnp.median(shown), honoured, jnp.sum(~finite).astype(jnp.float32))

    def finished(self, state: MAPState) -> bool:
        """Whether all iterations are done."""
        return int(state.iteration) >= self.total

    def progress(self, state: MAPState, info: MAPInfo) -> Progress:
        """Iteration, best log-density and honoured wells in words."""
        words = f"iteration {int(state.iteration)}, best log-density {float(info.best_log_density):.1f}"
        if np.isfinite(float(info.honoured)):
            words += f", wells honoured {100 * float(info.honoured):.1f} %"
        return Progress(int(state.iteration) / max(self.total, 1), words)

    def draws(self, state: MAPState) -> Array:
        """The optima, best first; starts that left the finite numbers are dropped."""
        density, _ = self._evaluate(state.descent.z)
        order = np.argsort(-np.asarray(density), kind="stable")
        return state.descent.z[order[np.isfinite(np.asarray(density)[order])]]

    def results(self, state: MAPState) -> dict[str, Any]:
        """The densities that were maximised, as logarithms, best first; gradients spent on all starts."""
        density = np.asarray(self._evaluate(state.descent.z)[0])
        found = sorted((float(value) for value in density[np.isfinite(density)]), reverse=True)
        return {"log_density": found, "gradients": int(state.descent.gradients.sum())}

    def _log_prior(self, z: Array) -> Array:
        if not self.settings.norm_shell:
            return log_prior(z)
        return log_prior(z) + 0.5 * (z.size - 1) * jnp.log(jnp.maximum(jnp.sum(z**2), 1e-30))

    def _loss(self, z: Array, stage: Stage | tuple[()] = ()) -> Array:
        t, sharpness = stage or Stage(1.0, 1.0)
        soft = Predictions(self.posterior.predict_softly(z, sharpness), ())
        return -self._log_prior(z) - self.posterior.tempered_log_likelihood(soft, t)

    def _stage(self, iteration: Array) -> Stage:
        """The problem that an iteration of Adam is about."""
        settings = self.settings
        left = 1 - jnp.minimum(iteration / max(settings.continuation * settings.adam_iterations, 1), 1.0)
        return Stage(settings.first_inverse_temperature**left, settings.first_sharpness**left)

    def _exchanges_by(self, iteration: int) -> int:
        """How many exchanges are due by an iteration."""
        if not self.settings.exchanges or not self.total:
            return 0
        return min(self.settings.exchanges, int(iteration * self.settings.exchanges / (EXCHANGING * self.total)))

    def _exchanged(self, key: Array, state: MAPState) -> MAPState:
        """Give the worst quarter of the starts up, for neighbours of the best quarter."""
        z, stage = state.descent.z, self._stage(state.iteration)
        loss = map_batched(lambda one: self._loss(one, stage), z, self.settings.batch_size)
        order = jnp.argsort(jnp.where(jnp.isfinite(loss), loss, jnp.inf))
        quarter = len(z) // 4
        source = jnp.arange(len(z)).at[order[len(z) - quarter :]].set(order[:quarter])
        moved = z[source]
        size = jnp.sqrt(jnp.mean(moved**2, axis=1, keepdims=True))
        stays = source == jnp.arange(len(z))
        moved += jnp.where(stays[:, None], 0.0, NEIGHBOUR * size) * jax.random.normal(key, z.shape)
        adam = jax.tree.map(lambda leaf: leaf[source], state.adam)

        def kept(old: Array, new: Array) -> Array:
            return jnp.where(stays.reshape(-1, *(1,) * (old.ndim - 1)), old, new)

        # What L-BFGS remembers holds along a path; who leaves it begins anew.
        memory = jax.tree.map(kept, state.descent.memory, begin_descent(moved).memory)
        return state._replace(descent=Descent(moved, memory, state.descent.gradients + 1), adam=adam)

    def _advance(self, iteration: Any, state: MAPState, count: Array) -> MAPState:
        def body(state: MAPState) -> MAPState:
            return iteration(state)._replace(iteration=state.iteration + 1)

        end = state.iteration + count
        return jax.lax.while_loop(lambda s: s.iteration < end, body, state)

    def _adam_iteration(self, state: MAPState) -> MAPState:
        z, spent = state.descent.z, state.descent.gradients
        stage = self._stage(state.iteration)
        gradient = map_batched(jax.grad(lambda one: self._loss(one, stage)), z, self.settings.batch_size)
        update, adam = jax.vmap(self.adam.update)(gradient, state.adam)
        moved = state.descent._replace(z=optax.apply_updates(z, update), gradients=spent + 1)
        return state._replace(descent=moved, adam=adam)

    def _lbfgs_iteration(self, state: MAPState) -> MAPState:
        return state._replace(descent=descend(self._loss, state.descent, (), self.settings.batch_size))

    def _evaluation(self, z: Array) -> tuple[Float[Array, "start"], Predictions]:
        predictions = map_batched(self.posterior.predict, z, self.settings.batch_size)
        likelihood = each(lambda p: self.posterior.tempered_log_likelihood(p, 1.0), predictions, len(z))
        return likelihood + jax.vmap(self._log_prior)(z), predictions


def _learning_rates(settings: MultistartMAP) -> Any:
    """Adam's learning rate, of its iterations if it changes."""
    if settings.last_learning_rate is None:
        return settings.learning_rate
    decay = settings.last_learning_rate / settings.learning_rate
    return optax.exponential_decay(settings.learning_rate, max(settings.adam_iterations, 1), decay)
