"""Studies of a batch in several processes: each runs one study after the other, and compiles programs of its own.

A process that dies (the system's out-of-memory killer, a simulator that ends it) fails the study it was at and is
replaced; processes end with their parent, so that no two ever work on one run. They are spawned, since a fork of a
process that runs JAX deadlocks.
"""

import contextlib
import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import TYPE_CHECKING

from ._batch_study import Job, Row, failed, run_study
from ._compilations import drop_programs

if TYPE_CHECKING:
    from latentinv.study import Simulators

GRACE = 5.0
"""Seconds that a process has to end what its simulators started."""


def in_processes(jobs: Sequence[Job], processes: int) -> Iterator[Row]:
    """Run studies in as many processes, and give each row as soon as it is there."""
    waiting = deque(jobs)
    busy: dict[Connection, tuple[SpawnProcess, Job]] = {}
    try:
        while waiting or busy:
            while waiting and len(busy) < processes:
                connection, process = _begin()
                busy[connection] = process, _give(connection, waiting.popleft())
            for ready in wait(list(busy)):
                assert isinstance(ready, Connection)
                process, job = busy.pop(ready)
                try:
                    row = ready.recv()
                except (EOFError, OSError):
                    process.join()
                    yield failed(job, f"its process ended with exit code {process.exitcode}")
                    continue
                if waiting:
                    busy[ready] = process, _give(ready, waiting.popleft())
                else:
                    ready.close()  # which ends the process
                yield row
    finally:  # of an interrupt too: runs that are under way are resumed by the next batch
        for process, _ in busy.values():
            process.terminate()
        for process, _ in busy.values():
            process.join(GRACE)
            process.kill()


def _begin() -> tuple[Connection, SpawnProcess]:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs,))
    process.start()
    theirs.close()  # so that the pipe ends with the process
    return ours, process


def _give(connection: Connection, job: Job) -> Job:
    with contextlib.suppress(OSError):  # a process that has died meanwhile is noticed at the next read
        connection.send(job)
    return job


def _serve(connection: Connection) -> None:
    """Answer each job with its row, until the pipe or the parent ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # which a terminal sends to all; the parent ends this process
    signal.signal(signal.SIGTERM, _interrupt)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    simulators: "Simulators" = {}
    with contextlib.suppress(EOFError, OSError, KeyboardInterrupt):
        while True:
            connection.send(run_study(connection.recv(), simulators))
            drop_programs()


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt  # which no study catches, but simulators use to clean up


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)
