"""What the benchmark of auxiliary maps measures: directions and widths of bodies, and whether a prior follows."""

import numpy as np
import pytest

from benchmarks import auxiliary_maps
from latentinv import Grid, InputError
from latentinv.priors.learned import MapRange
from tests.problems import random_sequential_prior

ROWS, COLUMNS = np.mgrid[:96, :96]


@pytest.mark.parametrize("azimuth", [0.0, 30.0, 90.0, 140.0])
def test_that_directions_are_those_of_stripes(azimuth):
    angle = np.radians(90 - azimuth)
    across = np.cos(angle) * ROWS - np.sin(angle) * COLUMNS
    fields = np.stack([(np.sin(across / 4 + phase) > 0.3).astype(int) for phase in range(6)])
    assert auxiliary_maps.apart(auxiliary_maps.directions(fields), np.full((96, 96), azimuth)) < 2


def test_that_widths_are_those_of_stripes():
    fields = np.stack([(((ROWS + shift) % 24) < 8).astype(int) for shift in range(24)])
    found = auxiliary_maps.width([fields], [np.ones((96, 96), bool)])
    # Banks that all run along an axis count π/4 of their length.
    assert found == pytest.approx(8 * 4 / np.pi, rel=0.05)


def test_that_a_prior_that_knows_nothing_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(auxiliary_maps, "GRID", Grid((32, 32)))
    monkeypatch.setattr(auxiliary_maps, "AROUND", 20)
    maps = (MapRange("azimuth", 0.0, 180.0, (True,) * 36), MapRange("width", 3.0, 20.0))
    random_sequential_prior(maps=maps, sees=True).save(tmp_path / "prior.h5")
    found = auxiliary_maps.benchmark(str(tmp_path / "prior.h5"), 2, 4, str(tmp_path / "pictures"))
    assert found["wells_honoured"] == 1
    assert found["direction_error_simulator"] < found["direction_error_degrees"]
    assert (tmp_path / "pictures" / "maps_1.png").exists()
    random_sequential_prior().save(tmp_path / "without.h5")
    with pytest.raises(InputError, match="was not trained with maps of azimuth and width"):
        auxiliary_maps.benchmark(str(tmp_path / "without.h5"), 1, 4, None)
