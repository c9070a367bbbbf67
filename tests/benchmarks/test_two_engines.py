"""Two engines that share nothing but the posterior give the same answer."""

import numpy as np
import pytest
from scipy.stats import t as student_t

from benchmarks import two_engines
from latentinv import Grid, HardData, ParallelTempering, Posterior, TemperedSMC
from latentinv.priors import FaciesModel
from tests.problems import LinearPrior, generator_posterior

pytestmark = pytest.mark.assure

ALARM = 1e-4
KEYS = {
    "log_evidence_smc",
    "log_evidence_smc_sd",
    "log_evidence_tempering",
    "log_evidence_tempering_sd",
    "pixel_worst_in_se",
    "pixel_rms_difference",
    "pixel_rms_expected",
    "rhat_max",
}


def _answer(pixels):
    return two_engines.Answer(0.0, 1.0, np.asarray(pixels))


def test_that_the_mean_of_evidences_is_not_that_of_their_logarithms():
    values = np.log([1.0, 2.0, 6.0])
    assert two_engines.log_mean(values) == pytest.approx(np.log(3.0))
    # the error of a mean of 3 is its standard error, over the mean, to first order
    small = np.log(1 + 1e-3 * np.array([-1.0, 0.0, 1.0]))
    assert two_engines.jackknife_error(small) == pytest.approx(1e-3 / np.sqrt(3), rel=1e-2)


def test_that_independent_replicates_are_worth_their_draws_and_agree():
    rng = np.random.default_rng(0)
    p = rng.uniform(0.05, 0.95, (60, 60))
    one, other = (_answer((rng.random((8, 50, 60, 60)) < p).mean(axis=1)) for _ in range(2))
    assert two_engines.independent_draws(one) == pytest.approx(50, rel=0.1)
    figures = two_engines.compare(one, other)
    # 3600 independent normals stay below six standard errors but for 1e-5 of all seeds
    assert figures["pixel_worst_in_se"] < 6
    assert figures["pixel_rms_difference"] == pytest.approx(figures["pixel_rms_expected"], rel=0.1)
    shifted = two_engines.compare(one, _answer(np.clip(other.pixels + 0.3, 0, 1)))
    assert shifted["pixel_worst_in_se"] > 6
    assert shifted["pixel_rms_difference"] > 3 * shifted["pixel_rms_expected"]


@pytest.mark.assure
def test_that_the_benchmark_measures_what_it_names():
    grid, prior = Grid((5, 6)), LinearPrior(np.eye(30), FaciesModel((0, 1), (0.0,)))
    wells = HardData(grid, grid.centres([[0, 1], [2, 2], [4, 5]]), [0, 1, 1], prior.facies_model)
    smc = TemperedSMC(particles=8, moves=1, leapfrogs=2, batch_size=8)
    tempering = ParallelTempering(chains=2, rungs=5, warmup=32, draws=16, thinning=2, draws_per_step=1)
    figures = two_engines.measure(Posterior(prior, grid, [wells]), smc, range(2), tempering, 0)
    assert figures.keys() >= KEYS
    assert all(np.isfinite(figures[key]) for key in KEYS)
    assert figures["forward_runs_tempering"] > 2 * 4 * 48
    assert two_engines.parse([]).replicates == 8


@pytest.mark.assure
def test_that_two_engines_agree_on_every_pixel_and_on_the_evidence():
    replicates = 24
    smc = TemperedSMC(particles=128, moves=3, leapfrogs=6, batch_size=128)
    tempering = ParallelTempering(
        chains=replicates, rungs=8, warmup=300, draws=replicates * 100, thinning=10, local_moves=4, draws_per_step=20
    )
    posterior = generator_posterior(wells=12)
    one, _ = two_engines.by_smc(posterior, smc, range(replicates))
    other, run = two_engines.by_tempering(posterior, tempering, 1)
    assert "warnings" not in run.results
    # Welch's test of every pixel with the fewest degrees of freedom it can have, and of the evidence; pixels that no
    # draw of either engine varies must be equal.
    quantile = student_t.isf(ALARM / 2 / (1 + one.pixels[0].size), replicates - 1)
    error = np.sqrt((one.pixels.var(axis=0, ddof=1) + other.pixels.var(axis=0, ddof=1)) / replicates)
    difference = np.abs(one.pixels.mean(axis=0) - other.pixels.mean(axis=0))
    assert np.all(difference <= quantile * error + 1e-6)
    apart = abs(one.log_evidence - other.log_evidence)
    assert apart <= quantile * np.hypot(one.log_evidence_error, other.log_evidence_error)
    assert np.hypot(one.log_evidence_error, other.log_evidence_error) < 0.15
    assert error.max() < 0.05
