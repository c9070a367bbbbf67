"""What is chosen for an image that nobody has tuned a recipe for."""

import dataclasses

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from latentinv import InputError
from latentinv.training import ChannelSimulator, Recipe, TrainingImage, choose_recipe, read_recipe, with_training
from latentinv.training import _automatic as automatic
from latentinv.training.images import cuttable_shape


def stripes(thick, shape=(192, 240)):
    """Bands along x, `thick` cells of facies 1 and twice as many of facies 0."""
    rows = np.arange(shape[0]) % (3 * thick) < thick
    return np.repeat(rows[:, None], shape[1], axis=1).astype(int)


def image(array):
    return TrainingImage.from_array(array, "image")


def test_that_the_mean_chord_is_the_mean_length_of_runs():
    row = np.array([[1, 1, 0, 1, 1, 1, 0, 0, 1]])
    assert automatic.mean_chord(row == 1, 1) == pytest.approx(2.0)
    assert automatic.mean_chord(row == 0, 1) == pytest.approx(1.5)
    assert automatic.mean_chord(row == 1, 0) == 1.0
    assert automatic.mean_chord(row == 5, 1) == np.inf
    assert automatic.thickness(image(stripes(8))) == pytest.approx(8.0)


@pytest.mark.parametrize(("thick", "shape", "factor"), [(3, (600, 900), 1), (19, (600, 900), 1), (35, (1200, 900), 2)])
def test_that_bodies_thicker_than_networks_need_are_made_coarser(thick, shape, factor):
    assert automatic.coarsening(image(stripes(thick, shape))) == factor


def test_that_an_image_is_not_made_coarser_than_its_patches_allow():
    assert automatic.coarsening(image(stripes(40, (300, 300)))) == 1


@pytest.mark.parametrize(
    ("shape", "longer", "stretch", "grids", "patch"),
    [
        ((250, 250), (1, 1), (1, 1), 6, (320, 320)),
        ((2500, 180), (1, 1), (1, 1), 6, (320, 256)),
        ((48, 60), (1, 1), (1, 1), 4, (64, 80)),
        ((400, 400), (1, 3), (1, 4), 7, (320, 384)),
        ((400, 400), (20, 2), (8, 1), 7, (384, 320)),
        ((48, 60), (1, 3), (1, 1), 4, (64, 80)),
        ((60, 90, 100), (1, 1, 1), (1, 1, 1), 4, (64, 64, 64)),
    ],
)
def test_that_patches_hold_a_small_image_with_grids_anywhere_in_it(shape, longer, stretch, grids, patch):
    each = [index // n for index, n in zip(np.indices(shape), longer, strict=True)]
    example = image(np.sum(each, axis=0) % 2)
    assert automatic.choose_grids(example) == (stretch, grids)
    assert automatic.patch_shape(example, stretch, grids) == patch
    units = [each * 2**grids // max(stretch) for each in stretch]
    assert all(n % unit == 0 for n, unit in zip(patch, units, strict=True))


def test_that_an_image_too_small_to_learn_from_is_refused():
    with pytest.raises(InputError, match="has 40 × 90 cells, too few to learn from; give one of at least 48"):
        automatic.choose_grids(image(np.indices((40, 90)).sum(axis=0) % 2))


def test_that_blocks_are_as_large_as_leave_room_between_thin_bodies():
    rows, columns = np.indices((192, 240))
    facies = np.where(columns % 24 < 2, 2, np.where(rows < 90, 0, 1))  # lines 2 cells wide, 24 apart
    example = image(facies)
    order = automatic.by_thickness(example)
    assert order[0] == 2
    # Of blocks of 2, 4, 8 and 16 cells along x 1/12, 1/6, 1/3 and 2/3 have a line, of 32 all.
    assert automatic.choose_blocks(example, order, (1, 1), 6) == 4
    # Stretched along y, the same blocks along x are those of as many grids, and then there is no more grid.
    assert automatic.choose_blocks(example, order, (4, 1), 6) == 5
    assert automatic.choose_blocks(example, order, (1, 1), 3) == 2
    assert automatic.choose_blocks(image((rows + columns) % 2), (0, 1), (1, 1), 6) == 0


def test_that_patches_are_flipped_only_along_axes_of_symmetry():
    smooth = gaussian_filter(np.random.default_rng(0).standard_normal((400, 400)), 2)
    assert automatic.symmetries(image((smooth > 0).astype(int))) == (0, 1)
    # Waves that rise slowly towards the east and fall at once: east and west differ, north and south do not.
    rng = np.random.default_rng(1)
    bends = gaussian_filter(rng.standard_normal((400, 400)), 3)
    phase = np.arange(400) + 14 * bends / bends.std()
    saw = np.select([phase % 24 < 12, phase % 24 < 18], [0, 1], 2)
    assert automatic.symmetries(image(saw)) == (0,)


def test_that_the_recipe_chosen_is_one_that_is_read_again(tmp_path):
    shape, folder = (200, 300), tmp_path / "priors"
    folder.mkdir()
    np.savez(tmp_path / "site.npz", facies=ChannelSimulator(width=9.0).as_training_image(3, shape).facies)
    chosen = choose_recipe(tmp_path / "site.npz", folder=folder, seed=4)
    assert chosen.training.seed == 4
    assert (chosen.training.patch, chosen.training.batch) == ((256, 320), 20)
    assert chosen.sequential.temperatures == (1.0, 1.0, 1.0, 0.8, 0.7, 0.5)
    assert (chosen.sequential.blocks > 0, chosen.sequential.order) == (True, (1, 0))
    fewer = with_training(chosen, steps=640)
    (folder / "site.toml").write_text(fewer.text)
    read = read_recipe(folder / "site.toml")
    assert read.training == dataclasses.replace(chosen.training, steps=640)
    assert isinstance(read, Recipe)
    assert read.load_image().facies.shape == shape
    assert read.image == chosen.image


def test_that_a_recipe_is_chosen_for_the_smallest_image(tmp_path):
    np.savez(tmp_path / "site.npz", facies=stripes(6, (48, 60)))
    chosen = choose_recipe(tmp_path / "site.npz")
    assert (chosen.training.patch, len(chosen.sequential.widths)) == ((64, 80), 4)


def test_that_an_array_is_named_in_the_recipe_if_it_was_given(tmp_path):
    values = gaussian_filter(np.random.default_rng(0).standard_normal((90, 90)), 3)
    np.savez(tmp_path / "site.npz", porosity=values, facies=(values > 0).astype(int))
    chosen = choose_recipe(tmp_path / "site.npz", key="porosity", continuous=True)
    assert (chosen.image.key, chosen.image.continuous, chosen.networks.family) == ("porosity", True, "sequential")
    assert set(chosen.sequential.temperatures) == {1.0}
    assert chosen.load_image().values is not None


def test_that_an_image_with_a_gap_is_learned_whole_and_not_flipped(tmp_path):
    array = np.kron(np.random.default_rng(0).integers(0, 2, (20, 24)), np.ones((12, 12)))
    array[100:110, 90:100] = -9999
    np.savez(tmp_path / "site.npz", facies=array)
    chosen = choose_recipe(tmp_path / "site.npz")
    assert chosen.training.patch == (320, 320)
    assert chosen.image.flips == ()
    speckled = np.where(np.random.default_rng(1).random(array.shape) < 0.02, -9999, array)
    with pytest.raises(InputError, match=r"lacks 2\.\d% of its cells, so that hardly a window of 64 × 64 cells"):
        automatic.require_places(TrainingImage.from_array(speckled, "speckled"))


def test_that_a_folder_may_be_reached_by_a_link(tmp_path):
    deep = tmp_path / "real" / "deep"
    deep.mkdir(parents=True)
    (tmp_path / "here").symlink_to(deep)
    np.savez(tmp_path / "site.npz", facies=stripes(6, (96, 96)))
    chosen = choose_recipe(tmp_path / "site.npz", folder=tmp_path / "here")
    assert chosen.load_image().facies.shape == (96, 96)


def test_that_fields_shown_and_encoded_are_as_large_as_what_is_known_whole():
    array = np.kron(np.random.default_rng(0).integers(0, 2, (20, 20)), np.ones((12, 12)))
    assert cuttable_shape(TrainingImage.from_array(array, "site"), (320, 200)) == (240, 200)
    array[120, 120] = -9999
    gap = TrainingImage.from_array(array, "site")
    assert cuttable_shape(gap, (320, 320)) == (64, 64)
    assert cuttable_shape(gap, (100, 100)) == (100, 100)


@pytest.mark.parametrize(
    ("shape", "words"), [((1, 90, 90), "1 × 90 × 90 cells; give a map"), ((90, 90, 4), "A picture with channels")]
)
def test_that_an_array_with_an_axis_too_many_is_refused_with_what_to_do(tmp_path, shape, words):
    np.save(tmp_path / "site.npy", np.random.default_rng(0).integers(0, 2, shape))
    with pytest.raises(InputError, match=words):
        choose_recipe(tmp_path / "site.npy")


def test_that_codes_of_missing_values_may_be_no_numbers(tmp_path):
    np.save(tmp_path / "site.npy", np.where(np.arange(96) == 5, np.nan, stripes(6, (96, 96))))
    assert choose_recipe(tmp_path / "site.npy", missing=[np.nan]).image.missing == ()
