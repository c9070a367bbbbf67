"""`latentinv walk`: strips and films."""

import numpy as np
import pytest
from PIL import Image

from tests.problems import random_autoencoder_prior


def test_that_a_strip_and_a_film_are_written(latentinv, folder):
    for name in ("walk.png", "walk.gif"):
        outcome = latentinv("walk", "prior.h5", "--grid", "16x20", "--steps", 5, "--output", name)
        assert outcome.code == 0, outcome.err
    with Image.open("walk.gif") as film:
        assert film.n_frames == 5
        assert film.size == (480, 384)


def test_that_a_walk_round_a_box_leaves_far_cells_at_rest(latentinv, folder):
    outcome = latentinv(
        "walk", "prior.h5", "--grid", "48x48", "--steps", 4, "--box", "40,40,47,47", "--output", "walk.gif"
    )
    assert outcome.code == 0, outcome.err
    with Image.open("walk.gif") as film:
        frames = []
        for number in range(film.n_frames):
            film.seek(number)
            frames.append(np.asarray(film.convert("RGB")))
    # The outline of the box, ten pixels a cell, in the upper right: its southern edge is 80 pixels below the top.
    assert all((frame[77, 400:470] == 255).all() for frame in frames)
    assert not any((frame[81, 400:470] == 255).all() or (frame[70, 410:460] == 255).any() for frame in frames)
    far = frames[0].shape[0] // 3
    assert all((frame[-far:, :far] == frames[0][-far:, :far]).all() for frame in frames)
    assert any((frame != frames[0]).any() for frame in frames)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--box", "1,2,3", "--output", "walk.png"), "two corners"),
        (("--box", "5,5,90,9", "--output", "walk.png"), "outside the grid"),
        (("--output", "walk.mp4"), "unsupported file extension"),
        (("--output", "prior.h5"), "unsupported file extension"),
    ],
)
def test_that_a_walk_that_cannot_be_is_refused(latentinv, folder, arguments, words):
    outcome = latentinv("walk", "prior.h5", "--grid", "16x20", *arguments)
    assert outcome.code == 1
    assert words in outcome.err


def test_that_a_walk_goes_between_two_given_fields(latentinv, folder):
    random_autoencoder_prior().save("encoder.h5")
    for name, seed in (("a.npy", 0), ("b.npy", 1)):
        np.save(name, np.random.default_rng(seed).integers(0, 2, (12, 12)))
    given = ("--grid", "12x12", "--between", "a.npy,b.npy")
    outcome = latentinv("walk", "encoder.h5", *given, "--steps", 3, "--output", "between.png")
    assert outcome.code == 0, outcome.err
    for arguments, words in (
        (("prior.h5", *given), "has no encoder"),
        (("encoder.h5", *given, "--box", "1,1,5,5"), "leave --between or --box out"),
        (("encoder.h5", "--grid", "12x12", "--between", "1,2,3"), "names no two files"),
    ):
        refused = latentinv("walk", *arguments, "--output", "none.png")
        assert refused.code == 1
        assert words in refused.err
