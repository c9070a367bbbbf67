"""A simulator outside JAX as a forward model: a Python class or an external program, run by an executor.

Without an adjoint `smc`, `pcn` and `es_mda` propose in JAX, have all proposals of a step simulated here together, and
accept or reject in JAX, so no callback runs under ``jit``. Elsewhere predictions are ``pure_callback``s; a simulator
with an adjoint, which gives their gradient (reverse mode only), serves gradient-based algorithms unchanged. A failed
simulation predicts NaN for all its data, which the likelihood rejects; it is counted by kind. Outcomes and counts are
kept in one object that all copies of the forward model share (`_evaluations.py`).
"""

from pathlib import Path
from typing import Any, ClassVar, NoReturn, final

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from latentinv.errors import InputError
from latentinv.forward.core import FORWARDS, AbstractForward, GivenAgain
from latentinv.grid import Grid
from latentinv.pytrees import pytree
from latentinv.simulators import AbstractExecutor, EvaluationCache, InProcess, Simulator

from ._evaluations import Evaluations


@final
@FORWARDS.register("external")
@pytree()
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
        What makes the calls: `latentinv.simulators.InProcess` unless given, `Processes` or `Dask`.
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
    given_again: ClassVar[GivenAgain] = GivenAgain(
        "a simulator",
        "ExternalForward(simulator, grid, count)",
        ", or by latentinv resume --study where a study states it",
    )

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
                raise InputError(f"The simulator's {name} is {value}; expected a whole number of at least {least}.")
        self.grid, self._count = grid, count
        runs = InProcess() if executor is None else executor
        kept = cache if isinstance(cache, EvaluationCache | None) else EvaluationCache(cache)
        self.evaluations = Evaluations(simulator, runs, kept, retries, grid.shape, count)
        self.has_gradient = self.evaluations.has_gradient
        if kept is not None and not self.identity:
            raise InputError(
                f"The simulator {self.name} has no identity, so its evaluations on disk cannot be told from "
                "another's; give it an attribute identity, a text that changes whenever its results do."
            )

    @property
    def simulator(self) -> Simulator:
        """The simulator."""
        return self.evaluations.simulator

    @property
    def executor(self) -> AbstractExecutor:
        """The executor that makes its calls."""
        return self.evaluations.executor

    @property
    def identity(self) -> str:
        """The simulator's text that changes whenever its results do; empty if it has none."""
        return self.evaluations.identity

    @property
    def name(self) -> str:
        """Name of the simulator in messages."""
        return self.evaluations.name

    @property
    def last_failure(self) -> str:
        """Reason for the latest failure, in words."""
        return self.evaluations.counter.last_failure

    @property
    def count(self) -> int:
        """Number of data."""
        return self._count

    def predict(self, property: Float[Array, "*grid"]) -> Float[Array, "datum"]:
        """Simulate one property; NaN where it fails."""
        if isinstance(property, jax.core.Tracer):
            return self.evaluations.traced(property)
        return jnp.asarray(self.evaluate(np.asarray(property)[None])[0])

    def evaluate(self, properties: Float[np.ndarray, "field *grid"]) -> Float[np.ndarray, "field datum"]:
        """Simulate many properties, as many at once as the executor can; rows of NaN where that fails."""
        return self.evaluations.evaluate(properties)

    def forget_failures(self) -> None:
        """Let failed simulations be tried again, once their cause is removed; the cache forgets its failures too."""
        self.evaluations.forget_failures()

    def take_counts(self) -> Int[np.ndarray, "kind"]:
        """Simulations requested since the last call of this method, and how many failed, by `KINDS`."""
        return self.evaluations.counter.take()

    def to_arrays(self) -> dict[str, np.ndarray]:
        """A description of the simulator, from which it cannot be restored."""
        texts = {"simulator": self.name, "identity": self.identity}
        if hasattr(self.simulator, "describe"):
            texts |= self.simulator.describe()
        return {name: np.asarray(text) for name, text in texts.items()} | {"count": np.asarray(self._count)}

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray], grid: Grid) -> NoReturn:
        """Raise `InputError`: a simulator must be given again."""
        del grid
        raise InputError(f"The simulator {arrays['simulator']} cannot be made from a file; give it again.")

    @classmethod
    def from_user(cls, given: Any, arrays: dict[str, np.ndarray], grid: Grid, name: str) -> "ExternalForward":
        """Check that the simulator given again is the one that was stored."""
        del grid  # which the observation checks
        if not isinstance(given, cls):
            raise InputError(cls.given_again.sentence(name))
        for what, stored, own in (
            ("simulator", str(arrays["simulator"]), given.name),
            ("identity", str(arrays["identity"]), given.identity),
        ):
            if stored != own:
                raise InputError(
                    f"The simulator given for the data '{name}' is not the one the run was made with: its {what} is "
                    f"'{own}', not '{stored}'; give the same one."
                )
        return given
