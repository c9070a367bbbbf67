"""Multiple-point histograms of images whose patterns are known, and distances worked out by hand and by scipy."""

from collections import Counter

import numpy as np
import pytest
import scipy.spatial.distance

from latentinv.errors import InputError
from latentinv.realism import analyse_distances, jensen_shannon, pattern_distance, pattern_histogram
from tests.realism.images import channels, checkerboard, random_facies, smooth_facies

FLAT = np.zeros((1, 30, 30), int)


@pytest.mark.parametrize("shape", [(30, 31), (26, 27, 28)])
def test_that_a_checkerboard_has_two_patterns_on_the_first_level_and_flat_ones_on_the_next(shape):
    first, second, third = pattern_histogram(checkerboard(shape))
    cells = 4 ** len(shape)
    for level in (first, second, third):
        assert level.shares() == pytest.approx([0.5, 0.5], abs=1e-3)
    bits = 64 // cells
    one = sum(1 << (bits * k) for k in range(cells))
    assert second.codes.tolist() == third.codes.tolist() == [0, one]
    assert set(first.codes.tolist()).isdisjoint({0, one})


@pytest.mark.parametrize(("shape", "size"), [((3, 9, 11), 3), ((2, 5, 6, 7), 2)])
def test_that_patterns_of_each_image_are_counted_as_one_by_one(shape, size):
    facies = random_facies(20, shape, facies=3)
    for level, histogram in enumerate(pattern_histogram(facies, size, levels=2)):
        for image, counts in zip(facies, histogram.counts.toarray(), strict=True):
            reach = size * 2**level - 2**level + 1
            windows = np.lib.stride_tricks.sliding_window_view(image, (reach,) * image.ndim)
            thinned = windows[(..., *(slice(None, None, 2**level),) * image.ndim)]
            expected = Counter(bytes(pattern) for pattern in thinned.reshape(-1, size**image.ndim))
            assert sorted(counts[counts > 0]) == sorted(expected.values())


def test_that_the_jensen_shannon_divergence_is_that_of_scipy():
    p, q = np.random.default_rng(21).dirichlet(np.full(7, 0.3), (2, 5))
    p[0, :3] = q[1, 2:4] = 0
    p, q = (shares / shares.sum(axis=1, keepdims=True) for shares in (p, q))
    np.testing.assert_allclose(
        jensen_shannon(p, q), scipy.spatial.distance.jensenshannon(p, q, base=2, axis=1) ** 2, atol=1e-12
    )


def test_that_the_distance_of_a_checkerboard_and_a_flat_image_is_as_computed_by_hand():
    mixture = -0.75 * np.log2(0.75) - 0.25 * np.log2(0.25)
    distance = pattern_distance(pattern_histogram(checkerboard((30, 30))), pattern_histogram(FLAT))
    assert distance == pytest.approx((1.0 + 2 * (mixture - 0.5)) / 3)


def test_that_weighted_images_are_as_far_as_a_stack_that_repeats_them():
    facies, others = smooth_facies(22, (5, 30, 30)), pattern_histogram(smooth_facies(23, (3, 30, 30)))
    taken = np.array([[0, 0, 1, 4, 4], [0, 1, 2, 3, 4]])
    weights = np.array([np.bincount(row, minlength=5) for row in taken])
    expected = [pattern_distance(pattern_histogram(facies[row]), others) for row in taken]
    np.testing.assert_allclose(pattern_distance(pattern_histogram(facies), others, weights), expected, atol=1e-12)


def test_that_patterns_of_the_channel_image_are_nearer_to_its_other_part_than_to_its_transpose():
    image = channels(1200, 600)
    upper, lower, turned = (pattern_histogram(x[None]) for x in (image[:600], image[600:], image[600:].T))
    assert pattern_distance(upper, lower) < 0.25 * pattern_distance(upper, turned)


def test_that_an_analysis_of_distance_holds_the_distances_of_all_pairs():
    facies, image = smooth_facies(24, (4, 28, 30)), pattern_histogram(smooth_facies(25, (1, 90, 90)))
    single = [pattern_histogram(field[None]) for field in facies]
    analysis = analyse_distances(pattern_histogram(facies), image)
    np.testing.assert_allclose(analysis.between, [[pattern_distance(a, b) for b in single] for a in single], atol=1e-12)
    np.testing.assert_allclose(analysis.within, [pattern_distance(a, image) for a in single], atol=1e-12)
    pairs = analysis.between[np.triu_indices(4, 1)]
    assert analysis.ratio() == pytest.approx(pairs.mean() / analysis.within.mean())


def test_that_realizations_that_repeat_one_field_have_no_diversity():
    facies = np.repeat(smooth_facies(26, (1, 30, 30)), 3, axis=0)
    assert analyse_distances(pattern_histogram(facies), pattern_histogram(FLAT)).ratio() == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: pattern_histogram(np.zeros((1, 12, 40), int)), "4 apart"),
        (lambda: pattern_histogram(np.full((1, 9, 9, 9), 2), levels=1), "2 facies apart"),
        (lambda: analyse_distances(pattern_histogram(FLAT), pattern_histogram(FLAT)), "at least two"),
    ],
)
def test_that_patterns_that_cannot_be_told_are_refused(call, message):
    with pytest.raises(InputError, match=message):
        call()
