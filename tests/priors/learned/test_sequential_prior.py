"""Sequential priors: local, of any size, and with latents that change their windows only."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from latentinv import Grid, InputError, load_prior
from latentinv.priors.core import split_latents
from tests.problems import generate, random_sequential_prior

THREE = {"categories": (3, 1, 7)}
BLOCKS = {"categories": (3, 1, 7), "windows": (1, 1, 1), "blocks": 2}
KINDS = pytest.mark.parametrize(
    "kind", [{}, THREE, {"windows": (1, 2, 1)}, BLOCKS], ids=["two", "three", "wide", "blocks"]
)


def _z(prior, grid, seed=0):
    return jax.random.normal(jax.random.key(seed), (prior.latent_size(grid),))


@KINDS
def test_that_tiles_put_together_are_the_field(kind):
    prior, grid = random_sequential_prior(**kind), Grid((21, 34))
    z = _z(prior, grid)
    field = np.full(generate(prior, z, grid).shape, np.nan, np.float32)
    for place, tile in prior.tiles(np.asarray(z), grid, tile=12):
        field[place] = tile
    np.testing.assert_allclose(field, generate(prior, z, grid), atol=1e-4)


@pytest.mark.parametrize("blocks", [0, 1])
@pytest.mark.parametrize("number", [0, 1])
def test_that_a_latent_changes_its_window_and_no_other_cell(number, blocks):
    prior, grid = random_sequential_prior(windows=(1, 1), blocks=blocks), Grid((60, 64))
    maps = prior.latent_maps(grid)
    assert [one.spacing for one in maps] == [(4, 4), (2, 2)]
    parts = [np.asarray(part).copy() for part in split_latents(np.asarray(_z(prior, grid)), maps)]
    before = generate(prior, jnp.concatenate([part.ravel() for part in parts]), grid)
    place = tuple(n // 2 for n in maps[number].shape[:-1])
    parts[number][place] += 20.0
    changed = np.asarray(generate(prior, jnp.concatenate([part.ravel() for part in parts]), grid) != before)
    assert changed.any()
    for axis, window in enumerate(maps[number].cells_of(place, grid.shape)):
        hit = np.flatnonzero(changed.any(axis=1 - axis))
        assert window.start <= hit[0]
        assert hit[-1] < window.stop


def test_that_colder_noise_draws_what_is_likely_more_often():
    grid, shares = Grid((40, 40)), []
    for temperatures in ((1.0, 1.0), (1.0, 0.4)):
        prior = random_sequential_prior(temperatures=temperatures)
        first, noise = split_latents(np.asarray(_z(prior, grid)), prior.latent_maps(grid))
        other = split_latents(np.asarray(_z(prior, grid, seed=1)), prior.latent_maps(grid))[1]
        pair = (jnp.concatenate([first.ravel(), x.ravel()]) for x in (noise, other))
        one, two = (np.asarray(prior.facies(generate(prior, z, grid))) for z in pair)
        shares.append(np.mean(one != two))
    assert 0 < shares[1] < 0.8 * shares[0]


@KINDS
def test_that_a_saved_prior_comes_back_the_same(kind, tmp_path):
    prior, grid = random_sequential_prior(**kind), Grid((8, 8))
    prior.save(tmp_path / "prior.h5")
    loaded = load_prior(tmp_path / "prior.h5")
    np.testing.assert_array_equal(generate(loaded, _z(prior, grid), grid), generate(prior, _z(prior, grid), grid))
    assert (loaded.facies_model, loaded.architecture) == (prior.facies_model, prior.architecture)
    assert loaded.temperatures == prior.temperatures
    assert loaded.fingerprint() == prior.fingerprint()


def test_that_derivatives_reach_every_map():
    prior, grid = random_sequential_prior(), Grid((12, 12))
    slope = jax.grad(lambda z: jnp.sum(generate(prior, z, grid) ** 2))(_z(prior, grid))
    for part in split_latents(np.asarray(slope), prior.latent_maps(grid)):
        assert np.isfinite(part).all()
        assert np.abs(part).max() > 1e-3


def test_that_a_sequential_prior_in_three_dimensions_has_fields_of_the_grid():
    prior, grid = random_sequential_prior(ndim=3), Grid((3, 4, 5))
    assert generate(prior, _z(prior, grid), grid).shape == (3, 4, 5)


def test_that_a_latent_of_the_wrong_length_and_a_grid_of_the_wrong_rank_are_refused():
    prior = random_sequential_prior()
    with pytest.raises(InputError, match="this prior needs"):
        generate(prior, jnp.zeros(3), Grid((12, 12)))
    with pytest.raises(InputError, match="has 2 axes, but the grid 3"):
        prior.latent_size(Grid((4, 12, 12)))
