"""A simulator outside JAX as a forward model: a Python class or an external program, run by an executor.

Without an adjoint `smc`, `pcn` and `es_mda` propose in JAX, have all proposals of a moment simulated here at once, and
decide in JAX, so no callback runs under ``jit``. Elsewhere predictions are ``pure_callback``s, one field after the
other where an algorithm asks so; a simulator with an adjoint, whose answer is their gradient (reverse mode only),
serves algorithms with gradients as they are. A failed simulation predicts NaN for all its data, which the likelihood
rejects; it is counted by kind.

Each property is simulated once: what became of the last `REMEMBERED` evaluations stays in memory, and a cache keeps all
of them on the disk, failures too. So a run that is resumed repeats bit for bit with a deterministic simulator, and with
any simulator if it has a cache. Properties and data are float32 inside, float64 for the simulator.
"""

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NoReturn, final

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from latentinv.errors import InputError
from latentinv.forward.core import AbstractForward
from latentinv.grid import Grid
from latentinv.simulators import (
    KINDS,
    AbstractExecutor,
    EvaluationCache,
    InProcess,
    Outcome,
    Simulator,
    Task,
    evaluation_key,
)

REMEMBERED = 2**14
"""Evaluations whose outcome stays in memory."""
NO_PROPERTY, ADJOINT = "the property is not finite", "adjoint "


@final
class ExternalForward(AbstractForward):
    """A simulator as a forward model.

    Parameters
    ----------
    simulator
        An object with ``simulate(property) -> data`` and, if it can, ``adjoint(property, residual) -> gradient``, the
        gradient of ``residual · simulate(property)``; `latentinv.simulators.Executable` is one. Its attribute
        ``identity``, a text that changes whenever its results do, is needed for a cache on the disk.
    grid
        Where the property lives.
    count
        Number of data that it gives.
    executor
        Who makes the calls, `latentinv.simulators`: ``InProcess()`` unless given, ``Processes()``, ``Dask(client)``.
    cache
        A folder that keeps all evaluations, shared between runs; none unless given.
    retries
        How often a failed call is made again.

    Raises
    ------
    InputError
        If the simulator cannot simulate, a number cannot be used, or a cache is given for a simulator without identity.
    """

    kind = "external"
    external = True

    def __init__(
        self,
        simulator: Simulator,
        grid: Grid,
        count: int,
        *,
        executor: AbstractExecutor | None = None,
        cache: EvaluationCache | str | Path | None = None,
        retries: int = 0,
    ) -> None:
        if not callable(getattr(simulator, "simulate", None)):
            raise InputError(
                f"The simulator is a {type(simulator).__name__} without a method simulate(property); give it one."
            )
        for name, value, least in (("count", count, 1), ("retries", retries, 0)):
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                raise InputError(f"The simulator's {name} is {value}; expected a whole number from {least} on.")
        self.simulator, self.grid, self._count, self.retries = simulator, grid, count, retries
        self.has_gradient = callable(getattr(simulator, "adjoint", None))
        self.executor = InProcess() if executor is None else executor
        self.cache = cache if isinstance(cache, EvaluationCache | None) else EvaluationCache(cache)
        self.identity = str(getattr(simulator, "identity", ""))
        if self.cache is not None and not self.identity:
            raise InputError(
                f"The simulator {self.name} has no identity, so its evaluations cannot be told from another's on the "
                "disk; give it an attribute identity, a text that changes whenever its results do."
            )
        self.last_failure = ""
        """Of the latest failed simulation, in words."""
        self._remembered: OrderedDict[str, Outcome] = OrderedDict()
        self._counts = np.zeros(1 + len(KINDS), np.int64)
        self._traced = self._with_gradient()

    @property
    def name(self) -> str:
        """What messages call the simulator."""
        return type(self.simulator).__name__

    @property
    def count(self) -> int:
        """Number of data."""
        return self._count

    def predict(self, property: Float[Array, "*grid"]) -> Float[Array, "datum"]:
        """Simulate one property; NaN where it fails."""
        if isinstance(property, jax.core.Tracer):
            return self._traced(property)
        return jnp.asarray(self.evaluate(np.asarray(property)[None])[0])

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
        """Let failed simulations be tried again, once what they failed of is mended; the cache's are forgotten too."""
        for key in [key for key, outcome in self._remembered.items() if outcome.values is None]:
            del self._remembered[key]
        if self.cache is not None:
            self.cache.forget_failures()

    def take_counts(self) -> np.ndarray:
        """How many simulations were asked for since the last time, and how many failed of each of `KINDS`."""
        counts, self._counts = self._counts, np.zeros_like(self._counts)
        return counts

    def to_arrays(self) -> dict[str, np.ndarray]:
        """What can be said of the simulator; it cannot be made again from this."""
        texts = {"simulator": self.name, "identity": self.identity}
        if hasattr(self.simulator, "describe"):
            texts |= self.simulator.describe()
        return {name: np.asarray(text) for name, text in texts.items()} | {"count": np.asarray(self._count)}

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray], grid: Grid) -> NoReturn:
        """Refuse: whoever reads a run gives the simulator again."""
        del grid
        raise InputError(f"The simulator {arrays['simulator']} cannot be made from a file; give it again.")

    def check_same(self, arrays: dict[str, np.ndarray], data: str) -> None:
        """Raise `InputError` unless this is the simulator that `to_arrays` told of, for the data of this name."""
        for what, stored, given in (
            ("simulator", str(arrays["simulator"]), self.name),
            ("identity", str(arrays["identity"]), self.identity),
        ):
            if stored != given:
                raise InputError(
                    f"The simulator given for the data '{data}' is not the one the run was made with: its {what} is "
                    f"'{given}', not '{stored}'; give the same one."
                )

    def _attempted(self, tasks: dict[Any, Task]) -> Iterator[tuple[Any, Outcome]]:
        """Make calls, and those that fail again as often as allowed; each outcome is given as soon as it is known."""
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
        self._counts[0] += 1
        if outcome.values is not None:
            return np.asarray(outcome.values, np.float32)
        self._count_failure(outcome, "")
        return np.full(self._count, np.nan, np.float32)

    def _count_failure(self, outcome: Outcome, call: str) -> None:
        self._counts[1 + KINDS.index(outcome.kind)] += 1
        if outcome.reason == NO_PROPERTY and self.last_failure.startswith(ADJOINT):
            return  # which came of that
        where = f", in {outcome.place}" if outcome.place else ""
        self.last_failure = f"{call}{outcome.kind}: {outcome.reason}{where}"

    def _pull_back(self, properties: np.ndarray, residuals: np.ndarray) -> Float[np.ndarray, "field *grid"]:
        """The adjoint's answers; NaN where it fails, which counts as a failed simulation."""
        pairs = enumerate(zip(properties, residuals, strict=True))
        tasks = {number: Task("adjoint", pair, self.grid.shape) for number, pair in pairs}
        result = np.full(properties.shape, np.nan, np.float32)
        for number, outcome in self._attempted(tasks):
            if outcome.values is not None:
                result[number] = outcome.values
            else:
                self._counts[0] += 1
                self._count_failure(outcome, ADJOINT)
        return result

    def _with_gradient(self) -> Any:
        """The simulation as JAX sees it while it traces."""
        data = jax.ShapeDtypeStruct((self._count,), jnp.float32)
        field = jax.ShapeDtypeStruct(self.grid.shape, jnp.float32)

        def simulate(property: Any) -> np.ndarray:
            (flat,), batch = _flattened(self.grid.shape, property)
            return self.evaluate(flat).reshape(*batch, self._count)

        def pull_back(property: Any, residual: Any) -> np.ndarray:
            (flat,), batch = _flattened(self.grid.shape, property)
            (residuals,), _ = _flattened((self._count,), residual)
            return self._pull_back(flat, residuals).reshape(*batch, *self.grid.shape)

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
    """The outcome in single precision, whose range its numbers may leave."""
    if outcome.values is None:
        return outcome
    with np.errstate(over="ignore"):
        values = np.asarray(outcome.values, np.float32)
    if not np.all(np.isfinite(values)):
        return Outcome(None, "not finite", "it gave numbers beyond the range of single precision")
    return Outcome(values)


def _flattened(shape: Sequence[int], *arrays: Any) -> tuple[list[np.ndarray], tuple[int, ...]]:
    """Arrays of this shape in batches of any shape, in one batch; and the batches' shape."""
    hosted = [np.asarray(array, np.float32) for array in arrays]
    batch = hosted[0].shape[: hosted[0].ndim - len(shape)]
    return [array.reshape(-1, *shape) for array in hosted], batch
