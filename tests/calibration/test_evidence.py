"""Evidence of models whose evidence is known."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from latentinv import InputError, Laplace, Posterior, PreconditionedCrankNicolson, SteinVariational
from latentinv.calibration import compare_evidence
from latentinv.calibration._evidence import _compared
from tests.problems import LinearPrior, linear_gaussian


def _exact(posterior):
    """Log-density of the block means about zero, with the covariance that prior and noise give them."""
    (blocks,) = posterior.observations
    fields = np.asarray(posterior.prior.matrix).T.reshape(-1, *posterior.grid.shape)
    forward = np.stack([np.asarray(blocks.forward.predict(field), float) for field in fields], axis=1)
    return multivariate_normal.logpdf(posterior.observed[0], cov=forward @ forward.T + 0.09 * np.eye(len(forward)))


def test_that_the_better_model_comes_first_with_its_exact_evidence():
    other = linear_gaussian(4, 3, seed=1)[0]
    wide = LinearPrior(5.0 * other.prior.matrix)  # the same data, a prior that spreads far
    models = {"wide": Posterior(wide, other.grid, other.observations), "other": other}
    exact = {name: _exact(posterior) for name, posterior in models.items()}
    assert exact["other"] - exact["wide"] > 1.0
    heard = []
    # Laplace's approximation is exact here, whatever the seed.
    found = compare_evidence(models, Laplace(draws=4), replicates=2, on_run=lambda name, value: heard.append(name))
    assert heard == ["wide"] * 2 + ["other"] * 2
    first, second = found.models
    assert (first.name, second.name) == ("other", "wide")
    assert first.log_evidence == pytest.approx(exact["other"], abs=1e-3)
    assert second.log_evidence == pytest.approx(exact["wide"], abs=1e-3)
    odds = np.exp(exact["other"] - exact["wide"])
    assert first.probability == pytest.approx(odds / (1 + odds), abs=1e-3)
    assert first.standard_error < 1e-3
    assert found.clear
    assert "favour 'other'" in found.sentence()


def test_that_models_within_the_spread_are_not_ranked():
    found = _compared({"a": np.array([-10.0, -12.0, -11.0]), "b": np.array([-10.5, -12.2, -11.4])}, 3)
    assert not found.clear
    assert "cannot be ranked" in found.sentence()
    assert found.models[0].spread == pytest.approx(1.0)


def test_that_runs_that_met_nothing_count_against_their_model():
    found = _compared({"a": np.array([]), "b": np.array([-5.0, -5.1])}, 2)
    assert [model.name for model in found.models] == ["b", "a"]
    assert found.models[1].infeasible == 2
    assert found.models[1].probability == 0.0
    assert "no run of another model" in found.sentence()
    assert "their evidence is unknown" in _compared({"a": np.array([]), "b": np.array([])}, 2).sentence()


def test_that_a_comparison_needs_two_models_two_runs_and_an_evidence():
    posterior = linear_gaussian(2, 1)[0]
    with pytest.raises(InputError, match="at least two of each"):
        compare_evidence({"a": posterior})
    with pytest.raises(InputError, match="at least two of each"):
        compare_evidence({"a": posterior, "b": posterior}, replicates=1)
    with pytest.raises(InputError, match="only approximates these posteriors"):
        compare_evidence({"a": posterior, "b": posterior}, SteinVariational(particles=4, iterations=20))
    short = PreconditionedCrankNicolson(warmup=2, draws=4, thinning=1, draws_per_step=1)
    with pytest.raises(InputError, match="does not estimate the evidence"):
        compare_evidence({"a": posterior, "b": posterior}, short)
    with pytest.raises(InputError, match="'a' and 'b' do not have data of the same names and numbers"):
        compare_evidence({"a": posterior, "b": linear_gaussian(2, 3)[0]})
    (data,) = posterior.observations
    others = Posterior(posterior.prior, posterior.grid, [data.with_data(data.observed + 1)])
    with pytest.raises(InputError, match="differ in places or values"):
        compare_evidence({"a": posterior, "b": others})
