"""Paths of latents, and the cells that a latent can change."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from latentinv import Grid, InputError
from latentinv.priors import cells_of_latent, interpolate, latents_of_box, walk_box
from tests.problems import generate, random_generator_prior

PRIOR, GRID = random_generator_prior(), Grid((41, 37), 2.0, (10.0, 0.0))
Z = jax.random.normal(jax.random.key(0), (PRIOR.latent_size(GRID),))
BOX = (np.array([30.0, 20.0]), np.array([40.0, 34.0]))


def test_that_a_path_has_its_ends_and_a_constant_norm():
    other = jax.random.normal(jax.random.key(1), Z.shape)
    other *= jnp.linalg.norm(Z) / jnp.linalg.norm(other)
    path = interpolate(Z, other, 9)
    np.testing.assert_allclose(path[0], Z, atol=1e-5)
    np.testing.assert_allclose(path[-1], other, atol=1e-5)
    np.testing.assert_allclose(jnp.linalg.norm(path, axis=1), jnp.linalg.norm(Z), rtol=1e-5)
    chords = jnp.linalg.norm(jnp.diff(path, axis=0), axis=1)
    np.testing.assert_allclose(chords, chords[0], rtol=1e-3)


def test_that_a_path_to_itself_stays():
    np.testing.assert_allclose(interpolate(Z, Z, 3), jnp.stack([Z, Z, Z]), atol=1e-5)


@pytest.mark.parametrize(("end", "steps"), [(Z, 1), (Z[:-1], 4), (-Z, 4), (0 * Z, 4)])
def test_that_a_path_without_a_way_is_refused(end, steps):
    with pytest.raises(InputError, match="give two"):
        interpolate(Z, end, steps)


def test_that_one_place_moves_only_its_window_and_may_move_its_edges():
    latent_map = PRIOR.latent_maps(GRID)[0].shape
    place = (5, 4)
    window = cells_of_latent(PRIOR, GRID, place)
    may = np.zeros(GRID.shape, bool)
    may[window] = True
    before = generate(PRIOR, Z, GRID)
    moved = np.zeros(GRID.shape, bool)
    for seed in range(20):
        latent = np.array(Z).reshape(latent_map)
        latent[place] += 3 * np.random.default_rng(seed).standard_normal(latent_map[-1])
        moved |= np.asarray(generate(PRIOR, jnp.asarray(latent.ravel()), GRID) != before)
    assert not (moved & ~may).any()
    ratio = PRIOR.architecture.ratio
    for axis in (0, 1):
        hit = np.flatnonzero(moved.any(axis=1 - axis))
        # The window is counted in whole latent places, so at most one place at each edge is idle.
        assert hit[0] < window[axis].start + ratio
        assert hit[-1] >= window[axis].stop - ratio


def test_that_the_latents_of_a_box_alone_decide_its_cells():
    inside = latents_of_box(PRIOR, GRID, *BOX)
    cells = GRID.box_weights(*BOX) > 0
    assert 0 < inside.sum() < inside.size
    other = jnp.where(inside, Z, jax.random.normal(jax.random.key(2), Z.shape))
    fields = [np.asarray(generate(PRIOR, z, GRID)) for z in (Z, other)]
    np.testing.assert_allclose(fields[0][cells], fields[1][cells], atol=1e-6)
    assert (fields[0][~cells] != fields[1][~cells]).any()


def test_that_a_walk_round_a_box_begins_at_the_draw_and_leaves_the_rest_at_rest():
    path = walk_box(jax.random.key(3), PRIOR, GRID, Z, *BOX, steps=6)
    np.testing.assert_array_equal(path[0], Z)
    rest = ~latents_of_box(PRIOR, GRID, *BOX)
    np.testing.assert_array_equal(path[:, rest], jnp.broadcast_to(Z[rest], (6, rest.sum())))
    assert (path[1:, ~rest] != Z[~rest]).any(axis=1).all()
    with pytest.raises(InputError, match="at least one"):
        walk_box(jax.random.key(3), PRIOR, GRID, Z, *BOX, steps=0)


def test_that_a_place_outside_the_latent_map_is_refused():
    with pytest.raises(InputError, match="is none of them"):
        cells_of_latent(PRIOR, GRID, (0, 99))
