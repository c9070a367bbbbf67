"""A prior of one size: what it refuses, and that its file brings it back."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from latentinv import Grid, HardData, InputError, Posterior, load_prior, sample
from latentinv.inference import TemperedSMC
from latentinv.networks import dcgan_architecture, synthesize_whole
from latentinv.training.modules import DcganNetwork, fold_dcgan
from tests.problems import random_dcgan_prior


def _z(prior, grid, seed=0):
    return jax.random.normal(jax.random.key(seed), (prior.latent_size(grid),))


@pytest.mark.parametrize("shape", [(16, 16), (9, 8), (7, 9)])
def test_that_another_size_is_refused_in_one_sentence(shape):
    prior = random_dcgan_prior()
    with pytest.raises(InputError) as refused:
        prior.latent_size(Grid(shape))
    given = " × ".join(map(str, shape))
    assert str(refused.value).startswith(f"The grid has {given} cells, and this prior, a DCGAN, makes fields of 9 × 7")
    with pytest.raises(InputError, match="a prior of another family, which makes fields of any size"):
        prior.generate(jnp.zeros(6), Grid(shape))
    with pytest.raises(InputError, match="has 2 axes, but the grid 3"):
        prior.latent_size(Grid((2, 9, 7)))


@pytest.mark.parametrize("categories", [(0, 1), (1, 4, 7)])
def test_that_a_saved_prior_of_one_size_comes_back_the_same(categories, tmp_path):
    prior, grid = random_dcgan_prior(categories=categories), Grid((9, 7), 2.0)
    prior.save(tmp_path / "prior.h5")
    loaded = load_prior(tmp_path / "prior.h5")
    z = _z(prior, grid)
    np.testing.assert_array_equal(loaded.generate(z, grid), prior.generate(z, grid))
    assert loaded.fingerprint() == prior.fingerprint()
    assert loaded.only_shape == (9, 7)
    assert loaded.describe()["latents"] == "6 for a field"
    assert set(np.unique(prior.facies(prior.generate(z, grid)))) <= set(categories)


@pytest.mark.parametrize("shape", [(32, 20), (9, 6, 5)])
def test_that_folding_keeps_the_network_of_one_size(shape):
    architecture = dcgan_architecture(shape, width=1 / 64, outputs=2)
    network = DcganNetwork(architecture, nnx.Rngs(0))
    network.bias[...] = jnp.asarray([0.3, -0.2])
    z = jax.random.normal(jax.random.key(0), (4, 100))
    direct = network([z], shape)
    assert direct.shape == (4, *shape, 2)
    folded = synthesize_whole(architecture, fold_dcgan(network), z)
    np.testing.assert_allclose(folded, direct, atol=1e-4 * float(jnp.abs(direct).max()))


def test_that_a_notebook_shows_it_on_its_own_cells():
    assert "two draws of the prior on 9 × 7 cells" in random_dcgan_prior()._repr_html_()


@pytest.mark.assure
def test_that_a_prior_of_one_size_is_conditioned_to_wells():
    prior, grid = random_dcgan_prior(), Grid((9, 7))
    truth = np.asarray(prior.realization(prior.generate(_z(prior, grid, 3), grid)))
    cells = np.array([[0, 0], [4, 3], [8, 6]])
    wells = HardData(grid, grid.centres(cells), truth[tuple(cells.T)], prior.facies_model)
    run = sample(Posterior(prior, grid, [wells]), TemperedSMC(particles=8), seed=0)
    assert (np.asarray(run.realizations)[(slice(None), *cells.T)] == truth[tuple(cells.T)]).all()
