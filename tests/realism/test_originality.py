"""Nearest windows by brute force, and samples that hold known copies."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from latentinv.errors import InputError
from latentinv.realism import copied_share, diversity, nearest_window_distance, nearest_window_ratio
from tests.realism.images import random_facies, smooth_facies


def all_windows(image, shape):
    windows = np.lib.stride_tricks.sliding_window_view(image, shape).astype(float)
    return windows.reshape(*windows.shape[: image.ndim], -1)


@pytest.mark.parametrize(("grid", "shape"), [((23, 31), (5, 7)), ((9, 10, 11), (3, 4, 2))])
def test_that_the_nearest_of_all_windows_is_found(grid, shape):
    rng = np.random.default_rng(60)
    image, queries = rng.standard_normal(grid), rng.standard_normal((4, *shape))
    windows = all_windows(image, shape)
    expected = [np.mean((windows - query.ravel()) ** 2, axis=-1).min() for query in queries]
    np.testing.assert_allclose(nearest_window_distance(queries, image), expected, rtol=1e-5)


def test_that_a_window_of_the_image_is_at_no_distance_until_its_own_place_is_left_out():
    image, shape = smooth_facies(61, (1, 60, 70))[0], (12, 10)
    corners = np.array([[0, 0], [48, 60], [20, 33]])
    queries = np.array([image[r : r + 12, c : c + 10] for r, c in corners])
    assert nearest_window_distance(queries, image).tolist() == [0, 0, 0]
    distances = np.mean(all_windows(image, shape)[None] != queries.reshape(3, 1, 1, -1), axis=-1)
    rows, columns = np.indices(distances.shape[1:])
    for one, (row, column) in zip(distances, corners, strict=True):
        one[(abs(rows - row) < 12) & (abs(columns - column) < 10)] = 1
    np.testing.assert_allclose(nearest_window_distance(queries, image, corners), distances.min(axis=(1, 2)), rtol=1e-6)


def test_that_a_copy_elsewhere_in_the_image_is_found():
    image = random_facies(62, (40, 40))
    image[30:38, 5:13] = image[2:10, 20:28]
    query, corner = image[None, 2:10, 20:28], np.array([[2, 20]])
    assert nearest_window_distance(query, image, corner).tolist() == [0]


@pytest.mark.parametrize("shape", [(4, 6, 7), (3, 4, 5, 3)])
def test_that_diversity_is_the_mean_and_smallest_difference_of_pairs(shape):
    fields = np.random.default_rng(63).standard_normal(shape) + 100
    pairs = [np.mean((a - b) ** 2) for n, a in enumerate(fields) for b in fields[n + 1 :]]
    assert diversity(fields) == pytest.approx((np.mean(pairs), np.min(pairs)))
    assert diversity(np.concatenate([fields, fields[1:2]])).smallest == pytest.approx(0, abs=1e-12)


def test_that_copied_tiles_are_counted_but_flat_ones_are_not():
    fields = random_facies(64, (4, 20, 34))
    fields[2, :8, 8:24] = fields[0, :8, 8:24]  # two of the 2 × 4 tiles
    fields[3, :8, :8] = fields[0, :8, :8]  # one
    fields[:, 8:16, :8] = 0
    assert copied_share(fields, tile=8).tolist() == [2 / 8, 0, 2 / 8, 1 / 8]


def test_that_flat_fields_copy_nothing_and_whole_copies_everything():
    field = random_facies(65, (1, 9, 9, 9))
    assert copied_share(np.zeros((2, 16, 16))).tolist() == [0, 0]
    assert copied_share(np.concatenate([field, field]), tile=4).tolist() == [1, 1]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: nearest_window_distance(np.zeros((1, 5, 5)), np.zeros((4, 9))), "smaller windows"),
        (lambda: nearest_window_distance(np.zeros((1, 5, 5)), np.zeros((9, 9, 9))), "as many axes"),
        (lambda: nearest_window_distance(np.zeros((1, 5, 5)), np.zeros((20, 20)), np.array([[3, 16]])), "first cell"),
        (lambda: nearest_window_distance(np.zeros((1, 5, 5)), np.zeros((20, 20)), np.array([3, 3])), "first cell"),
        (lambda: nearest_window_distance(np.zeros((1, 5, 5)), np.zeros((9, 9)), np.array([[4, 4]])), "larger image"),
        (lambda: diversity(np.zeros((1, 5, 5))), "at least two"),
        (lambda: copied_share(np.zeros((2, 5, 5)), tile=6), "that fits"),
        (lambda: copied_share(np.zeros((2, 5, 5)), tile=0), "positive"),
    ],
)
def test_that_fields_that_cannot_be_compared_are_refused(call, message):
    with pytest.raises(InputError, match=message):
        call()


def test_that_independent_images_of_one_geology_lie_as_far_away_as_an_image_from_its_own_rest():
    def geology(rng, shape):
        return (gaussian_filter(rng.standard_normal(shape), (*(0,) * (len(shape) - 2), 2, 2), mode="wrap") > 0).astype(
            int
        )

    ratios = []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        ratios.append(nearest_window_ratio(rng, geology(rng, (4, 60, 60)), geology(rng, (60, 60)), count=16))
    error = np.std(ratios) / np.sqrt(len(ratios))
    assert error < 0.02
    assert abs(np.mean(ratios) - 1) < 3 * error  # false alarms: 1 in 370


def test_that_copies_lie_nearer():
    rng = np.random.default_rng(0)
    image = (gaussian_filter(rng.standard_normal((120, 120)), 2) > 0).astype(int)
    copies = np.stack([image[k : k + 60, k : k + 60] for k in (0, 20, 40, 60)])
    assert nearest_window_ratio(rng, copies, image, window=30, count=32) < 0.5
