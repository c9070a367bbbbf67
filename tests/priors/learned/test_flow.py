"""Flow priors: local, stationary, the same for every batch and field size; written and read."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from latentinv import Grid, InputError, load_prior
from latentinv.priors import Calibration, FaciesModel, FlowPrior, cells_of_latent
from latentinv.priors.core import split_latents
from tests.problems import generate, random_flow_prior

THREE = {"categories": (3, 1, 7)}
KINDS = pytest.mark.parametrize("kind", [{}, THREE], ids=["two facies", "three facies"])


def _z(prior, grid, seed=0):
    return jax.random.normal(jax.random.key(seed), (prior.latent_size(grid),))


@KINDS
def test_that_tiles_put_together_are_the_field(kind):
    prior, grid = random_flow_prior(**kind), Grid((21, 34))
    z = _z(prior, grid)
    field = np.full(generate(prior, z, grid).shape, np.nan, np.float32)
    parts = 0
    for place, tile in prior.tiles(np.asarray(z), grid, tile=12):
        field[place] = tile
        parts += 1
    assert parts == 6
    np.testing.assert_allclose(field, generate(prior, z, grid), atol=1e-4)


def test_that_a_block_of_noise_changes_its_window_and_no_other_cell():
    prior, grid = random_flow_prior(), Grid((40, 44))
    z, (one,) = _z(prior, grid), prior.latent_maps(grid)
    before, place = generate(prior, z, grid), tuple(n // 2 for n in one.shape[:-1])
    moved = np.asarray(z).reshape(one.shape).copy()
    moved[place] += 20.0
    changed = np.asarray(generate(prior, jnp.asarray(moved.ravel()), grid) != before)
    for axis, within in enumerate(cells_of_latent(prior, grid, place)):
        hit = np.flatnonzero(changed.any(axis=1 - axis))
        assert within.start <= hit[0] <= within.start + 2 * prior.steps * prior.architecture.block
        assert hit[-1] < within.stop


def test_that_a_place_is_a_block_with_its_cells_noise():
    """With no velocity the field is the noise of the cells."""
    prior = random_flow_prior(steps=1)
    still = FlowPrior(
        prior.architecture,
        {**prior.weights, "last": 0 * prior.weights["last"], "last.bias": 0 * prior.weights["last.bias"]},
        Calibration(FaciesModel((0, 1), (0.0,)), shift=0.0, scale=1e3),
        steps=1,
        provenance={},
    )
    grid, block, margin = Grid((10, 9)), prior.architecture.block, prior.architecture.margin
    z = _z(still, grid)
    (blocks,) = split_latents(np.asarray(z), still.latent_maps(grid))
    field = np.asarray(generate(still, z, grid)) * 1e3
    for row, column in ((0, 0), (3, 5), (9, 8)):
        place = [(n + margin) // block for n in (row, column)]
        inside = ((row + margin) % block) * block + (column + margin) % block
        assert field[row, column] == pytest.approx(blocks[(*place, inside)], rel=1e-3)


@KINDS
def test_that_a_saved_prior_comes_back_the_same(kind, tmp_path):
    prior, grid = random_flow_prior(**kind), Grid((8, 8))
    prior.save(tmp_path / "prior.h5")
    loaded = load_prior(tmp_path / "prior.h5")
    np.testing.assert_array_equal(generate(loaded, _z(prior, grid), grid), generate(prior, _z(prior, grid), grid))
    assert (loaded.facies_model, loaded.steps) == (prior.facies_model, prior.steps)
    assert loaded.fingerprint() == prior.fingerprint()


def test_that_a_flow_in_three_dimensions_has_fields_of_the_grid():
    prior, grid = random_flow_prior(ndim=3, steps=1), Grid((3, 4, 5))
    assert generate(prior, _z(prior, grid), grid).shape == (3, 4, 5)


def test_that_a_latent_of_the_wrong_length_and_a_grid_of_the_wrong_rank_are_refused():
    prior = random_flow_prior()
    with pytest.raises(InputError, match="this prior needs"):
        generate(prior, jnp.zeros(3), Grid((12, 12)))
    with pytest.raises(InputError, match="has 2 axes, but the grid 3"):
        prior.latent_size(Grid((4, 12, 12)))
