"""`latentinv assess`: figures, a page and a verdict; mistakes in one sentence."""

import json

import numpy as np
import pytest


@pytest.fixture
def image(folder):
    noise = np.random.default_rng(0).random((120, 120))
    np.save("image.npy", (noise > 0.5).astype(np.uint8))
    return folder / "image.npy"


def _assess(latentinv, *arguments):
    return latentinv(
        "assess",
        "prior.h5",
        "--image",
        "image.npy",
        "--count",
        16,
        "--shape",
        "32x32",
        "--output",
        "a.json",
        *arguments,
    )


def test_that_a_prior_is_assessed(latentinv, image):
    outcome = _assess(latentinv)
    assert outcome.code == 0, outcome.err
    figures = json.loads((image.parent / "a.json").read_text())
    assert figures["verdict"] in " ".join(outcome.out.split())
    assert figures["measures"]["total variation"]["times_floor"] > 0
    assert (image.parent / "a.png").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [(("--output", "a.txt"), "give .json"), (("--shape", "8x8x8"), "two"), (("--shape", "200x200"), "patch")],
)
def test_that_what_cannot_be_assessed_is_refused(latentinv, image, arguments, words):
    outcome = _assess(latentinv, *arguments)
    assert outcome.code == 1
    assert words in outcome.err
    assert not (image.parent / "a.json").exists()


def test_that_an_image_of_other_facies_is_refused(latentinv, image):
    np.save("image.npy", 3 * np.load("image.npy"))
    outcome = _assess(latentinv)
    assert outcome.code == 1
    assert "facies (0, 3)" in outcome.err
