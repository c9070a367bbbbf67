"""Recipes: what is written is what is trained, and mistakes are named."""

import dataclasses

import numpy as np
import pytest
from maps import F, write_image

from latentinv import InputError, StorageError
from latentinv.io import tables_of
from latentinv.networks import generator_architecture
from latentinv.training import parse_recipe, read_recipe, with_training

SIMULATOR = "[image.simulator]\nshape = [64, 64]\nseed = 1\n"


def test_that_a_recipe_takes_what_is_written_and_defaults_for_the_rest(tmp_path):
    recipe = parse_recipe(SIMULATOR + "[training]\nsteps = 7\nlearning_rate_generator = 1e-4\n", tmp_path)
    assert (recipe.training.steps, recipe.training.learning_rate_generator) == (7, 1e-4)
    assert (recipe.training.loss, recipe.networks.architecture) == ("non-saturating", "compact")
    assert recipe.load_image().facies.shape == (64, 64)


def test_that_the_image_is_coarsened_as_asked(tmp_path):
    recipe = parse_recipe("[image]\ncoarsen = 2\n" + SIMULATOR, tmp_path)
    assert recipe.load_image().facies.shape == (32, 32)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[image", "not valid TOML"),
        ("", "exactly one of them"),
        ('[image]\nfile = "a.npz"\n' + SIMULATOR, "exactly one of them"),
        ("[image.simulator]\nseed = 1\n", "lacks 'shape' or 'seed'"),
        (SIMULATOR + "[trainig]\nsteps = 3\n", r"a table \[trainig\]"),
        (SIMULATOR + "[training]\nstep = 3\n", "has a key 'step'"),
        (SIMULATOR + "[training]\nsteps = 2.5\n", r"steps = 2\.5 in \[training\]; expected a whole number"),
        (SIMULATOR + '[training]\nsteps = "many"\n', "steps = 'many'"),
        (SIMULATOR + "[training]\nsteps = 0\n", "steps = 0"),
        (SIMULATOR + '[training]\nloss = "magic"\n', "loss = 'magic'.*hinge"),
        (SIMULATOR + "[training]\naverage = 1.0\n", r"average = 1\.0"),
        (SIMULATOR + "[training]\nbetas = [0.5]\n", r"betas = \[0\.5\]"),
        (SIMULATOR + "[training]\ncool_down = 2.0\n", r"cool_down = 2\.0"),
        (SIMULATOR + "[training]\npatterns = -1\n", "patterns = -1.*0 or more"),
        (SIMULATOR + "[training]\ngradient_penalty = -1\n", "gradient_penalty = -1.*0 or more"),
        (SIMULATOR + "[networks]\npacking = 3\n", r"packing = 3 .* batch = 8 .*; give a batch that is a multiple"),
        (SIMULATOR + "[networks]\ndiscriminator_scales = 5\n", "give at least 256 cells along each axis"),
        (SIMULATOR + "[networks]\npacking = 2\n[training]\nkeep_discriminator = true\n", "packing = 2 judges several"),
        (SIMULATOR + "[training]\npatterns = 1.0\npatch = [64, 64]\n", "at least 65 cells along each axis"),
        (SIMULATOR + "[training]\npatterns = 1.0\npatch = [80, 80, 80]\n", "patterns need plane patches"),
        (SIMULATOR + "[cycle]\ncycle = 2.0\n", r"\[cycle\], which is of family = 'cycle', and family = 'generator'"),
        (SIMULATOR + '[networks]\nfamily = "flow"\n[conditioning]\nweight = 1.0\n', "is of family = 'conditional'"),
    ],
)
def test_that_a_mistake_in_a_recipe_is_refused_by_name(text, sentence, tmp_path):
    with pytest.raises(InputError, match=sentence):
        parse_recipe(text, tmp_path)


FILE = '[image]\nfile = "a.npz"\n'


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("image = 3", r"image = 3; expected a table \[image\]"),
        (SIMULATOR + "[[networks]]\nlatent_channels = 4", r"expected a table \[networks\]"),
        ("networks = 3\n" + SIMULATOR, r"networks = 3; expected a table \[networks\]"),
        ("[image]\nfile = 3", "file = 3 in .*expected a file's name"),
        ("[image]\nsimulator = 3", "simulator = 3 in .*expected a table of its own"),
        (SIMULATOR + "amplitud = 6", r"\[image.simulator\] has a key 'amplitud'; expected one of .*amplitude"),
        (SIMULATOR + 'width = "a"', "width = 'a' in .*expected a finite number"),
        (SIMULATOR + "width = true", "width = True in .*expected a finite number"),
        ("[image.simulator]\nshape = 64\nseed = 1", "shape = 64 in .*expected rows and columns"),
        ("[image.simulator]\nshape = [64]\nseed = 1", r"shape = \[64\] in .*expected rows and columns"),
        ('[image.simulator]\nshape = [64, 64]\nseed = "a"', "seed = 'a' in .*expected a whole number from 0"),
        ("[image.simulator]\nshape = [64, 64]\nseed = -1", "seed = -1 in .*expected a whole number from 0"),
        ("[image]\ncoarsen = 0\n" + SIMULATOR, "coarsen = 0 in .*a whole number from 1"),
        ("[image]\ncoarsen = -2\n" + SIMULATOR, "coarsen = -2 in"),
        (FILE + 'flips = "x"', "flips = 'x' in .*a list of array axes"),
        (FILE + "flips = [2]", r"flips = \[2\] in .*0 to 1"),
        (FILE + "flips = [0, 0]", r"flips = \[0, 0\] in .*different axes"),
        (FILE + "key = 1", "key = 1 in .*the name of an array"),
        ('[image]\nkey = "a"\n' + SIMULATOR, "key = 'a' but no file"),
        ('[image]\nfirst_row = "north"\n' + SIMULATOR, "first_row = 'north' but no file"),
        (FILE + 'first_row = "top"', "first_row = 'top' in .*one of north, south"),
        (SIMULATOR + "azimuth_degrees = 0.0", "key 'azimuth_degrees'; expected one of .*azimuth"),
        (SIMULATOR + "[networks]\nlatent_channels = 0", "latent_channels = 0 in .*a whole number from 1"),
        (SIMULATOR + "[networks]\nlatent_channels = -1", "latent_channels = -1 in"),
        (SIMULATOR + "[networks]\nwidth = 0", "width = 0 in .*a factor above 0"),
        (SIMULATOR + "[networks]\nwidth = inf", "width = inf in .*a factor above 0"),
        (SIMULATOR + '[networks]\narchitecture = "vgan"', "no architecture called 'vgan'; choose one of compact"),
        (SIMULATOR + "[networks]\narchitecture = 3", "architecture = 3 in"),
        (SIMULATOR + "[training]\npatch = 64", "patch = 64 in .*cells along each axis"),
        (SIMULATOR + '[training]\npatch = ["a", 2]', r"patch = \['a', 2\] in .*cells along each axis"),
        (SIMULATOR + "[training]\npatch = [64]", r"patch = \[64\] in .*cells along each axis"),
        (SIMULATOR + "[training]\npatch = [64, 15]", r"patch = \[64, 15\] in .*at least 16 cells"),
        (
            SIMULATOR + '[networks]\narchitecture = "sgan"\n[training]\npatch = [31, 64]',
            r"patch = \[31, 64\] in .*'sgan'.*at least 32 cells",
        ),
        (SIMULATOR + "[training]\nbetas = 0.5", "betas = 0.5 in .*two numbers"),
        (SIMULATOR + '[training]\nbetas = [0.5, "a"]', "betas = .*two numbers"),
        (SIMULATOR + "[training]\nbetas = [0.5, nan]", "betas = .*two numbers"),
        (SIMULATOR + "[training]\nsteps = inf", "steps = inf in .*a whole number"),
        (SIMULATOR + "[training]\nsteps = true", "steps = True in .*a whole number"),
        (SIMULATOR + "[training]\nsteps = 99999999999", "steps = 99999999999 in .*to 2147483647"),
        (SIMULATOR + "[training]\nseed = -1", "seed = -1 in .*a whole number from 0"),
        (SIMULATOR + "[training]\nlearning_rate_generator = nan", "learning_rate_generator = nan in .*above 0"),
        (SIMULATOR + "[training]\nlearning_rate_discriminator = inf", "learning_rate_discriminator = inf in"),
        (SIMULATOR + "[training]\ncool_down = nan", "cool_down = nan in .*a share of the steps"),
        (SIMULATOR + "[training]\nloss = 3", "loss = 3 in .*a loss's name"),
    ],
)
def test_that_a_value_of_the_wrong_kind_is_refused_with_what_is_expected(text, sentence, tmp_path):
    with pytest.raises(InputError, match=sentence):
        parse_recipe(text, tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        "[training]\n" + "a." * 5000 + "b = 1",
        "[" + ".".join("a" * 5000) + "]",
        "x = " + "[" * 5000 + "]" * 5000,
        "x = " + "{a = " * 5000 + "1" + "}" * 5000,
        "x = 1\n" * 300_000,
        "x = " + "a" * 1_000_000,
        "x = " + "[\n" * 5000 + "]\n" * 5000,
    ],
    ids=["dotted key", "dotted table", "lists", "tables", "long", "one word", "lists over lines"],
)
def test_that_a_text_made_to_exhaust_memory_is_refused(text, tmp_path):
    with pytest.raises(InputError, match=r"that could be meant is so large|too deep within each other|not valid"):
        parse_recipe(text, tmp_path)


def test_that_long_lists_of_numbers_are_read():
    text = "points = [" + ", ".join(f"[{n}.5, {n}.25]" for n in range(500)) + "]"
    assert len(tables_of(text, "study")["points"]) == 500


@pytest.mark.parametrize("architecture", ["sgan", "dsgan", "compact"])
def test_that_latent_channels_are_the_architectures_own_unless_given(architecture, tmp_path):
    text = SIMULATOR + f'[networks]\narchitecture = "{architecture}"\n'
    assert parse_recipe(text, tmp_path).networks.latent_channels is None
    assert parse_recipe(text + "latent_channels = 2", tmp_path).networks.latent_channels == 2
    own = 4 if architecture == "compact" else 1
    assert generator_architecture(architecture).latent_channels == own


def test_that_key_chooses_an_array_of_a_file_that_holds_several(tmp_path):
    image = np.indices((20, 20)).sum(axis=0) % 2
    np.savez(tmp_path / "two.npz", a=image, b=1 - image)
    with pytest.raises(InputError, match=r"two\.npz holds the arrays a, b.*with key"):
        parse_recipe('[image]\nfile = "two.npz"\n', tmp_path).load_image()
    chosen = parse_recipe('[image]\nfile = "two.npz"\nkey = "b"\n', tmp_path).load_image()
    np.testing.assert_array_equal(chosen.facies, 1 - image)


def test_that_a_picture_is_read_north_first_unless_the_recipe_says_otherwise(tmp_path):
    write_image(tmp_path / "map.png", F)
    for line, expected in (("", F), ('first_row = "north"\n', F), ('first_row = "south"\n', F[::-1])):
        image = parse_recipe(f'[image]\nfile = "map.png"\n{line}', tmp_path).load_image()
        np.testing.assert_array_equal(image.facies, expected)


def test_that_missing_files_are_named(tmp_path, monkeypatch):
    monkeypatch.delenv("LATENTINV_DATA", raising=False)
    with pytest.raises(StorageError, match=r"There is no recipe .*nothing\.toml; check its name and folder\.$"):
        read_recipe(tmp_path / "nothing.toml")
    (tmp_path / "text.toml").write_text("nonsense")
    with pytest.raises(InputError, match=r"text\.toml: The recipe is not valid TOML"):
        read_recipe(tmp_path / "text.toml")
    with pytest.raises(StorageError, match=r"nowhere\.npz is neither in its place"):
        parse_recipe('[image]\nfile = "nowhere.npz"\n', tmp_path).load_image()


def test_that_images_are_found_in_the_data_folder(tmp_path, monkeypatch):
    folder = tmp_path / "training_images"
    folder.mkdir()
    (folder / "image.npz").write_bytes(b"")
    monkeypatch.setenv("LATENTINV_DATA", str(tmp_path))
    with pytest.raises(StorageError, match=r"image\.npz.*empty"):
        parse_recipe('[image]\nfile = "image.npz"\n', tmp_path / "elsewhere").load_image()


def test_that_a_discriminator_that_judges_whole_batches_is_not_kept(tmp_path):
    text = '[image]\nfile = "a.npz"\n[networks]\narchitecture = "{}"\n[training]\nkeep_discriminator = true\n'
    assert parse_recipe(text.format("compact"), tmp_path).training.keep_discriminator
    with pytest.raises(InputError, match="judges several fields together"):
        parse_recipe(text.format("dsgan"), tmp_path)


def test_that_settings_are_changed_in_the_text_too_from_which_a_training_goes_on(tmp_path):
    text = (
        '[image]\nfile = "a.npz"\n[networks]\nfamily = "flow"\n[training]\nsteps = 4000\nbatch = 4\n[flow]\nsteps = 8\n'
    )
    recipe = parse_recipe(text, tmp_path)
    short = with_training(recipe, steps=1000)
    assert short.flow == recipe.flow
    assert short.training == dataclasses.replace(recipe.training, steps=1000)
    assert parse_recipe(short.text, short.folder) == short
    default = with_training(parse_recipe(text.replace("steps = 4000\n", ""), tmp_path), steps=70, evaluate_every=9)
    assert (default.training.steps, default.training.batch, default.training.evaluate_every) == (70, 4, 9)


@pytest.mark.parametrize("names", ['{0 = "clay", 1 = "sand"}', '["clay", "sand"]'])
def test_that_a_recipe_names_facies(tmp_path, names):
    np.save(tmp_path / "a.npy", np.indices((9, 9)).sum(axis=0) % 2)
    recipe = parse_recipe(f'[image]\nfile = "a.npy"\nnames = {names}\n', tmp_path)
    assert recipe.load_image().names == ("clay", "sand")


@pytest.mark.parametrize("names", ['"clay"', "[1, 2]", "{}", "{0 = 1}"])
def test_that_names_that_are_none_are_refused(tmp_path, names):
    with pytest.raises(InputError, match="expected texts such as"):
        parse_recipe(f'[image]\nfile = "a.npy"\nnames = {names}\n', tmp_path)
