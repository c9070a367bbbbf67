"""Functions that a user wrote, tried before a run: the same sentence for every algorithm, and a way out."""

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import norm

from latentinv import (
    CholeskyPrior,
    Covariance,
    Grid,
    IndirectData,
    NonFiniteError,
    Posterior,
    TemperedSMC,
    resume,
    sample,
)
from latentinv.forward import FunctionForward
from latentinv.inference import ALGORITHMS

GRID = Grid((1, 1))


def rooted(property):
    """The property itself, by a branch whose gradient is NaN wherever the prior draws."""
    return jnp.where(property > 100, jnp.sqrt(property - 100), property)[0]


def nowhere(property):
    """No number at all."""
    return jnp.sqrt(-1 - property[0] ** 2)


def sometimes(property):
    """NaN gradients for the upper tail only, which runs reject and count."""
    return jnp.where(property > 1.5, property + 0 * jnp.sqrt(1.5 - property), property)[0]


def posterior_with(forward):
    return Posterior(
        CholeskyPrior(Covariance("exponential", 1.0)), GRID, [IndirectData(GRID, forward, [1.0], 1.0, name="heads")]
    )


@pytest.mark.parametrize("name", ALGORITHMS)
def test_that_every_algorithm_refuses_nan_gradients_with_one_sentence(name):
    with pytest.raises(
        NonFiniteError, match=r"function of 'heads' has NaN or infinite gradients for 8 of 8 draws.*jnp"
    ):
        sample(posterior_with(rooted), name)


@pytest.mark.parametrize("name", ["smc", "es_mda", "laplace"])
def test_that_a_function_without_numbers_is_refused(name):
    with pytest.raises(
        NonFiniteError, match="function of 'heads' gives NaN or infinite predictions for all of 8 draws"
    ):
        sample(posterior_with(nowhere), name)


def test_that_such_a_function_is_used_without_gradients(tmp_path):
    path = tmp_path / "run.h5"
    posterior = posterior_with(FunctionForward(rooted, GRID, has_gradient=False))
    run = sample(posterior, TemperedSMC(particles=256), seed=3, output=path)
    # N(1/2, 1/2): 256 draws, of which at least 100 count as independent; 4.5 standard errors for 1e-5.
    assert abs(run.latents.mean() - 0.5) < 4.5 * np.sqrt(0.5 / 100)
    evidence = norm(0, np.sqrt(2)).logpdf(1.0)
    assert run.results["log_evidence"] == pytest.approx(evidence, abs=0.3)
    assert not resume(path, forwards={"heads": rooted}).posterior.has_gradient


def test_that_rare_nan_gradients_are_left_to_the_algorithm():
    run = sample(posterior_with(sometimes), TemperedSMC(particles=64), seed=1)
    assert np.isfinite(run.latents).all()
