"""The benchmark of the published flow case, on a small case of its own."""

from types import SimpleNamespace

import jax
import numpy as np
import pytest

from benchmarks import flow_case
from benchmarks.flow_solver import aquifer
from latentinv import TemperedSMC
from latentinv.forward.flow import _multigrid
from tests.problems import random_generator_prior, random_sequential_prior

pytestmark = pytest.mark.assure

CELLS = 12


def case(prior):
    """A small case in the published one's terms, whose truth the prior can reach."""
    truth = flow_case.draw_facies(prior, aquifer(CELLS).grid, 1, 7)[0].astype(int)
    heads = flow_case.heads_of(truth[None])[0]
    places = np.array([2, 5, 9])
    return {
        "true_facies": truth,
        "modflow_head": heads,
        "head_row": places,
        "head_column": places,
        "head_observed": heads[places, places] + 0.005,
        "well_row": places[:2],
        "well_column": places[1:],
        "well_facies": truth[places[:2], places[1:]],
    }


def _measured(prior, algorithm):
    """The figures, each run's costs, and the solves that were counted in each run."""
    solves, solve = [], _multigrid._rounds

    def counted(matrix, b):
        jax.debug.callback(lambda _: solves.append(1), b.ravel()[0])  # of each field of a batch
        return solve(matrix, b)

    small = case(prior)
    posterior = flow_case.flow_posterior(prior, small)
    pairs, counts = [], []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_multigrid, "_rounds", counted)
        jax.clear_caches()
        for seed in range(2):
            solves.clear()
            pairs.append(flow_case.explore(posterior, algorithm, seed))
            jax.effects_barrier()
            counts.append(len(solves))
    jax.clear_caches()
    return flow_case.measure([run for run, _ in pairs], small), [cost for _, cost in pairs], counts


@pytest.fixture(scope="module")
def measured():
    algorithm = TemperedSMC(particles=8, moves=1, leapfrogs=2, local_moves=1, probes=1)
    return _measured(random_generator_prior(), algorithm)


def test_that_the_small_case_is_measured_whole(measured):
    figures, costs, _ = measured
    assert figures["draws"] == 16
    assert figures["min_honoured"] == 2
    assert 0 < figures["head_rmse_min_m"] <= figures["head_rmse_m"] <= figures["head_rmse_max_m"]
    assert figures["rhat_max"] > 0.9
    assert 0 <= figures["crps"] <= 1
    assert figures["crps_heads_m"] > 0
    assert all(0 <= cost["acceptance"] <= 1 for cost in costs)


def test_that_every_solve_is_counted(measured):
    _, costs, counts = measured
    # The record takes the sampler's own predictions, so nothing is solved beside the sampler.
    assert [cost["forward_runs"] for cost in costs] == counts


def test_that_every_solve_is_counted_without_hamiltonian_moves():
    algorithm = TemperedSMC(particles=8, moves=0, local_moves=3, final_rounds=2)
    _, costs, counts = _measured(random_sequential_prior(sees=True), algorithm)
    assert [cost["forward_runs"] for cost in costs] == counts


def test_that_draws_of_the_truth_itself_are_measured_as_such():
    small = case(random_generator_prior())
    same = SimpleNamespace(realizations=np.repeat(small["true_facies"][None], 5, axis=0))
    figures = flow_case.measure([same, same], small)
    assert figures["draws"] == 10
    assert figures["distinct_draws"] == 1
    assert figures["min_honoured"] == 2
    assert figures["truth_pixel_accuracy"] == figures["draw_pixel_accuracy"] == 1
    assert figures["crps"] == 0
    for name in ("head_rmse_m", "head_rmse_min_m", "head_rmse_max_m"):
        assert figures[name] == pytest.approx(0.005, rel=1e-3)
    assert figures["crps_heads_m"] < 1e-4


def test_that_the_score_is_that_of_all_pairs():
    rng = np.random.default_rng(0)
    draws, truth = rng.standard_normal((7, 3)), rng.standard_normal(3)
    pairs = np.abs(draws[:, None] - draws[None]).mean(axis=(0, 1)) / 2
    assert flow_case.crps(draws, truth) == pytest.approx(np.mean(np.abs(draws - truth).mean(axis=0) - pairs))


def test_that_runs_apart_have_a_large_rhat():
    rng = np.random.default_rng(1)
    tables = [rng.standard_normal((50, 2)) + np.array([shift, 0.0]) for shift in (0, 3)]
    largest, _ = flow_case.largest_rhat(tables)
    assert largest > 1.5
    assert flow_case.largest_rhat(tables[:1]) == (None, None)


def test_that_what_is_certain_in_each_run_but_differs_counts_as_disagreement():
    rng = np.random.default_rng(1)
    tables = [np.column_stack([rng.standard_normal(50), np.full(50, value), np.ones(50)]) for value in (0, 1)]
    largest, typical = flow_case.largest_rhat(tables)
    assert largest == np.inf
    assert typical == np.inf  # of two quantities, since the third is the same in all draws
