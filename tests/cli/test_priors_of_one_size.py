"""Commands with a prior whose fields have one size: they take it, and refuse another."""

import json
from pathlib import Path

import h5py
import numpy as np
import pytest
from PIL import Image

from tests.problems import random_dcgan_prior


@pytest.fixture
def _prior(folder):
    random_dcgan_prior(shape=(40, 36)).save("one.h5")


@pytest.mark.usefixtures("_prior")
def test_that_another_size_is_refused_before_a_file_is_begun(latentinv):
    outcome = latentinv("generate", "one.h5", "--grid", "64x64", "--output", "fields.h5")
    assert outcome.code != 0
    assert "makes fields of 40 × 36 cells only; give such a grid" in " ".join(outcome.err.split())
    assert not Path("fields.h5").exists()
    outcome = latentinv("generate", "one.h5", "--grid", "40x36", "--output", "fields.h5")
    assert outcome.code == 0, outcome.err
    with h5py.File("fields.h5") as file:
        assert file["facies"].shape[-2:] == (40, 36)


@pytest.mark.usefixtures("_prior")
def test_that_it_is_shown_and_assessed_on_its_own_cells(latentinv):
    outcome = latentinv("show", "one.h5", "--output", "sheet.png")
    assert outcome.code == 0, outcome.err
    assert "6 for a field" in outcome.out
    with Image.open("sheet.png") as picture:
        assert picture.width > 300
    np.save("image.npy", np.random.default_rng(0).integers(0, 2, (120, 120), np.uint8))
    outcome = latentinv("assess", "one.h5", "--image", "image.npy", "--count", 16, "--output", "a.json")
    assert outcome.code == 0, outcome.err
    assert json.loads(Path("a.json").read_text())["measures"]["total variation"]["times_floor"] > 0
