"""Recipes: what is written is what is trained, and mistakes are named."""

import pytest

from latentinv import InputError, StorageError
from latentinv.training import parse_recipe, read_recipe

SIMULATOR = "[image.simulator]\nshape = [64, 64]\nseed = 1\n"


def test_that_a_recipe_takes_what_is_written_and_defaults_for_the_rest(tmp_path):
    recipe = parse_recipe(SIMULATOR + "[training]\nsteps = 7\nlearning_rate_generator = 1e-4\n", tmp_path)
    assert (recipe.training.steps, recipe.training.learning_rate_generator) == (7, 1e-4)
    assert (recipe.training.loss, recipe.networks.architecture) == ("hinge", "compact")
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
        (SIMULATOR + "[training]\nsteps = 2.5\n", "steps is 2.5"),
        (SIMULATOR + '[training]\nsteps = "many"\n', "steps is 'many'"),
        (SIMULATOR + "[training]\nsteps = 0\n", "steps is 0"),
        (SIMULATOR + '[training]\nloss = "magic"\n', "loss is 'magic'"),
        (SIMULATOR + "[training]\naverage = 1.0\n", "average is 1.0"),
        (SIMULATOR + "[training]\nbetas = [0.5]\n", "betas are"),
        (SIMULATOR + "[training]\ncool_down = 2.0\n", "cool_down is 2.0"),
    ],
)
def test_that_a_mistake_in_a_recipe_is_refused_by_name(text, sentence, tmp_path):
    with pytest.raises(InputError, match=sentence):
        parse_recipe(text, tmp_path)


def test_that_missing_files_are_named(tmp_path, monkeypatch):
    monkeypatch.delenv("LATENTINV_DATA", raising=False)
    with pytest.raises(StorageError, match=r"nothing\.toml"):
        read_recipe(tmp_path / "nothing.toml")
    with pytest.raises(StorageError, match=r"nowhere\.npz is neither beside the recipe"):
        parse_recipe('[image]\nfile = "nowhere.npz"\n', tmp_path).load_image()


def test_that_images_are_found_in_the_data_folder(tmp_path, monkeypatch):
    folder = tmp_path / "training_images"
    folder.mkdir()
    (folder / "image.npz").write_bytes(b"")
    monkeypatch.setenv("LATENTINV_DATA", str(tmp_path))
    with pytest.raises(StorageError, match=r"image\.npz.*empty"):
        parse_recipe('[image]\nfile = "image.npz"\n', tmp_path / "elsewhere").load_image()
