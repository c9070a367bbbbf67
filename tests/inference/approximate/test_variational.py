"""Variational inference: families that hold a linear Gaussian posterior find it, the mean field its known best."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import norm

from latentinv import Grid, InputError, NonFiniteError, Posterior, Variational, sample
from latentinv.inference.approximate._pareto import tail_shape
from tests.problems import LinearPrior, generator_posterior, linear_gaussian, slowly

ALARM = 1e-4


def _divergence(mean, covariance, exact_mean, exact_covariance):
    """Kullback–Leibler divergence of one Gaussian from another."""
    off = mean - exact_mean
    precision = np.linalg.inv(exact_covariance)
    ratio = np.linalg.slogdet(exact_covariance)[1] - np.linalg.slogdet(covariance)[1]
    return 0.5 * (np.trace(precision @ covariance) + off @ precision @ off - len(off) + ratio)


def _fitted(posterior, settings, seed=1):
    """The run, and mean and covariance of its guide from its parameters, not from draws."""
    kernel, key = settings.build(), jax.random.key(seed)
    state, steps = kernel.init(posterior, jax.random.fold_in(key, 0)), 0
    while not kernel.finished(state):
        steps += 1
        state, _ = kernel.step(posterior, jax.random.fold_in(key, steps), state)
    raw = state.optimiser[1][0]
    scale = jax.nn.softplus(jnp.asarray(raw["auto_scale"])) if "auto_scale" in raw else None
    if settings.guide == "mean_field":
        covariance = np.diag(np.square(scale))
    else:
        factor = np.asarray(raw["auto_cov_factor"]) * np.asarray(scale)[:, None]
        covariance = factor @ factor.T + np.diag(np.square(scale))
    return kernel.results(posterior, state), np.asarray(raw["auto_loc"], float), np.asarray(covariance, float)


@pytest.mark.parametrize("guide", ["mean_field", slowly("low_rank")])
def test_that_a_gaussian_guide_comes_as_near_to_a_linear_posterior_as_its_family_allows(guide):
    # A Gaussian nearest to another in this divergence has its mean, and the mean field the diagonal of its precision.
    # What may be left, 0.02 nats, needs fifty draws and more to be told from nothing.
    posterior, mean, covariance, evidence = linear_gaussian(9, 4)
    results, location, spread = _fitted(posterior, Variational(guide=guide, rank=9, iterations=2500))
    nearest = covariance if guide == "low_rank" else np.diag(1 / np.diag(np.linalg.inv(covariance)))
    least = _divergence(mean, nearest, mean, covariance)
    assert _divergence(location, spread, mean, covariance) < least + 0.02
    assert (least > 0.3) == (guide == "mean_field")  # so that the wrong family could not pass
    assert results["gradients"] == 20_000
    if guide == "low_rank":
        # weights have the variance e^(2 KL) − 1 or so, at most 0.05 here: five errors of the mean of 256
        assert results["log_evidence"] == pytest.approx(evidence, abs=5 * np.sqrt(0.05 / 256))
        assert results["pareto_k"] < 0.7


@pytest.mark.parametrize("guide", ["full_rank", slowly("flow")])
def test_that_a_rich_guide_finds_the_evidence_of_a_linear_posterior(guide):
    posterior, mean, covariance, evidence = linear_gaussian(9, 4)
    run = sample(posterior, Variational(guide=guide, iterations=2000, draws=1000), seed=1)
    # the bound falls short by the divergence, known to a few hundredths of a nat from 25 · 8 draws
    assert evidence - 0.3 < run.results["elbo"] < evidence + 0.1
    assert run.results["log_evidence"] == pytest.approx(evidence, abs=0.1)
    score = (run.latents.mean(axis=0) - mean) / np.sqrt(np.diag(covariance))
    # a divergence of ε shifts a mean by at most √(2 ε) sd
    assert np.all(np.abs(score) < norm.isf(ALARM / 18) / np.sqrt(1000) + np.sqrt(2 * 0.05))


def test_that_the_shape_of_a_tail_is_estimated_and_told():
    rng = np.random.default_rng(0)
    for shape in (0.2, 0.9):
        weights = rng.uniform(size=20_000) ** -shape  # a Pareto distribution of this shape
        tail = 3 * np.sqrt(weights.size)
        # standard error of the maximum of the likelihood, (1 + k) / √n; the weak prior moves it by 5/434 at most
        bound = norm.isf(ALARM / 4) * (1 + shape) / np.sqrt(tail) + 0.012
        assert abs(tail_shape(np.log(weights)) - shape) < bound
    assert tail_shape(np.zeros(100)) == 0.0
    assert tail_shape(np.full(100, np.nan)) == np.inf
    assert tail_shape(np.append(np.zeros(99), np.inf)) == np.inf
    assert tail_shape(np.zeros(5)) == np.inf


def test_that_a_guide_far_from_the_posterior_is_said_to_be():
    run = sample(generator_posterior(), Variational(guide="mean_field", iterations=5, iterations_per_step=5), seed=3)
    assert run.results["pareto_k"] > 0.7
    assert "is far from the posterior" in run.results["warnings"][0]


def test_that_iterations_that_leave_the_finite_numbers_stop_the_run_or_are_counted():
    posterior = linear_gaussian(9, 4)[0]
    kernel = Variational(guide="mean_field", iterations=20, iterations_per_step=4).build()
    state = kernel.init(posterior, jax.random.key(0))
    count, (parameters, memory) = state.optimiser
    broken = {name: value * jnp.nan for name, value in parameters.items()}
    with pytest.raises(NonFiniteError, match="became NaN or infinite"):
        kernel.step(posterior, jax.random.key(0), state._replace(optimiser=(count, (broken, memory))))
    counted = state._replace(non_finite=jnp.int32(3), log_weights=jnp.zeros(256))
    assert "3 of 20 iterations" in kernel.results(posterior, counted)["warnings"][0]


def test_that_a_flow_of_one_latent_is_refused():
    posterior = Posterior(LinearPrior(np.eye(1)), Grid((1, 1)), [])
    with pytest.raises(InputError, match="two latents or more"):
        sample(posterior, Variational(guide="flow"))


@pytest.mark.parametrize(
    ("setting", "value"), [("guide", "magic"), ("rank", 0), ("draws", 0), ("learning_rate", 0.0), ("elbo_samples", 0)]
)
def test_that_a_senseless_setting_is_refused_by_name(setting, value):
    with pytest.raises(InputError, match=setting):
        Variational(**{setting: value})
