"""Tempered SMC against posteriors that are known exactly.

Bounds on means are those of `tests.bounds`, over independent replicates.
"""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import norm, truncnorm

from latentinv import (
    BlockMeans,
    Grid,
    HardData,
    IndirectData,
    InputError,
    NonFiniteError,
    Posterior,
    TemperedSMC,
    sample,
)
from latentinv.data import AbstractObservation
from latentinv.forward import LinearForward
from latentinv.inference import ALGORITHMS
from latentinv.inference.core import resample
from latentinv.inference.moves import Population
from latentinv.posterior import Predictions
from latentinv.priors import FaciesModel
from latentinv.pytrees import pytree
from tests.bounds import ALARM, assert_mean_is
from tests.problems import (
    LinearPrior,
    generator_posterior,
    linear_gaussian,
    random_generator_prior,
    slowly,
    wells_of_a_draw,
)

REPLICATES = 24
EFFECTIVE = 128
"""Independent draws that the 256 draws of a run must be as good as."""


def _replicates(posterior, settings):
    return [sample(posterior, settings, seed=seed) for seed in range(REPLICATES)]


def _assert_evidence_is(runs, exact, sd):
    """The evidence itself, not its logarithm, is estimated without bias; `sd` is relative."""
    assert_mean_is([np.exp(run.results["log_evidence"] - exact) for run in runs], 1.0, sd)


SETTINGS = TemperedSMC(particles=256, moves=3, leapfrogs=8, batch_size=256)
WASTE_FREE = TemperedSMC(particles=512, moves=7, leapfrogs=8, local_moves=2, batch_size=64, waste_free=True)


MANY = [slowly(50, 12, settings, 0.35) for settings in (SETTINGS, WASTE_FREE)]


@pytest.mark.parametrize(("latents", "data", "settings", "evidence_sd"), [(2, 1, SETTINGS, 0.02), *MANY])
def test_that_a_linear_gaussian_posterior_is_reproduced(latents, data, settings, evidence_sd):
    posterior, mean, covariance, evidence = linear_gaussian(latents, data)
    runs = _replicates(posterior, settings)
    variance = np.diag(covariance)
    assert_mean_is([run.latents.mean(axis=0) for run in runs], mean, np.sqrt(variance / EFFECTIVE))
    squares = [((run.latents - mean) ** 2).mean(axis=0) for run in runs]
    assert_mean_is(squares, variance, variance * np.sqrt(2 / EFFECTIVE))
    _assert_evidence_is(runs, evidence, evidence_sd)


THRESHOLD, FACIES, WELLS = 0.7, np.array([1, 0, 1]), np.array([[0, 0], [0, 1], [1, 0]])
CELLS = {"particles": 256, "moves": 4, "leapfrogs": 6, "batch_size": 256}


def _independent_cells(matrix, facies=FACIES):
    """Three of four cells are known, each a latent of its own if the matrix is one."""
    grid, prior = Grid((2, 2)), LinearPrior(matrix, FaciesModel((0, 1), (THRESHOLD,)))
    return Posterior(prior, grid, [HardData(grid, grid.centres(WELLS), facies, prior.facies_model)])


@pytest.mark.parametrize("waste_free", [False, slowly(True)])
def test_that_thresholded_independent_cells_are_truncated_normals_with_exact_evidence(waste_free):
    settings = CELLS | {"moves": 3} if waste_free else CELLS
    runs = _replicates(_independent_cells(np.eye(4)), TemperedSMC(**settings, waste_free=waste_free))
    above, below = truncnorm(THRESHOLD, np.inf), truncnorm(-np.inf, THRESHOLD)
    exact = [above, below, above, norm()]
    sd = np.array([cell.std() for cell in exact]) / np.sqrt(EFFECTIVE)
    assert_mean_is([run.latents.mean(axis=0) for run in runs], [cell.mean() for cell in exact], sd)
    _assert_evidence_is(runs, 2 * norm.logsf(THRESHOLD) + norm.logcdf(THRESHOLD), 0.15)
    for run in runs:
        np.testing.assert_array_equal(run.realizations[:, *WELLS.T], np.tile(FACIES, (256, 1)))


@pytest.mark.assure
def test_that_wells_with_stated_errors_are_weighed_not_forced():
    grid = Grid((1, 2))
    prior = LinearPrior(np.eye(2), FaciesModel((0, 1), (0.0,)))
    wells = HardData(grid, grid.centres([[0, 0]]), [1], prior.facies_model, error_probability=0.2)
    runs = _replicates(
        Posterior(prior, grid, [wells]), TemperedSMC(particles=256, moves=4, leapfrogs=6, batch_size=256)
    )
    assert_mean_is([(run.realizations[:, 0, 0] == 1).mean() for run in runs], 0.8, np.sqrt(0.8 * 0.2 / EFFECTIVE))
    _assert_evidence_is(runs, np.log(0.5), 0.05)


@pytest.mark.parametrize("target", [slowly("soft"), "thresholded"])
def test_that_without_data_the_prior_is_returned(target):
    prior, grid = LinearPrior(np.eye(6), FaciesModel((0, 1), (0.0,))), Grid((2, 3))
    runs = _replicates(Posterior(prior, grid, [], target=target), TemperedSMC(particles=256, batch_size=256))
    assert_mean_is([run.latents.mean(axis=0) for run in runs], 0.0, np.sqrt(1 / EFFECTIVE))
    assert_mean_is([(run.latents**2).mean(axis=0) for run in runs], 1.0, np.sqrt(2 / EFFECTIVE))
    assert all(run.results["log_evidence"] == pytest.approx(0.0, abs=1e-5) for run in runs)


@pytest.mark.assure
def test_that_the_evidence_of_a_generator_equals_rejection_sampling():
    prior, grid = random_generator_prior(), Grid((20, 18))
    wells = wells_of_a_draw(prior, grid, 6)
    posterior = Posterior(prior, grid, [wells])
    z = jax.random.normal(jax.random.key(11), (20_000, posterior.latent_size))
    predicted = jax.jit(lambda z: jax.lax.map(lambda one: posterior.predict(one).exact[0], z, batch_size=500))(z)
    hits = np.asarray(predicted).all(axis=1)
    estimates = np.exp([run.results["log_evidence"] for run in _replicates(posterior, TemperedSMC(batch_size=64))])
    error = np.hypot(0.5 * hits.mean() / np.sqrt(REPLICATES), hits.std() / np.sqrt(hits.size))
    assert abs(estimates.mean() - hits.mean()) <= norm.isf(ALARM / 2) * error


@pytest.mark.assure
def test_that_every_draw_honours_every_well_and_draws_differ():
    posterior = generator_posterior()
    run = sample(posterior, TemperedSMC(particles=32), seed=3)
    assert all(report.fulfilled == report.total for reports in run.reports() for report in reports)
    assert len(np.unique(run.realizations.reshape(32, -1), axis=0)) == 32


def test_that_a_waste_free_run_keeps_every_place_and_counts_what_it_spent():
    posterior = generator_posterior()
    settings = {"moves": 3, "leapfrogs": 4, "local_moves": 2, "probes": 1, "batch_size": 32}
    run = sample(posterior, TemperedSMC(particles=32, **settings, waste_free=True), seed=3)
    assert len(run.latents) == 32
    assert len(np.unique(run.realizations.reshape(32, -1), axis=0)) > 8  # more than the chains
    assert all(report.fulfilled == report.total for reports in run.reports() for report in reports)
    levels = run.results["levels"]
    assert run.results["gradients"] == levels * 8 * (12 + 3 + 1) == pytest.approx(32 * run.trace["gradients"].sum())
    assert run.results["forward_runs"] == 3 * 32 + levels * 8 * 3 * 2  # three populations first
    with pytest.raises(InputError, match="particles is 34; with waste_free expected a multiple of moves \\+ 1"):
        TemperedSMC(particles=34, moves=3, waste_free=True)
    with pytest.raises(InputError, match="moves = 0 and waste_free = True"):
        TemperedSMC(moves=0, waste_free=True)


@pytest.mark.assure
def test_that_the_batch_size_changes_the_first_level_by_rounding_only():
    posterior = generator_posterior(wells=4)
    first, second = (sample(posterior, TemperedSMC(particles=8, batch_size=size), seed=1) for size in (8, 4))
    for name in ("inverse_temperature", "effective_sample_size", "acceptance", "step_size", "honoured"):
        np.testing.assert_allclose(first.trace[name][0], second.trace[name][0], rtol=1e-3, err_msg=name)


def test_that_a_ladder_cut_short_is_said_to_be():
    rare = _independent_cells(np.eye(4), np.array([1, 1, 1]))
    run = sample(rare, TemperedSMC(**CELLS, max_levels=1, first_draws=256))
    assert 0 < run.results["effective_sample_size_at_final_target"] < 30
    assert "raise moves" in run.results["warnings"][0]
    far = linear_gaussian(2, 1)[0].with_data([np.array([30.0])])
    run = sample(far, replace(SETTINGS, max_levels=1))
    assert len(run.latents) == 0
    assert "raise max_levels" in run.results["infeasible_data"][0]


def test_that_block_means_that_contradict_are_named():
    prior, grid = LinearPrior(np.eye(4)), Grid((2, 2))
    box = np.zeros((2, 2)), np.full((2, 2), 2.0)
    blocks = BlockMeans(grid, *box, np.array([-1.0, 1.0]), 0.05, None)
    run = sample(Posterior(prior, grid, [blocks]), TemperedSMC(particles=64, batch_size=64))
    assert len(run.results["misfit_data"]) == 2


def test_that_resampling_never_picks_a_particle_of_weight_zero():
    weights = jnp.where((jnp.arange(4096) < 9) | (jnp.arange(4096) > 4000), -jnp.inf, 0.0)
    population = Population(jnp.arange(4096.0)[:, None], Predictions((), ()))
    program = jax.jit(resample)
    for seed in range(200):
        chosen = np.asarray(program(jax.random.key(seed), population, weights)[0].z[:, 0])
        assert chosen.min() >= 9
        assert chosen.max() <= 4000


def test_that_wells_out_of_reach_are_named():
    # The first two cells are the same latent, so they can never differ.
    posterior = _independent_cells(np.eye(4)[[0, 0, 2, 3]])
    run = sample(posterior, TemperedSMC(**CELLS, max_levels=15))
    assert len(run.latents) == 0
    assert "log_evidence" not in run.results
    assert any("x 0.5 m" in sentence or "x 1.5 m" in sentence for sentence in run.results["infeasible_data"])


@pytree()
class _Poison(AbstractObservation):
    """A datum whose likelihood is not a number."""

    kind, name, count, observed, sharpens = "poison", "poison", 1, np.zeros(1), False

    def __init__(self, grid):
        self.grid = grid

    def check(self, prior, grid): ...

    def predict(self, field):
        return field.ravel()[:1]

    predict_exact = predict

    def tempered_log_likelihood(self, prediction, inverse_temperature):
        return jnp.where(prediction[0] > -10, jnp.nan, 0.0) * jnp.sum(prediction) * jnp.sign(inverse_temperature)

    def exact_log_likelihood(self, prediction):
        return self.tempered_log_likelihood(prediction, 1.0)

    def with_data(self, data):
        return self

    def simulate(self, key_noise, field, *, exact): ...

    def report(self, exact): ...

    def misfits(self, exact):
        return []

    def quantities(self, exact):
        return {}

    def as_gaussian(self, facies_sd): ...

    def seen(self): ...

    def marks(self):
        return ()

    def to_arrays(self):
        return {}

    @classmethod
    def from_arrays(cls, name, arrays, grid, prior): ...


def test_that_values_that_are_not_finite_stop_the_run_loudly():
    grid = Grid((2, 2))
    with pytest.raises(NonFiniteError, match="became NaN or infinite"):
        sample(Posterior(LinearPrior(np.eye(4)), grid, [_Poison(grid)]), TemperedSMC(particles=8))


@pytest.mark.parametrize(("setting", "value"), [("particles", 0), ("ess_target", 1.5), ("leapfrogs", 0)])
def test_that_a_senseless_setting_is_refused_by_name(setting, value):
    with pytest.raises(InputError, match=setting):
        TemperedSMC(**{setting: value})


def test_that_every_algorithm_of_the_registry_is_named_as_it_is_listed():
    assert all(algorithm.name == name for name, algorithm in ALGORITHMS.items())


def test_that_many_precise_data_leave_the_population_as_large_as_is_asked_for():
    # 500 data of sd 1 mm, missed by about a metre: log-likelihoods of some −10⁸, so that the first level must be far
    # below 1e-6, and differences of two of them in float32 would be off by tens.
    grid = Grid((25, 20))
    field = np.random.default_rng(0).standard_normal(500)
    data = IndirectData(grid, LinearForward(np.eye(500), grid), field, 1e-3, name="heads", unit="m")
    run = sample(Posterior(LinearPrior(np.eye(500)), grid, [data]), TemperedSMC(particles=32, max_levels=4), seed=1)
    assert run.trace["inverse_temperature"][0] < 1e-6
    assert np.all(run.trace["effective_sample_size"] > 0.9 * 0.4 * 32)


def test_that_a_population_that_shrinks_is_said_to_for_soft_targets_too():
    state = TemperedSMC(particles=64).build().init(linear_gaussian(2, 1)[0], jax.random.key(0))
    kernel, posterior = TemperedSMC(particles=64).build(), linear_gaussian(2, 1)[0]
    assert "warnings" not in kernel.results(posterior, state)
    (warning,) = kernel.results(posterior, state._replace(least_size=jnp.float32(3.0)))["warnings"]
    assert "about 3 of 64 particles were left" in warning
