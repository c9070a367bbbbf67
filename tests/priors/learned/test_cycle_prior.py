"""Priors of translations: local, of any size, in one file with their source, and given fields translated."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from latentinv import Grid, HardData, InputError, Posterior, StorageError, TemperedSMC, load_prior, sample
from latentinv.priors import Covariance, SpectralPrior
from latentinv.priors.core import split_latents
from latentinv.priors.learned import CyclePrior
from latentinv.priors.learned._provenance import Provenance
from latentinv.pytrees import replace
from tests.problems import (
    generate,
    random_cycle_prior,
    random_dcgan_prior,
    random_generator_prior,
    random_sequential_prior,
    random_singan_prior,
)

THREE = {"stands": (0, 1, 0), "categories": (4, 2)}


def _three(seed=0):
    return random_cycle_prior(
        seed, source=random_generator_prior(seed + 1, categories=(3, 1, 7), ordered=False), **THREE
    )


KINDS = pytest.mark.parametrize(
    "make",
    [random_cycle_prior, _three, lambda: random_cycle_prior(source=random_singan_prior())],
    ids=["generator", "three facies", "singan"],
)


def _z(prior, grid, seed=0):
    return jax.random.normal(jax.random.key(seed), (prior.latent_size(grid),))


@KINDS
def test_that_tiles_put_together_are_the_field(make):
    prior, grid = make(), Grid((21, 34))
    z = _z(prior, grid)
    field = np.full(generate(prior, z, grid).shape, np.nan, np.float32)
    parts = 0
    for place, tile in prior.tiles(np.asarray(z), grid, tile=12):
        field[place] = tile
        parts += 1
    assert parts == 6
    np.testing.assert_allclose(field, generate(prior, z, grid), atol=1e-4)


def test_that_a_source_with_latents_in_every_cell_is_translated_whole():
    prior, grid = random_cycle_prior(source=random_singan_prior(widths=(5,))), Grid((21, 34))
    assert [one.spacing for one in prior.latent_maps(grid)] == [None]
    ((place, field),) = prior.tiles(np.asarray(_z(prior, grid)), grid, tile=12)
    assert field.shape == (21, 34)
    assert place == (slice(0, 21), slice(0, 34))


def test_that_a_latent_changes_its_window_and_no_other_cell():
    prior, grid = random_cycle_prior(), Grid((60, 64))
    (one,) = prior.latent_maps(grid)
    z = np.asarray(_z(prior, grid)).reshape(one.shape).copy()
    before = generate(prior, jnp.asarray(z.ravel()), grid)
    place = tuple(n // 2 for n in one.shape[:-1])
    z[place] += 20.0
    changed = np.asarray(generate(prior, jnp.asarray(z.ravel()), grid) != before)
    for axis, window in enumerate(one.cells_of(place, grid.shape)):
        hit = np.flatnonzero(changed.any(axis=1 - axis))
        assert window.start <= hit[0]
        assert hit[-1] < window.stop
        assert len(hit) > 0.4 * (window.stop - window.start)


def test_that_a_field_is_what_the_network_makes_of_the_source_around_it():
    prior, grid = random_cycle_prior(), Grid((8, 9))
    around = Grid(tuple(n + 2 * prior.architecture.margin for n in grid.shape))
    z = _z(prior, grid)
    assert prior.latent_size(grid) == prior.source.latent_size(around)
    shares = np.asarray(jax.nn.sigmoid(4 * prior.source.generate(z, around)))
    wanted = prior.calibration.field(_by_hand(prior, 2 * shares - 1))
    np.testing.assert_allclose(generate(prior, z, grid), wanted, atol=1e-4)


def _by_hand(prior, levels):
    """The network written out with padded convolutions, of which the middle is kept."""
    weights, margin = prior.there, prior.architecture.margin

    def layer(name, x):
        y = jax.lax.conv_general_dilated(
            x, weights[name], (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"), precision="highest"
        )
        return y + weights[f"{name}.bias"]

    x = jnp.asarray(levels)[None, ..., None]
    x = jnp.pad(x, [(0, 0), *((0, n % 2) for n in levels.shape), (0, 0)])
    blocks = (
        x.reshape(1, x.shape[1] // 2, 2, x.shape[2] // 2, 2)
        .transpose(0, 1, 3, 2, 4)
        .reshape(1, *np.array(x.shape[1:3]) // 2, 4)
    )
    h = jax.nn.silu(layer("enter", blocks))
    h = h + layer("near_0", jax.nn.silu(layer("far_0", h)))
    h = jax.nn.silu(_interpolated(layer("rise", h)) + layer("fine", x))
    told = layer("last", h) + 2 * x
    return told[0, margin : levels.shape[0] - margin, margin : levels.shape[1] - margin]


def _interpolated(x):
    """On cells half as large, linearly between centres; the outermost are not looked at."""
    for axis in (1, 2):
        n = x.shape[axis]
        at = (np.arange(2 * n) - 0.5) / 2
        weights = np.maximum(0, 1 - np.abs(at[:, None] - np.arange(n)))
        x = jnp.moveaxis(jnp.tensordot(jnp.asarray(weights, jnp.float32), x, (1, axis), precision="highest"), 0, axis)
    return x


@KINDS
def test_that_a_saved_prior_comes_back_the_same_with_its_source(make, tmp_path):
    prior, grid = make(), Grid((8, 9))
    prior.save(tmp_path / "prior.h5")
    loaded = load_prior(tmp_path / "prior.h5")
    np.testing.assert_array_equal(generate(loaded, _z(prior, grid), grid), generate(prior, _z(prior, grid), grid))
    assert loaded.facies_model == prior.facies_model
    assert loaded.fingerprint() == prior.fingerprint()
    assert loaded.source.fingerprint() == prior.source.fingerprint()
    field = np.asarray(prior.facies(generate(prior, _z(prior, grid), grid)))
    np.testing.assert_array_equal(loaded.translate_back(field), prior.translate_back(field))
    assert loaded.describe()["source"].startswith(f"of family {prior.source.family}, facies ")


def test_that_a_file_keeps_the_names_of_the_source_s_facies_which_change_no_field(tmp_path):
    prior = _three()
    named = replace(prior, source=prior.source.named({3: "clay", 1: "sand", 7: "gravel"}))
    named.save(tmp_path / "prior.h5")
    loaded = load_prior(tmp_path / "prior.h5")
    assert loaded.source.facies_model.names == ("clay", "sand", "gravel")
    assert loaded.fingerprint() == prior.fingerprint()


def test_that_how_long_the_source_s_training_took_does_not_count():
    prior = random_cycle_prior()
    timed = replace(prior, source=replace(prior.source, _provenance=Provenance({"seconds": 9, "steps": 3})))
    other = replace(prior, source=replace(prior.source, _provenance=Provenance({"seconds": 5, "steps": 3})))
    assert timed.fingerprint() == other.fingerprint() != prior.fingerprint()


def test_that_a_file_whose_facies_stand_for_others_is_refused():
    record = random_cycle_prior().record()
    settings = {**record.metadata["architecture"], "stands": [0, 0]}
    with pytest.raises(StorageError, match="facies do not suit"):
        CyclePrior.from_record(record._replace(metadata={**record.metadata, "architecture": settings}))


def test_that_gradients_pass_to_the_latents_of_the_source():
    prior, grid = random_cycle_prior(), Grid((8, 9))
    z = _z(prior, grid)
    slope = jax.grad(lambda z: jnp.sum(generate(prior, z, grid)))(z)
    assert np.isfinite(slope).all()
    assert (np.asarray(slope) != 0).mean() > 0.8
    direction = np.asarray(_z(prior, grid, 1)) / np.linalg.norm(_z(prior, grid, 1))
    sums = [float(jnp.sum(generate(prior, z + step * direction, grid))) for step in (-0.003, 0.003)]
    assert (sums[1] - sums[0]) / 0.006 == pytest.approx(float(slope @ direction), rel=0.03, abs=0.03)


def test_that_a_prior_has_the_properties_of_its_source():
    assert random_cycle_prior().has_gradient
    sequential = random_sequential_prior()
    prior = random_cycle_prior(source=sequential)
    assert (prior.has_gradient, prior.stepwise) == (sequential.has_gradient, sequential.stepwise)


def test_that_given_fields_are_translated_there_and_back_in_their_codes():
    """Mirror images lie around a field, so that an inner part is what the network makes of the field alone."""
    prior = _three()
    margin = prior.architecture.margin
    field = np.random.default_rng(0).choice([3, 1, 7], (2 * margin + 7, 2 * margin + 12))
    there = prior.translate(field)
    assert there.shape == field.shape
    assert set(np.unique(there)) == {4, 2}
    other = field.copy()
    other[0], other[:, -1] = 3, 7
    inside = (slice(margin + 1, -margin - 1),) * 2
    np.testing.assert_array_equal(prior.translate(other)[inside], there[inside])
    assert set(np.unique(prior.translate_back(there))) <= {3, 1, 7}
    renamed = np.select([field == 3, field == 1], [10, 20], 30)
    np.testing.assert_array_equal(prior.translate(renamed, facies={10: 3, 20: 1, 30: 7}), there)
    small = prior.translate(field[:3, :5])
    assert small.shape == (3, 5)


@pytest.mark.parametrize(
    ("field", "words"),
    [
        (np.full((4, 4), 9), "has facies 9, but is read with 0, 1"),
        (np.array([[0, np.nan], [1, np.nan]]), "has 2 cells without facies"),
        (np.zeros((2, 2, 2)), "has the shape .* and the prior 2 axes"),
        (np.zeros((0, 2)), "has the shape"),
    ],
)
def test_that_a_field_that_cannot_be_translated_is_refused(field, words):
    prior = random_cycle_prior()
    for translate in (prior.translate, prior.translate_back):
        with pytest.raises(InputError, match=words):
            translate(field)


def test_that_a_source_that_cannot_be_translated_is_refused():
    covariance = Covariance("exponential", (9.0, 5.0))
    for source, words in (
        (SpectralPrior(covariance, waves=16), "The source has a continuous property"),
        (random_dcgan_prior(shape=(9, 7)), "fields of 9 × 7 cells only"),
        (
            random_generator_prior(categories=(0, 1, 2), ordered=False),
            "The source has 3 facies, and the network sees 2",
        ),
    ):
        with pytest.raises(InputError, match=words):
            random_cycle_prior(source=source)
    with pytest.raises(InputError, match="has 2 axes, but the grid 3"):
        random_cycle_prior().latent_size(Grid((4, 12, 12)))


def test_that_it_works_in_three_dimensions():
    prior, grid = random_cycle_prior(source=random_generator_prior(1, ndim=3)), Grid((2, 4, 5))
    assert generate(prior, _z(prior, grid), grid).shape == (2, 4, 5)


@pytest.mark.assure
def test_that_it_is_conditioned_to_wells():
    prior, grid = random_cycle_prior(), Grid((9, 7))
    truth = np.asarray(prior.realization(prior.generate(_z(prior, grid, 3), grid)))
    cells = np.array([[0, 0], [4, 3], [8, 6]])
    wells = HardData(grid, grid.centres(cells), truth[tuple(cells.T)], prior.facies_model)
    run = sample(Posterior(prior, grid, [wells]), TemperedSMC(particles=8), seed=0)
    assert (np.asarray(run.realizations)[(slice(None), *cells.T)] == truth[tuple(cells.T)]).all()


def test_that_latents_are_those_of_the_source():
    prior, grid = random_cycle_prior(source=random_singan_prior()), Grid((8, 9))
    z = np.asarray(_z(prior, grid))
    sizes = [part.size for part in split_latents(z, prior.latent_maps(grid))]
    assert sum(sizes) == prior.latent_size(grid)
    assert prior.describe()["latents"] == prior.source.describe()["latents"]
