"""The benchmark of field radar data, with few particles and few rays."""

import numpy as np
import pytest

from benchmarks import field_am13
from latentinv import Grid

pytestmark = pytest.mark.assure


@pytest.fixture
def small(monkeypatch):
    """Nine rays through a coarse section."""
    depths = np.array([1.0, 3.0, 6.0])
    source, receiver = (part.ravel() for part in np.meshgrid(depths, depths, indexing="ij"))
    ends = [np.stack([np.full(9, x), y], axis=1) for x, y in ((0.0, source), (5.0, receiver))]
    shared = (source[:, None] == source).astype(np.uint8) + (receiver[:, None] == receiver)
    length = np.linalg.norm(ends[1] - ends[0], axis=1)
    case = {
        "source_xz_m": ends[0],
        "receiver_xz_m": ends[1],
        "travel_time_ns": length / 0.14 + np.random.default_rng(0).standard_normal(9),
        "std_ns": np.full(9, 0.8),
        "correlated_covariance_ns2": (4 * shared).astype(np.uint8),
    }
    monkeypatch.setattr(field_am13, "arrenaes_case", lambda: case)
    monkeypatch.setattr(field_am13, "GRID", Grid((7, 5)))
    monkeypatch.setattr(field_am13, "FINER", 2)


def check(part):
    """What every way to predict must give."""
    assert {"rmse_ns", "chi2_per_datum", "velocity_mean", "velocity_sd", "log_evidence"} <= part.keys()
    assert 0.1 < part["velocity_mean"] < 0.2
    assert 0 < part["velocity_posterior_sd"] <= part["velocity_sd"] < 0.1
    assert 0 < part["chi2_per_datum"] < 5


def test_that_straight_rays_are_measured_and_drawn_and_cover_their_length(small, tmp_path):
    picture = tmp_path / "am13.png"
    cases = field_am13.cases(field_am13.parse(["--particles", "4", "--ways", "straight"]))
    figures = field_am13.measure(cases[0])
    check(figures)
    # Two antennas of sd 2 and the rest: √(8 + 0.8²).
    assert figures["stated_rms_ns"] == pytest.approx(np.sqrt(8.64))
    ends = cases[0].times.forward
    length = np.linalg.norm(ends.receivers - ends.sources, axis=1).sum()
    assert field_am13.coverage(cases[0]).sum() == pytest.approx(length, rel=1e-4)
    field_am13.draw(cases, str(picture))
    assert picture.read_bytes()[:4] == b"\x89PNG"


@pytest.mark.assure
def test_that_curved_rays_are_measured_beside_straight_ones_with_a_model_error(small):
    words = ["--particles", "4", "--errors", "4", "--ways", "curved;straight, model error"]
    figures = field_am13.benchmark(field_am13.parse(words))
    for part in (figures, figures["straight_model_error"]):
        check(part)
    assert figures["straight_model_error"]["stated_rms_ns"] > figures["stated_rms_ns"]
    assert 0 < figures["eikonal_error_ns"] < 2
