"""The benchmark of large fields measures what it names."""

import numpy as np
import pytest

from benchmarks import _scaling_case, _scaling_step, scaling
from latentinv import Grid, Posterior, WindowedCrankNicolson
from tests.problems import random_generator_prior, random_sequential_prior


def test_that_the_scaling_benchmark_measures_what_it_names():
    prior, grid = random_generator_prior(), Grid((40, 44))
    posterior = Posterior(prior, grid, [_scaling_step.wells_of(prior, grid, 5)])
    algorithm = WindowedCrankNicolson(chains=2, draws=8, warmup=4, thinning=1, draws_per_step=1)
    figures = _scaling_case.measure(posterior, algorithm, 0)
    assert figures["wells"] == 5
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


def test_that_steps_of_chains_and_realizations_are_timed():
    prior, grid = random_sequential_prior(sees=True), Grid((16, 20))
    wells = _scaling_step.wells_of(prior, grid, 4)
    assert len(wells.codes) == 4
    for seconds in (_scaling_step.given(prior, grid, wells), _scaling_step.chains(prior, grid, wells, 2)):
        assert len(seconds) == _scaling_step.TIMES
        assert min(seconds) > 0


def test_that_exponents_are_those_of_the_steps():
    given = [{"kind": "given", "cells": n, "seconds": 1e-6 * n**2.2} for n in (64, 256)]
    wells = [
        {"kind": kind, "wells": n, "seconds": 1e-3 * n**power}
        for kind, power in (("given", 0.0), ("chains", 0.5))
        for n in (10, 100)
    ]
    chains = [{"kind": "chains", "chains": n, "seconds": 0.1 * n} for n in (2, 8)]
    devices = [{"kind": "chains", "devices": n, "seconds": seconds} for n, seconds in ((1, 1.8), (2, 1.0), (4, 1.1))]
    found = scaling.summary_of_steps({"given": given, "wells": wells, "chains": chains, "devices": devices})
    assert {name: round(value, 6) for name, value in found.items()} == {
        "exponent_area_given": 1.1,
        "exponent_wells_given": 0.0,
        "exponent_wells": 0.5,
        "exponent_chains": 1.0,
        "efficiency_2_devices": 0.9,
    }
    assert set(scaling.summary_of_steps({}).values()) == {None}


def test_that_runs_are_compared_in_shares_of_blocks_and_in_pixels():
    fields = np.zeros((3, 40, 40), bool)
    fields[1, :10, :10] = True
    table = _scaling_case.functionals(fields)
    assert table.shape == (3, 16 + 64)
    np.testing.assert_array_equal(table[:, 0], [0, 1, 0])
    assert table[1, 1:16].sum() == 0
