"""The time left, on the courses of real runs, and compilation that is no work."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import pytest

from latentinv.working_time import TimeLeft, WorkingTime

OPTIMISER = {  # one processor: Adam, then L-BFGS, whose program compiles late
    (32.5, 28.6): 0.033, (38.5, 28.6): 0.067, (53.9, 28.6): 0.167, (81.4, 28.6): 0.367, (91.4, 28.6): 0.5,
    (107.8, 28.6): 0.6, (118.7, 28.6): 0.667, (162.0, 58.0): 0.7, (174.6, 58.0): 0.767, (194.5, 58.0): 0.867,
    (215.2, 58.0): 0.967, (223.3, 58.0): 1.0,
}  # fmt: skip


class Hands(NamedTuple):
    """A clock that shows what is told."""

    working: float
    compiling: float


class Moving:
    """A clock whose hands are moved."""

    def __init__(self):
        self.hands = Hands(0.0, 0.0)

    @property
    def working(self):
        return self.hands.working

    @property
    def compiling(self):
        return self.hands.compiling


def shown(course, begun=0.0):
    """What is shown of the time left after each report, beside what was left; a report has seconds, those of
    compilation among them, the share done and whether there is more to compile."""
    clock = Moving()
    left, total = TimeLeft(clock, begun), course[-1][0]
    for seconds, compiling, done, compiles in course[:-1]:
        clock.hands = Hands(seconds - compiling, compiling)
        yield left.seconds(done, compiles=compiles), total - seconds


def test_that_the_time_left_is_right_within_a_factor_of_two_while_an_optimiser_runs():
    course = [(*times, done, done <= 0.667) for times, done in OPTIMISER.items()]
    for estimate, truth in list(shown(course))[1:]:
        assert truth / 2 < estimate < 2 * truth


def test_that_nothing_is_said_before_a_pace_shows_or_after_the_end():
    assert [one for one, _ in shown([(5.0, 4.0, 0.0, True), (6.0, 4.0, 1.0, False), (7.0, 4.0, 1.0, False)])] == [
        None
    ] * 2


def test_that_what_was_done_before_the_clock_began_is_not_taken_for_its_work():
    resumed = [(10.0, 0.0, 0.6, False), (40.0, 0.0, 1.0, False)]
    assert next(shown(resumed, begun=0.5))[0] == pytest.approx(40.0)
    unknown = [(5.0, 0.0, 0.5, False), (15.0, 0.0, 0.6, False), (55.0, 0.0, 1.0, False)]
    assert [one for one, _ in shown(unknown, begun=None)] == [None, pytest.approx(40.0)]


def test_that_programs_within_programs_are_counted_once():
    times = iter([100.0, 103.0, 105.0, 110.0, 111.0, 112.0])
    clock = WorkingTime(lambda: next(times))
    clock.stop()
    for event, seconds in (("jaxpr_trace", 1.0), ("jaxpr_trace", 4.5), ("backend_compile", 2.0)):
        clock.on_event(f"/jax/core/compile/{event}_duration", seconds)
    clock.on_event("/jax/checkpoint/write", 50.0)
    assert clock.compiling == pytest.approx(6.5)
    assert clock.working == pytest.approx(11.0 - 6.5)


def test_that_what_jax_compiles_is_heard_until_the_clock_stops():
    clock = WorkingTime()
    jax.jit(lambda x: jnp.sin(x) + 12345.0)(jnp.ones(3))
    heard = clock.compiling
    clock.stop()
    jax.jit(lambda x: jnp.cos(x) + 54321.0)(jnp.ones(3))
    assert heard > 0
    assert clock.compiling == heard
