"""What an executor is: it makes many calls of a simulator, and says what became of each as soon as it is known.

`InProcess` calls one after the other, here: for simulators that are fast, and for finding mistakes. `Processes` has
spawned worker processes, which are replaced when they die or hang. `Dask` has the workers of a Dask cluster, where one
machine is not enough.
"""

import abc
from collections.abc import Iterator, Sequence
from typing import Any, final

from ._simulator import Outcome, Task, attempt


class AbstractExecutor(abc.ABC):
    """Makes calls of a simulator."""

    @abc.abstractmethod
    def run(self, simulator: Any, tasks: Sequence[Task]) -> Iterator[tuple[int, Outcome]]:
        """Make all calls, and yield the position and outcome of each as it ends, in any order."""


@final
class InProcess(AbstractExecutor):
    """Calls are made one after the other in this process, so that a simulator that hangs or dies takes it along."""

    def run(self, simulator: Any, tasks: Sequence[Task]) -> Iterator[tuple[int, Outcome]]:
        """Make all calls in their order."""
        for position, task in enumerate(tasks):
            yield position, attempt(simulator, task)
