"""The metric of the data's curvature, for moves that follow gradients."""

import pytest

from latentinv import HMC, NUTS, InputError, sample
from tests.problems import linear_gaussian


def test_that_the_metric_spares_gradients_where_data_are_tight():
    posterior, *_ = linear_gaussian(40, 200)
    cost = {}
    for metric in ("prior", "curvature"):
        run = sample(posterior, NUTS(warmup=100, draws=400, metric=metric), seed=1)
        cost[metric] = float(run.trace["gradients"][-5:].sum())
    assert cost["curvature"] < 0.6 * cost["prior"]


def test_that_its_own_cost_is_counted():
    posterior, *_ = linear_gaussian(4, 30)
    settings = {"chains": 2, "warmup": 10, "draws": 2, "leapfrogs": 2}
    spent = [sample(posterior, HMC(metric=m, **settings), seed=1).results["gradients"] for m in ("prior", "curvature")]
    assert spent[1] - spent[0] == 2 * 2 * 30  # chains, times, data


def test_that_a_metric_that_is_not_known_is_refused():
    with pytest.raises(InputError, match="metric"):
        HMC(metric="euclidean")
