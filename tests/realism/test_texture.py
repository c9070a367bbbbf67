"""Texture histograms of stripes, and of noise against the definition written out."""

import numpy as np
import pytest
import scipy.ndimage

from latentinv.errors import InputError
from latentinv.realism import chi_square, local_binary_pattern_histogram, oriented_gradient_histogram
from tests.realism.images import stripes


def test_that_local_binary_patterns_of_stripes_are_the_two_edges():
    histogram = local_binary_pattern_histogram(stripes((12, 18), 1, 2), radius=1).pooled()
    # Dark cells: no neighbour darker. Bright ones: dark neighbours at 135, 180, 225 degrees (bits 3, 4, 5) or
    # 315, 0, 45.
    expected = {255: 0.5, 255 - 8 - 16 - 32: 0.25, 255 - 1 - 2 - 128: 0.25}
    assert {int(code): histogram[code] for code in np.flatnonzero(histogram)} == pytest.approx(expected)


@pytest.mark.parametrize("radius", [1, 2, 3])
def test_that_flat_images_have_one_local_binary_pattern(radius):
    assert local_binary_pattern_histogram(np.full((2, 11, 12), 0.7), radius).pooled()[255] == 1.0


def test_that_local_binary_patterns_tell_directions_apart():
    lying, standing = stripes((40, 40), 0, 4), stripes((40, 40), 1, 4)
    assert chi_square(*(local_binary_pattern_histogram(x, 1).pooled() for x in (lying, standing))) > 0.2


@pytest.mark.parametrize("radius", [1, 2])
def test_that_local_binary_patterns_compare_a_cell_with_eight_points_on_a_circle(radius):
    levels = np.random.default_rng(30).integers(0, 256, (2, 14, 17)).astype(float)
    histogram = local_binary_pattern_histogram(levels / 255, radius)
    inner = np.indices(levels.shape[1:])[:, radius:-radius, radius:-radius]
    for image, counts in zip(levels, histogram.sums, strict=True):
        codes = np.zeros(inner.shape[1:], int)
        for bit, angle in enumerate(np.arange(8) * np.pi / 4):
            # Towards lower rows is upwards in the array, so the row shrinks with the sine.
            offset = np.round(radius * np.array([-np.sin(angle), np.cos(angle)]), 5)
            points = scipy.ndimage.map_coordinates(image, inner + offset[:, None, None], order=1)
            codes += (points >= image[radius:-radius, radius:-radius]) << bit
        assert counts.tolist() == np.bincount(codes.ravel(), minlength=256).tolist()


def test_that_gradients_of_stripes_point_across_them():
    assert oriented_gradient_histogram(stripes((32, 32), 1, 3)).pooled().tolist() == [1, *[0] * 8]
    lying = oriented_gradient_histogram(stripes((32, 32), 0, 3)).pooled()
    assert lying == pytest.approx([0] * 4 + [1] + [0] * 4)


def test_that_oriented_gradients_are_those_of_each_block_once_normalised():
    pictures = np.random.default_rng(31).random((2, 37, 50))
    pictures[0, :17, :17] = 0.3  # a block without gradient
    for picture, histogram in zip(pictures, oriented_gradient_histogram(pictures).values(), strict=True):
        down, along = (np.zeros(picture.shape) for _ in range(2))
        down[1:-1] = picture[2:] - picture[:-2]
        along[:, 1:-1] = picture[:, 2:] - picture[:, :-2]
        size, bins = np.hypot(down, along), (np.degrees(np.arctan2(down, along)) % 180 // 20).astype(int)
        blocks = [(slice(16 * r, 16 * r + 16), slice(16 * c, 16 * c + 16)) for r in range(2) for c in range(3)]
        counts = np.array([np.bincount(bins[b].ravel(), size[b].ravel(), minlength=9) for b in blocks])
        counts = counts[counts.sum(axis=1) > 0]
        np.testing.assert_allclose(histogram, (counts / counts.sum(axis=1, keepdims=True)).mean(axis=0), rtol=1e-5)


def test_that_flat_images_have_no_oriented_gradient():
    assert not oriented_gradient_histogram(np.zeros((1, 20, 20))).pooled().any()


def test_that_chi_square_is_zero_for_equal_and_one_for_disjoint_histograms():
    p, q = np.array([0.5, 0.5, 0, 0]), np.array([0, 0, 0.25, 0.75])
    assert chi_square(p, p) == 0.0
    assert chi_square(p, q) == 1.0
    batch = chi_square(np.array([[1, 0, 0], [0.5, 0.5, 0]]), np.array([[1, 0, 0], [0, 0.5, 0.5]]))
    assert batch == pytest.approx([0, 0.5])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: local_binary_pattern_histogram(np.zeros((1, 4, 9)), 2), "radius 2"),
        (lambda: local_binary_pattern_histogram(np.zeros((1, 9, 9, 9)), 1), "two axes"),
        (lambda: oriented_gradient_histogram(np.zeros((1, 15, 40))), "at least 16 cells"),
        (lambda: chi_square(np.ones(3), np.ones(4)), "same bins"),
    ],
)
def test_that_textures_that_cannot_be_measured_are_refused(call, message):
    with pytest.raises(InputError, match=message):
        call()
