"""Counts of simulations outside JAX: how many there were, how many failed, and why."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from jaxtyping import Int

from latentinv.errors import NonFiniteError
from latentinv.forward import ExternalForward
from latentinv.posterior import Posterior
from latentinv.simulators import KINDS

MOST_FAILED, TOO_FEW = 0.5, 10
"""Share of a step's simulations that may fail; steps of fewer simulations than this are taken together."""


def take_counts(posterior: Posterior) -> dict[str, Int[np.ndarray, "kind"]]:
    """Simulations since the last time, by the observation: how many, and how many failed of each kind."""
    simulators = {observation.name: observation.simulator for observation in posterior.observations}
    return {_column(name): simulator.take_counts() for name, simulator in simulators.items() if simulator is not None}


class SimulationCounter:
    """Counts the simulations of a run step by step, and stops it where more than half fail."""

    def __init__(self, posterior: Posterior) -> None:
        self._posterior = posterior
        self._recent: dict[str, np.ndarray] = {}
        take_counts(posterior)  # counts from before the run

    def counts(self) -> dict[str, Int[np.ndarray, "kind"]]:
        """The simulations of the step that has just ended.

        Raises
        ------
        NonFiniteError
            If more than `MOST_FAILED` of the last ones failed.
        """
        counts = take_counts(self._posterior)
        for observation in self._posterior.observations:
            name = _column(observation.name)
            if name in counts:
                self._recent[name] = self._recent.get(name, 0) + counts[name]
                self._check(observation.name, observation.simulator)
        return counts

    def _check(self, name: str, simulator: ExternalForward | None) -> None:
        asked, failed = _sums(self._recent[_column(name)])
        if asked < TOO_FEW:
            return
        if failed > MOST_FAILED * asked:
            assert simulator is not None
            raise NonFiniteError(
                f"{failed} of the last {asked} simulations of '{name}' failed, the latest one so: "
                f"{simulator.last_failure}; remove the cause, call forget_failures() of its ExternalForward, "
                "and resume. What was saved before is intact."
            )
        self._recent[_column(name)] = np.zeros(1 + len(KINDS), np.int64)


def failure_results(
    posterior: Posterior, trace: Mapping[str, np.ndarray], again: Mapping[str, Int[np.ndarray, "kind"]]
) -> tuple[dict[str, Any], list[str]]:
    """Count a run's failed simulations by kind, and describe them in sentences.

    Parameters
    ----------
    posterior, trace
        What was sampled, and the trace of the run.
    again
        Counts of what was simulated once more for the record, as `take_counts` gives them.
    """
    failures: dict[str, Any] = {}
    sentences = []
    for observation in posterior.observations:
        if observation.simulator is None or _column(observation.name) not in trace:
            continue
        counts = np.sum(trace[_column(observation.name)], axis=0)
        asked, failed = _sums(counts)
        kinds = {kind: int(n) for kind, n in zip(KINDS, counts[1:], strict=True) if n}
        recorded = int(again[_column(observation.name)][0]) if again else 0
        failures[observation.name] = {"simulations": asked + recorded, "failed": failed, **kinds}
        if failed:
            parts = ", ".join(f"{n} {kind}" for kind, n in kinds.items())
            sentences.append(
                f"{failed} of {asked} simulations of '{observation.name}' failed ({parts}) and were rejected, so the "
                "draws are of the posterior where the simulator works."
            )
    return failures, sentences


def latest_failures(posterior: Posterior) -> str:
    """Latest failures of simulators, to continue a sentence; empty if none failed."""
    simulators = ((o.name, o.simulator) for o in posterior.observations)
    said = [f"of '{name}' {s.last_failure}" for name, s in simulators if s is not None and s.last_failure]
    return f" (the latest failed simulation {'; '.join(said)})" if said else ""


def _column(name: str) -> str:
    return f"simulations {name}"


def _sums(counts: Int[np.ndarray, "kind"]) -> tuple[int, int]:
    return int(counts[0]), int(np.sum(counts[1:]))
