"""The benchmark of large fields measures what it names."""

import numpy as np
import pytest

from benchmarks import _scaling_case, scaling
from benchmarks._fields import draw_facies
from latentinv import Grid, WindowedCrankNicolson
from tests.problems import random_generator_prior


def test_that_the_scaling_benchmark_measures_what_it_names():
    prior = random_generator_prior()
    truth = draw_facies(prior, Grid((40, 44)), 1, 5)[0]
    posterior = _scaling_case.wells_of(prior, truth, 0)
    algorithm = WindowedCrankNicolson(chains=2, draws=8, warmup=4, thinning=1, draws_per_step=1)
    figures = _scaling_case.measure(posterior, algorithm, 0)
    assert figures["wells"] == round(0.003 * 40 * 44)
    assert figures["draws"] == 8
    assert figures["honoured"] == 1.0
    assert figures["seconds"] > 0
    assert figures["peak_mb"] > 10
    assert len(figures["window_steps"]) == len(figures["window_sizes"])


def test_that_the_exponent_is_that_of_the_area_and_missing_sizes_are_null():
    rows = [
        {"cells": n, "seconds": 3e-4 * n**2.4, "honoured": 1.0, "rhat_max": 1.1, "peak_mb": n} for n in (64, 128, 1024)
    ]
    figures = scaling.summary(rows)
    assert figures["exponent_area"] == pytest.approx(1.2)
    assert figures["minutes_1024"] == pytest.approx(rows[-1]["seconds"] / 60)
    assert (figures["rhat_1024"], figures["peak_mb_1024"], figures["honoured"]) == (1.1, 1024, 1.0)
    figures = scaling.summary(rows[:1])
    assert figures.keys() == scaling.summary(rows).keys()
    assert {name for name, value in figures.items() if value is None} == {
        "exponent_area",
        "rhat_1024",
        "minutes_1024",
        "peak_mb_1024",
    }


def test_that_runs_are_compared_in_shares_of_blocks_and_in_pixels():
    fields = np.zeros((3, 40, 40), bool)
    fields[1, :10, :10] = True
    table = _scaling_case.functionals(fields)
    assert table.shape == (3, 16 + 64)
    np.testing.assert_array_equal(table[:, 0], [0, 1, 0])
    assert table[1, 1:16].sum() == 0
