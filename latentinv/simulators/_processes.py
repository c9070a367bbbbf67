"""A pool of spawned worker processes, each with a pipe of its own.

Workers are spawned, never forked: a fork of a process that runs JAX deadlocks. Each has one call at a time, so that a
worker that dies (a segmentation fault, the system's out-of-memory killer) or that is killed because its call took too
long loses no
other call's result, and is replaced for the next call. They start when first needed and stay until the
pool is closed or the program ends.

A worker imports the module that defines the simulator, and a script that uses this needs ``if __name__ ==
"__main__":``. Cost: a second a worker to start, and a property through a pipe for each call.
"""

import contextlib
import multiprocessing
import os
import signal
import time
from collections import deque
from collections.abc import Iterator, Sequence
from multiprocessing.connection import Connection, wait
from typing import Any, final

from latentinv.errors import InputError

from ._executor import AbstractExecutor
from ._simulator import Outcome, Task, failed
from ._worker import GRACE, READY, serve


@final
class Processes(AbstractExecutor):
    """Spawned worker processes.

    Parameters
    ----------
    workers
        How many; as many as there are processors unless given.
    timeout
        Seconds that a call may take before its worker is killed; none unless given.

    Raises
    ------
    InputError
        If a setting is not above 0, the simulator cannot be sent to a worker, or no worker begins.
    """

    def __init__(self, workers: int | None = None, *, timeout: float | None = None) -> None:
        self.workers = _processors() if workers is None else workers
        self.timeout = timeout
        if self.workers < 1:
            raise InputError(f"Given {self.workers} workers; expected 1 or more.")
        check_timeout(timeout)
        self._idle: list[_Worker] = []

    def run(self, simulator: Any, tasks: Sequence[Task]) -> Iterator[tuple[int, Outcome]]:
        """Make all calls, as many at once as there are workers."""
        waiting = deque(range(len(tasks)))
        busy: dict[_Worker, int] = {}
        try:
            while waiting or busy:
                while waiting and len(busy) < self.workers:
                    worker = self._idle.pop() if self._idle else _Worker()
                    position = waiting.popleft()
                    busy[worker] = position
                    worker.give(simulator, tasks[position], self.timeout)
                for worker in _heard(busy):
                    outcome = worker.outcome(self.timeout)
                    if outcome is not None:
                        position = busy.pop(worker)
                        if worker.alive:
                            self._idle.append(worker)
                        yield position, outcome
        finally:  # of an interrupt too: what is under way is given up
            for worker in busy:
                worker.kill()

    def close(self) -> None:
        """End all workers."""
        while self._idle:
            self._idle.pop().kill()


class _Worker:
    """The parent's side of a worker."""

    def __init__(self) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self.process = context.Process(target=serve, args=(theirs,), daemon=True)
        self.process.start()
        theirs.close()  # so that the pipe ends with the worker
        self.alive, self.begun, self.deadline = True, False, float("inf")
        self._simulator: Any = None

    def give(self, simulator: Any, task: Task, timeout: float | None) -> None:
        """Send a call, and the simulator if it differs from the last one."""
        news = None if simulator is self._simulator else simulator
        self._simulator = simulator
        if self.begun:
            self._start_clock(timeout)
        try:
            self.connection.send((news, task))
        except OSError:  # a worker that has died meanwhile is noticed at the next read
            return
        except Exception as error:
            raise InputError(
                f"The simulator {type(simulator).__name__} cannot be sent to worker processes ({error}); define it at "
                "the top of a module, without open files or lambdas, or run it InProcess()."
            ) from error

    def outcome(self, timeout: float | None) -> Outcome | None:
        """The outcome from the pipe, or a failure after the time allowed; None while the call is running."""
        if not self.connection.poll():
            if time.monotonic() < self.deadline:
                return None
            self.kill()
            return failed("timed out", f"it took longer than {timeout:g} s")
        try:
            message = self.connection.recv()
        except (EOFError, OSError):
            return self._died()
        if message != READY:
            return message
        self.begun = True
        self._start_clock(timeout)
        return None

    def kill(self) -> None:
        """End the worker and what it started; an `Executable` ends its program itself, given a moment."""
        self.alive = False
        if self.begun:
            self.process.terminate()
            self.process.join(GRACE)
        if self.begun and hasattr(os, "killpg"):
            with contextlib.suppress(OSError):
                os.killpg(self.process.pid, signal.SIGKILL)  # type: ignore[arg-type]
        self.process.kill()
        self.process.join()
        self.connection.close()

    def _start_clock(self, timeout: float | None) -> None:
        self.deadline = float("inf") if timeout is None else time.monotonic() + timeout

    def _died(self) -> Outcome:
        self.process.join()
        code = self.process.exitcode
        self.kill()
        if not self.begun:
            raise InputError(
                f"A worker process ended with exit code {code} before it began; a script that uses Processes needs its "
                "calls below `if __name__ == '__main__':`, and the modules it imports must be found by a new process."
            )
        return failed("worker died", f"its process ended with exit code {code}")


def check_timeout(timeout: float | None) -> None:
    """Raise `InputError` unless a time limit is above 0, or there is none."""
    if timeout is not None and not timeout > 0:
        raise InputError(f"The timeout is {timeout} s; expected seconds above 0.")


def _processors() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _heard(busy: dict[_Worker, int]) -> list[_Worker]:
    """Wait until a worker has sent something or is out of time, and list all such workers."""
    left = min(worker.deadline for worker in busy) - time.monotonic()
    connections: dict[Connection, _Worker] = {worker.connection: worker for worker in busy}
    ready = wait(list(connections), None if left == float("inf") else max(0.0, left))
    late = [worker for worker in busy if worker.deadline <= time.monotonic()]
    spoken = [connections[connection] for connection in ready]  # type: ignore[index]
    return spoken + [worker for worker in late if worker not in spoken]
