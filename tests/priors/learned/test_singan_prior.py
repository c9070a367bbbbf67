"""SinGAN priors: local, of any size, and with latents on every scale that change their windows only."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from latentinv import Grid, HardData, InputError, Posterior, TemperedSMC, load_prior, sample
from latentinv.priors import Anamorphosis, Calibration
from latentinv.priors.core import split_latents
from tests.problems import generate, random_singan_prior

THREE = {"categories": (3, 1, 7)}
KINDS = pytest.mark.parametrize("kind", [{}, THREE, {"layers": 3}], ids=["two facies", "three facies", "odd"])


def _z(prior, grid, seed=0):
    return jax.random.normal(jax.random.key(seed), (prior.latent_size(grid),))


@KINDS
def test_that_tiles_put_together_are_the_field(kind):
    prior, grid = random_singan_prior(**kind), Grid((21, 34))
    z = _z(prior, grid)
    field = np.full(generate(prior, z, grid).shape, np.nan, np.float32)
    parts = 0
    for place, tile in prior.tiles(np.asarray(z), grid, tile=12):
        field[place] = tile
        parts += 1
    assert parts == 6
    np.testing.assert_allclose(field, generate(prior, z, grid), atol=1e-4)


@pytest.mark.parametrize("layers", [2, 3])
@pytest.mark.parametrize("number", [0, 1, 2])
def test_that_a_latent_changes_its_window_and_no_other_cell(number, layers):
    prior, grid = random_singan_prior(layers=layers), Grid((80, 84))
    maps = prior.latent_maps(grid)
    assert [one.spacing for one in maps] == [(4, 4), (2, 2), (1, 1)]
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
        assert len(hit) > 0.5 * (window.stop - window.start)


@pytest.mark.parametrize("layers", [2, 3])
def test_that_maps_hold_every_place_that_changes_the_field_and_no_other(layers):
    """Of one linear network, so that no slope is 0 by chance."""
    prior, grid = random_singan_prior(layers=layers), Grid((7, 10))
    slopes = jax.grad(lambda z: jnp.sum(prior.numbers(z, grid) ** 2))(_z(prior, grid))
    for one, part in zip(
        prior.latent_maps(grid), split_latents(np.asarray(slopes), prior.latent_maps(grid)), strict=True
    ):
        for axis in range(2):
            along = np.abs(part).max(axis=tuple(n for n in range(3) if n != axis))
            assert along[0] > 0
            assert along[-1] > 0
        assert [(p.start, p.stop) for p in one.places_of((slice(0, 7), slice(0, 10)))] == [
            (0, n) for n in one.shape[:2]
        ]


@KINDS
def test_that_a_saved_prior_comes_back_the_same(kind, tmp_path):
    prior, grid = random_singan_prior(**kind), Grid((8, 9))
    prior.save(tmp_path / "prior.h5")
    loaded = load_prior(tmp_path / "prior.h5")
    np.testing.assert_array_equal(generate(loaded, _z(prior, grid), grid), generate(prior, _z(prior, grid), grid))
    assert loaded.facies_model == prior.facies_model
    assert loaded.fingerprint() == prior.fingerprint()
    assert loaded.describe()["latents"].endswith("for each 4, 2, 1 cells along each axis")


def test_that_it_works_in_three_dimensions_and_for_values():
    volume, grid = random_singan_prior(ndim=3, widths=(4, 4)), Grid((3, 4, 5))
    assert generate(volume, _z(volume, grid), grid).shape == (3, 4, 5)
    table = Calibration(None, anamorphosis=Anamorphosis((-4.0, 4.0), (10.0, 20.0)), shift=0.0, scale=1.0)
    values = random_singan_prior(calibration=table)
    field = generate(values, _z(values, Grid((8, 9))), Grid((8, 9)))
    assert values.facies_model is None
    assert 10 <= field.min() < field.max() <= 20


def test_that_a_latent_of_the_wrong_length_and_a_grid_of_the_wrong_rank_are_refused():
    prior = random_singan_prior()
    with pytest.raises(InputError, match="this prior needs"):
        generate(prior, jnp.zeros(3), Grid((12, 12)))
    with pytest.raises(InputError, match="has 2 axes, but the grid 3"):
        prior.latent_size(Grid((4, 12, 12)))


@pytest.mark.assure
def test_that_it_is_conditioned_to_wells():
    prior, grid = random_singan_prior(), Grid((9, 7))
    truth = np.asarray(prior.realization(prior.generate(_z(prior, grid, 3), grid)))
    cells = np.array([[0, 0], [4, 3], [8, 6]])
    wells = HardData(grid, grid.centres(cells), truth[tuple(cells.T)], prior.facies_model)
    run = sample(Posterior(prior, grid, [wells]), TemperedSMC(particles=8), seed=0)
    assert (np.asarray(run.realizations)[(slice(None), *cells.T)] == truth[tuple(cells.T)]).all()
