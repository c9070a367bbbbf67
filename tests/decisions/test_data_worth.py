"""The worth of a hole against brute force, and against chance."""

import numpy as np
import pytest

from latentinv import Grid, InputError
from latentinv.decisions import map_worth, target_worth

GRID = Grid((1, 3))
PLACES = GRID.centres(np.array([[0, 0], [0, 1], [0, 2]]))


def ensemble(count, seed):
    """Three cells: the second repeats the first nine times in ten, the third is by itself; the target is their sum."""
    rng = np.random.default_rng(seed)
    first, third = rng.integers(0, 2, (2, count))
    second = np.where(rng.random(count) < 0.9, first, 1 - first)
    facies = np.stack([first, second, third], axis=1)[:, None]
    return facies, 2.0 * first + third


def test_that_the_expected_reduction_is_that_of_all_outcomes():
    """Against the exact law: of the target's variance 5/4 the first cell explains 1, the second .64, the third 1/4."""
    facies, target = ensemble(40_000, 0)
    worth = target_worth(GRID, facies, target, PLACES)
    assert worth.now == pytest.approx(1.25, abs=0.02)
    # Errors of variances of 40 000 draws are about .006; six of them.
    np.testing.assert_allclose(worth.reduction, [1.0, 0.64, 0.25], atol=0.036)
    assert worth.best.tolist() == PLACES[0].tolist()
    np.testing.assert_allclose(worth.relative, worth.reduction / worth.now)


def test_that_the_information_of_a_map_is_that_of_all_outcomes():
    shared = 1 + 0.9 * np.log2(0.9) + 0.1 * np.log2(0.1)  # bits that a cell tells of its copy; of itself it tells one
    facies, _ = ensemble(40_000, 1)
    worth = map_worth(GRID, facies, PLACES)
    assert worth.now == pytest.approx(1.0, abs=0.001)
    np.testing.assert_allclose(worth.reduction, [(1 + shared) / 3, (1 + shared) / 3, 1 / 3], atol=0.01)


def test_that_a_place_that_tells_nothing_is_worth_nothing_however_few_draws_there_are():
    """False alarms: 1 in 16 000 each."""
    rng, found = np.random.default_rng(2), []
    for _ in range(2000):
        facies = rng.integers(0, 3, (40, 1, 2))
        told = target_worth(GRID, facies, rng.standard_normal(40), PLACES[:1]).reduction[0]
        both, itself = (map_worth(GRID, facies[..., :n], PLACES[:1]).reduction[0] * n for n in (2, 1))
        found.append((told, both - itself))  # of the other cell alone
    means, errors = np.mean(found, axis=0), np.std(found, axis=0) / np.sqrt(len(found))
    assert abs(means[0]) < 4 * errors[0]
    # Miller's correction is of the first order in 1 over the number of draws.
    assert abs(means[1]) < 4 * errors[1] + 0.2 * 4 / (2 * 40 * np.log(2))


def test_that_a_target_without_a_number_for_each_draw_is_refused():
    facies, target = ensemble(10, 3)
    with pytest.raises(InputError, match=r"The target has shape \(9,\), and there are 10 draws"):
        target_worth(GRID, facies, target[:9], PLACES)
    with pytest.raises(InputError, match="outside the grid"):
        target_worth(GRID, facies, target, [[50.0, 0.5]])
