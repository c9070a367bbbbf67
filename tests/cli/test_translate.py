"""`latentinv translate`: fields of a prior's style with the coarse map of another, and mistakes in one sentence."""

import h5py
import numpy as np
import pytest
from PIL import Image

from latentinv import load_prior
from latentinv.cli import _translate
from latentinv.priors import coarse_map
from tests.problems import random_cycle_prior, random_generator_prior, random_sequential_prior

SHAPE = (12, 16)


@pytest.fixture
def styles(folder):
    """A sequential prior that draws blocks, and a map of other codes with sand in one part of it."""
    random_sequential_prior(windows=(1, 1, 1), blocks=2).named(("clay", "sand")).save("style.h5")
    sand = np.random.default_rng(0).random(SHAPE) < 0.1
    sand[:, 8:] = False
    np.save("map.npy", np.where(sand, 255, 7).astype(np.uint8))
    return np.where(sand, 1, 0)


ARGUMENTS = ("translate", "map.npy", "--prior", "style.h5", "--facies", "7=0,255=sand", "--edges", "4x4")


def test_that_fields_have_the_map_of_the_file_in_every_format(latentinv, styles):
    prior = load_prior("style.h5")
    for name in ("fields.npz", "fields.h5"):
        outcome = latentinv(*ARGUMENTS, "--count", 3, "--output", name)
        assert outcome.code == 0, outcome.err
        assert f"3 fields of 12x16 cells in {name}" in outcome.out
    facies = np.load("fields.npz")["facies"]
    with h5py.File("fields.h5") as file:
        np.testing.assert_array_equal(file["facies"][()], facies)
    assert facies.shape == (3, *SHAPE)
    assert np.any(facies[0] != facies[1])
    for one in facies:
        np.testing.assert_array_equal(coarse_map(prior, one, 4), coarse_map(prior, styles, 4))
    outcome = latentinv(*ARGUMENTS[:-2], "--seed", 0, "--output", "largest.npz")
    assert outcome.code == 0, outcome.err
    np.testing.assert_array_equal(np.load("largest.npz")["facies"][0], facies[0])  # blocks of 4 × 4 are the largest
    outcome = latentinv(*ARGUMENTS, "--count", 2, "--output", "fields.png")
    assert outcome.code == 0, outcome.err
    with Image.open("fields.png") as picture:
        assert picture.width > 100


def test_that_draws_honour_wells_that_count_where_they_contradict_the_map(latentinv, styles, folder, monkeypatch):
    monkeypatch.setattr(_translate, "LEAST", 8)
    # The last one lies where the map has clay all around. Coordinates begin at 100, 50, and cells have 2 m.
    cells = [(0, 1), (5, 6), (10, 3), (6, 12)]
    codes = [*(styles[cell] for cell in cells[:3]), 1]
    rows = [f"{101 + 2 * column},{51 + 2 * row},{code}" for (row, column), code in zip(cells, codes, strict=True)]
    (folder / "wells.csv").write_text("\n".join(["x,y,facies", *rows]))
    place = ("--wells", "wells.csv", "--spacing", 2, "--origin", "100,50")
    outcome = latentinv(*ARGUMENTS, *place, "--count", 3, "--output", "fields.npz")
    assert outcome.code == 0, outcome.err
    assert "In one block the wells contradict the map" in outcome.out
    prior, facies = load_prior("style.h5"), np.load("fields.npz")["facies"]
    expected = coarse_map(prior, styles, 4)
    expected[1, 3] = 1
    for one in facies:
        assert [one[cell] for cell in cells] == codes
        np.testing.assert_array_equal(coarse_map(prior, one, 4), expected)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--edges", "8x8"), "blocks of 8×8 cells, but draws those of 4×4, 2×2"),
        (("--edges", "8"), "The size of blocks '8' cannot be read; write ROWSxCOLUMNS such as 8x16"),
        (("--edges", "4x4x4"), "blocks of 4×4×4 cells, but draws"),
        (("--facies", "7=0"), "has facies 255, but is read with 7; say which one 255 stands for, of 0 (clay), 1"),
        (("--facies", "7=0,7=1"), "The facies '7=0,7=1' cannot be read; write each code of the map once"),
        (("--facies", "clay=0"), "The facies 'clay=0' cannot be read"),
        (("--facies", "7=0,255=gravel"), "There is no facies gravel; the prior has 0 (clay), 1 (sand)"),
        (("--prior", "prior.h5"), "family 'generator' and draws no blocks"),
        (("--wells", "wells.csv", "--origin", "900"), "outside the grid"),
        (("--wells", "nowhere.csv"), "nowhere.csv"),
        (("--output", "fields.docx"), "unsupported file extension; use one of .png"),
        (("--output", "prior.h5"), "exists already"),
        (("--output", "fields.png", "--count", "99"), "at most 60"),
        (("--seed", "-1"), "expected a whole number from 0"),
    ],
)
@pytest.mark.usefixtures("styles")
def test_that_a_mistake_is_one_sentence(latentinv, folder, arguments, words):
    before = set(folder.iterdir())
    given = dict(zip(ARGUMENTS[2::2], ARGUMENTS[3::2], strict=True)) | {"--output": "fields.npz"}
    given |= dict(zip(arguments[::2], arguments[1::2], strict=True))
    outcome = latentinv("translate", "map.npy", *(word for pair in given.items() for word in pair))
    assert outcome.code == 1
    assert words in outcome.err
    assert outcome.err.count("\n") == 1
    assert set(folder.iterdir()) == before


@pytest.mark.usefixtures("styles")
def test_that_a_map_that_is_none_is_one_sentence(latentinv):
    for name, words in (("nowhere.npy", "no image file at nowhere.npy"), ("wells.csv", "unsupported file extension")):
        outcome = latentinv("translate", name, *ARGUMENTS[2:], "--output", "fields.npz")
        assert outcome.code == 1
        assert words in outcome.err
        assert outcome.err.count("\n") == 1


@pytest.fixture
def network(folder):
    """A prior of translations, and a map of other codes."""
    random_cycle_prior(source=random_generator_prior(1, categories=(5, 6))).named(("clay", "sand")).save("cycle.h5")
    codes = np.where(np.random.default_rng(0).random(SHAPE) < 0.5, 255, 7).astype(np.uint8)
    np.save("map.npy", codes)
    return load_prior("cycle.h5").translate(np.where(codes == 7, 5, 6))


BY_NETWORK = ("translate", "map.npy", "--prior", "cycle.h5", "--facies", "7=5,255=6")


def test_that_a_prior_of_translations_writes_what_its_network_makes_of_the_map(latentinv, network):
    for name in ("field.npz", "field.h5", "field.png"):
        outcome = latentinv(*BY_NETWORK, "--spacing", 2, "--output", name)
        assert outcome.code == 0, outcome.err
        assert f"1 field of 12x16 cells in {name}" in outcome.out
    np.testing.assert_array_equal(np.load("field.npz")["facies"], network[None])
    with h5py.File("field.h5") as file:
        np.testing.assert_array_equal(file["facies"][()], network[None])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            ("--wells", "wells.csv"),
            "honours no wells; leave --wells out, or condition the prior to them by 'latentinv run'",
        ),
        (("--count", "2"), "leave --edges and --count out"),
        (("--edges", "4x4"), "leave --edges and --count out"),
        (("--facies", "7=5"), "has facies 255, but is read with 7; say which one 255 stands for, of 5, 6"),
    ],
)
@pytest.mark.usefixtures("network")
def test_that_what_a_network_has_no_use_for_is_one_sentence(latentinv, folder, arguments, words):
    before = set(folder.iterdir())
    outcome = latentinv(*BY_NETWORK[:4], *arguments, "--output", "field.npz")
    assert outcome.code == 1
    assert words in outcome.err
    assert outcome.err.count("\n") == 1
    assert set(folder.iterdir()) == before
