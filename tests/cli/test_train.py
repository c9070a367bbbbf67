"""`latentinv train` and the resuming of a training, with the training itself replaced by its listener's calls."""

import h5py
import pytest

from latentinv.training import Comparison, TrainingResult, checkpoint_path
from tests.problems import random_generator_prior

RECIPE = """
[image.simulator]
shape = [64, 64]
seed = 0
[training]
steps = 4
"""
COMPARISON = Comparison(0.31, 0.24, 0.26, 0.061, 0.063, 0.11, 0.02)


@pytest.fixture
def recipe(folder):
    (folder / "delta.toml").write_text(RECIPE)
    return folder / "delta.toml"


def pretend(listener):
    for step in range(1, 5):
        listener.on_step(step, (0.9, 1.1))
    listener.on_comparison(4, COMPARISON, True)
    return TrainingResult(random_generator_prior(), 4, COMPARISON)


def test_that_a_training_tells_losses_shares_and_where_the_samples_lie(latentinv, recipe, monkeypatch):
    monkeypatch.setattr("latentinv.training.train", lambda plan, output, *, minutes, listener: pretend(listener))

    outcome = latentinv("train", recipe)

    assert outcome.code == 0, outcome.err
    assert "samples in delta.samples.png" in outcome.out
    assert "losses: discriminator 0.900, generator 1.100" in outcome.out
    assert "facies share 0.240 (image 0.260), total variation 0.0610 (image 0.0630)" in outcome.out
    assert "delta.h5" in outcome.out


def test_that_an_interrupted_training_says_how_to_go_on(latentinv, recipe, folder, monkeypatch):
    def interrupted(plan, output, *, minutes, listener):
        checkpoint_path(output).write_text("state")
        raise KeyboardInterrupt

    monkeypatch.setattr("latentinv.training.train", interrupted)

    outcome = latentinv("train", recipe)

    assert outcome.code == 130
    assert "'latentinv resume delta.training.h5' goes on" in outcome.err
    assert outcome.err.count("\n") == 1


def test_that_resume_goes_on_with_a_training(latentinv, folder, monkeypatch):
    with h5py.File("delta.training.h5", "w") as file:
        file.attrs["format"], file.attrs["recipe"] = "latentinv-training", RECIPE
        file.attrs["folder"], file.attrs["output"] = str(folder), "delta.h5"
    monkeypatch.setattr("latentinv.training.resume_training", lambda path, *, listener: pretend(listener))

    outcome = latentinv("resume", "delta.training.h5")

    assert outcome.code == 0, outcome.err
    assert "step 4 of 4" in outcome.out


def test_that_show_of_a_checkpoint_points_to_resume(latentinv, folder):
    with h5py.File("delta.training.h5", "w") as file:
        file.attrs["format"] = "latentinv-training"

    assert "go on with 'latentinv resume delta.training.h5'" in latentinv("show", "delta.training.h5").err


@pytest.mark.parametrize(
    ("text", "words"),
    [("[training]\nstep = 4", "key 'step'"), ("nonsense", "not valid TOML"), ("[image]", "needs either a file")],
)
def test_that_a_recipe_that_cannot_be_used_is_one_sentence(latentinv, recipe, text, words):
    recipe.write_text(text)

    outcome = latentinv("train", recipe)

    assert outcome.code == 1
    assert words in outcome.err
    assert outcome.err.count("\n") == 1


def test_that_a_prior_that_exists_is_not_replaced(latentinv, recipe, folder):
    (folder / "delta.h5").write_text("mine")

    assert "delta.h5 exists already" in latentinv("train", recipe).err
