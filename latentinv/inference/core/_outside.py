"""Predictions where a simulator runs outside JAX: fields are made in JAX, and all simulations of a moment at once.

One compiled program makes fields and properties of latents, in batches of one size, the last one filled up. So a
property comes out the same, bit for bit, in whatever company it is made, and a draw that was simulated when it was
proposed is not simulated again when it is recorded. Cost: the fields of all latents at once in memory.
"""

import functools
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Shaped

from latentinv.data import IndirectData
from latentinv.data.core import AbstractObservation
from latentinv.errors import NonFiniteError
from latentinv.forward.external import ExternalForward
from latentinv.posterior import Posterior, Predictions
from latentinv.simulators import KINDS

BATCH_FIELDS, BATCH_CELLS = 16, 2**22
"""Fields generated at once: at most so many, and of more than one at most so many cells."""
MOST_FAILED, TOO_FEW = 0.5, 10
"""Share of a step's simulations that may fail; steps of fewer simulations than this are taken together."""


class Evaluated(NamedTuple):
    """What was made of latents."""

    fields: Float[np.ndarray, "draw *grid"]
    realizations: Shaped[np.ndarray, "draw *grid"]
    predictions: Predictions


class Outside:
    """Evaluates a posterior some of whose observations are simulated outside JAX."""

    def __init__(self, posterior: Posterior) -> None:
        self.posterior = posterior
        self._batch = fields_at_once(posterior)
        self._prepare = posterior.jit(jax.vmap(self._prepared))

    def predict(self, z: Float[Array, "draw latent"]) -> Predictions:
        """Predict all data of all latents; where JAX only asks for shapes, by a traced callback."""
        if isinstance(z, jax.core.Tracer):
            return jax.vmap(self.posterior.predict)(z)
        return jax.tree.map(jnp.asarray, self.evaluate(np.asarray(z)).predictions)

    def evaluate(self, z: Float[np.ndarray, "draw latent"]) -> Evaluated:
        """Make fields and predictions of latents."""
        parts = [filled_up(self._prepare, z[n : n + self._batch], self._batch) for n in range(0, len(z), self._batch)]
        parts = parts or [filled_up(self._prepare, z, self._batch)]
        fields, realizations, readings = jax.tree.map(lambda *arrays: np.concatenate(arrays), *parts)
        both: list[tuple[Any, Any]] = [
            _simulated(forward, reading) if (forward := external_forward(observation)) is not None else reading
            for observation, reading in zip(self.posterior.observations, readings, strict=True)
        ]
        predictions = Predictions(tuple(soft for soft, _ in both), tuple(exact for _, exact in both))
        return Evaluated(fields, realizations, predictions)

    def _prepared(self, z: Float[Array, "latent"]) -> tuple[Array, Array, tuple[Any, ...]]:
        """Of one latent the field, its realization, and for each observation predictions or what to simulate."""
        field = self.posterior.field(z)
        readings = tuple(
            observation.readings(field)  # type: ignore[attr-defined]
            if external_forward(observation) is not None
            else observation.predict_both(field)
            for observation in self.posterior.observations
        )
        return field, self.posterior.prior.realization(field), readings


@functools.lru_cache(maxsize=4)
def outside(posterior: Posterior) -> Outside:
    """The evaluation of a posterior, kept with its compiled program."""
    return Outside(posterior)


def fields_at_once(posterior: Posterior) -> int:
    """Fields that are generated at once."""
    return max(1, min(BATCH_FIELDS, BATCH_CELLS // posterior.grid.size))


def filled_up(program: Callable[[Array], Any], z: Float[np.ndarray, "draw latent"], size: int) -> Any:
    """Apply a program for batches of one size to fewer latents."""
    filled = np.concatenate([z, np.zeros((size - len(z), *z.shape[1:]), z.dtype)])
    return jax.tree.map(lambda table: np.asarray(table)[: len(z)], program(jnp.asarray(filled)))


def external_forward(observation: AbstractObservation) -> ExternalForward | None:
    """The simulator of an observation that has one."""
    forward = observation.forward if isinstance(observation, IndirectData) else None
    return forward if isinstance(forward, ExternalForward) else None


def take_counts(posterior: Posterior) -> dict[str, Int[np.ndarray, "kind"]]:
    """Simulations since the last time, by the observation: how many, and how many failed of each kind."""
    forwards = {observation.name: external_forward(observation) for observation in posterior.observations}
    return {_column(name): forward.take_counts() for name, forward in forwards.items() if forward is not None}


class Watch:
    """Counts the simulations of a run step by step, and stops it where they fail more often than not."""

    def __init__(self, posterior: Posterior) -> None:
        self.posterior = posterior
        self._recent: dict[str, np.ndarray] = {}
        take_counts(posterior)  # what was asked before the run

    def counts(self) -> dict[str, Int[np.ndarray, "kind"]]:
        """The simulations of the step that has just ended.

        Raises
        ------
        NonFiniteError
            If more than `MOST_FAILED` of the last ones failed.
        """
        counts = take_counts(self.posterior)
        for observation in self.posterior.observations:
            name = _column(observation.name)
            if name in counts:
                self._recent[name] = self._recent.get(name, 0) + counts[name]
                self._check(observation.name, external_forward(observation))
        return counts

    def _check(self, name: str, forward: ExternalForward | None) -> None:
        asked, failed = _sums(self._recent[_column(name)])
        if asked < TOO_FEW:
            return
        if failed > MOST_FAILED * asked:
            assert forward is not None
            raise NonFiniteError(
                f"{failed} of the last {asked} simulations of '{name}' failed, the latest one so: "
                f"{forward.last_failure}; mend what they failed of, call forget_failures() of its ExternalForward, and "
                "resume. What was saved before is whole."
            )
        self._recent[_column(name)] = np.zeros(1 + len(KINDS), np.int64)


def failure_results(posterior: Posterior, trace: Mapping[str, np.ndarray]) -> tuple[dict[str, Any], list[str]]:
    """Count a run's failed simulations by kind, and say so in sentences."""
    failures: dict[str, Any] = {}
    sentences = []
    for observation in posterior.observations:
        if external_forward(observation) is None or _column(observation.name) not in trace:
            continue
        counts = np.sum(trace[_column(observation.name)], axis=0)
        asked, failed = _sums(counts)
        kinds = {kind: int(n) for kind, n in zip(KINDS, counts[1:], strict=True) if n}
        failures[observation.name] = {"simulations": asked, "failed": failed, **kinds}
        if failed:
            parts = ", ".join(f"{n} {kind}" for kind, n in kinds.items())
            sentences.append(
                f"{failed} of {asked} simulations of '{observation.name}' failed ({parts}) and were rejected, so the "
                "draws are of the posterior where the simulator works."
            )
    return failures, sentences


def latest_failures(posterior: Posterior) -> str:
    """Of what simulators last failed, as a continued sentence; empty where none failed."""
    forwards = ((o.name, external_forward(o)) for o in posterior.observations)
    said = [f"of '{name}' {f.last_failure}" for name, f in forwards if f is not None and f.last_failure]
    return f" (the latest failed simulation {'; '.join(said)})" if said else ""


def _simulated(forward: ExternalForward, readings: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Predictions of properties read softly and exactly, or of one reading that stands for both."""
    draws, count = readings.shape[:2]
    data = forward.evaluate(readings.reshape(draws * count, *forward.grid.shape)).reshape(draws, count, forward.count)
    return data[:, 0], data[:, -1]


def _column(name: str) -> str:
    return f"simulations {name}"


def _sums(counts: Int[np.ndarray, "kind"]) -> tuple[int, int]:
    return int(counts[0]), int(np.sum(counts[1:]))
