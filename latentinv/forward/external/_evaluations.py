"""Evaluations of a simulator outside JAX: made by an executor, each once, remembered and counted.

Each property is simulated once: the outcomes of the last `REMEMBERED` evaluations stay in memory, and a cache keeps all
of them on the disk, failures too. So a run that is resumed repeats bit for bit with a deterministic simulator, and with
any simulator if it has a cache. Properties and data are float32 here, float64 for the simulator.
"""

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from typing import Any, final

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from latentinv.errors import InputError
from latentinv.simulators import AbstractExecutor, EvaluationCache, Outcome, Simulator, Task, evaluation_key

from ._counter import NO_PROPERTY, SimulationCounter

REMEMBERED = 2**14
"""Number of evaluations whose outcome stays in memory."""


@final
class Evaluations:
    """Evaluations of one simulator; one object, compared by identity, for all copies of a forward model.

    Parameters
    ----------
    simulator, executor, cache, retries
        As `ExternalForward` takes them.
    shape
        Of the property.
    count
        Number of data that the simulator gives.
    """

    def __init__(
        self,
        simulator: Simulator,
        executor: AbstractExecutor,
        cache: EvaluationCache | None,
        retries: int,
        shape: tuple[int, ...],
        count: int,
    ) -> None:
        self.simulator, self.executor, self.cache, self.retries = simulator, executor, cache, retries
        self.counter = SimulationCounter()
        self.identity = str(getattr(simulator, "identity", ""))
        self._shape, self._count = shape, count
        self._remembered: OrderedDict[str, Outcome] = OrderedDict()
        self.traced = self._with_gradient()
        """The simulation as a JAX function."""

    @property
    def name(self) -> str:
        """Name of the simulator in messages."""
        return type(self.simulator).__name__

    @property
    def has_gradient(self) -> bool:
        """Whether the simulator has an adjoint."""
        return callable(getattr(self.simulator, "adjoint", None))

    def evaluate(self, properties: Float[np.ndarray, "field *grid"]) -> Float[np.ndarray, "field datum"]:
        """Simulate many properties, as many at once as the executor can; rows of NaN where that fails."""
        properties = np.asarray(properties, np.float32)
        keys = [evaluation_key(self.identity, property, self._count) for property in properties]
        outcomes = {key: outcome for key in set(keys) if (outcome := self._recall(key)) is not None}
        new = {key: property for key, property in zip(keys, properties, strict=True) if key not in outcomes}
        for key, property in new.items():
            if not np.all(np.isfinite(property)):
                outcomes[key] = Outcome(None, "not finite", NO_PROPERTY)
        tasks = {key: Task("simulate", (p,), (self._count,)) for key, p in new.items() if key not in outcomes}
        for key, outcome in self._attempted(tasks):
            outcomes[key] = outcome
            self._remember(key, outcome)
            if self.cache is not None:
                self.cache.put(key, outcome)
        return np.stack([self._counted(outcomes[key]) for key in keys]) if keys else np.zeros((0, self._count), "f4")

    def forget_failures(self) -> None:
        """Let failed simulations be tried again; the cache's are forgotten too."""
        for key in [key for key, outcome in self._remembered.items() if outcome.values is None]:
            del self._remembered[key]
        if self.cache is not None:
            self.cache.forget_failures()

    def _attempted(self, tasks: dict[Any, Task]) -> Iterator[tuple[Any, Outcome]]:
        """Make calls, and retry failed ones as often as allowed; each outcome is given as soon as it is known."""
        open_keys = list(tasks)
        for left in range(self.retries, -1, -1):
            again = []
            for position, exact in self.executor.run(self.simulator, [tasks[key] for key in open_keys]):
                outcome = _single(exact)
                if outcome.values is None and left:
                    again.append(open_keys[position])
                else:
                    yield open_keys[position], outcome
            open_keys = again

    def _recall(self, key: str) -> Outcome | None:
        outcome = self._remembered.get(key)
        if outcome is None and self.cache is not None:
            outcome = self.cache.get(key)
            if outcome is not None:
                self._remember(key, outcome)
        return outcome

    def _remember(self, key: str, outcome: Outcome) -> None:
        self._remembered[key] = outcome
        if len(self._remembered) > REMEMBERED:
            self._remembered.popitem(last=False)

    def _counted(self, outcome: Outcome) -> Float[np.ndarray, "datum"]:
        self.counter.add(outcome)
        return np.asarray(np.full(self._count, np.nan) if outcome.values is None else outcome.values, np.float32)

    def _pull_back(self, properties: np.ndarray, residuals: np.ndarray) -> Float[np.ndarray, "field *grid"]:
        """The adjoint's results; NaN where it fails."""
        pairs = enumerate(zip(properties, residuals, strict=True))
        tasks = {number: Task("adjoint", pair, self._shape) for number, pair in pairs}
        result = np.full(properties.shape, np.nan, np.float32)
        for number, outcome in self._attempted(tasks):
            if outcome.values is not None:
                result[number] = outcome.values
            else:
                self.counter.add_failed_adjoint(outcome)
        return result

    def _with_gradient(self) -> Any:
        data = jax.ShapeDtypeStruct((self._count,), jnp.float32)
        field = jax.ShapeDtypeStruct(self._shape, jnp.float32)

        def simulate(property: Any) -> np.ndarray:
            (flat,), batch = _flattened(self._shape, property)
            return self.evaluate(flat).reshape(*batch, self._count)

        def pull_back(property: Any, residual: Any) -> np.ndarray:
            (flat,), batch = _flattened(self._shape, property)
            (residuals,), _ = _flattened((self._count,), residual)
            return self._pull_back(flat, residuals).reshape(*batch, *self._shape)

        @jax.custom_vjp
        def predict(property: Array) -> Array:
            return jax.pure_callback(simulate, data, property, vmap_method="broadcast_all")

        def forwards(property: Array) -> tuple[Array, Array]:
            return predict(property), property

        def backwards(property: Array, residual: Array) -> tuple[Array]:
            if not self.has_gradient:
                raise InputError(f"The simulator {self.name} has no adjoint, so no gradient; give it a method adjoint.")
            return (jax.pure_callback(pull_back, field, property, residual, vmap_method="broadcast_all"),)

        predict.defvjp(forwards, backwards)
        return predict


def _single(outcome: Outcome) -> Outcome:
    """The outcome in single precision; a failure if its numbers exceed that range."""
    if outcome.values is None:
        return outcome
    with np.errstate(over="ignore"):
        values = np.asarray(outcome.values, np.float32)
    if not np.all(np.isfinite(values)):
        return Outcome(None, "not finite", "it gave numbers beyond the range of single precision")
    return Outcome(values)


def _flattened(shape: Sequence[int], *arrays: Any) -> tuple[list[np.ndarray], tuple[int, ...]]:
    """Arrays in batches of any shape, flattened to one batch, and the shape of the batches."""
    hosted = [np.asarray(array, np.float32) for array in arrays]
    batch = hosted[0].shape[: hosted[0].ndim - len(shape)]
    return [array.reshape(-1, *shape) for array in hosted], batch
