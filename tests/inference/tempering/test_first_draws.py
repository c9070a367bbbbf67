"""The first level chooses its particles from more draws of the prior than there are particles.

Bounds on means are those of `tests.bounds`, over independent replicates.
"""

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import norm

from latentinv import Grid, HardData, InputError, Posterior, TemperedSMC, sample
from latentinv.inference.moves import Population
from latentinv.inference.tempering._smc_start import usual_first_draws
from latentinv.posterior import Predictions
from latentinv.priors import FaciesModel
from tests.bounds import assert_mean_is
from tests.problems import LinearPrior

CELLS, THRESHOLD = 6, 0.7
QUICK = {"particles": 32, "moves": 2, "leapfrogs": 3, "batch_size": 32, "final_rounds": 1}


def all_sand():
    """Independent cells, all known to be sand, of which a quarter is."""
    grid = Grid((1, CELLS))
    prior = LinearPrior(np.eye(CELLS), FaciesModel((0, 1), (THRESHOLD,)))
    cells = np.stack(np.unravel_index(np.arange(CELLS), grid.shape), axis=1)
    wells = HardData(grid, grid.centres(cells), np.ones(CELLS, int), prior.facies_model)
    return Posterior(prior, grid, [wells])


def test_that_more_draws_of_the_prior_lead_further_at_the_same_effective_size():
    few, many = (sample(all_sand(), TemperedSMC(**QUICK, first_draws=count), seed=1) for count in (32, 2048))
    assert many.trace["inverse_temperature"][0] > 1.3 * few.trace["inverse_temperature"][0]
    assert many.results["levels"] < few.results["levels"]
    for run in (few, many):
        assert 0.4 * 32 * 0.99 <= run.trace["effective_sample_size"][0] <= 32
        assert run.realizations.all()
    spent = many.results["forward_runs"] - few.results["forward_runs"]
    assert spent == 2048 - 32 - (few.results["levels"] - many.results["levels"]) * 32 * 8


def test_that_whole_populations_are_drawn_and_counted():
    run = sample(all_sand(), TemperedSMC(**QUICK, first_draws=40), seed=1)
    assert run.results["first_draws"] == 64


def test_that_enough_draws_that_meet_all_data_end_the_ladder_at_once():
    run = sample(all_sand(), TemperedSMC(**QUICK, first_draws=2**16), seed=1)
    assert run.results["levels"] == 1
    assert run.realizations.all()
    assert run.results["log_evidence"] == pytest.approx(CELLS * norm.logsf(THRESHOLD), abs=0.5)


@pytest.mark.assure
def test_that_the_evidence_stays_unbiased():
    runs = [sample(all_sand(), TemperedSMC(**QUICK, first_draws=512), seed=seed) for seed in range(64)]
    exact = CELLS * norm.logsf(THRESHOLD)
    assert_mean_is([np.exp(run.results["log_evidence"] - exact) for run in runs], 1.0, 0.6)


def test_that_the_usual_number_costs_a_quarter_of_a_level_and_fits_into_memory():
    def population(latents):
        return Population(jnp.zeros((64, latents)), Predictions((), ()))

    assert usual_first_draws(64 * 27, 64 * 8, population(10)) == 64 * round((2.5 * 27 + 8) / 4)
    assert usual_first_draws(0, 64 * 2, population(10)) == 64
    assert usual_first_draws(64 * 27, 64 * 8, population(2**17)) == 64 * 4


def test_that_numbers_that_make_no_sense_are_refused():
    with pytest.raises(InputError, match="first_draws is -1"):
        TemperedSMC(first_draws=-1)
    with pytest.raises(InputError, match="first_draws = 3 and particles = 8; expected as many"):
        TemperedSMC(particles=8, first_draws=3)
