"""Training images: made from arrays and files, coarsened, softened and cut into patches."""

import hashlib
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import gaussian_filter, minimum_filter

from latentinv.errors import InputError
from latentinv.realism import facies_share, total_variation
from latentinv.training._evaluation import calibrate
from latentinv.training.images import (
    TrainingImage,
    choose_places,
    coarsen,
    comparable_count,
    complete_places,
    facies_levels,
    image_levels,
    image_shares,
    read_training_image,
    sample_patches,
    signed_levels,
    slivers,
)

DATA = Path(os.environ.get("LATENTINV_DATA", Path(__file__).parents[3] / ".." / "shared" / "data"))


@pytest.fixture
def facies():
    """Three facies without any symmetry, so that a turned or mirrored reading is noticed."""
    return np.random.default_rng(0).choice([0, 3, 7], size=(6, 9)).astype(np.uint8)


def test_that_a_file_becomes_category_indices_beside_its_codes_with_the_first_row_as_stated(tmp_path, facies):
    np.savez(tmp_path / "image.npz", facies=facies, other=facies.T)
    image = read_training_image(tmp_path / "image.npz")
    assert image.categories == (0, 3, 7)
    assert image.name == "image"
    assert image.facies.dtype == np.uint8
    np.testing.assert_array_equal(np.array(image.categories)[image.facies], facies)
    turned = read_training_image(tmp_path / "image.npz", first_row="north")
    np.testing.assert_array_equal(turned.facies, image.facies[::-1])


def test_that_the_digest_is_of_the_array_as_stored(tmp_path, facies):
    wide = np.asfortranarray(facies.astype(np.int32))
    np.save(tmp_path / "a.npy", wide)
    digest = hashlib.sha256(np.ascontiguousarray(wide).tobytes()).hexdigest()
    assert read_training_image(tmp_path / "a.npy").sha256 == digest


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.array([0.0, 1.0]), "shape \\(2,\\)"),
        (np.array([[0.0, 1.0]]), "at least two axes longer"),
        (np.full((3, 3), -999.25), "no value in any of its cells"),
        (np.array([[0.0, 0.5], [1.0, 1.0]]), "the value 0.5, which is not a whole number"),
        (np.full((3, 3), 4), "single facies 4"),
        (np.arange(25).reshape(5, 5), "25 distinct values.*with --classes"),
        (np.array([["a", "b"], ["b", "a"]]), "facies codes"),
    ],
)
def test_that_arrays_that_are_not_facies_are_refused(tmp_path, array, message):
    np.save(tmp_path / "a.npy", array)
    with pytest.raises(InputError, match=message):
        read_training_image(tmp_path / "a.npy")


def test_that_coarsening_takes_the_majority_and_drops_trailing_cells():
    array = np.array([[0, 0, 5, 5, 9], [0, 5, 9, 5, 9], [5, 5, 0, 9, 9], [5, 9, 9, 9, 0], [0, 0, 0, 0, 0]])
    coarse = coarsen(TrainingImage.from_array(array, "a"), 2)
    np.testing.assert_array_equal(np.array(coarse.categories)[coarse.facies], [[0, 5], [5, 9]])


def test_that_ties_go_to_the_first_cell_that_is_of_a_tied_facies():
    blocks = {((5, 5), (0, 0)): 5, ((0, 0), (5, 5)): 0, ((9, 5), (0, 0)): 0, ((9, 5), (0, 7)): 9}
    array = np.concatenate([np.array(block) for block in blocks], axis=1)
    coarse = coarsen(
        TrainingImage.from_array(np.vstack([array, np.repeat(np.repeat([[0, 5, 7, 9]], 2, 0), 2, 1)]), "a"), 2
    )
    assert np.array(coarse.categories)[coarse.facies[0]].tolist() == list(blocks.values())


def test_that_coarsening_keeps_the_size_of_bodies_and_their_edges_straight():
    array = np.zeros((60, 40), np.uint8)
    for top in range(1, 60, 10):
        array[top : top + 4] = 1  # every edge falls within a block of two rows
    coarse = coarsen(TrainingImage.from_array(array, "stripes"), 2)
    assert coarse.facies.mean() == pytest.approx(array.mean())
    assert np.all(coarse.facies == coarse.facies[:, :1])


def test_that_coarsening_works_in_three_dimensions_and_keeps_the_source_digest():
    array = np.zeros((4, 4, 6), np.uint8)
    array[:2, 2:, 2:4] = 1
    array[0, 2, 2] = 0
    image = TrainingImage.from_array(array, "a")
    coarse = coarsen(image, 2)
    assert np.argwhere(coarse.facies).tolist() == [[0, 1, 1]]
    assert coarse.sha256 == image.sha256
    assert coarse.name == "a coarsened by 2"


def test_that_the_coarsened_channel_image_keeps_its_proportion():
    file = DATA / "training_images" / "channels_2500.npz"
    if not file.exists():
        pytest.skip(f"the reference data are not at {file}; set LATENTINV_DATA")
    image = read_training_image(file)
    coarse = coarsen(image, 2)
    shares = [facies_share(x.facies[None], 1).pooled() for x in (coarse, image)]
    assert shares[0] == pytest.approx(shares[1], abs=5e-4)
    # Smooth bodies have twice the boundary in a cell twice as long.
    variations = [total_variation(x.facies[None]).pooled() for x in (coarse, image)]
    assert variations[0] == pytest.approx(2 * variations[1], rel=0.05)


def test_that_impossible_coarsening_is_refused():
    array = np.zeros((8, 8), np.uint8)
    array[3, 3] = 1
    image = TrainingImage.from_array(array, "dot")
    with pytest.raises(InputError, match="leaves no cell of facies 1"):
        coarsen(image, 4)
    with pytest.raises(InputError, match="between 1 and 8"):
        coarsen(image, 9)


def test_that_patches_are_cut_uniformly_from_all_places():
    codes = np.random.default_rng(0).integers(0, 16, (7, 9), np.uint8)
    image = TrainingImage(codes, tuple(range(16)), "scattered", "")
    patches = sample_patches(np.random.default_rng(6), image, (3, 4), 20_000)
    places = {image.facies[r : r + 3, c : c + 4].tobytes(): (r, c) for r in range(5) for c in range(6)}
    assert len(places) == 30
    counts = np.zeros((5, 6))
    for patch in patches:
        counts[places[patch.tobytes()]] += 1
    expected = 20_000 / 30
    # Chi-square with 29 degrees of freedom exceeds 66 with probability 1e-4.
    assert np.sum((counts - expected) ** 2 / expected) < 66


def test_that_patches_are_flipped_only_along_the_axes_asked_for():
    volume = np.arange(8).reshape(2, 2, 2)
    image = TrainingImage(volume.astype(np.uint8), tuple(range(8)), "cube", "")
    patches = sample_patches(np.random.default_rng(7), image, (2, 2, 2), 400, flips=(0, 2))
    expected = [np.flip(volume, axes).tobytes() for axes in ((), (0,), (2,), (0, 2))]
    seen = [patch.astype(volume.dtype).tobytes() for patch in patches]
    # Each of four cases has 100 expected, standard deviation 8.7: 5 of them is a false alarm of 2e-6.
    assert [abs(seen.count(case) - 100) < 44 for case in expected] == [True] * 4
    assert set(seen) == set(expected)


def test_that_patches_larger_than_the_image_or_unknown_axes_are_refused(facies):
    image = TrainingImage.from_array(facies, "a")
    with pytest.raises(InputError, match="A patch of 7 × 9 cells cannot be cut from the training image of 6 × 9"):
        sample_patches(np.random.default_rng(0), image, (7, 9), 1)
    with pytest.raises(InputError, match="as many axes"):
        sample_patches(np.random.default_rng(0), image, (2, 2, 2), 1)
    with pytest.raises(InputError, match="from 0 to 1"):
        sample_patches(np.random.default_rng(0), image, (2, 2), 1, flips=(2,))


@pytest.mark.parametrize("shape", [(23, 31), (9, 11, 13)])
def test_that_softened_levels_give_back_every_facies(shape):
    smooth = gaussian_filter(np.random.default_rng(8).normal(size=shape), 2)
    facies = np.searchsorted(np.quantile(smooth, [0.3, 0.7]), smooth)
    image = TrainingImage.from_array(facies, "three")
    levels = signed_levels(image, 2.0)
    assert levels.dtype == np.float32
    # At an edge between facies k and k + 1 the level passes half-way between theirs, at −0.5 and 0.5.
    np.testing.assert_array_equal(np.searchsorted([-0.5, 0.5], levels), image.facies)
    assert np.abs(levels).max() <= 1


def test_that_an_edge_becomes_the_distribution_of_a_gaussian_sampled_at_cells():
    image = TrainingImage.from_array(np.repeat([[0, 1]], 6, axis=1).repeat(3, axis=0), "step")
    offsets = np.arange(-6, 7)
    weights = np.exp(-0.5 * (offsets / 1.5) ** 2)
    expected = np.sign(np.arange(12)[:, None] - offsets - 5.5) @ weights / weights.sum()
    np.testing.assert_allclose(signed_levels(image, 1.5)[1], expected, rtol=1e-5)
    np.testing.assert_array_equal(signed_levels(image, 0)[1], np.repeat([-1, 1], 6))


@pytest.mark.parametrize("shape", [(23, 31), (9, 11, 13)])
@pytest.mark.parametrize("width", [0.0, 0.7, 2.0])
def test_that_levels_of_facies_without_order_are_largest_where_the_facies_is(shape, width):
    rng = np.random.default_rng(8)
    facies = np.argmax([gaussian_filter(rng.normal(size=shape), 1) for _ in range(3)], axis=0)
    levels = facies_levels(TrainingImage.from_array(facies, "three"), width)
    assert levels.dtype == np.float32
    np.testing.assert_array_equal(np.argmax(levels, axis=-1), facies)
    others = np.where(np.eye(3)[facies] > 0, -np.inf, levels).max(axis=-1)
    assert np.min(levels.max(axis=-1) - others) > 1e-4
    np.testing.assert_allclose(levels.sum(axis=-1), -1.0, atol=1e-5)
    assert np.abs(levels).max() <= 1 + 1e-6


def test_that_levels_of_two_facies_are_the_same_with_and_without_order():
    image = TrainingImage.from_array(np.repeat([[0, 1]], 6, axis=1).repeat(3, axis=0), "step")
    both = facies_levels(image, 1.5)
    np.testing.assert_allclose(both[..., 1], signed_levels(image, 1.5), atol=1e-5)
    np.testing.assert_allclose(both[..., 0], -signed_levels(image, 1.5), atol=1e-5)


def test_that_an_image_has_the_numbers_in_a_cell_that_its_networks_need():
    three = TrainingImage.from_array(np.arange(12).reshape(3, 4) % 3, "three")
    values = TrainingImage.from_values(np.arange(30.0).reshape(5, 6), "values")
    shapes = [image_levels(three, 1.0, ordered=ordered).shape for ordered in (True, False)]
    assert shapes == [(3, 4, 1), (3, 4, 3)]
    assert image_levels(values, 0.0, ordered=True).shape == (5, 6, 1)


def with_gap():
    """An image of which a corner and one more cell are missing."""
    array = np.kron(np.random.default_rng(8).integers(0, 2, (10, 12)), np.ones((4, 4))) * 7.0
    array[:12, :20] = -9999.0
    array[30, 30] = np.nan
    return array


def test_that_missing_cells_are_no_facies_and_count_nowhere():
    array = with_gap()
    image = TrainingImage.from_array(array, "gap")
    known = np.isfinite(array) & (array >= 0)
    assert (image.categories, image.missing) == ((0, 7), ("-9999", "nan"))
    np.testing.assert_array_equal(image.known, known)
    np.testing.assert_array_equal(image.facies[known] * 7, array[known])
    np.testing.assert_allclose(image_shares(image), [np.mean(array[known] == code) for code in (0, 7)])
    assert TrainingImage.from_array(np.where(known, array, -9999.0), "all", missing=[]).categories == (-9999, 0, 7)
    assert TrainingImage.from_array(np.where(known, array, 3.0), "own", missing=[3.0]).categories == (0, 7)


def test_that_patches_are_cut_from_what_is_known():
    array = with_gap()
    image = TrainingImage.from_array(array, "gap")
    places = choose_places(np.random.default_rng(0), image, (8, 8), 4000)
    assert np.isfinite(places.cut(np.where(image.known, array, np.nan))).all()
    whole = complete_places(image, (8, 8))
    by_hand = [
        (i, j) for i in range(33) for j in range(41) if np.all(image.known[i : i + 8, j : j + 8])
    ]  # fmt: skip
    assert [*map(tuple, whole.tolist())] == by_hand
    # Of some 1 000 places none is missed in 4 000 draws by so many that the share of those seen falls below .95.
    assert len({*map(tuple, places.corners.tolist())}) > 0.95 * len(whole)
    with pytest.raises(InputError, match=r"lacks 12\.6% of its cells, so that no patch of 40 × 48 cells"):
        choose_places(np.random.default_rng(0), image, (40, 48), 1)


def test_that_a_block_with_a_missing_cell_is_missing():
    image = TrainingImage.from_array(with_gap(), "gap")
    coarse = coarsen(image, 4)
    expected = np.ones((10, 12), bool)
    expected[:3, :5] = expected[7, 7] = False
    np.testing.assert_array_equal(coarse.known, expected)
    assert coarse.missing == image.missing


def resized(facies, colours=None, height=90):
    """A picture of facies at another size, whose edges are therefore blurred."""
    pixels = (facies * 255).astype(np.uint8) if colours is None else colours[facies]
    return Image.fromarray(pixels).resize((120, height), Image.Resampling.BILINEAR)


def test_that_blurred_edges_are_told_from_facies_and_given_to_those_they_are_most_like(tmp_path):
    facies = (gaussian_filter(np.random.default_rng(1).standard_normal((60, 80)), 5) > 0).astype(int)
    resized(facies, height=60).save(tmp_path / "a.png")
    image = read_training_image(tmp_path / "a.png")
    assert len(image.categories) > 3
    assert slivers(image) == image.categories[1:-1]
    mended = read_training_image(tmp_path / "a.png", classes=2)
    assert (mended.categories, slivers(mended)) == ((0, 255), ())
    sharp = np.asarray(Image.fromarray(facies.astype(np.uint8)).resize((120, 60), Image.Resampling.NEAREST))[::-1]
    assert np.mean(mended.facies != sharp) < 0.02
    # Two by two cells of a rare facies within another, and not between two.
    rare = 2 * facies
    row, column = np.argwhere(minimum_filter(facies, 9) == 1)[0]
    rare[row : row + 2, column : column + 2] = 1
    assert slivers(TrainingImage.from_array(rare, "rare")) == ()


def test_that_a_coloured_picture_has_a_facies_for_each_colour_even_if_its_edges_are_blurred(tmp_path):
    field = gaussian_filter(np.random.default_rng(2).standard_normal((60, 80)), 5)
    facies = np.digitize(field, np.quantile(field, [0.4, 0.7]))
    table = np.array([[20, 20, 90], [200, 40, 40], [240, 220, 130]], np.uint8)
    resized(facies, table).save(tmp_path / "a.png")
    with pytest.raises(InputError, match="say how many it shows with --classes"):
        read_training_image(tmp_path / "a.png")
    image = read_training_image(tmp_path / "a.png", classes=3)
    assert image.colours == ("#14145a", "#c82828", "#f0dc82")
    sharp = np.asarray(Image.fromarray(facies.astype(np.uint8)).resize((120, 90), Image.Resampling.NEAREST))[::-1]
    assert np.mean(image.facies != sharp) < 0.03
    with pytest.raises(InputError, match="it is coloured or classes were given"):
        read_training_image(tmp_path / "a.png", continuous=True)


def test_that_facies_are_named_by_code_by_colour_or_in_their_order(tmp_path):
    codes = np.kron(np.indices((4, 4)).sum(axis=0) % 3, np.ones((4, 4), int))
    table = np.array([[20, 20, 90], [200, 40, 40], [240, 220, 130]], np.uint8)
    Image.fromarray(table[codes]).save(tmp_path / "a.png")
    np.save(tmp_path / "a.npy", codes)
    picture, array = (read_training_image(tmp_path / name) for name in ("a.png", "a.npy"))
    names = ("clay", "silt", "sand")
    for image, given in (
        (array, {"2": "sand", "0": "clay", "1": "silt"}),
        (array, list(names)),
        (picture, {"#F0DC82": "sand", "#14145a": "clay", "#c82828": "silt"}),
        (picture, {"2": "sand", "#14145a": "clay", "1": "silt"}),
    ):
        assert image.named(given).names == names
    assert coarsen(array.named(names), 2).names == names
    assert calibrate(np.linspace(-1, 1, 96)[:, None], array.named(names)).facies_model.names == names
    assert [picture.label(2), picture.named(names).label(2), array.label(2)] == ["2 (#f0dc82)", "2 (sand)", "2"]
    with pytest.raises(InputError, match="give one for each of 0, 1, 2, or of each colour #14145a, #c82828, #f0dc82"):
        picture.named({"0": "clay", "#14145a": "clay", "1": "silt", "2": "sand"})
    with pytest.raises(InputError, match="for the facies 0, 5 of the training image 'a'; give one for each of 0, 1, 2"):
        array.named({"0": "clay", "5": "silt"})


def test_that_fewer_volumes_than_maps_are_compared_in_whole_batches():
    assert comparable_count((192, 192), 128, 16) == 128
    assert comparable_count((16, 32, 32), 128, 16) == 128
    assert comparable_count((32, 48, 48), 128, 16) == 48
    assert comparable_count((64, 64, 64), 128, 16) == 16
