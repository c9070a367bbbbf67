"""Which algorithm is chosen for a posterior, why, and that a run says so."""

import numpy as np
import pytest

from latentinv import (
    ESMDA,
    BlockMeans,
    FaciesProperty,
    Grid,
    HardData,
    IndirectData,
    InputError,
    Laplace,
    Posterior,
    StudentNoise,
    TemperedSMC,
    choose_algorithm,
    resume,
    sample,
)
from latentinv.inference.run import _choice
from latentinv.priors import FaciesModel
from tests.problems import BlindForward, LinearPrior, generator_posterior, linear_gaussian, random_sequential_prior

GRID = Grid((3, 3))
NINE = LinearPrior(np.eye(9))


def _measured(forward, noise=0.1):
    return Posterior(NINE, GRID, [IndirectData(GRID, forward, [0.3], noise, name="heads")])


def test_that_a_linear_gaussian_posterior_gets_exact_draws():
    algorithm, reason = choose_algorithm(linear_gaussian(4, 2)[0])
    assert algorithm == Laplace(starts=1)
    assert reason == (
        "'laplace' was chosen: predictions are linear and all noise is Gaussian (2 data and 4 latents), so its "
        "independent draws are exact."
    )


def test_that_too_large_a_matrix_is_not_made(monkeypatch):
    monkeypatch.setattr(_choice, "LARGEST_MATRIX", 7)
    algorithm, reason = choose_algorithm(linear_gaussian(4, 2)[0])
    assert algorithm.name == "nuts"
    assert "2 data and 4 latents are too many for one matrix" in reason


@pytest.mark.parametrize(
    "posterior",
    [
        _measured(lambda field: field.ravel()[:1] ** 2),
        _measured(lambda field: abs(field.ravel()[:1])),
        _measured(lambda field: field.ravel()[:1], StudentNoise(0.1, 4.0)),
    ],
)
def test_that_what_is_not_linear_or_not_gaussian_is_tempered(posterior):
    algorithm, reason = choose_algorithm(posterior)
    assert algorithm == TemperedSMC()
    assert "several modes" in reason


def test_that_wells_are_honoured_by_smc():
    algorithm, reason = choose_algorithm(generator_posterior())
    assert algorithm == TemperedSMC()
    assert reason.endswith("so that every draw honours the certain wells.")
    assert "certain" not in choose_algorithm(generator_posterior(target="soft")).reason


def test_that_blocks_alone_are_tempered_on_facies():
    posterior = generator_posterior()
    block = BlockMeans(posterior.grid, [[0, 0]], [[9, 9]], [0.5], 0.1, posterior.prior.facies_model)
    algorithm, reason = choose_algorithm(Posterior(posterior.prior, posterior.grid, [block]))
    assert algorithm == TemperedSMC()
    assert "modes that a posterior of facies has" in reason


def test_that_bodies_that_come_and_go_as_wholes_are_redrawn():
    prior, grid = random_sequential_prior(), Grid((6, 6))
    wells = HardData(grid, [[0.5, 0.5]], [1], prior.facies_model)
    algorithm, reason = choose_algorithm(Posterior(prior, grid, [wells]))
    assert (algorithm.name, algorithm.local_moves, algorithm.moves) == ("smc", 16, 0)
    assert reason.endswith("so it redraws windows instead of following gradients.")


def test_that_a_large_grid_is_worked_on_in_small_batches(monkeypatch):
    monkeypatch.setattr(_choice, "BATCH_CELLS", 800)
    algorithm, reason = choose_algorithm(generator_posterior())
    assert algorithm == TemperedSMC(batch_size=2)
    assert reason.endswith("; 360 cells are many, so it works on 2 at a time.")


def test_that_without_gradients_something_is_chosen_that_needs_none():
    chains = choose_algorithm(_measured(BlindForward(GRID)))
    assert not chains.algorithm.needs_gradient
    assert "the forward model of 'heads' has no gradients" in chains.reason
    model = FaciesModel((0, 1), (0.0,))
    wells = HardData(GRID, [[0.5, 0.5]], [1], model)
    heads = IndirectData(GRID, BlindForward(GRID), [0.3], 0.1, property=FaciesProperty(model, (0.0, 1.0)), name="heads")
    exact = choose_algorithm(Posterior(LinearPrior(np.eye(9), model), GRID, [wells, heads]))
    assert not exact.algorithm.needs_gradient
    assert "'es_mda' runs it far less often, but is approximate" in exact.reason


def test_that_without_data_the_prior_is_drawn():
    algorithm, reason = choose_algorithm(Posterior(NINE, GRID, []))
    assert algorithm.name == "laplace"
    assert "without data" in reason


def test_that_a_run_says_what_was_chosen_and_a_named_one_does_not(tmp_path):
    posterior = generator_posterior(wells=3)
    chosen = choose_algorithm(posterior)
    small = chosen._replace(algorithm=ESMDA(members=6, assimilations=2))

    class Stop:
        def on_step(self, step, progress):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sample(posterior, small, output=tmp_path / "run.h5", listener=Stop())
    assert resume(tmp_path / "run.h5").results["choice"] == chosen.reason
    assert sample(posterior, small).results["choice"] == chosen.reason
    assert "choice" not in sample(posterior, small.algorithm).results


def test_that_the_default_and_a_name_run_with_default_settings():
    posterior = linear_gaussian(4, 2)[0]
    default, named = sample(posterior), sample(posterior, "laplace")
    assert "'laplace' was chosen" in default.results["choice"]
    assert (default.algorithm, named.algorithm) == ("laplace", "laplace")
    assert len(default.latents) == len(named.latents) == Laplace.draws
    with pytest.raises(InputError, match="no algorithm called 'magic'"):
        sample(posterior, "magic")


def test_that_settings_may_be_numbers_of_numpy():
    algorithm = TemperedSMC(particles=np.int64(32), ess_target=np.float32(0.5))
    assert (type(algorithm.particles), type(algorithm.ess_target)) == (int, float)
    assert algorithm == TemperedSMC(particles=32, ess_target=0.5)
