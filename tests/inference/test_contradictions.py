"""Data that contradict each other are named by every algorithm, with by how much, within bounded work."""

import jax.numpy as jnp
import numpy as np
import pytest

from latentinv import NUTS, BlockMeans, FaciesProperty, Grid, HardData, IndirectData, Posterior, TemperedSMC, sample
from latentinv.forward import LinearForward
from latentinv.inference import make_algorithm
from latentinv.priors import FaciesModel
from tests.inference.run.test_driver import SMALL
from tests.problems import LinearPrior, generator_posterior, slowly_all

MOST_STEPS = 60


def _named(run):
    return [sentence for kind in ("infeasible_data", "misfit_data") for sentence in run.results.get(kind, [])]


@pytest.mark.parametrize("name", slowly_all(quickly=("pcn",)))
def test_that_measurements_that_contradict_each_other_are_named(name):
    # A block mean of 2 and a measured sum over the same four cells that says 0: hundreds of sd apart.
    grid = Grid((2, 2))
    block = BlockMeans(grid, [[0.0, 0.0]], [[2.0, 2.0]], [2.0], 0.01, None)
    total = IndirectData(grid, LinearForward(np.ones((1, 4)), grid), [0.0], 0.04, name="sum", unit="kg")
    posterior = Posterior(LinearPrior(np.eye(4)), grid, [block, total])
    run = sample(posterior, make_algorithm(name, SMALL[name]), seed=1)
    assert run.steps <= MOST_STEPS
    said = _named(run)
    assert any("block 1 (x 0–2 m, y 0–2 m): data 2.00 ± 0.01" in sentence for sentence in said) or any(
        "sum, datum 1: data 0.00 ± 0.04 kg" in sentence for sentence in said
    )


@pytest.mark.parametrize("name", slowly_all(quickly=("map",)))
def test_that_wells_that_no_field_honours_together_are_named(name):
    # One latent lifts all cells together, so three wells in sand and one in clay never agree.
    grid, model = Grid((1, 4)), FaciesModel((0, 1), (0.0,))
    wells = HardData(grid, grid.centres(np.array([[0, n] for n in range(4)])), [1, 1, 1, 0], model)
    target = "soft" if name == NUTS.name else "thresholded"
    posterior = Posterior(LinearPrior(np.ones((4, 1)), model), grid, [wells], target=target)
    run = sample(posterior, make_algorithm(name, SMALL[name]), seed=1)
    assert run.steps <= MOST_STEPS
    # Most fields miss the one in clay; a fit that stays where it began may rather miss those in sand.
    assert any(sentence.startswith("well at x ") and "honoured in" in sentence for sentence in _named(run))
    if make_algorithm(name, SMALL[name]).build().samples_target(posterior) and target == "thresholded":
        assert len(run.latents) == 0


@pytest.mark.assure
def test_that_measurements_that_contradict_the_wells_are_named():
    # The sum over the cells of four wells in clay, which certain wells keep at 0, is measured as 4.
    posterior = generator_posterior(wells=4)
    (wells,) = posterior.observations
    grid, clay = posterior.grid, np.zeros(4, int)
    weights = np.zeros(grid.shape, np.float32)
    weights[tuple(wells.cells.T)] = 1
    at_wells = HardData(grid, wells.coordinates, clay, wells.facies_model, name="boreholes")
    reading = FaciesProperty(wells.facies_model, (0.0, 1.0))
    total = lambda field: jnp.sum(weights * field)[None]  # noqa: E731 - a function is not known to be linear
    heads = IndirectData(grid, total, [4.0], 0.1, property=reading, name="heads", unit="m")
    both = Posterior(posterior.prior, grid, [at_wells, heads])
    run = sample(both, TemperedSMC(particles=16, moves=1, leapfrogs=3, final_rounds=1, batch_size=16), seed=1)
    said = _named(run)
    assert said
    assert all(sentence.startswith(("heads, datum 1: data 4.0 ± 0.1 m, draws ", "well at x ")) for sentence in said)


@pytest.mark.assure
def test_that_a_soft_model_out_of_reach_is_named_too():
    grid = Grid((2, 2))
    block = BlockMeans(grid, [[0.0, 0.0]], [[2.0, 2.0]], [40.0], 0.01, None)
    posterior = Posterior(LinearPrior(np.eye(4)), grid, [block])
    run = sample(posterior, TemperedSMC(particles=8, moves=1, leapfrogs=2, max_levels=2, batch_size=8))
    assert "raise max_levels" in run.results["infeasible_data"][0]
    assert run.results["infeasible_data"][1].startswith("blocks, block 1 (x 0–2 m, y 0–2 m): data 40.00 ± 0.01, draws ")
