"""Statistics of fields against cases whose answer is known: flat images, stripes, checkerboards, disks."""

import os
from pathlib import Path

import numpy as np
import pytest

from latentinv.assessment import (
    chi_square,
    connectivity,
    facies_share,
    jensen_shannon,
    local_binary_pattern_histogram,
    pattern_distance,
    pattern_histogram,
    total_variation,
)
from latentinv.errors import InputError

DATA = Path(os.environ.get("LATENTINV_DATA", Path(__file__).parents[2] / ".." / "shared" / "data"))


def checkerboard(shape):
    return (np.indices(shape).sum(axis=0) % 2).astype(np.uint8)[None]


def stripes(shape, axis, width):
    """Bands of a width of 1 and 0 in turn, piled along an axis."""
    return (np.indices(shape)[axis] // width % 2 == 0).astype(np.uint8)[None]


def channels(rows, columns):
    file = DATA / "training_images" / "channels_2500.npz"
    if not file.exists():
        pytest.skip(f"the reference data are not at {file}; set LATENTINV_DATA")
    return np.load(file, allow_pickle=False)["facies"][:rows, :columns]


def test_that_the_facies_share_counts_all_images():
    facies = np.zeros((2, 4, 5), np.uint8)
    facies[0, :2] = 1
    assert facies_share(facies, 1) == 0.25
    assert facies_share(facies, 2) == 0.0


@pytest.mark.parametrize("shape", [(9, 17), (5, 9, 17)])
def test_that_stripes_vary_once_an_edge(shape):
    assert total_variation(stripes(shape, -1, 4)) == pytest.approx(1 / 4)


@pytest.mark.parametrize("shape", [(8, 11), (5, 6, 7)])
def test_that_a_checkerboard_varies_in_all_directions_at_every_cell(shape):
    assert total_variation(checkerboard(shape)) == pytest.approx(np.sqrt(len(shape)))


def test_that_a_smooth_disk_varies_by_its_circumference():
    row, column = np.indices((201, 201)) - 100.0
    disk = np.clip((60.0 - np.hypot(row, column)) / 40 + 0.5, 0, 1)
    assert total_variation(disk[None]) * 200**2 == pytest.approx(2 * np.pi * 60, rel=0.005)


def test_that_a_mirrored_image_varies_as_much():
    triangle = np.tril(np.ones((12, 12)))[None]
    assert total_variation(triangle) == pytest.approx(total_variation(triangle[:, ::-1]))


def test_that_the_channel_image_varies_as_published():
    assert total_variation(channels(2500, 2500)[None]) == pytest.approx(5.37e-2, abs=5e-5)


def test_that_local_binary_patterns_of_stripes_are_the_two_edges():
    histogram = local_binary_pattern_histogram(stripes((12, 18), 1, 2), radius=1)
    # Dark cells: no neighbour darker. Bright ones: dark neighbours at 135, 180, 225 degrees (bits 3, 4, 5) or
    # 315, 0, 45.
    expected = {255: 0.5, 255 - 8 - 16 - 32: 0.25, 255 - 1 - 2 - 128: 0.25}
    assert {int(code): histogram[code] for code in np.flatnonzero(histogram)} == pytest.approx(expected)


@pytest.mark.parametrize("radius", [1, 2, 3])
def test_that_flat_images_have_one_local_binary_pattern(radius):
    histogram = local_binary_pattern_histogram(np.full((2, 11, 12), 0.7), radius)
    assert histogram[255] == 1.0


def test_that_local_binary_patterns_tell_directions_apart():
    lying, standing = stripes((40, 40), 0, 4), stripes((40, 40), 1, 4)
    assert chi_square(*(local_binary_pattern_histogram(x, 1) for x in (lying, standing))) > 0.2


def test_that_chi_square_is_zero_for_equal_and_one_for_disjoint_histograms():
    p, q = np.array([0.5, 0.5, 0, 0]), np.array([0, 0, 0.25, 0.75])
    assert chi_square(p, p) == 0.0
    assert chi_square(p, q) == 1.0
    assert chi_square(np.array([[1, 0, 0], [0.5, 0.5, 0]]), np.array([[1, 0, 0], [0, 0.5, 0.5]])) == pytest.approx(0.25)


@pytest.mark.parametrize("shape", [(30, 31), (26, 27, 28)])
def test_that_a_checkerboard_has_two_patterns_on_the_first_level_and_flat_ones_on_the_next(shape):
    first, second, third = pattern_histogram(checkerboard(shape))
    cells = 4 ** len(shape)
    for level in (first, second, third):
        assert level.shares == pytest.approx([0.5, 0.5], abs=1e-3)
    bits = 64 // cells
    one = sum(1 << (bits * k) for k in range(cells))
    assert second.codes.tolist() == third.codes.tolist() == [0, one]
    assert set(first.codes.tolist()).isdisjoint({0, one})


def test_that_the_jensen_shannon_divergence_of_a_checkerboard_and_a_flat_image_is_as_computed_by_hand():
    board, flat = pattern_histogram(checkerboard((30, 30))), pattern_histogram(np.zeros((1, 30, 30), int))
    assert jensen_shannon(board[0], flat[0]) == pytest.approx(1.0)
    mixture = -0.75 * np.log2(0.75) - 0.25 * np.log2(0.25)
    assert jensen_shannon(board[1], flat[1]) == pytest.approx(mixture - 0.5)
    distance = pattern_distance(checkerboard((30, 30)), np.zeros((1, 30, 30), int))
    assert distance == pytest.approx((1.0 + 2 * (mixture - 0.5)) / 3)


def test_that_patterns_of_the_channel_image_are_nearer_to_its_other_part_than_to_its_transpose():
    image = channels(1200, 600)
    upper, lower = image[None, :600], image[None, 600:]
    assert pattern_distance(upper, lower) < 0.25 * pattern_distance(upper, lower.swapaxes(1, 2))


def test_that_stripes_connect_along_and_never_across():
    facies = stripes((16, 20), 0, 2)
    assert connectivity(facies, 1, 1, [0, 1, 7, 19]).tolist() == [1, 1, 1, 1]
    assert connectivity(facies, 1, 0, [1, 2, 3, 4, 5]).tolist() == [1, 0, 0, 0, 0]


def test_that_a_bridge_connects_and_images_do_not_connect_each_other():
    facies = np.repeat(stripes((8, 9), 1, 1), 2, axis=0)
    facies[0, -1] = 1
    # Of the pairs two columns apart, all are connected in the first image, none in the second but the
    # bridge's own row.
    bridged = connectivity(facies[:1], 1, 1, [2])[0]
    assert bridged == 1.0
    assert connectivity(facies[1:], 1, 1, [2])[0] == 0.0
    pairs = [8 * 4 + 3, 8 * 4]
    assert connectivity(facies, 1, 1, [2])[0] == pytest.approx(pairs[0] / sum(pairs))


def test_that_layers_connect_within_but_not_across_in_three_dimensions():
    facies = stripes((6, 5, 4), 0, 1)
    assert connectivity(facies, 1, 0, [2]).tolist() == [0]
    assert connectivity(facies, 1, 1, [2]).tolist() == [1]
    assert connectivity(facies, 1, 2, [3]).tolist() == [1]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: total_variation(np.zeros((5, 5))), "expected \\[image, row, column\\]"),
        (lambda: total_variation(np.zeros((1, 1, 5))), "no gradient"),
        (lambda: local_binary_pattern_histogram(np.zeros((1, 4, 9)), 2), "radius 2"),
        (lambda: chi_square(np.ones(3), np.ones(4)), "same bins"),
        (lambda: pattern_histogram(np.zeros((1, 12, 40), int)), "4 apart"),
        (lambda: pattern_histogram(np.full((1, 9, 9, 9), 2), levels=1), "2 facies apart"),
        (lambda: connectivity(np.zeros((1, 5, 5), int), 1, 2, [1]), "axis 2"),
        (lambda: connectivity(np.zeros((1, 5, 5), int), 1, 0, [5]), "0 to 4"),
    ],
)
def test_that_what_cannot_be_measured_is_refused(call, message):
    with pytest.raises(InputError, match=message):
        call()
