"""`latentinv generate`: pictures, arrays and tiled HDF5 of the same fields."""

import errno
import os

import h5py
import numpy as np
import pytest
from PIL import Image

from latentinv import Covariance, Cut, PlurigaussianPrior, SpectralPrior, TruncationRule
from latentinv.cli._drawing import TILES
from latentinv.priors.core import in_words


def test_that_arrays_and_tiles_of_a_seed_hold_the_same_fields(latentinv, folder, monkeypatch):
    monkeypatch.setitem(TILES, 2, 32)
    for name in ("fields.npz", "fields.h5"):
        outcome = latentinv("generate", "prior.h5", "--grid", "50x41", "--count", 2, "--output", name)
        assert outcome.code == 0, outcome.err

    arrays = np.load("fields.npz")
    with h5py.File("fields.h5") as file:
        # A value on a threshold may fall either way between two tilings; with this seed none does.
        assert (file["facies"][()] == arrays["facies"]).all()
        assert (file["latents"][()] == arrays["latents"]).all()
        assert file["facies"].shape == (2, 50, 41)
    assert set(np.unique(arrays["facies"])) == {0, 1}


def test_that_another_seed_gives_other_fields_and_the_same_seed_the_same(latentinv, folder):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        latentinv("generate", "prior.h5", "--grid", "16x16", "--seed", seed, "--output", f"{name}.npz")

    a, b, c = (np.load(f"{name}.npz")["facies"] for name in "abc")
    assert (a == b).all()
    assert (a != c).any()


def test_that_a_picture_is_drawn(latentinv, folder):
    outcome = latentinv("generate", "prior.h5", "--grid", "16x20", "--count", 3, "--output", "fields.png")

    assert outcome.code == 0, outcome.err
    with Image.open("fields.png") as picture:
        assert picture.width == 1600


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--grid", "16", "--output", "a.npz"), "The grid '16' cannot be read"),
        (("--grid", "16x16x16", "--output", "a.h5"), "but the grid 3"),
        (("--grid", "16x16", "--output", "a.txt"), "unsupported file extension; use one of .png"),
        (("--grid", "16x16", "--output", "fields.docx"), "unsupported file extension; use one of .png"),
        (("--grid", "99999x99999", "--output", "a.npz"), "write them to .h5"),
        (("--grid", "16x16", "--output", "prior.h5"), "exists already"),
        (
            ("--grid", "99999999999999x99999999999999", "--output", "a.h5"),
            "one array holds at most 2147483647",
        ),
        (("--grid", "16x16", "--count", "99", "--output", "a.png"), "at most 60"),
        (
            ("--grid", "16x16", "--seed", "99999999999999999999", "--output", "a.h5"),
            "The seed is 99999999999999999999",
        ),
        (("--grid", "16x16", "--seed", "-1", "--output", "a.h5"), "expected a whole number from 0"),
    ],
)
def test_that_a_mistake_is_one_sentence(latentinv, folder, arguments, words):
    outcome = latentinv("generate", "prior.h5", *arguments)

    assert outcome.code == 1
    assert words in outcome.err
    assert outcome.err.count("\n") == 1
    assert not (folder / "a.h5").exists()


@pytest.mark.parametrize("name", ["a.png", "a.npz"])
def test_that_a_full_disk_is_one_sentence_and_leaves_no_part(latentinv, folder, monkeypatch, name):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    before = set(folder.iterdir())
    monkeypatch.setattr(os, "fsync", full)
    outcome = latentinv("generate", "prior.h5", "--grid", "16x16", "--output", name)

    assert outcome.code == 1
    assert f"The disk of {name} is full" in outcome.err
    assert outcome.err.count("\n") == 1
    assert set(folder.iterdir()) == before


def test_that_show_prints_where_a_prior_comes_from(latentinv, folder):
    outcome = latentinv("show", "prior.h5", "--output", "sheet.png")

    assert outcome.code == 0, outcome.err
    assert "no image" in outcome.out
    assert (folder / "sheet.png").exists()
    assert "good for" not in outcome.out
    (folder / "prior.md").write_text("# A card\n")
    assert "model card: prior.md" in latentinv("show", "prior.h5", "--output", "again.png").out


def test_that_show_says_what_a_file_of_fields_is(latentinv, folder):
    latentinv("generate", "prior.h5", "--grid", "16x16", "--output", "fields.h5")
    outcome = latentinv("show", "fields.h5")

    assert outcome.code == 1
    assert "fields.h5 holds fields that 'latentinv generate' drew; give a prior, a run" in outcome.err


def test_that_what_describes_a_prior_is_said_in_words_and_four_digits():
    table = {"total_variation": 0.12345678, "steps": 3, "smoothness": None, "ranges": [60.0, 15.5]}
    assert in_words(table) == "total variation 0.1235, steps 3, ranges [60, 15.5]"
    assert in_words("two lines\n") == "two lines"


def test_that_a_prior_is_given_a_map(latentinv, folder):
    """Where the map says 0 there is no sand, and where it says 1 nothing else; its first row is the north."""
    rule = TruncationRule(Cut(0, 0, 1), {0: 0.5, 1: 0.5})
    prior = PlurigaussianPrior([SpectralPrior(Covariance("gaussian", 4.0), waves=16)], rule)
    prior.named(("clay", "sand")).save("trend.h5")
    (folder / "sand.asc").write_text("ncols 2\nnrows 3\nxllcorner 0\nyllcorner 0\ncellsize 1\n1 1\n1 0\n0 0\n")
    arguments = ("generate", "trend.h5", "--grid", "3x2", "--count", 3, "--given")
    outcome = latentinv(*arguments, "proportions.sand=sand.asc", "--output", "fields.npz")
    assert outcome.code == 0, outcome.err
    np.testing.assert_array_equal(np.load("fields.npz")["facies"], [[[0, 0], [1, 0], [1, 1]]] * 3)
    outcome = latentinv(*arguments, "depth=3", "--output", "others.npz")
    assert outcome.code == 1
    assert "given 'depth', but takes proportions; correct the name" in outcome.err


def test_that_a_map_of_a_site_needs_the_grid_of_the_site(latentinv, folder):
    rule = TruncationRule(Cut(0, 0, 1), {0: 0.5, 1: 0.5})
    PlurigaussianPrior([SpectralPrior(Covariance("gaussian", 4.0), waves=16)], rule).save("site.h5")
    (folder / "site.asc").write_text("ncols 2\nnrows 3\nxllcorner 5000\nyllcorner 200\ncellsize 25\n1 1\n1 0\n0 0\n")
    arguments = ("generate", "site.h5", "--grid", "3x2", "--given", "proportions.1=site.asc")
    outcome = latentinv(*arguments, "--output", "nowhere.npz")
    assert outcome.code == 1
    assert "on the command line by --spacing and --origin" in outcome.err
    outcome = latentinv(*arguments, "--spacing", "25", "--origin", "5000,200", "--output", "site.npz")
    assert outcome.code == 0, outcome.err
    np.testing.assert_array_equal(np.load("site.npz")["facies"], [[[0, 0], [1, 0], [1, 1]]])
