"""Best fits that start from a given map."""

import jax
import numpy as np
import pytest

from latentinv import Grid, InputError, MultistartMAP, Posterior, sample
from latentinv.storage import RunFile
from tests.problems import generate, generator_posterior, random_autoencoder_prior, wells_of_a_draw

GRID = Grid((12, 12))


@pytest.fixture(scope="module")
def posterior():
    prior = random_autoencoder_prior()
    return Posterior(prior, GRID, [wells_of_a_draw(prior, GRID, 5)])


@pytest.fixture
def map_file(posterior, tmp_path):
    prior = posterior.prior
    z = jax.random.normal(jax.random.key(3), (prior.latent_size(GRID),))
    np.save(tmp_path / "map.npy", np.asarray(prior.facies(generate(prior, z, GRID))))
    return tmp_path / "map.npy"


def test_that_starts_are_the_encoding_of_a_map_and_neighbours_of_it(posterior, map_file):
    algorithm = MultistartMAP(starts=64, start_map=str(map_file), start_spread=0.2)
    found = np.asarray(algorithm.build().init(posterior, jax.random.key(0)).descent.z)
    encoding = np.asarray(posterior.prior.encode(np.load(map_file), GRID))
    np.testing.assert_allclose(found[0], encoding, atol=1e-5)
    # The mean of the 63 others is √(1 − 0.2²) times the encoding; six standard errors: one alarm in 5e8 a number.
    np.testing.assert_allclose(found[1:].mean(axis=0), np.sqrt(0.96) * encoding, atol=6 * 0.2 / np.sqrt(63))


def test_that_a_run_from_a_map_is_stored_with_its_setting(posterior, map_file, tmp_path):
    algorithm = MultistartMAP(starts=2, adam_iterations=10, lbfgs_iterations=0, start_map=str(map_file))
    sample(posterior, algorithm, output=tmp_path / "run.h5")
    assert RunFile.open(tmp_path / "run.h5").header.options["start_map"] == str(map_file)


def test_that_a_map_that_the_prior_cannot_encode_is_refused(posterior, map_file):
    with pytest.raises(InputError, match="has no encoder"):
        sample(generator_posterior(), MultistartMAP(start_map=str(map_file)))
    with pytest.raises(InputError, match=r"has \(12, 12\) cells, but the grid \(6, 6\)"):
        sample(Posterior(posterior.prior, Grid((6, 6)), []), MultistartMAP(start_map=str(map_file)))
    with pytest.raises(InputError, match="start_map is 3; expected the name of an image file"):
        MultistartMAP(start_map=3)
