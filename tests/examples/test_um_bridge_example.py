"""The server of examples/um_bridge: its gradient, and the study that asks it."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from latentinv.errors import StorageError
from latentinv.priors import find_prior
from latentinv.study import parse_study_file
from tests.simulators.umbridge_server import server

pytest.importorskip("umbridge", reason="umbridge, of the extra 'umbridge', is not installed")

FOLDER = Path(__file__).resolve().parents[2] / "examples" / "um_bridge"
CONFIG = {"rows": 10, "columns": 12}


@pytest.fixture
def heads():
    spec = importlib.util.spec_from_file_location("um_bridge_serve", FOLDER / "serve.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.Heads("heads")


def test_that_the_gradient_is_that_of_the_heads(heads):
    rng = np.random.default_rng(3)
    conductivity = np.exp(rng.normal(size=120))
    direction, weights = conductivity * rng.normal(size=120), rng.normal(size=heads.get_output_sizes(CONFIG)[0])
    ends = [np.array(heads([(conductivity + h * direction).tolist()], CONFIG)[0]) for h in (1e-5, -1e-5)]
    gradient = heads.gradient(0, 0, [conductivity.tolist()], weights.tolist(), CONFIG)
    assert (ends[0] - ends[1]) @ weights / 2e-5 == pytest.approx(np.dot(gradient, direction), rel=1e-6)


def test_that_heads_fall_evenly_through_one_conductivity_from_west_to_east(heads):
    (found,) = heads([np.full(120, 2e-4).tolist()], CONFIG)
    np.testing.assert_allclose(found, 1 - 4.5 / 12, rtol=1e-9)


def test_that_the_study_asks_the_server_and_its_data_are_near():
    try:
        find_prior("meanders")
    except StorageError:
        pytest.skip("the shipped prior models/meanders.h5 has not been trained")
    with server(FOLDER / "serve.py") as url:
        text = (FOLDER / "study.toml").read_text(encoding="utf-8").replace("http://localhost:4242", url)
        posterior = parse_study_file(text, FOLDER).posterior()
        assert posterior.has_gradient
        one = next(one for one in posterior.observations if one.external)
        field = np.ones(posterior.grid.shape, np.float32)  # sand alone: heads fall evenly
        even = 1 - (np.arange(4, 48, 8) + 0.5) / 48
        np.testing.assert_allclose(one.predict_exact(field), np.tile(even, 4), atol=1e-5)
