"""The script for a GPU, on sizes that cost nothing on a CPU."""

import pytest

from benchmarks import device
from latentinv import TemperedSMC

SIZES = device.Sizes(
    48, 1, 64, 16, 2, TemperedSMC(particles=4, moves=1, leapfrogs=1, local_moves=1, probes=1, final_rounds=1)
)


def test_that_layout_and_tiles_are_right():
    assert device.layout(SIZES)["layout"]
    assert device.tiles(SIZES)["tile_max_difference"] < 1e-5


@pytest.mark.assure
def test_that_a_cpu_differs_from_itself_by_nothing():
    figures = device.precision(SIZES)
    assert set(figures) == {
        "generator_difference",
        "generator_gradient_difference",
        "flow_difference",
        "flow_gradient_difference",
    }
    assert max(figures.values()) == 0.0


def test_that_rates_are_counted():
    figures = device.rate(SIZES)
    assert figures["generator_gflops"] > 0
    assert figures["generator_compile_seconds"] > 0
    assert device.memory(SIZES)["peak_mb"] > 0
