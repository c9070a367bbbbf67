"""What an executor is: it makes many calls of a simulator, and gives each outcome as soon as it is known.

`InProcess` makes the calls one after the other in this process: for fast simulators, and for debugging. `Processes`
uses spawned worker processes, which are replaced when they die or hang. `Threads` suits calls that only wait for
another program, such as a server. `Dask` uses the workers of a Dask cluster, when one machine is not enough.
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

    def close(self) -> None:  # noqa: B027
        """End what waits for further calls, such as worker processes; by default nothing does."""


@final
class InProcess(AbstractExecutor):
    """Makes calls one after the other in this process, so a simulator that hangs or dies takes this process with it."""

    def run(self, simulator: Any, tasks: Sequence[Task]) -> Iterator[tuple[int, Outcome]]:
        """Make all calls in their order."""
        for position, task in enumerate(tasks):
            yield position, attempt(simulator, task)
