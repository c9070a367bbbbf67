"""ES-MDA against a linear Gaussian posterior, and its parts against numbers worked out by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from latentinv import (
    ESMDA,
    BlockMeans,
    Grid,
    HardData,
    IndirectData,
    InputError,
    NonFiniteError,
    Posterior,
    StudentNoise,
    sample,
)
from latentinv.forward import LinearForward
from latentinv.inference.core._gaussian_data import gaussian_data
from latentinv.inference.ensembles._es_mda import correlation_taper, gaspari_cohn
from latentinv.keys import from_seed, named
from latentinv.priors import FaciesModel
from latentinv.pytrees import pytree
from tests.bounds import assert_mean_is
from tests.problems import LinearPrior, generator_posterior, linear_gaussian

REPLICATES, MEMBERS = 12, 4000
SCHEDULES = ({"assimilations": 4}, {"assimilations": 4, "growth": 3.0}, {"adaptive": True})


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_that_a_large_ensemble_reproduces_a_linear_gaussian_posterior(schedule):
    # A gain from N members errs by O(1/√N) with mean O(1/N), so the means of R replicates are off by some 1/N, and
    # their standard error is 1/√(R N), 18 times as much. Members that share a gain are as good as two in three of them.
    posterior, mean, covariance, _ = linear_gaussian(9, 4)
    settings = ESMDA(members=MEMBERS, localised=False, batch_size=MEMBERS, **schedule)
    runs = [sample(posterior, settings, seed=seed) for seed in range(REPLICATES)]
    means = np.array([run.latents.mean(axis=0) for run in runs])
    variances = np.array([np.var(run.latents, axis=0, ddof=1) for run in runs])
    exact = np.diag(covariance)
    assert_mean_is(means, mean, np.sqrt(exact / (MEMBERS / 1.5)))
    assert_mean_is(variances, exact, exact * np.sqrt(2 / (MEMBERS / 1.5)))


def test_that_the_inflation_of_a_schedule_sums_to_one_assimilation():
    posterior, *_ = linear_gaussian(9, 4)
    for schedule in SCHEDULES:
        run = sample(posterior, ESMDA(members=40, **schedule))
        assert np.sum(1 / run.trace["inflation"]) == pytest.approx(1.0, abs=1e-5)
        assert run.results["forward_runs"] == 40 * run.steps
    grown = sample(posterior, ESMDA(members=40, assimilations=3, growth=2.0)).trace["inflation"]
    np.testing.assert_allclose(grown, [7.0, 3.5, 1.75], rtol=1e-5)


def test_that_the_taper_is_the_published_function():
    np.testing.assert_allclose(gaspari_cohn(jnp.asarray([0.0, 1.0, 2.0, 3.0])), [1, 5 / 24, 0, 0], atol=1e-6)
    np.testing.assert_allclose(gaspari_cohn(jnp.asarray([0.5, 1.5])), [0.684896, 0.016493], atol=1e-5)


def test_that_a_real_correlation_passes_the_taper_and_noise_does_not():
    key_z, key_shuffle = jax.random.split(jax.random.key(1))
    z = jax.random.normal(key_z, (100, 400))
    z = z - z.mean(axis=0)
    taper = np.asarray(correlation_taper(key_shuffle, z, z[:, :1]))
    assert taper[0, 0] == pytest.approx(1.0, abs=1e-5)
    # correlations of noise stay below the threshold θ of 3.5 of their standard deviations, where the taper is 5/24,
    # but for a share 400 · 2 (1 − Φ(3.5)) ≈ 0.2 of them; five have a chance below 1e-4
    assert np.sum(taper[1:, 0] > 5 / 24) < 5
    assert np.median(taper[1:, 0]) < 0.1


def test_that_localisation_spares_latents_that_no_datum_sees():
    prior, grid = LinearPrior(np.eye(100)), Grid((10, 10))
    seen = BlockMeans(grid, np.zeros((1, 2)), np.ones((1, 2)), np.array([1.5]), 0.1, None)
    posterior = Posterior(prior, grid, [seen])
    lost = {}
    for localised in (True, False):
        run = sample(posterior, ESMDA(members=30, assimilations=2, localised=localised), seed=3)
        lost[localised] = np.mean(run.latents[:, 1:].mean(axis=0) ** 2)
        assert run.latents[:, 0].mean() == pytest.approx(1.5, abs=0.3)
    # a mean of 30 standard normals has square 1/30 on average; what is more comes from correlations that are not there
    assert lost[True] < lost[False]
    assert lost[True] < 1.5 / 30


def test_that_hard_data_are_fitted_through_a_surrogate_that_is_named():
    posterior = generator_posterior(wells=6)
    run = sample(posterior, ESMDA(members=64, assimilations=6), seed=2)
    assert "a surrogate: draws may miss wells" in run.results["warnings"][0]
    first, last = (run.trace["honoured"][i] for i in (0, -1))
    assert last > first
    assert len(run.latents) == 64


def test_that_the_surrogate_is_the_mean_position_of_the_facies():
    model, grid = FaciesModel((7, 3, 5), (-1.0, 1.0)), Grid((1, 2))
    wells = HardData(grid, grid.centres([[0, 0], [0, 1]]), [3, 5], model, error_probability=[0.0, 0.1], slope=2.0)
    data = gaussian_data(Posterior(LinearPrior(np.eye(2), model), grid, [wells]), 0.3)
    np.testing.assert_array_equal(data.observed, [1, 2])
    np.testing.assert_allclose(1 / data.whiten(jnp.ones(2)), [0.3, np.sqrt(0.09 + 0.09)], rtol=1e-6)

    def above(value, threshold):
        return 1 / (1 + np.exp(-2.0 * (value - threshold)))

    # the mean of a position is the sum of the chances to lie above each threshold
    expected = [above(x, -1.0) + above(x, 1.0) for x in (0.2, 0.9)]
    np.testing.assert_allclose(data.predict(jnp.asarray([[0.2, 0.9]]), (jnp.zeros(2),)), expected, rtol=1e-5)


def test_that_data_without_gaussian_noise_or_a_surrogate_are_refused_by_name():
    grid = Grid((1, 1))
    counts = IndirectData(grid, LinearForward(np.eye(1), grid), [1.0], StudentNoise(1.0, 3.0), name="counts")
    with pytest.raises(InputError, match="noise of the data 'counts' is not Gaussian"):
        gaussian_data(Posterior(LinearPrior(np.eye(1)), grid, [counts]), 0.2)


@pytree("matrix")
class _Torn(LinearPrior):
    """A prior that fails above a limit, as a simulation may."""

    def __init__(self, limit):
        super().__init__(np.eye(4))
        self.limit = limit

    def generate(self, z, grid):
        return jnp.where(z[0] > self.limit, jnp.nan, super().generate(z, grid))


def _torn(limit):
    grid = Grid((2, 2))
    blocks = BlockMeans(grid, np.array([[0.0, 1.0]]), np.array([[1.0, 2.0]]), np.array([0.5]), 0.2, None)
    return Posterior(_Torn(limit), grid, [blocks])


def test_that_members_that_leave_the_finite_numbers_are_dropped_and_counted():
    run = sample(_torn(1.0), ESMDA(members=50, assimilations=3))
    failed = int(run.trace["non_finite"][-1])
    assert 0 < failed < 25
    assert len(run.latents) == 50 - failed
    assert np.isfinite(run.realizations).all()
    assert f"{failed} of 50 members" in run.results["warnings"][0]


def test_that_an_ensemble_most_of_which_fails_stops_the_run():
    with pytest.raises(NonFiniteError, match="became NaN or infinite"):
        sample(_torn(-1.0), ESMDA(members=50))


def test_that_without_data_the_ensemble_stays_as_it_was_drawn():
    posterior = Posterior(LinearPrior(np.eye(4)), Grid((2, 2)), [])
    run = sample(posterior, ESMDA(members=10, assimilations=2))
    start = jax.random.normal(named(from_seed(0, "run"), "start"), (10, 4))
    np.testing.assert_array_equal(run.latents, start)


@pytest.mark.parametrize(
    ("setting", "value"),
    [("members", 2), ("assimilations", 0), ("batch_size", 2.5), ("growth", 0.0), ("energy", 1.5), ("facies_sd", -1.0)],
)
def test_that_a_senseless_setting_is_refused_by_name(setting, value):
    with pytest.raises(InputError, match=setting):
        ESMDA(**{setting: value})
