"""Simulations on the workers of a Dask cluster, when one machine is not enough (``pip install latentinv[dask]``).

A worker that dies is replaced by Dask's nanny. Dask blames all calls that were assigned to a dead worker, so each of
these is tried once more by itself, and the one that kills its worker again is the one that failed. A call that takes
too long is given up, and its worker is restarted.
"""

import threading
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, final

from latentinv.errors import InputError

from ._executor import AbstractExecutor
from ._processes import check_timeout
from ._simulator import Outcome, Task, attempt, failed

if TYPE_CHECKING:
    from distributed import Client, Future


@final
class Dask(AbstractExecutor):
    """The workers of a Dask cluster.

    Parameters
    ----------
    client
        A ``dask.distributed.Client``. Workers should have one thread each, for simulators are seldom thread-safe.
    timeout
        Seconds that a call may take; none unless given.
    """

    def __init__(self, client: "Client", *, timeout: float | None = None) -> None:
        if not hasattr(client, "submit"):
            raise InputError(f"Given a {type(client).__name__}; expected a dask.distributed.Client.")
        check_timeout(timeout)
        self.client, self.timeout = client, timeout

    def run(self, simulator: Any, tasks: Sequence[Task]) -> Iterator[tuple[int, Outcome]]:
        """Make all calls on whichever worker is free."""
        from distributed import as_completed
        from distributed.scheduler import KilledWorker

        futures = {self._submit(simulator, task): position for position, task in enumerate(tasks)}
        suspects = []
        for future in as_completed(list(futures)):
            try:
                yield futures[future], self._outcome(future)
            except KilledWorker:
                suspects.append(futures[future])
        for position in suspects:
            try:
                yield position, self._outcome(self._submit(simulator, tasks[position]))
            except KilledWorker:
                yield position, failed("worker died", "its Dask worker ended")

    def _submit(self, simulator: Any, task: Task) -> "Future":
        return self.client.submit(_attempt_in_time, simulator, task, self.timeout, pure=False)

    def _outcome(self, future: "Future") -> Outcome:
        outcome, worker = future.result()
        if outcome.kind == "timed out" and worker is not None:
            self.client.restart_workers([worker], raise_for_error=False)
        return outcome


def _attempt_in_time(simulator: Any, task: Task, timeout: float | None) -> tuple[Outcome, str | None]:
    """Make a call on a worker; if it takes too long, give the worker's address for it to be restarted."""
    from distributed import get_worker

    if timeout is None:
        return attempt(simulator, task), None
    found: list[Outcome] = []
    thread = threading.Thread(target=lambda: found.append(attempt(simulator, task)), daemon=True)
    thread.start()
    thread.join(timeout)
    if found:
        return found[0], None
    return failed("timed out", f"it took longer than {timeout:g} s"), get_worker().address
