"""Maximisation from many latent vectors side by side, of any objective: Adam, then L-BFGS.

Each start is a draw of the prior, so the optima show in how many ways the data can be met; they are not posterior
draws, as they ignore the volume around each optimum. Adam (Kingma and Ba 2014, arXiv:1412.6980) goes first, L-BFGS
(`_lbfgs`) finishes. The objective of Adam may change from iteration to iteration, and now and then the worst quarter of
the starts may be replaced by neighbours of the best quarter. One step of the driver is `iterations_per_step` iterations
of all starts. Cost: one gradient an Adam iteration, typically one or two an L-BFGS iteration.
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol, final

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float

from latentinv.devices import compiled
from latentinv.errors import NonFiniteError
from latentinv.inference.core import AbstractApproximation, Draws, Info, Progress, honoured_share, honoured_words
from latentinv.posterior import Posterior, Predictions, map_batched
from latentinv.pytrees import Count, Scalar

from ._lbfgs import Descent, begin_descent, descend

LBFGS_PROGRAM = 1.0
"""Compilation of L-BFGS, as a share of all before it."""
NEIGHBOUR = 0.2
"""Distance from a good start at which a poor one continues, relative to the size of its latents."""


class Settings(Protocol):
    """Settings of every optimiser."""

    @property
    def starts(self) -> int: ...
    @property
    def adam_iterations(self) -> int: ...
    @property
    def iterations_per_step(self) -> int: ...
    @property
    def together(self) -> int: ...


def draws_of_prior(posterior: Posterior, key: Array, count: int) -> Float[Array, "start latent"]:
    """Starts that know nothing of the data."""
    return jax.random.normal(key, (count, posterior.latent_size))


class Objective(NamedTuple):
    """What is maximised, and how."""

    name: str
    """Its name in results."""
    value: Callable[[Posterior, Float[Array, "latent"], Predictions], Scalar]
    """Function of a latent vector and the predictions of its field."""
    loss: Callable[[Posterior, Float[Array, "latent"], Count | None], Scalar]
    """The objective of an iteration of Adam; without an iteration, minus the value."""
    learning_rate: float | optax.Schedule
    """Adam's."""
    lbfgs_iterations: int = 0
    exchanges_by: Callable[[int], int] = lambda iteration: 0
    """How many exchanges of starts are due by an iteration."""
    starts: Callable[[Posterior, Array, int], Float[Array, "start latent"]] = draws_of_prior
    """So many starts, from a random key."""


class OptimiserState(NamedTuple):
    """What the next step needs."""

    descent: Descent
    adam: Any
    iteration: Count


@final
class OptimiserKernel(AbstractApproximation):
    """Maximisation from many starts."""

    def __init__(self, settings: Settings, objective: Objective) -> None:
        self.settings, self.objective = settings, objective
        self.adam = optax.adam(objective.learning_rate)
        self.total = settings.adam_iterations + objective.lbfgs_iterations
        self._adam_step = compiled(functools.partial(self._advance, self._adam_iteration))
        self._lbfgs_step = compiled(functools.partial(self._advance, self._lbfgs_iteration))
        self._exchange = compiled(self._exchanged)
        self._evaluate = compiled(self._evaluation)

    def init(self, posterior: Posterior, key: Array) -> OptimiserState:
        """Take the starts; draws of the prior, unless the objective has others."""
        z = self.objective.starts(posterior, key, self.settings.starts)
        return OptimiserState(begin_descent(z), jax.vmap(self.adam.init)(z), jnp.int32(0))

    def step(self, posterior: Posterior, key: Array, state: OptimiserState) -> tuple[OptimiserState, Info]:
        """Do some iterations of all starts, and exchange poor ones if it is time to."""
        done, settings = int(state.iteration), self.settings
        in_adam = done < settings.adam_iterations
        end = settings.adam_iterations if in_adam else self.total
        count = jnp.int32(min(settings.iterations_per_step, end - done))
        state = (self._adam_step if in_adam else self._lbfgs_step)(posterior, state, count)
        if self.objective.exchanges_by(int(state.iteration)) > self.objective.exchanges_by(done):
            state = self._exchange(posterior, key, state)
        value, predictions = self._evaluate(posterior, state.descent.z)
        finite = jnp.isfinite(value)
        if not bool(finite.any()):
            raise NonFiniteError("All starts became NaN or infinite; check the data's sd or lower the learning rate.")
        shown = jnp.where(finite, value, -jnp.inf)
        honoured = jnp.float32(honoured_share(predictions.exact, posterior))
        non_finite = jnp.sum(~finite).astype(jnp.float32)
        return state, Info(best=shown.max(), median=jnp.median(shown), honoured=honoured, non_finite=non_finite)

    def finished(self, state: OptimiserState) -> bool:
        """Whether all iterations are done."""
        return int(state.iteration) >= self.total

    def progress(self, posterior: Posterior, state: OptimiserState, info: Info) -> Progress:
        """Iteration, best value and honoured wells in words."""
        del posterior
        later = int(state.iteration) <= self.settings.adam_iterations < self.total
        name = self.objective.name.replace("_", "-")
        words = f"iteration {int(state.iteration)}, best {name} {float(info['best']):.1f}"
        done, words = int(state.iteration) / max(self.total, 1), words + honoured_words(info["honoured"])
        return Progress(done, words, LBFGS_PROGRAM if later else 0.0)

    def draws(self, posterior: Posterior, state: OptimiserState) -> Draws:
        """The optima, best first; starts that became NaN or infinite are dropped."""
        value, predictions = self._evaluate(posterior, state.descent.z)
        order = np.argsort(-np.asarray(value), kind="stable")
        kept = order[np.isfinite(np.asarray(value)[order])]
        return jax.tree.map(lambda table: table[kept], Draws(state.descent.z, predictions))

    def current(self, state: OptimiserState) -> Float[Array, "start latent"]:
        """The latents of all starts."""
        return state.descent.z

    def results(self, posterior: Posterior, state: OptimiserState) -> dict[str, Any]:
        """What was maximised, best first; gradients spent on all starts."""
        value = np.asarray(self._evaluate(posterior, state.descent.z)[0])
        found = sorted((float(one) for one in value[np.isfinite(value)]), reverse=True)
        return {self.objective.name: found, "gradients": int(state.descent.gradients.sum())}

    def _exchanged(self, posterior: Posterior, key: Array, state: OptimiserState) -> OptimiserState:
        """Replace the worst quarter of the starts by neighbours of the best quarter."""
        z = state.descent.z
        loss = map_batched(lambda one: self.objective.loss(posterior, one, state.iteration), z, self.settings.together)
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

        # The memory of L-BFGS is valid only along one path.
        memory = jax.tree.map(kept, state.descent.memory, begin_descent(moved).memory)
        return state._replace(descent=Descent(moved, memory, state.descent.gradients + 1), adam=adam)

    def _advance(self, iteration: Any, posterior: Posterior, state: OptimiserState, count: Array) -> OptimiserState:
        def body(state: OptimiserState) -> OptimiserState:
            return iteration(posterior, state)._replace(iteration=state.iteration + 1)

        end = state.iteration + count
        return jax.lax.while_loop(lambda s: s.iteration < end, body, state)

    def _adam_iteration(self, posterior: Posterior, state: OptimiserState) -> OptimiserState:
        z, spent = state.descent.z, state.descent.gradients
        slope = jax.grad(lambda one: self.objective.loss(posterior, one, state.iteration))
        gradient = map_batched(slope, z, self.settings.together)
        update, adam = jax.vmap(self.adam.update)(gradient, state.adam)
        moved = state.descent._replace(z=optax.apply_updates(z, update), gradients=spent + 1)
        return state._replace(descent=moved, adam=adam)

    def _lbfgs_iteration(self, posterior: Posterior, state: OptimiserState) -> OptimiserState:
        def loss(z: Array, context: tuple[()]) -> Array:
            del context
            return self.objective.loss(posterior, z, None)

        return state._replace(descent=descend(loss, state.descent, (), self.settings.together))

    def _evaluation(self, posterior: Posterior, z: Array) -> tuple[Float[Array, "start"], Predictions]:
        predictions = map_batched(posterior.predict, z, self.settings.together)
        value = functools.partial(self.objective.value, posterior)
        return jax.vmap(value, axis_size=len(z))(z, predictions), predictions


def log_norm_shell(z: Float[Array, "latent"]) -> Scalar:
    """What turns the log-density of N(0, I) into that of its norm, (n − 1) log r, highest where draws are."""
    return 0.5 * (z.size - 1) * jnp.log(jnp.maximum(jnp.sum(z**2), 1e-30))
