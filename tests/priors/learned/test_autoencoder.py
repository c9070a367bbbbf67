"""Autoencoder priors: local, stationary, of any size; fields find their latents; written and read."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from latentinv import Grid, InputError, Posterior, TemperedSMC, load_prior, sample
from latentinv.networks import AutoencoderArchitecture, CouplingArchitecture, couple, uncouple
from latentinv.priors import Anamorphosis, Calibration, cells_of_latent
from tests.problems import generate, random_autoencoder_prior, random_generator_prior, wells_of_a_draw

THREE = {"categories": (3, 1, 7)}
KINDS = pytest.mark.parametrize(
    "kind",
    [{}, {"couplings": 2, "channels": 2}, {**THREE, "couplings": 2}],
    ids=["variational", "plain", "three facies"],
)


def _z(prior, grid, seed=0):
    return jax.random.normal(jax.random.key(seed), (prior.latent_size(grid),))


@KINDS
def test_that_tiles_put_together_are_the_decoded_field(kind):
    prior, grid = random_autoencoder_prior(**kind), Grid((21, 34))
    z = _z(prior, grid)
    field = np.full(generate(prior, z, grid).shape, np.nan, np.float32)
    parts = 0
    for place, tile in prior.tiles(np.asarray(z), grid, tile=12):
        field[place] = tile
        parts += 1
    assert parts > 1
    np.testing.assert_allclose(field, generate(prior, z, grid), atol=1e-4)


@pytest.mark.parametrize("couplings", [0, 2])
def test_that_a_code_changes_its_window_and_no_other_cell(couplings):
    prior, grid = random_autoencoder_prior(couplings=couplings), Grid((40, 44))
    z, (one,) = _z(prior, grid), prior.latent_maps(grid)
    before, place = generate(prior, z, grid), tuple(n // 2 for n in one.shape[:-1])
    moved = np.asarray(z).reshape(one.shape).copy()
    moved[place] += 20.0
    changed = np.asarray(generate(prior, jnp.asarray(moved.ravel()), grid) != before)
    for axis, within in enumerate(cells_of_latent(prior, grid, place)):
        hit = np.flatnonzero(changed.any(axis=1 - axis))
        assert within.start <= hit[0]
        assert hit[-1] < within.stop


def test_that_a_plane_of_64_cells_comes_from_11_by_11_codes():
    decoder = AutoencoderArchitecture(2, 1, 1, (32, 64, 128)).decoder
    assert decoder.latent_shapes((64, 64)) == ((11, 11, 1),)


@pytest.mark.parametrize("channels", [1, 3])
def test_that_codes_become_noise_and_noise_these_codes_again(channels):
    flow = CouplingArchitecture(2, channels, 4, 6)
    prior = random_autoencoder_prior(couplings=4, channels=channels)
    codes = jax.random.normal(jax.random.key(1), (1, 14, 13, channels))
    noise = uncouple(flow, prior.weights, codes).noise
    np.testing.assert_allclose(couple(flow, prior.weights, noise), codes[:, 4:-4, 4:-4], atol=1e-4)
    assert float(jnp.abs(noise - codes).max()) > 0.1


def test_that_the_density_of_codes_is_that_of_their_noise_and_the_change_of_volume():
    """Against the determinant of all derivatives, of a map whose border has zeros around it on both ways."""
    flow = CouplingArchitecture(2, 2, 2, 6)
    weights = random_autoencoder_prior(couplings=2, channels=2).weights
    codes = jax.random.normal(jax.random.key(1), (1, 4, 3, 2))

    def noise(flat):
        return uncouple(flow, weights, flat.reshape(codes.shape)).noise.ravel()

    flat = codes.ravel()
    determinant = jnp.linalg.slogdet(jax.jacobian(noise)(flat))[1]
    gaussian = -0.5 * jnp.sum(noise(flat) ** 2) - 0.5 * flat.size * np.log(2 * np.pi)
    found = uncouple(flow, weights, codes).log_density.sum()
    assert float(found) == pytest.approx(float(gaussian + determinant), rel=1e-4)


@KINDS
def test_that_steps_find_latents_of_a_field_of_the_prior(kind):
    prior, grid = random_autoencoder_prior(**kind), Grid((20, 18))
    truth = np.asarray(prior.facies(generate(prior, _z(prior, grid), grid)))
    right = []
    for steps in (0, 60):
        z = prior.encode(truth, grid, steps=steps)
        assert z.shape == (prior.latent_size(grid),)
        right.append(np.mean(np.asarray(prior.facies(generate(prior, z, grid))) == truth))
    assert right[1] > max(right[0], 0.65)


def test_that_values_are_encoded_as_the_levels_that_their_calibration_reads():
    table = Anamorphosis((-4.0, 0.0, 4.0), (10.0, 20.0, 50.0))
    prior = random_autoencoder_prior(calibration=Calibration(None, anamorphosis=table, shift=0.3, scale=0.5))
    grid = Grid((9, 7))
    numbers = jnp.asarray(np.random.default_rng(0).normal(0.3, 0.5, (*grid.shape, 1)), jnp.float32)
    levels = prior._levels_of(np.asarray(prior.calibration.field(numbers)), grid)
    np.testing.assert_allclose(levels, prior.levels(numbers), atol=1e-4)
    assert prior.encode(np.full(grid.shape, 20.0), grid).shape == (prior.latent_size(grid),)


@KINDS
def test_that_a_saved_autoencoder_comes_back_the_same(kind, tmp_path):
    prior, grid = random_autoencoder_prior(**kind), Grid((8, 8))
    prior.save(tmp_path / "prior.h5")
    loaded = load_prior(tmp_path / "prior.h5")
    np.testing.assert_array_equal(generate(loaded, _z(prior, grid), grid), generate(prior, _z(prior, grid), grid))
    field = np.full(grid.shape, prior.facies_model.categories[1])
    np.testing.assert_array_equal(loaded.encode(field, grid), prior.encode(field, grid))
    assert loaded.fingerprint() == prior.fingerprint()


def test_that_an_autoencoder_in_three_dimensions_decodes_and_encodes():
    prior, grid = random_autoencoder_prior(ndim=3, couplings=2), Grid((3, 4, 5))
    z = prior.encode(np.ones(grid.shape, int), grid)
    assert generate(prior, z, grid).shape == grid.shape


def test_that_fields_that_are_none_of_the_prior_are_refused():
    prior, grid = random_autoencoder_prior(), Grid((12, 12))
    with pytest.raises(InputError, match=r"field to encode has \(3, 12\) cells, but the grid \(12, 12\)"):
        prior.encode(np.zeros((3, 12)), grid)
    with pytest.raises(InputError, match="has facies 5, but the prior 0, 1; give a field of these"):
        prior.encode(np.full((12, 12), 5), grid)
    table = Anamorphosis((-4.0, 4.0), (10.0, 50.0))
    values = random_autoencoder_prior(calibration=Calibration(None, anamorphosis=table, shift=0.0, scale=1.0))
    with pytest.raises(InputError, match="values that are no numbers"):
        values.encode(np.full((12, 12), np.nan), grid)
    with pytest.raises(InputError, match=r"has no encoder.*family 'autoencoder'"):
        random_generator_prior().encode(np.zeros((12, 12)), grid)


def test_that_every_draw_honours_wells():
    prior, grid = random_autoencoder_prior(couplings=2), Grid((14, 12))
    posterior = Posterior(prior, grid, [wells_of_a_draw(prior, grid, 6)])
    run = sample(posterior, TemperedSMC(particles=16, moves=1, leapfrogs=2, final_rounds=1), seed=1)
    assert all(report.fulfilled == report.total == 6 for (report,) in run.reports())
