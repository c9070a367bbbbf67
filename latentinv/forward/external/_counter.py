"""How many simulations were requested, how many of them failed, and why."""

from typing import final

import numpy as np
from jaxtyping import Int

from latentinv.simulators import KINDS, Outcome

NO_PROPERTY, ADJOINT = "the property is not finite", "adjoint "


@final
class SimulationCounter:
    """Counts simulations; one object for all copies of a forward model."""

    def __init__(self) -> None:
        self.last_failure = ""
        """Reason for the latest failure, in words."""
        self._counts = np.zeros(1 + len(KINDS), np.int64)

    def add(self, outcome: Outcome) -> None:
        """Count a simulation."""
        self._counts[0] += 1
        if outcome.values is None:
            self._add_failure(outcome, "")

    def add_failed_adjoint(self, outcome: Outcome) -> None:
        """Count a failed adjoint as a failed simulation; one that worked costs no simulation."""
        self._counts[0] += 1
        self._add_failure(outcome, ADJOINT)

    def take(self) -> Int[np.ndarray, "kind"]:
        """Simulations requested since the last call of this method, and how many failed, by `KINDS`."""
        counts, self._counts = self._counts, np.zeros_like(self._counts)
        return counts

    def _add_failure(self, outcome: Outcome, call: str) -> None:
        self._counts[1 + KINDS.index(outcome.kind)] += 1
        if outcome.reason == NO_PROPERTY and self.last_failure.startswith(ADJOINT):
            return  # the failed adjoint is the cause
        where = f", in {outcome.place}" if outcome.place else ""
        self.last_failure = f"{call}{outcome.kind}: {outcome.reason}{where}"
