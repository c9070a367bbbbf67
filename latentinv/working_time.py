"""The time that work takes, and what is left of it, with compilation counted apart.

Compilation comes in a few long pieces, some of them late, when a run enters another stage; counted as work, it would
spoil every estimate of the time left. JAX says after each trace and each compilation how long it took; of those that
lie within others only the outer one counts.
"""

import time
from collections.abc import Callable
from typing import Protocol, final

EVENTS = "/jax/core/compile/"
"""Names of what JAX says about programs that it makes begin so."""


class Clock(Protocol):
    """Seconds since the work began."""

    @property
    def working(self) -> float:
        """Those in which no program was made."""
        ...

    @property
    def compiling(self) -> float:
        """Those in which programs were made."""
        ...


@final
class WorkingTime:
    """Seconds since its construction.

    Parameters
    ----------
    clock
        Seconds since any moment.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        from jax import monitoring

        self._clock, self._begun = clock, clock()
        self._spans: list[tuple[float, float]] = []
        monitoring.register_event_duration_secs_listener(self.on_event)

    @property
    def compiling(self) -> float:
        """Seconds in which programs were made."""
        return sum(end - begin for begin, end in self._spans)

    @property
    def working(self) -> float:
        """All other seconds."""
        return self._clock() - self._begun - self.compiling

    def on_event(self, event: str, duration_secs: float, **_: str | int) -> None:
        """Hear of something that took as many seconds until now."""
        if not event.startswith(EVENTS):
            return
        end = self._clock()
        begin = max(end - duration_secs, self._begun)
        while self._spans and self._spans[-1][0] >= begin:
            self._spans.pop()
        if self._spans:
            begin = max(begin, self._spans[-1][1])
        self._spans.append((begin, end))

    def stop(self) -> None:
        """Listen to JAX no longer."""
        from jax import monitoring

        monitoring.unregister_event_duration_listener(self.on_event)


@final
class TimeLeft:
    """An estimate of the time left. Each report revises it, so the share done may itself be an estimate.

    Parameters
    ----------
    clock
        Seconds of work and of compilation, such as `WorkingTime`.
    begun
        Share of the work that was done before the clock began; if it is not known, time counts from the first report.
    """

    def __init__(self, clock: Clock, begun: float | None = None) -> None:
        self._clock = clock
        self._begun = None if begun is None else (0.0, begun)

    def seconds(self, done: float, *, to_compile: float = 0.0) -> float | None:
        """Seconds left; None where no pace shows, or nothing is left.

        Parameters
        ----------
        done
            Share of the work done.
        to_compile
            What compilation is still to take, as a share of what it took so far.
        """
        worked = self._clock.working
        if self._begun is None:
            self._begun = (worked, done)
        begun, before = self._begun
        if done <= before or done >= 1:
            return None
        return (worked - begun) * (1 - done) / (done - before) + to_compile * self._clock.compiling
