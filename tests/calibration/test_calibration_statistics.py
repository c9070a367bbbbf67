"""Tests of calibration on toys whose draws are exact, too narrow, too wide, shifted, or blind to the data."""

import numpy as np
import pytest
import scipy.stats

from latentinv import InputError
from latentinv.calibration import _pools, expected_coverage, interval_coverage, rank_test, ranked_probability_score
from latentinv.calibration._pools import uniform_ranks

DRAWS, SIZE = 31, 3
NAMES = ("first", "second", "sum", "sign", "log-likelihood")


def _study(rng, replicates, *, width=1.0, shift=0.0, blind=False):
    """Truths z ~ N(0, I) in three dimensions, data z + N(0, 1), draws of N(d/2, 1/2) or not quite."""
    truth = rng.standard_normal((replicates, 1, SIZE))
    data = truth + rng.standard_normal(truth.shape)
    draws = data / 2 + (width * rng.standard_normal((replicates, DRAWS, SIZE)) + shift) / np.sqrt(2)
    if blind:
        draws = rng.standard_normal(draws.shape)
    members = np.concatenate([truth, draws], axis=1)
    table = [members[..., 0], members[..., 1], members.sum(-1), np.sign(members[..., 2])]
    table.append(-np.sum((members - data) ** 2, axis=-1))
    references = rng.standard_normal((replicates, 1, 4, SIZE))
    distances = np.linalg.norm(members[:, :, None] - references, axis=-1)
    return np.stack(table, axis=-1), distances


def _p_values(rng, replicates, **flaw):
    pools, distances = _study(rng, replicates, **flaw)
    return rank_test(rng, pools, NAMES).p_value, expected_coverage(rng, distances).p_value


def test_that_calibrated_draws_fail_as_seldom_as_stated(monkeypatch):
    monkeypatch.setattr(_pools, "SIMULATIONS", 99)
    found = np.array([_p_values(np.random.default_rng(seed), 40) for seed in range(100)])
    for level in (0.05, 0.2, 0.5):
        hits = np.sum(found <= level, axis=0)
        # Exact tests: binomial, both tails, at a false-alarm rate of 1e-5 for each of six comparisons.
        assert np.all(scipy.stats.binom.ppf(5e-6, 100, level) <= hits)
        assert np.all(hits <= scipy.stats.binom.ppf(1 - 5e-6, 100, level))


@pytest.mark.parametrize(
    ("flaw", "words"),
    [
        ({"width": 0.6}, "too narrow"),
        ({"width": 1.6}, "too wide"),
        ({"shift": 0.6}, "below the draws"),
        ({"shift": -0.6}, "above the draws"),
    ],
)
def test_that_a_flaw_is_found_and_named(flaw, words):
    rng = np.random.default_rng(1)
    pools, distances = _study(rng, 200, **flaw)
    test, coverage = rank_test(rng, pools, NAMES), expected_coverage(rng, distances)
    assert test.p_value < 0.002
    assert words in test.flaw(0)
    assert np.any((test.difference[0] < test.band[0]) | (test.difference[0] > test.band[1]))
    if "width" in flaw:  # to balls about random points, a shift may hide
        assert coverage.p_value < 0.002
        assert coverage.max_deviation > coverage.band


def test_that_draws_blind_to_the_data_are_found_by_a_quantity_that_depends_on_them():
    rng = np.random.default_rng(2)
    pools, _ = _study(rng, 200, blind=True)
    assert rank_test(rng, pools[..., :4], NAMES[:4]).p_value > 0.001  # the prior is calibrated for itself
    test = rank_test(rng, pools, NAMES)
    assert test.p_value < 0.001
    assert NAMES[test.worst] == "log-likelihood"
    assert "above the draws" in test.flaw(4)


def test_that_one_bad_quantity_is_found_among_many_good_ones():
    rng = np.random.default_rng(3)
    good = [_study(rng, 150)[0] for _ in range(4)]
    bad, _ = _study(rng, 150, width=0.5)
    test = rank_test(rng, np.concatenate([*good, bad[..., :1]], axis=-1), (*(NAMES * 4), "bad"))
    assert test.p_value < 0.002
    assert test.names[test.worst] == "bad"
    assert np.median(test.p_values) > 0.05


def test_that_ties_get_ranks_in_random_order():
    rng = np.random.default_rng(4)
    pools = np.zeros((4000, 8, 1))
    pools[:, 4:] = 1.0  # four members of each facies; the first is of the lower one
    ranks = uniform_ranks(rng, pools)[:, 0, 0]
    assert scipy.stats.kstest(2 * ranks, "uniform").pvalue > 1e-5


def test_that_ranks_count_the_smaller_members():
    rng = np.random.default_rng(5)
    members = rng.permutation(10).astype(float).reshape(1, 10, 1)
    ranks = uniform_ranks(rng, members)
    np.testing.assert_array_equal(np.floor(10 * ranks), members)


def test_that_quantities_that_are_no_numbers_are_refused():
    with pytest.raises(InputError, match="not numbers"):
        rank_test(np.random.default_rng(0), np.full((3, 4, 1), np.nan), ("x",))
    with pytest.raises(InputError, match="shape"):
        rank_test(np.random.default_rng(0), np.zeros((3, 1, 1)), ("x",))


def test_that_the_score_is_its_definition_over_all_pairs():
    rng = np.random.default_rng(6)
    truth, draws = rng.standard_normal((2, 3)), rng.standard_normal((7, 2, 3))
    pairs = [np.abs(draws[a] - draws[b]) for a in range(7) for b in range(7) if a != b]
    expected = np.abs(draws - truth).mean(axis=0) - 0.5 * np.mean(pairs, axis=0)
    np.testing.assert_allclose(ranked_probability_score(truth, draws), expected, atol=1e-12)


def test_that_the_score_of_normal_draws_is_the_closed_form():
    rng = np.random.default_rng(7)
    count = 40000
    draws = rng.standard_normal((count, 1))
    found = ranked_probability_score(np.array([0.7]), draws)[0]
    norm = scipy.stats.norm
    exact = 0.7 * (2 * norm.cdf(0.7) - 1) + 2 * norm.pdf(0.7) - 1 / np.sqrt(np.pi)
    assert abs(found - exact) < 5 * 1.1 / np.sqrt(count)  # of |x − y| and of its half pair mean; rate below 1e-5


def test_that_intervals_cover_the_pixels_of_calibrated_draws():
    rng = np.random.default_rng(8)
    share = rng.uniform(size=(100, 100))
    members = rng.uniform(size=(32, 100, 100)) < share
    found = interval_coverage(rng, members)
    expected = np.array([0.5, 0.8, 0.95])
    assert np.all(np.abs(found - expected) < 5 * np.sqrt(expected * (1 - expected) / share.size))
    members[0] = ~members[0]
    assert interval_coverage(rng, members)[2] < 0.95 - 0.01
