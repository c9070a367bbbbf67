"""The metric of the data's curvature, for moves that follow gradients."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from latentinv import HMC, NUTS, CorrelatedNoise, Grid, IndirectData, InputError, Posterior, sample
from latentinv.forward import LinearForward
from latentinv.inference.chains import _side_by_side
from latentinv.inference.moves._preconditioner import curvature_probe
from tests.problems import LinearPrior, linear_gaussian


@pytest.mark.assure
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


def test_that_a_metric_too_large_to_decompose_is_refused(monkeypatch):
    monkeypatch.setattr(_side_by_side, "MOST_DERIVATIVES", 100)
    posterior, *_ = linear_gaussian(4, 9)
    with pytest.raises(InputError, match=r"9 data by 4 latents at 3 chains, .* 1e\+02 .* use the metric 'prior'"):
        sample(posterior, NUTS(chains=3, metric="curvature"), seed=1)


@pytest.mark.parametrize("noise", [0.3, CorrelatedNoise(0.2 * np.exp(-np.abs(np.subtract.outer(range(3), range(3)))))])
def test_that_probes_have_the_curvature_of_correlated_data_too(noise):
    grid, matrix = Grid((2, 2)), np.random.default_rng(0).standard_normal((3, 4))
    forward = LinearForward(matrix, grid)
    posterior = Posterior(LinearPrior(np.eye(4)), grid, [IndirectData(grid, forward, np.zeros(3), noise)])
    probe = jax.jit(jax.vmap(lambda key: curvature_probe(posterior, jnp.zeros(4), jnp.float32(0.5), key)))
    probes = np.asarray(probe(jax.random.split(jax.random.key(1), 20_000)), float)
    white = np.asarray(jax.jacobian(posterior.observations[0].noise.whiten)(jnp.zeros(3)), float) @ matrix
    products = np.einsum("ni,nj->nij", probes, probes)
    error = products.std(axis=0) / np.sqrt(len(probes))
    assert np.all(np.abs(products.mean(axis=0) - 0.5 * white.T @ white) < 5 * error + 1e-4)
