"""Generator priors: local, stationary, the same for every batch and field size."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from latentinv import Grid, InputError, StorageError, load_prior
from latentinv.networks import ARCHITECTURES, discriminator_architecture, generator_architecture, synthesize
from latentinv.priors import (
    Calibration,
    GeneratorPrior,
    UnorderedFaciesModel,
    cells_of_latent,
    find_prior,
    prior_from_record,
)
from latentinv.priors.core import split_latents
from latentinv.priors.learned import BOUND, bounded
from latentinv.storage import write_prior
from latentinv.training.modules import GeneratorNetwork, fold
from tests.problems import generate, random_critic, random_generator_prior, slowly, slowly_all


def _z(prior, grid, seed=0):
    return jax.random.normal(jax.random.key(seed), (prior.latent_size(grid),))


ONE_MAP = {}
THREE_MAPS = {"categories": (3, 1, 7), "ordered": False, "noise": (2, 1)}
KINDS = pytest.mark.parametrize("kind", [ONE_MAP, THREE_MAPS], ids=["one map", "three maps, facies without order"])


@KINDS
def test_that_a_tile_equals_the_same_tile_of_any_larger_field(kind):
    prior = random_generator_prior(**kind)
    small, large = Grid((19, 16)), Grid((45, 52))
    z = np.asarray(_z(prior, large))
    whole, ratio = generate(prior, jnp.asarray(z), large), prior.architecture.ratio
    for i, j in ((0, 0), (3, 2)):
        parts = []
        for latent, one in zip(split_latents(z, prior.latent_maps(large)), prior.latent_maps(small), strict=True):
            row, column = (ratio * place // step for place, step in zip((i, j), one.spacing, strict=True))
            parts.append(latent[row : row + one.shape[0], column : column + one.shape[1]].ravel())
        tile = generate(prior, jnp.asarray(np.concatenate(parts)), small)
        place = whole[i * ratio : i * ratio + 19, j * ratio : j * ratio + 16]
        np.testing.assert_allclose(tile, place, atol=1e-5)


@KINDS
def test_that_tiles_put_together_are_the_field(kind):
    prior, grid = random_generator_prior(**kind), Grid((45, 52))
    z = _z(prior, grid)
    field = np.full(generate(prior, z, grid).shape, np.nan, np.float32)
    for place, tile in prior.tiles(np.asarray(z), grid, tile=16):
        field[place] = tile
    np.testing.assert_allclose(field, generate(prior, z, grid), atol=1e-5)


def test_that_every_map_of_latents_changes_its_window_and_no_other_cell():
    prior, grid = random_generator_prior(**THREE_MAPS), Grid((48, 48))
    z, maps = _z(prior, grid), prior.latent_maps(grid)
    assert [one.spacing for one in maps] == [(4, 4), (4, 4), (2, 2)]
    before, start = generate(prior, z, grid), 0
    for number, one in enumerate(maps):
        place, changed = tuple(n // 2 for n in one.shape[:-1]), np.zeros(grid.shape, bool)
        for channel in range(one.shape[-1]):
            index = start + np.ravel_multi_index((*place, channel), one.shape)
            changed |= np.asarray((generate(prior, z.at[index].add(30.0), grid) != before).any(axis=-1))
        start += one.size
        window = cells_of_latent(prior, grid, place, number)
        for axis, within in enumerate(window):
            hit = np.flatnonzero(changed.any(axis=1 - axis))
            assert (hit[0], hit[-1] + 1) == (within.start, within.stop)


def test_that_one_latent_moves_only_its_window():
    prior, grid = random_generator_prior(), Grid((48, 48))
    z = _z(prior, grid)
    shape = prior.latent_maps(grid)[0].shape
    moved = np.zeros(grid.shape, bool)
    for channel in range(shape[2]):
        index = np.ravel_multi_index((6, 7, channel), shape)
        moved |= np.asarray(generate(prior, z.at[index].add(3.0), grid) != generate(prior, z, grid))
    rows, columns = np.flatnonzero(moved.any(axis=1)), np.flatnonzero(moved.any(axis=0))
    reach = prior.architecture.ratio * (prior.architecture.latent_shapes((1, 1))[0][0] + 1)
    assert rows.size
    assert max(np.ptp(rows), np.ptp(columns)) < reach


def test_that_a_field_does_not_depend_on_its_batch():
    prior, grid = random_generator_prior(), Grid((20, 20))
    z = jnp.stack([_z(prior, grid, seed) for seed in range(4)])
    batch = jax.vmap(lambda one: generate(prior, one, grid))(z)
    np.testing.assert_allclose(batch[2], generate(prior, z[2], grid), atol=1e-5)


@pytest.mark.parametrize("name", slowly_all(ARCHITECTURES, ("compact",)))
@pytest.mark.parametrize("ndim", [2, slowly(3)])
def test_that_folding_keeps_the_network(name, ndim):
    if ndim == 3 and name != "compact":
        pytest.skip("the published widths are too heavy in three dimensions for a test")
    architecture = generator_architecture(name, ndim=ndim)
    network = GeneratorNetwork(architecture, nnx.Rngs(0))
    shape = (21, 18) if ndim == 2 else (9, 6, 5)
    latents = [jax.random.normal(jax.random.key(0), (2, *one)) for one in architecture.latent_shapes(shape)]
    direct = network(latents, shape)
    folded = synthesize(architecture, fold(network), latents, shape)
    assert direct.shape == (2, *shape, 1)
    np.testing.assert_allclose(folded, direct, atol=1e-4 * float(jnp.abs(direct).max()))


def test_that_values_are_bounded_and_the_shift_becomes_zero():
    values = bounded(jnp.asarray([-1e6, 2.0, 1e6]), 2.0, 0.5)
    np.testing.assert_allclose(values, [-BOUND, 0.0, BOUND], rtol=1e-5)


@pytest.mark.parametrize("kind", [{"categories": (1, 2, 5)}, THREE_MAPS], ids=["ordered", "without order"])
def test_that_a_saved_prior_comes_back_the_same(kind, tmp_path):
    prior, grid = random_generator_prior(**kind), Grid((12, 12))
    prior.save(tmp_path / "prior.h5")
    loaded = load_prior(tmp_path / "prior.h5")
    np.testing.assert_array_equal(generate(loaded, _z(prior, grid), grid), generate(prior, _z(prior, grid), grid))
    assert loaded.facies_model == prior.facies_model
    assert loaded.fingerprint() == prior.fingerprint()
    assert isinstance(loaded, GeneratorPrior)


def test_that_a_network_must_give_the_numbers_that_its_facies_need():
    prior = random_generator_prior(categories=(1, 2, 5))
    calibration = Calibration(UnorderedFaciesModel((1, 2, 5)), shift=0.0, scale=1.0)
    with pytest.raises(InputError, match="gives 1 numbers a cell; the field needs 3"):
        GeneratorPrior(prior.architecture, prior.layers, calibration, provenance={})


def test_that_a_latent_of_the_wrong_length_and_a_grid_of_the_wrong_rank_are_refused():
    prior = random_generator_prior()
    with pytest.raises(InputError, match="this prior needs"):
        generate(prior, jnp.zeros(3), Grid((12, 12)))
    with pytest.raises(InputError, match="has 2 axes, but the grid 3"):
        prior.latent_size(Grid((4, 12, 12)))


def test_that_unknown_priors_and_families_are_named(tmp_path):
    with pytest.raises(StorageError, match="no prior called 'atlantis'"):
        load_prior("atlantis")
    record = random_generator_prior().to_record()._replace(family="oracle")
    write_prior(tmp_path / "prior.h5", record)
    with pytest.raises(StorageError, match="'oracle'"):
        load_prior(tmp_path / "prior.h5")
    with pytest.raises(StorageError, match="'oracle'"):
        prior_from_record(record)


def test_that_an_unknown_architecture_is_refused_by_name():
    with pytest.raises(InputError, match="no architecture called 'unet'"):
        generator_architecture("unet")


def test_that_a_width_scales_every_layer_but_the_last():
    half, whole = (generator_architecture("dsgan", width=width).layers for width in (0.5, 1.0))
    assert [layer.width for layer in half] == [*(layer.width // 2 for layer in whole[:-1]), 1]
    assert [layer.window for layer in half] == [layer.window for layer in whole]
    stages = discriminator_architecture("dsgan", width=0.5).towers[0].stages
    assert [stage.width for stage in stages] == [32, 64, 128, 256, 1]


@pytest.mark.parametrize("width", [0.0, -1.0, float("nan"), float("inf")])
def test_that_a_width_that_is_no_factor_is_refused(width):
    with pytest.raises(InputError, match="expected a factor above 0"):
        generator_architecture("sgan", width=width)


def test_that_a_folder_does_not_hide_a_shipped_prior(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "channels").mkdir()
    assert find_prior("channels").name == "channels.h5"


def test_that_a_discriminator_is_stored_with_its_prior_and_changes_no_field(tmp_path):
    plain, grid = random_generator_prior(), Grid((24, 20))
    with pytest.raises(InputError, match="keep_discriminator"):
        plain.discriminate(_z(plain, grid), grid)
    prior = plain.with_critic(random_critic())
    prior.save(tmp_path / "prior.h5")
    loaded, z = load_prior(tmp_path / "prior.h5"), _z(prior, grid)
    np.testing.assert_array_equal(generate(loaded, z, grid), generate(plain, z, grid))
    scores = loaded.discriminate(z, grid)
    assert scores.shape == (6, 5)
    np.testing.assert_array_equal(scores, prior.discriminate(z, grid))
    assert prior.fingerprint() == loaded.fingerprint() != plain.fingerprint()
    small = Grid((24, 3))
    with pytest.raises(InputError, match="sees 4 along each axis"):
        prior.discriminate(_z(prior, small), small)
