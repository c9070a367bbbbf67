"""Distances of samples of windows against brute force and Gaussian laws with known distances."""

import numpy as np
import pytest
from scipy.special import gammaln

from latentinv.errors import InputError
from latentinv.realism import maximum_mean_discrepancy, median_distance, random_windows, sliced_wasserstein


def gaussian(rng, count, mean=0.0):
    """Windows of one cell."""
    return mean + rng.standard_normal((count, 1, 1))


@pytest.mark.parametrize(("shape", "grid"), [((3, 2), (5, 9)), ((2, 3, 4), (4, 5, 6))])
def test_that_windows_are_cut_from_everywhere_and_from_each_image_as_often(shape, grid):
    images = np.arange(4 * np.prod(grid)).reshape(4, *grid)
    windows = random_windows(np.random.default_rng(50), images, shape, 2000)
    first = windows.reshape(len(windows), -1)[:, 0]
    assert np.bincount(first // np.prod(grid)).tolist() == [500] * 4
    corners = np.stack(np.unravel_index(first % np.prod(grid), grid), axis=1)
    assert corners.max(axis=0).tolist() == [n - m for n, m in zip(grid, shape, strict=True)]
    for window, image, corner in zip(windows[:50], first // np.prod(grid), corners, strict=False):
        np.testing.assert_array_equal(window, images[image][tuple(map(slice, corner, np.add(corner, shape)))])


def test_that_the_discrepancy_is_the_mean_of_the_kernel_over_pairs():
    rng = np.random.default_rng(51)
    a, b = rng.random((5, 2, 3)), rng.random((4, 2, 3))

    def kernel(x, y):
        return np.exp(-np.sum((x - y) ** 2) / (2 * 0.7**2))

    same = [np.mean([kernel(x, y) for i, x in enumerate(z) for j, y in enumerate(z) if i != j]) for z in (a, b)]
    across = np.mean([kernel(x, y) for x in a for y in b])
    assert maximum_mean_discrepancy(a, b, 0.7) == pytest.approx(sum(same) - 2 * across)


@pytest.mark.parametrize("shift", [0.0, 0.5])
def test_that_the_discrepancy_of_gaussian_laws_is_found_without_bias(shift):
    rng, width = np.random.default_rng(52), 0.8
    measured = [maximum_mean_discrepancy(gaussian(rng, 30), gaussian(rng, 40, shift), width) for _ in range(400)]
    # The kernel's mean over two Gaussian laws is width / sqrt(width² + 2) · exp(−shift² / (2 (width² + 2))).
    total = width**2 + 2
    expected = 2 * width / np.sqrt(total) * (1 - np.exp(-(shift**2) / (2 * total)))
    # Five standard errors with 399 degrees of freedom: 1e-6.
    assert abs(np.mean(measured) - expected) < 5 * np.std(measured, ddof=1) / 20


def test_that_the_bandwidth_is_the_median_distance_of_windows_that_differ():
    windows = np.array([[[0.0, 0.0]], [[0.0, 0.0]], [[3.0, 4.0]], [[0.0, 1.0]]])
    assert median_distance(windows) == pytest.approx(np.median([5, 1, 5, 1, np.hypot(3, 3)]))


def test_that_a_shift_is_at_the_distance_of_its_components():
    rng = np.random.default_rng(53)
    a = rng.standard_normal((30, 4, 4))
    shift = 0.7 * np.ones((4, 4))
    measured = sliced_wasserstein(rng, a, (a + shift)[::-1], 2000)
    # The mean modulus of a component of a vector of length r in n dimensions, and its variance r² / n − mean².
    r, n = np.linalg.norm(shift), 16
    expected = r * np.exp(gammaln(n / 2) - gammaln((n + 1) / 2)) / np.sqrt(np.pi)
    assert abs(measured - expected) < 5 * np.sqrt((r**2 / n - expected**2) / 2000)  # five standard errors: 1e-6


def test_that_samples_of_other_sizes_are_compared_by_their_laws():
    a = np.random.default_rng(54).random((6, 2, 2))
    assert sliced_wasserstein(np.random.default_rng(0), a, np.repeat(a, 3, axis=0), 8) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda rng: random_windows(rng, np.zeros((1, 5, 5)), (6, 2), 3), "smaller window"),
        (lambda rng: random_windows(rng, np.zeros((1, 5, 5)), (2,), 3), "smaller window"),
        (lambda rng: median_distance(np.zeros((3, 2, 2))), "All windows are the same"),
        (lambda rng: maximum_mean_discrepancy(np.zeros((1, 2, 2)), np.zeros((3, 2, 2)), 1.0), "at least two"),
        (lambda rng: maximum_mean_discrepancy(np.zeros((3, 2, 2)), np.zeros((3, 2, 2)), 0.0), "positive bandwidth"),
        (lambda rng: maximum_mean_discrepancy(np.zeros((3, 2, 2)), np.zeros((3, 1, 2)), 1.0), "one shape"),
        (lambda rng: sliced_wasserstein(rng, np.zeros((3, 2, 2)), np.zeros((3, 2, 2)), 0), "at least one"),
    ],
)
def test_that_windows_that_cannot_be_compared_are_refused(call, message):
    with pytest.raises(InputError, match=message):
        call(np.random.default_rng(0))
