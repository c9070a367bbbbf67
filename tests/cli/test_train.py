"""`latentinv train` and the resuming of a training, with the training itself replaced by its listener's calls."""

import re

import h5py
import numpy as np
import pytest
from PIL import Image

from latentinv.training import Comparison, Losses, TrainingResult, checkpoint_path, read_recipe, with_training
from latentinv.training._checkpoint import VERSION
from tests.problems import random_generator_prior

RECIPE = """
[image.simulator]
shape = [64, 64]
seed = 0
[training]
steps = 4
patch = [48, 48]
"""
CHECKPOINT = {
    "format": "latentinv-training",
    "format_version": VERSION,
    "recipe": RECIPE,
    "output": "delta.h5",
    "image_sha256": "0",
}
COMPARISON = Comparison(2.31, 0.24, 0.26, 0.061, 0.063, 1.5, 2.0, 11.0, 1.2, 1.04)


@pytest.fixture
def recipe(folder):
    (folder / "delta.toml").write_text(RECIPE)
    return folder / "delta.toml"


def pretend(listener):
    for step in range(1, 5):
        listener.on_step(step, Losses(0.9, 1.1))
    listener.on_comparison(4, COMPARISON, True)
    provenance = {"recipe": RECIPE, "steps": 4, "kept": {"step": 4.0}}
    return TrainingResult(random_generator_prior(provenance=provenance), 4, COMPARISON)


def test_that_a_training_tells_losses_shares_and_where_the_samples_lie(latentinv, recipe, monkeypatch):
    monkeypatch.setattr("latentinv.training.train", lambda plan, output, *, minutes, fill, listener: pretend(listener))

    outcome = latentinv("train", recipe)

    assert outcome.code == 0, outcome.err
    assert "samples in delta.samples.png" in outcome.out
    assert "losses: discriminator 0.900, generator 1.100" in outcome.out
    assert "facies share 0.240 (image 0.260), total variation 0.0610 (image 0.0630)" in outcome.out
    assert "delta.h5" in outcome.out
    assert "statistics are within 2 times the floor" in outcome.out
    card = (recipe.parent / "delta.md").read_text()
    assert "| training image | channels" in card
    assert "200 fields of 32 × 32 cells beside 400 patches" in card
    assert "| connectivity along x | curves |" in card


def test_that_an_image_is_enough_and_its_recipe_is_written_beside_the_prior(latentinv, folder, monkeypatch):
    called = {}

    def train(plan, output, *, minutes, fill, listener):
        plan = with_training(plan, steps=400, evaluate_every=50)
        called.update(plan=plan, minutes=minutes, fill=fill)
        listener.on_step(60, Losses(0.5, 0.5))
        listener.on_plan(plan)
        return pretend(listener)

    np.save("site.npy", np.kron(np.random.default_rng(0).integers(0, 2, (12, 12)), np.ones((8, 8), int)))
    np.save("depth.npy", np.arange(96 * 96.0).reshape(96, 96))
    monkeypatch.setattr("latentinv.training.train", train)

    options = ("--minutes", "20", "--names", "0=clay, 1=fine sand", "--map", "depth=depth.npy")
    outcome = latentinv("train", "site.npy", "--output", "mine.h5", *options)

    assert outcome.code == 0, outcome.err
    assert "compiling, then measuring the pace of the first steps" in outcome.out
    assert "Recipe for 400 steps in mine.toml" in outcome.out
    assert "first comparison with the image after step 100" in outcome.out
    assert re.search(r"steps +4 of 400", outcome.out)
    assert (called["minutes"], called["fill"]) == (20.0, True)
    written = read_recipe("mine.toml")
    assert written.text == called["plan"].text
    assert (written.image.file, written.training.steps) == ("site.npy", 400)
    assert written.load_image().names == ("clay", "fine sand")
    assert "facies 0 (clay): " in outcome.out
    assert written.image.maps == {"depth": "depth.npy"}
    assert "Map: depth, 0 to 9215." in outcome.out
    assert "nothing is copied" in (folder / "mine.md").read_text()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            ("delta.toml", "--key", "facies"),
            "--missing, --classes, --names and --map are for images, but a recipe was given",
        ),
        (("small.npy",), "has 20 × 20 cells, too few to learn from"),
        (("missing.png",), "missing.png"),
        (("large.npy", "--names", "0=clay"), "give one for each of 0, 1"),
        (("large.npy", "--map", "depth"), "--map 'depth' cannot be read; write a name and a file"),
        (("large.npy", "--map", "a=b.npy", "--map", "a=c.npy"), "--map names 'a' twice; give it once"),
        (("large.npy", "--map", "depth=away.npy"), "The map depth away.npy is neither in its place"),
        (("large.npy", "--map", "depth=small.npy"), "depth in small.npy has 20 × 20 cells, the training image 96 × 96"),
        (("large.npy", "--names", "clay,sand"), "cannot be read; write each code once, such as 0=clay,1=sand"),
    ],
)
def test_that_what_cannot_be_trained_on_is_one_sentence_and_leaves_nothing(latentinv, recipe, folder, arguments, words):
    np.save("small.npy", np.indices((20, 20)).sum(axis=0) % 2)
    np.save("large.npy", np.kron(np.indices((12, 12)).sum(axis=0) % 2, np.ones((8, 8), int)))
    before = sorted(path.name for path in folder.iterdir())

    outcome = latentinv("train", *arguments, "--output", "mine.h5")

    assert outcome.code == 1
    assert words in outcome.err
    assert outcome.err.count("\n") == 1
    assert sorted(path.name for path in folder.iterdir()) == before


def test_that_an_interrupted_training_says_how_to_continue(latentinv, recipe, folder, monkeypatch):
    def interrupted(plan, output, *, minutes, fill, listener):
        checkpoint_path(output).write_text("state")
        raise KeyboardInterrupt

    monkeypatch.setattr("latentinv.training.train", interrupted)

    outcome = latentinv("train", recipe)

    assert outcome.code == 130
    assert "To continue: latentinv resume delta.training.h5" in outcome.err
    assert outcome.err.count("\n") == 1


def test_that_resume_goes_on_with_a_training(latentinv, folder, monkeypatch):
    with h5py.File("delta.training.h5", "w") as file:
        file.attrs.update(CHECKPOINT | {"folder": str(folder)})
    monkeypatch.setattr("latentinv.training.resume_training", lambda path, *, listener: pretend(listener))

    outcome = latentinv("resume", "delta.training.h5")

    assert outcome.code == 0, outcome.err
    assert "step 4 of 4" in outcome.out


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"format_version": VERSION + 1}, "was written by a newer latentinv"),
        ({"recipe": None}, "is truncated or damaged"),
    ],
)
def test_that_resume_refuses_a_newer_or_damaged_checkpoint_in_one_sentence(latentinv, folder, change, words):
    attributes = CHECKPOINT | {"folder": str(folder)} | change
    with h5py.File("delta.training.h5", "w") as file:
        file.attrs.update({name: value for name, value in attributes.items() if value is not None})

    outcome = latentinv("resume", "delta.training.h5")

    assert outcome.code == 1
    assert words in outcome.err
    assert outcome.err.count("\n") == 1


def test_that_show_of_a_checkpoint_points_to_resume(latentinv, folder):
    with h5py.File("delta.training.h5", "w") as file:
        file.attrs["format"] = "latentinv-training"

    assert "to continue: latentinv resume delta.training.h5" in latentinv("show", "delta.training.h5").err


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


@pytest.mark.parametrize("name", ["delta.h5", "delta.training.h5", "delta.samples.png"])
def test_that_no_file_of_a_training_is_replaced(latentinv, recipe, folder, name):
    (folder / name).write_text("mine")

    assert f"{name} exists already" in latentinv("train", recipe).err


def test_that_a_picture_with_blurred_edges_is_warned_of(latentinv, folder, monkeypatch):
    monkeypatch.setattr("latentinv.training.train", lambda plan, output, *, minutes, fill, listener: pretend(listener))
    blocks = np.kron(np.random.default_rng(0).integers(0, 2, (12, 12)), np.ones((8, 8)))
    Image.fromarray((255 * blocks).astype(np.uint8)).resize((144, 96), Image.Resampling.BILINEAR).save("site.png")

    warned = latentinv("train", "site.png", "--output", "mine.h5")
    mended = latentinv("train", "site.png", "--output", "two.h5", "--classes", 2)

    assert "only lie along edges, between others, as in a picture that was resized" in warned.out
    assert "stop and train again with --classes 2." in warned.out
    assert "Warning" not in mended.out
    assert "Image: 96 × 144 cells, facies 0: 0.4" in mended.out


@pytest.mark.parametrize("output", ["prior.md", "prior.toml", "v1.2"])
def test_that_a_prior_is_not_written_where_its_card_or_recipe_belongs(latentinv, recipe, output):
    before = set(recipe.parent.iterdir())
    outcome = latentinv("train", recipe, "--output", output)
    assert outcome.code == 1
    assert f"{output} has an unsupported file extension; use .h5." in outcome.err
    assert set(recipe.parent.iterdir()) == before


def test_that_the_first_row_of_an_image_may_be_stated(latentinv, folder, monkeypatch):
    np.save("rows.npy", np.repeat(np.arange(96)[:, None] % 24 < 8, 96, axis=1).astype(int))
    heard = []

    def pretend_to_train(plan, output, *, minutes, fill, listener):
        heard.append(plan.load_image().facies)
        return pretend(listener)

    monkeypatch.setattr("latentinv.training.train", pretend_to_train)
    for extra in ([], ["--first-row", "north"]):
        outcome = latentinv("train", "rows.npy", "--output", f"p{len(heard)}.h5", *extra)
        assert outcome.code == 0, outcome.err
    np.testing.assert_array_equal(heard[1], heard[0][::-1])
    assert latentinv("train", "rows.npy", "--first-row", "up").code == 2
