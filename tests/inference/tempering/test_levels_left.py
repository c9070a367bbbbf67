"""How many levels are left, on the courses of real runs, and the time left that follows from it."""

from types import SimpleNamespace

import pytest

from latentinv.inference.tempering._smc_schedule import levels_left
from latentinv.inference.tempering._smc_state import FINAL, TEMPERING, SMCState
from latentinv.inference.tempering._tempered_smc import FINAL_PROGRAMS
from latentinv.working_time import TimeLeft

FOUR_WELLS = [  # 64 particles on 48 × 64 cells: seconds, of these compiling, inverse temperature, share that meets all
    (54.8, 36.5, 0.0399, 0.25), (81.3, 36.5, 0.1198, 0.4219), (105.0, 36.5, 0.3595, 0.8125),
    (136.7, 57.0, 0.3595, 1.0), (153.7, 57.0, 0.3595, 1.0), (170.0, 57.0, 0.3595, 1.0),
]  # fmt: skip
TWENTY_WELLS = [  # 32 particles on 32 × 32 cells
    (71.4, 65.5, 0.0106, 0.0), (76.3, 65.5, 0.0317, 0.0), (80.7, 65.5, 0.0772, 0.0), (83.4, 65.5, 0.1393, 0.0312),
    (86.0, 65.5, 0.2367, 0.5), (90.0, 65.5, 0.71, 0.8125), (148.1, 112.4, 0.71, 1.0), (158.4, 112.4, 0.71, 1.0),
    (167.4, 112.4, 0.71, 1.0),
]  # fmt: skip
BLOCKS_AND_WELLS = [  # 32 particles on 32 × 32 cells; blocks have noise, so no share tells of the jump
    (70.9, 67.6, 0.0006, None), (75.5, 67.6, 0.0018, None), (79.7, 67.6, 0.0054, None), (83.2, 67.6, 0.0163, None),
    (86.4, 67.6, 0.0489, None), (89.7, 67.6, 0.0793, None), (93.1, 67.6, 0.238, None), (96.2, 67.6, 0.6863, None),
    (99.7, 67.6, 2.059, None), (103.1, 67.6, 6.177, None), (131.2, 92.7, 6.177, None), (134.1, 92.7, 6.177, None),
    (136.9, 92.7, 6.177, None),
]  # fmt: skip
SETTINGS = {"target": "thresholded", "wanted": 0.4, "most": (40, 3)}


def state(level, t, *, stage=TEMPERING, final_rounds=0, bridge=0.0):
    numbers = {"level": level, "inverse_temperature": t, "stage": stage, "final_rounds": final_rounds, "bridge": bridge}
    return SMCState(**{name: numbers.get(name) for name in SMCState._fields})


@pytest.mark.parametrize("course", [FOUR_WELLS, TWENTY_WELLS, BLOCKS_AND_WELLS])
def test_that_the_time_left_is_right_within_a_factor_of_two_from_the_second_level_on(course):
    clock = SimpleNamespace()
    left, total, first_final = TimeLeft(clock, begun=0.0), course[-1][0], len(course) - 2
    for level, (seconds, compiling, t, exact_share) in enumerate(course[:-1], 1):
        final = max(0, level - first_final + 1)
        now = state(level, t, stage=FINAL if final else TEMPERING, final_rounds=final, bridge=float(bool(final)))
        more = levels_left(now, exact_share, **SETTINGS)
        clock.working, clock.compiling = seconds - compiling, compiling
        estimate = left.seconds(level / (level + more), to_compile=0.0 if final else FINAL_PROGRAMS)
        if level > 1:
            assert (total - seconds) / 2 < estimate < 2 * (total - seconds)


def test_that_levels_left_are_right_within_a_factor_of_two_without_compilation():
    for course in (FOUR_WELLS, TWENTY_WELLS, BLOCKS_AND_WELLS):
        for level, (_, _, t, exact_share) in enumerate(course[:-3], 1):
            more, truth = levels_left(state(level, t), exact_share, **SETTINGS), len(course) - level
            assert level == 1 or truth / 2 < more < 2 * truth


def test_that_the_last_levels_are_counted_one_by_one():
    assert levels_left(state(9, 0.4, stage=FINAL, final_rounds=1, bridge=1.0), 1.0, **SETTINGS) == 2
    assert levels_left(state(9, 0.4), 0.9, **SETTINGS) == 3
    assert 3 < levels_left(state(9, 4.0, stage=FINAL, bridge=0.5), 0.1, **SETTINGS) < 9
    assert levels_left(state(40, 2.0), 0.0, **SETTINGS) == 3


def test_that_an_end_out_of_sight_is_still_some_levels_away():
    assert 5 < levels_left(state(1, 1e-9), 0.0, **SETTINGS) <= 42
    assert levels_left(state(3, 0.9), 1.0, target="soft", wanted=0.4, most=(40, 1)) < 2
