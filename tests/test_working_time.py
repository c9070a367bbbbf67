"""The time left, on the courses of real runs, and compilation that is no work."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import pytest

from latentinv.working_time import TimeLeft, WorkingTime

COURSES = {  # on one processor, which others used too: seconds, of these compiling, share done, still to compile
    "map": [
        (32.5, 28.6, 0.033, 1), (38.5, 28.6, 0.067, 1), (53.9, 28.6, 0.167, 1), (81.4, 28.6, 0.367, 1),
        (91.4, 28.6, 0.5, 1), (107.8, 28.6, 0.6, 1), (118.7, 28.6, 0.667, 1), (162.0, 58.0, 0.7, 0),
        (174.6, 58.0, 0.767, 0), (194.5, 58.0, 0.867, 0), (215.2, 58.0, 0.967, 0), (223.3, 58.0, 1.0, 0),
    ],
    "pcn": [
        (36.2, 35.7, 0.0, 0), (117.7, 88.0, 0.0465, 0), (126.2, 88.0, 0.0698, 0), (137.5, 89.0, 0.1163, 0),
        (186.6, 89.0, 0.2558, 0), (257.6, 89.0, 0.3953, 0), (344.5, 89.0, 0.5814, 0), (403.0, 89.0, 0.7209, 0),
        (459.3, 89.0, 0.8605, 0), (521.9, 89.0, 0.9535, 0), (555.0, 89.0, 1.0, 0),
    ],
    "hmc": [
        (45.7, 45.2, 0.0, 0), (100.9, 82.7, 0.025, 0), (110.8, 82.7, 0.05, 0), (139.4, 82.7, 0.125, 0),
        (213.1, 82.7, 0.275, 0), (345.3, 82.7, 0.5, 0), (433.0, 82.7, 0.625, 0), (541.5, 82.7, 0.75, 0),
        (588.9, 83.3, 0.875, 0), (623.2, 83.3, 0.975, 0), (634.3, 83.3, 1.0, 0),
    ],
    "es_mda": [
        (40.4, 38.8, 0.125, 0.15), (42.4, 38.8, 0.25, 0.15), (44.4, 38.8, 0.375, 0.15), (46.5, 38.8, 0.5, 0.15),
        (48.5, 38.8, 0.625, 0.15), (50.4, 38.8, 0.75, 0.15), (51.8, 38.8, 0.875, 0.15), (60.0, 44.0, 1.0, 0.15),
    ],
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
    compilation among them, the share done and what is still to compile."""
    clock = Moving()
    left, total = TimeLeft(clock, begun), course[-1][0]
    for seconds, compiling, done, to_compile in course[:-1]:
        clock.hands = Hands(seconds - compiling, compiling)
        yield left.seconds(done, to_compile=to_compile), total - seconds


@pytest.mark.parametrize("name", COURSES)
def test_that_the_time_left_is_right_within_a_factor_of_two_from_the_second_report_on(name):
    for estimate, truth in list(shown(COURSES[name]))[1:]:
        assert truth / 2 < estimate < 2 * truth


def test_that_nothing_is_said_before_a_pace_shows_or_after_the_end():
    course = [(5.0, 4.0, 0.0, 1), (6.0, 4.0, 1.0, 0), (7.0, 4.0, 1.0, 0)]
    assert [one for one, _ in shown(course)] == [None, None]


def test_that_what_was_done_before_the_clock_began_is_not_taken_for_its_work():
    resumed = [(10.0, 0.0, 0.6, 0.0), (40.0, 0.0, 1.0, 0.0)]
    assert next(shown(resumed, begun=0.5))[0] == pytest.approx(40.0)
    unknown = [(5.0, 0.0, 0.5, 0.0), (15.0, 0.0, 0.6, 0.0), (55.0, 0.0, 1.0, 0.0)]
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
