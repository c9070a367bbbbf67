"""What approximations and best fits share: they iterate on a population that stands for the posterior."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from latentinv.posterior import Posterior

from ._algorithm import AbstractAlgorithm, AbstractKernel, Draws
from ._checks import check_counts
from ._evaluation import evaluate


@dataclass(frozen=True)
class AbstractIterations(AbstractAlgorithm):
    """Settings of what iterates on a population; each algorithm has its own defaults, and documents only what it adds.

    Parameters
    ----------
    iterations_per_step
        Iterations between two reports.
    batch_size
        Members of the population evaluated at once on each device; 0 stands for as many as suit it. In a line search
        all wait for the longest among them, so that more than one pays only where one does not fill the device.
    """

    iterations_per_step: int = 10
    batch_size: int = 0

    usual_batch = 16

    def __post_init__(self) -> None:
        check_counts(self, "iterations_per_step")
        check_counts(self, "batch_size", least=0)


class AbstractApproximation(AbstractKernel):
    """A kernel whose draws are not of the posterior itself."""

    def samples_target(self, posterior: Posterior) -> bool:
        """Draws of an approximation do not follow the target, nor do best fits."""
        del posterior
        return False

    def draws(self, posterior: Posterior, state: Any) -> Draws:
        """The population as it stands."""
        return evaluate(posterior, np.asarray(self.current(state)))
