"""`latentinv forecast`, from a run and a file to a table."""

import csv
import json

import numpy as np
import pytest

from latentinv import FaciesProperty, load_run
from latentinv.decisions import forecast
from latentinv.forward import Aquifer, SteadyFlow

FLOW = """
[[heads]]
points = [[10.5, 8.5], [20.5, 12.5]]
of_facies = [1e-5, 1e-3]
fixed = {west = 1.0, east = 0.0}
pumping = [[15.5, 12.5, -1e-5]]
thickness = 10.0
"""
SHARE = """
[[blocks]]
boxes = [[2.0, 2.0, 12.0, 12.0]]
"""


@pytest.fixture
def run(latentinv, folder):
    place = ("--grid", "24x30", "--wells", "wells.csv", "--output", "run.h5")
    told = latentinv("condition", "prior.h5", *place, "--draws", "8", "--set", "batch_size=8")
    assert told.code == 0, told.err
    return load_run("run.h5")


def test_that_every_draw_is_forecast_and_written(latentinv, folder, run):
    (folder / "later.toml").write_text(FLOW + SHARE)
    told = latentinv("forecast", "run.h5", "later.toml", "--output", "later.csv")
    rows = list(csv.DictReader((folder / "later.csv").read_text().splitlines()))
    record = json.loads(latentinv("forecast", "run.h5", "later.toml", "--json").out)

    grid, model = run.posterior.grid, run.posterior.prior.facies_model
    fixed, wells = np.full(grid.shape, np.nan), np.zeros(grid.shape)
    fixed[:, 0], fixed[:, -1], wells[12, 15] = 1.0, 0.0, -1e-5
    points = np.array([[10.5, 8.5], [20.5, 12.5]])
    flow = SteadyFlow(Aquifer(grid, fixed, wells, 10.0, 0.0), points)
    expected = forecast(run, flow, property=FaciesProperty(model, (1e-5, 1e-3))).values
    shares = run.realizations[:, 2:12, 2:12] == model.categories[-1]

    assert told.code == 0, told.err
    assert "heads: 8 draws." in told.out
    assert sorted(row["name"] for row in rows) == ["blocks", "heads", "heads"]
    written = {(row["name"], row["datum"]): [float(row[f"draw {n}"]) for n in range(1, 9)] for row in rows}
    heads = [values for (name, _), values in written.items() if name == "heads"]
    np.testing.assert_allclose(np.array(heads).T, expected, rtol=1e-6)
    (share,) = (values for (name, _), values in written.items() if name == "blocks")
    np.testing.assert_allclose(share, shares.mean(axis=(1, 2)), atol=1e-6)
    first = next(row for row in record if row["name"] == "heads")
    assert first["p50"] == pytest.approx(np.median(expected[:, 0]))
    assert first["unit"] == "m"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "The forecast is empty"),
        ("[study]\nseed = 1", "The forecast has a table [study]"),
        ("[[wells]]\npoints = [[1.5, 2.5]]", "[[wells]], which no forward model predicts"),
        ("[[heads]]\npoints = [[1.5, 2.5]]\nof_facies = [1.0, 2.0]", "lacks 'fixed'"),
        (FLOW + FLOW, "two data sets called 'heads'"),
    ],
)
def test_that_a_forecast_that_cannot_be_made_is_one_sentence(latentinv, folder, run, text, words):
    (folder / "later.toml").write_text(text)
    told = latentinv("forecast", "run.h5", "later.toml", "--output", "later.csv")
    assert told.code == 1
    assert words in told.err
    assert not (folder / "later.csv").exists()
