"""Connectivity of images whose clusters are known, and against clusters labelled by scikit-image."""

import numpy as np
import pytest
import skimage.measure

from latentinv.errors import InputError
from latentinv.realism import connectivity, largest_cluster_share, percolating_share
from tests.realism.images import random_facies, stripes

DOWN, ALONG = np.eye(2, dtype=int)


def test_that_stripes_connect_along_and_never_across():
    facies = stripes((16, 20), 0, 2)
    assert connectivity(facies, 1, np.outer([0, 1, 7, 19], ALONG)).pooled().tolist() == [1, 1, 1, 1]
    assert connectivity(facies, 1, np.outer([1, 2, 3, 4, 5], DOWN)).pooled().tolist() == [1, 0, 0, 0, 0]


def test_that_a_bridge_connects_and_images_do_not_connect_each_other():
    facies = np.repeat(stripes((8, 9), 1, 1), 2, axis=0)
    facies[0, -1] = 1
    # Of the pairs two columns apart, all are connected in the first image, none in the second but the
    # bridge's own row.
    measured = connectivity(facies, 1, np.array([[0, 2]]))
    assert measured.values()[:, 0].tolist() == [1.0, 0.0]
    pairs = [8 * 4 + 3, 8 * 4]
    assert measured.pooled()[0] == pytest.approx(pairs[0] / sum(pairs))


def test_that_layers_connect_within_but_not_across_in_three_dimensions():
    facies = stripes((6, 5, 4), 0, 1)
    assert connectivity(facies, 1, np.array([[2, 0, 0], [0, 2, 0], [0, 0, 3]])).pooled().tolist() == [0, 1, 1]


@pytest.mark.parametrize(
    ("shape", "vectors"),
    [((3, 9, 8), [(0, 1), (4, 0), (2, -3), (-1, 1)]), ((2, 5, 6, 4), [(1, 0, 0), (2, -1, 1)])],
)
def test_that_connected_pairs_are_those_in_one_cluster_of_scikit_image(shape, vectors):
    facies = random_facies(13, shape, facies=3)
    facies[facies == 2] = 1
    values = connectivity(facies, 1, np.array(vectors)).values()
    for image, row in zip(facies, values, strict=True):
        labels = skimage.measure.label(image == 1, connectivity=1)
        for vector, value in zip(vectors, row, strict=True):
            places = [(a, tuple(np.add(a, vector))) for a in np.ndindex(*image.shape)]
            inside = [(a, b) for a, b in places if all(0 <= k < n for k, n in zip(b, image.shape, strict=True))]
            both = [(a, b) for a, b in inside if image[a] == image[b] == 1]
            assert value == pytest.approx(np.mean([labels[a] == labels[b] for a, b in both]))


def test_that_the_largest_of_three_bodies_is_found_and_an_absent_facies_has_none():
    facies = np.zeros((2, 8, 9), int)
    facies[0, :2, :3] = facies[0, 2:4, 3:7] = facies[0, 6:, 8:] = 1  # the first two touch at a corner only
    share = largest_cluster_share(facies, 1)
    assert share.values().tolist() == [8 / 16, 0]
    assert share.pooled() == 8 / 16
    assert largest_cluster_share(facies, 0).values()[1] == 1


def test_that_the_largest_cluster_is_that_of_scikit_image_in_three_dimensions():
    facies = random_facies(14, (1, 8, 9, 10), facies=4)
    regions = skimage.measure.regionprops(skimage.measure.label(facies[0] == 3, connectivity=1))
    sizes = [region.num_pixels for region in regions]
    assert largest_cluster_share(facies, 3).pooled() == pytest.approx(max(sizes) / sum(sizes))


def test_that_a_lag_beyond_the_image_is_refused():
    with pytest.raises(InputError, match="5 cells does not fit the 5 cells along axis 0; give at most 4"):
        connectivity(np.zeros((1, 5, 5), int), 1, np.outer([4, 5], DOWN))


def test_that_what_goes_through_is_counted_along_each_axis():
    """A beam along the rows and a block that touches one face only: 5 of 5 + 4 cells go through along axis 1."""
    facies = np.zeros((1, 4, 5, 6), int)
    facies[0, 1, :, 1] = 1
    facies[0, 2:, 3:, 4] = 1
    np.testing.assert_allclose(percolating_share(facies, 1).pooled(), [0, 5 / 9, 0])
    np.testing.assert_allclose(percolating_share(1 - facies, 1).pooled(), [1, 1, 1])
    np.testing.assert_allclose(percolating_share(0 * facies, 1).pooled(), [0, 0, 0])
