"""Priors made of others at the command line: files of facies like any other."""

import json
from pathlib import Path

import h5py
import numpy as np
import pytest
from PIL import Image

from latentinv import (
    CholeskyPrior,
    Covariance,
    Cut,
    HierarchicalPrior,
    LogNormal,
    PlurigaussianPrior,
    SpectralPrior,
    TruncationRule,
    UncertainGaussianPrior,
    load_prior,
)


@pytest.fixture
def prior(folder):
    """A plurigaussian prior in a file."""
    fields = [SpectralPrior(Covariance("gaussian", size), waves=32) for size in (12.0, 6.0)]
    PlurigaussianPrior(fields, TruncationRule(Cut(0, 1, Cut(1, 2, 3)), {1: 0.5, 2: 0.3, 3: 0.2})).save("facies.h5")


@pytest.mark.assure
def test_that_it_is_shown_drawn_walked_and_conditioned(latentinv, prior):
    for name in ("fields.npz", "fields.h5"):
        outcome = latentinv("generate", "facies.h5", "--grid", "20x24", "--count", 2, "--output", name)
        assert outcome.code == 0, outcome.err
    arrays = np.load("fields.npz")
    assert set(np.unique(arrays["facies"])) <= {1, 2, 3}
    with h5py.File("fields.h5") as file:
        np.testing.assert_array_equal(file["facies"][()], arrays["facies"])
    outcome = latentinv("show", "facies.h5", "--output", "sheet.png")
    assert outcome.code == 0, outcome.err
    assert "[0, 1, [1, 2, 3]]" in outcome.out
    outcome = latentinv("walk", "facies.h5", "--grid", "16x16", "--steps", 3, "--output", "walk.gif")
    assert outcome.code == 0, outcome.err
    facies = arrays["facies"][0]
    lines = [f"{column + 0.5},{row + 0.5},{facies[row, column]}" for row, column in ((3, 4), (10, 20))]
    Path("wells.csv").write_text("\n".join(["x,y,facies", *lines]))
    files = ("--wells", "wells.csv", "--output", "run.h5")
    outcome = latentinv("condition", "facies.h5", "--grid", "20x24", "--draws", 8, *files)
    assert outcome.code == 0, outcome.err
    with h5py.File("run.h5") as file:
        drawn = file["draws/facies"][()]
    assert np.all(drawn[:, [3, 10], [4, 20]] == facies[[3, 10], [4, 20]])
    outcome = latentinv("show", "run.h5", "--output", "run.png")
    assert outcome.code == 0, outcome.err
    with Image.open("run.png") as picture:
        assert picture.width > 500


@pytest.mark.assure
def test_that_a_hierarchical_prior_of_small_grids_is_shown_and_conditioned(latentinv, prior):
    HierarchicalPrior(load_prior("facies.h5"), CholeskyPrior(Covariance("exponential", 5.0))).save("both.h5")
    outcome = latentinv("show", "both.h5", "--output", "sheet.png")
    assert outcome.code == 0, outcome.err
    assert "score 0" in outcome.out
    Path("wells.csv").write_text("x,y,facies\n4.5,3.5,2\n")
    files = ("--wells", "wells.csv", "--output", "run.h5")
    outcome = latentinv("condition", "both.h5", "--grid", "12x14", "--draws", 8, *files)
    assert outcome.code == 0, outcome.err
    with h5py.File("run.h5") as file:
        assert np.all(file["draws/facies"][()][:, 3, 4] == 2)


@pytest.mark.assure
def test_that_a_range_is_inferred_with_facies_shown_and_reported(latentinv, folder):
    """End to end: a prior's file, conditioning, tables, the page; wells of short bodies shorten the range."""
    field = UncertainGaussianPrior("exponential", LogNormal(8.0, 0.6))
    PlurigaussianPrior([field], TruncationRule(Cut(0, 0, 1), {0: 0.5, 1: 0.5})).save("open.h5")
    lines = [f"{column + 0.5},{row + 0.5},{(row + column) % 2}" for row in range(3, 7) for column in range(3, 7)]
    Path("wells.csv").write_text("\n".join(["x,y,facies", *lines]))
    files = ("--wells", "wells.csv", "--output", "run.h5")
    outcome = latentinv("condition", "open.h5", "--grid", "10x10", "--draws", 16, *files)
    assert outcome.code == 0, outcome.err
    words = " ".join(outcome.out.split())
    assert "before the data" in words
    shown = latentinv("show", "run.h5", "--json")
    ranges = [one for one in json.loads(shown.out)["quantities"] if one["name"] == "range (m)"]
    assert ranges[0]["mean"] < 8.0
    assert latentinv("report", "run.h5", "--output", "run.html").code == 0
    assert "Unknown numbers of the prior" in Path("run.html").read_text()
