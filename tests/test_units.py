"""Units of data and of forward models."""

import numpy as np
import pytest

from latentinv import Grid, IndirectData, InputError
from latentinv.data.noise import StudentNoise
from latentinv.forward import Aquifer, LinearForward, SteadyFlow, gravity
from latentinv.units import unit_factor

GRID = Grid((4, 5), spacing=10.0)
HEADS = np.full(GRID.shape, np.nan)
HEADS[:, 0], HEADS[:, -1] = 1.0, 0.0


@pytest.mark.parametrize(
    ("given", "expected", "factor"),
    [
        ("ft", "m", 0.3048),
        ("feet", "m", 0.3048),
        ("m", "ft", 1 / 0.3048),
        ("ms", "s", 1e-3),
        ("Milligal", "mGal", 1.0),
        ("µGal", "mGal", 1e-3),
        ("m3/d", "m³/s", 1 / 86400),
        ("bar", "kPa", 100.0),
        ("", "m", 1.0),
        ("pixels", "", 1.0),
        ("pixels", "pixels", 1.0),
    ],
)
def test_that_a_unit_is_converted_into_another(given, expected, factor):
    assert unit_factor(given, expected, "Heads") == pytest.approx(factor, rel=1e-12)


@pytest.mark.parametrize(("given", "expected"), [("s", "m"), ("fathoms", "m"), ("mgal", "kPa")])
def test_that_what_cannot_be_converted_is_refused(given, expected):
    with pytest.raises(InputError, match=f"Heads were given in '{given}', but the forward model predicts '{expected}'"):
        unit_factor(given, expected, "Heads")


def test_that_heads_in_feet_are_those_in_metres():
    flow = SteadyFlow(Aquifer(GRID, HEADS, np.zeros(GRID.shape)), [[15.0, 15.0], [35.0, 25.0]])
    metres = IndirectData(GRID, flow, [0.5, 0.25], [0.01, 0.02], name="heads", unit="m")
    feet = IndirectData(GRID, flow, np.array([0.5, 0.25]) / 0.3048, np.array([0.01, 0.02]) / 0.3048, unit="ft")
    unsaid = IndirectData(GRID, flow, [0.5, 0.25], [0.01, 0.02])
    for data in (feet, unsaid):
        assert data.unit == "m"
        np.testing.assert_allclose(data.observed, metres.observed, rtol=1e-12)
        np.testing.assert_allclose(data.noise.sd, metres.noise.sd, rtol=1e-6)
    assert " m" in feet.report(np.array([0.5, 0.3])).sentence
    with pytest.raises(InputError, match="a StudentNoise was given; convert data and noise"):
        IndirectData(GRID, flow, [0.5, 0.25], StudentNoise(0.1, 4.0), unit="ft")


def test_that_gravity_knows_its_unit_and_keeps_it_in_a_file():
    section = Grid((4, 5), spacing=10.0, axes="xz")
    model = gravity(section, [[20.0, 50.0]])
    assert model.unit == LinearForward.from_arrays(model.to_arrays(), section).unit == "mGal"
    assert IndirectData(section, model, [10.0], 1.0, unit="µGal").observed.tolist() == [pytest.approx(0.01)]
    assert "unit" not in LinearForward(np.ones((1, 20)), GRID).to_arrays()
