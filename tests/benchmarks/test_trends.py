"""What the benchmark of trends measures, by a prior that follows them and one that does not."""

import jax
import numpy as np
import pytest

from benchmarks import trends
from latentinv import Grid
from latentinv.networks import initial_sequential
from latentinv.pytrees import replace
from tests.problems import random_sequential_prior


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(trends, "GRID", Grid((24, 48)))
    monkeypatch.setattr(trends, "BAND", 12)
    monkeypatch.setattr(trends, "MOST", 1.6)


def _prior():
    """Cells that know nothing of each other."""
    prior = random_sequential_prior(windows=(1, 1), sees=True)
    return replace(prior, weights=initial_sequential(jax.random.key(0), prior.architecture))


def test_that_independent_cells_have_the_shares_that_are_asked_for_and_honour_wells(tmp_path):
    row = trends.measure("toy", _prior(), 40, str(tmp_path))
    # 11 520 cells in a band: six standard errors, and what the weight of the trend misses by.
    assert row["worst_band"] < 0.05
    assert row["worst_band"] < 6 * row["its_standard_error"] + 0.02
    assert np.all(np.diff(row["asked"]) > 0.1)
    assert row["uniform"]["0.5"] == pytest.approx(0.25, abs=0.03)
    assert row["wells_honoured"] == 1
    assert (tmp_path / "toy.trend.png").exists()


def test_that_a_prior_that_does_not_follow_is_told(monkeypatch):
    prior = _prior()
    monkeypatch.setattr(type(prior), "given", lambda self, **condition: self)
    row = trends.measure("toy", prior, 20, None)
    assert row["worst_band"] > 0.2
    assert row["wells_honoured"] < 1
