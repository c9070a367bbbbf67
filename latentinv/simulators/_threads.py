"""Threads of this process, for simulators that only wait: for a server that computes, or a program that was submitted.

Each call has a thread of its own. A call that takes too long is given up; its thread cannot be ended, and waits on
until its answer comes or this process ends. Cost: a tenth of a millisecond a call. A simulator that computes in Python
gains nothing from threads; `Processes` suits it.
"""

import queue
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any, final

from latentinv.errors import InputError

from ._executor import AbstractExecutor
from ._processes import check_timeout
from ._simulator import Outcome, Task, attempt, failed

_Answers = queue.SimpleQueue[tuple[int, Outcome]]


@final
class Threads(AbstractExecutor):
    """Makes several calls at once, each in a thread of this process.

    Parameters
    ----------
    workers
        How many at once.
    timeout
        Seconds that a call may take before it is given up; none unless given.

    Raises
    ------
    InputError
        If a setting is not above 0.
    """

    def __init__(self, workers: int, *, timeout: float | None = None) -> None:
        if workers < 1:
            raise InputError(f"Given {workers} threads; expected 1 or more.")
        check_timeout(timeout)
        self.workers, self.timeout = workers, timeout

    def run(self, simulator: Any, tasks: Sequence[Task]) -> Iterator[tuple[int, Outcome]]:
        """Make all calls, as many at once as there are workers."""
        answers: _Answers = queue.SimpleQueue()
        waiting = deque(range(len(tasks)))
        deadlines: dict[int, float] = {}
        while waiting or deadlines:
            while waiting and len(deadlines) < self.workers:
                position = waiting.popleft()
                deadlines[position] = float("inf") if self.timeout is None else time.monotonic() + self.timeout
                threading.Thread(
                    target=_answer, args=(answers, position, simulator, tasks[position]), daemon=True
                ).start()
            for position, outcome in self._heard(answers, deadlines):
                del deadlines[position]
                yield position, outcome

    def _heard(self, answers: _Answers, deadlines: dict[int, float]) -> list[tuple[int, Outcome]]:
        """Wait for an answer, or until a call is out of time; an answer that comes after that is not heard."""
        left = min(deadlines.values()) - time.monotonic()
        try:
            answer = answers.get(timeout=None if left == float("inf") else max(0.0, left))
        except queue.Empty:
            late = failed("timed out", f"it took longer than {self.timeout:g} s")
            return [(position, late) for position, end in deadlines.items() if end <= time.monotonic()]
        return [answer] if answer[0] in deadlines else []


def _answer(answers: _Answers, position: int, simulator: Any, task: Task) -> None:
    answers.put((position, attempt(simulator, task)))
