"""Many latent vectors that climb side by side, whatever they climb: Adam, then L-BFGS.

Each start is a draw of the prior, so the optima show in how many ways the data can be met; they are not posterior
draws, as they ignore the volume around each optimum. Adam (Kingma and Ba 2014, arXiv:1412.6980) crosses rough ground,
L-BFGS (`_lbfgs`) finishes. What Adam climbs may change on the way, and at some moments the worst quarter of the starts
may be given up, and go on beside the best quarter. One step of the driver is `iterations_per_step` iterations of all
starts. Cost: one gradient an Adam iteration, typically one or two an L-BFGS iteration.
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, Int

from latentinv.errors import NonFiniteError
from latentinv.inference.core import Kernel, Progress, honoured_share
from latentinv.posterior import Posterior, Predictions, map_batched

from ._lbfgs import Descent, begin_descent, descend

NEIGHBOUR = 0.2
"""How far from a good start another one goes on, over the size of its latents."""


class Settings(Protocol):
    """What every optimiser can be told."""

    @property
    def starts(self) -> int: ...
    @property
    def adam_iterations(self) -> int: ...
    @property
    def iterations_per_step(self) -> int: ...
    @property
    def batch_size(self) -> int: ...


class Climb(NamedTuple):
    """What is made as large as possible, and how."""

    name: str
    """As results call it."""
    value: Callable[[Float[Array, "latent"], Predictions], Float[Array, ""]]
    """From a latent vector and what its field predicts."""
    loss: Callable[[Float[Array, "latent"], Int[Array, ""] | None], Float[Array, ""]]
    """What an iteration of Adam makes smaller; without an iteration, the negative of the value."""
    learning_rate: float | optax.Schedule
    """Adam's."""
    lbfgs_iterations: int = 0
    exchanges_by: Callable[[int], int] = lambda iteration: 0
    """How many exchanges of starts are due by an iteration."""


class OptimiserState(NamedTuple):
    """What the next step needs."""

    descent: Descent
    adam: Any
    iteration: Int[Array, ""]


class OptimiserInfo(NamedTuple):
    """What a person wants to know of a step."""

    best: Float[Array, ""]
    median: Float[Array, ""]
    """Of the objective over all starts."""
    honoured: Float[Array, ""]
    """Share of hard data honoured over all starts; nan without hard data."""
    non_finite: Float[Array, ""]


def optimiser_kernel(settings: Settings, posterior: Posterior, climb: Climb) -> Kernel:
    """Climb from many draws of the prior."""
    machine = _Machine(settings, posterior, climb)
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

    def __init__(self, settings: Settings, posterior: Posterior, climb: Climb) -> None:
        self.settings, self.posterior, self.climb = settings, posterior, climb
        self.adam = optax.adam(climb.learning_rate)
        self.total = settings.adam_iterations + climb.lbfgs_iterations
        self._adam_step = posterior.jit(functools.partial(self._advance, self._adam_iteration))
        self._lbfgs_step = posterior.jit(functools.partial(self._advance, self._lbfgs_iteration))
        self._exchange = posterior.jit(self._exchanged)
        self._evaluate = posterior.jit(self._evaluation)

    def init(self, key: Array) -> OptimiserState:
        """Draw the starts from the prior."""
        z = jax.random.normal(key, (self.settings.starts, self.posterior.latent_size))
        return OptimiserState(begin_descent(z), jax.vmap(self.adam.init)(z), jnp.int32(0))

    def step(self, key: Array, state: OptimiserState) -> tuple[OptimiserState, OptimiserInfo]:
        """Do some iterations of all starts, and exchange poor ones if it is time to."""
        done, settings = int(state.iteration), self.settings
        in_adam = done < settings.adam_iterations
        end = settings.adam_iterations if in_adam else self.total
        count = jnp.int32(min(settings.iterations_per_step, end - done))
        state = (self._adam_step if in_adam else self._lbfgs_step)(state, count)
        if self.climb.exchanges_by(int(state.iteration)) > self.climb.exchanges_by(done):
            state = self._exchange(key, state)
        value, predictions = self._evaluate(state.descent.z)
        finite = jnp.isfinite(value)
        if not bool(finite.any()):
            raise NonFiniteError("All starts left the finite numbers; check the data's sd or lower the learning rate.")
        shown = jnp.where(finite, value, -jnp.inf)
        honoured = jnp.float32(honoured_share(predictions.exact, self.posterior))
        return state, OptimiserInfo(shown.max(), jnp.median(shown), honoured, jnp.sum(~finite).astype(jnp.float32))

    def finished(self, state: OptimiserState) -> bool:
        """Whether all iterations are done."""
        return int(state.iteration) >= self.total

    def progress(self, state: OptimiserState, info: OptimiserInfo) -> Progress:
        """Iteration, best value and honoured wells in words."""
        name = self.climb.name.replace("_", "-")
        words = f"iteration {int(state.iteration)}, best {name} {float(info.best):.1f}"
        if np.isfinite(float(info.honoured)):
            words += f", wells honoured {100 * float(info.honoured):.1f} %"
        return Progress(int(state.iteration) / max(self.total, 1), words)

    def draws(self, state: OptimiserState) -> Array:
        """The optima, best first; starts that left the finite numbers are dropped."""
        value, _ = self._evaluate(state.descent.z)
        order = np.argsort(-np.asarray(value), kind="stable")
        return state.descent.z[order[np.isfinite(np.asarray(value)[order])]]

    def results(self, state: OptimiserState) -> dict[str, Any]:
        """What was maximised, best first; gradients spent on all starts."""
        value = np.asarray(self._evaluate(state.descent.z)[0])
        found = sorted((float(one) for one in value[np.isfinite(value)]), reverse=True)
        return {self.climb.name: found, "gradients": int(state.descent.gradients.sum())}

    def _exchanged(self, key: Array, state: OptimiserState) -> OptimiserState:
        """Give the worst quarter of the starts up, for neighbours of the best quarter."""
        z = state.descent.z
        loss = map_batched(lambda one: self.climb.loss(one, state.iteration), z, self.settings.batch_size)
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

    def _advance(self, iteration: Any, state: OptimiserState, count: Array) -> OptimiserState:
        def body(state: OptimiserState) -> OptimiserState:
            return iteration(state)._replace(iteration=state.iteration + 1)

        end = state.iteration + count
        return jax.lax.while_loop(lambda s: s.iteration < end, body, state)

    def _adam_iteration(self, state: OptimiserState) -> OptimiserState:
        z, spent = state.descent.z, state.descent.gradients
        gradient = map_batched(jax.grad(lambda one: self.climb.loss(one, state.iteration)), z, self.settings.batch_size)
        update, adam = jax.vmap(self.adam.update)(gradient, state.adam)
        moved = state.descent._replace(z=optax.apply_updates(z, update), gradients=spent + 1)
        return state._replace(descent=moved, adam=adam)

    def _lbfgs_iteration(self, state: OptimiserState) -> OptimiserState:
        def loss(z: Array, context: tuple[()]) -> Array:
            del context
            return self.climb.loss(z, None)

        return state._replace(descent=descend(loss, state.descent, (), self.settings.batch_size))

    def _evaluation(self, z: Array) -> tuple[Float[Array, "start"], Predictions]:
        predictions = map_batched(self.posterior.predict, z, self.settings.batch_size)
        return jax.vmap(self.climb.value, axis_size=len(z))(z, predictions), predictions


def log_norm_shell(z: Float[Array, "latent"]) -> Float[Array, ""]:
    """What turns the log-density of N(0, I) into that of its norm, (n − 1) log r, highest where draws are."""
    return 0.5 * (z.size - 1) * jnp.log(jnp.maximum(jnp.sum(z**2), 1e-30))
