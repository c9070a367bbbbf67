"""Image completion: which pixels count, what is minimised, and that known pixels are met."""

import jax.numpy as jnp
import numpy as np
import pytest

from latentinv import BlockMeans, Completion, Grid, HardData, InputError, Posterior, sample
from latentinv.inference.optimisation._completion import context_weights
from latentinv.priors import FaciesModel
from tests.problems import LinearPrior, generator_posterior, random_critic

FACIES = FaciesModel((0, 1), (0.0,))


def test_that_a_pixel_counts_by_the_share_of_unknown_cells_around_it():
    grid = Grid((20, 20))
    block = np.stack(np.meshgrid(np.arange(5, 12), np.arange(5, 12), indexing="ij"), axis=-1).reshape(-1, 2)
    cells = np.concatenate([block, [[18, 0]]])
    errors = np.concatenate([np.zeros(len(block)), [0.25]])
    wells = HardData(grid, grid.centres(cells), np.zeros(len(cells), int), FACIES, error_probability=errors)
    known = np.zeros(grid.shape, bool)
    known[tuple(cells.T)] = True
    found = context_weights(wells.cells, wells.reliability, jnp.asarray(known))
    weights = dict(zip(map(tuple, wells.cells), np.asarray(found), strict=True))
    assert weights[8, 8] == 0  # the middle of a surveyed block of seven by seven
    assert weights[5, 5] == pytest.approx(1 - 16 / 49)
    assert weights[18, 0] == pytest.approx(
        0.5 * (1 - 1 / 20)
    )  # window cut to five rows and four columns; half believed


def test_that_the_completion_of_one_pixel_is_where_its_sum_is_least():
    # One latent a cell: the seen pixel is drawn to 1 as long as its weight exceeds what the norm costs, others share
    # the rest of the norm, which ends at the shell's.
    grid = Grid((3, 3))
    wells = HardData(grid, grid.centres(np.array([[0, 0]])), np.array([1]), FACIES)
    posterior = Posterior(LinearPrior(np.eye(9), FACIES), grid, [wells])
    run = sample(posterior, Completion(starts=4, adam_iterations=600, prior_weight=0.05), seed=3)
    norms = np.linalg.norm(run.latents, axis=1)
    assert np.all(run.latents[:, 0] > 0.99)
    np.testing.assert_allclose(norms, np.sqrt(8), rtol=1e-2)
    np.testing.assert_allclose(run.results["agreement"], 0.05 * (4 * np.log(8.0) - 4), atol=2e-2)


def test_that_completions_meet_wells_and_the_other_data():
    posterior = generator_posterior()
    blocks = BlockMeans(
        posterior.grid,
        np.array([[2.0, 2.0]]),
        np.array([[16.0, 16.0]]),
        np.array([0.6]),
        0.02,
        posterior.prior.facies_model,
    )
    both = Posterior(posterior.prior, posterior.grid, [*posterior.observations, blocks], target="soft")
    run = sample(both, Completion(starts=4, adam_iterations=300), seed=1)
    wells, share = run.reports()[0]
    assert wells.fulfilled == wells.total
    assert share.fulfilled == 1
    assert run.results["agreement"] == sorted(run.results["agreement"], reverse=True)


@pytest.mark.assure
def test_that_a_discriminator_with_weight_raises_its_scores():
    wells = generator_posterior()
    prior = wells.prior.with_critic(random_critic())
    posterior = Posterior(prior, wells.grid, wells.observations)
    means = []
    for weight in (0.0, 1.0):
        run = sample(posterior, Completion(starts=2, adam_iterations=100, perceptual_weight=weight), seed=1)
        means.append(np.mean([prior.discriminate(z, wells.grid) for z in run.latents]))
    assert means[1] > means[0] + 0.1


def test_that_a_prior_without_a_discriminator_takes_no_weight_of_it():
    with pytest.raises(InputError, match="has no discriminator"):
        sample(generator_posterior(), Completion(perceptual_weight=0.1))


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("starts", 0),
        ("adam_iterations", 0),
        ("learning_rate", 0.0),
        ("prior_weight", -1.0),
        ("perceptual_weight", -1.0),
    ],
)
def test_that_a_senseless_setting_of_a_completion_is_refused_by_name(setting, value):
    with pytest.raises(InputError, match=setting):
        Completion(**{setting: value})
