"""Latent maps: the cells that a place changes, and tiles and walks of priors with several maps."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from latentinv import Grid, InputError, load_prior
from latentinv.networks import ARCHITECTURES, generator_architecture
from latentinv.priors import (
    Covariance,
    HierarchicalPrior,
    LatentMap,
    SPDEPrior,
    SpectralPrior,
    cells_of_latent,
    latents_of_box,
    walk_box,
)
from tests.priors.toys import TwoMapsPrior, cells_changed
from tests.problems import generate, random_generator_prior

GRID = Grid((22, 27), 2.0, (10.0, 0.0))


def _draw(prior, grid, seed=1):
    return jax.random.normal(jax.random.key(seed), (prior.latent_size(grid),))


@pytest.mark.parametrize(
    ("prior", "grid", "number", "place"),
    [
        (TwoMapsPrior(), GRID, 0, (2, 3)),
        (TwoMapsPrior(), GRID, 1, (5, 4)),
        (random_generator_prior(), Grid((40, 36)), 0, (5, 6)),
        (random_generator_prior(ndim=3), Grid((20, 24, 22)), 0, (3, 4, 4)),
        (SPDEPrior(2.5, (3.0, 2.0), azimuth=60.0), Grid((60, 60)), 0, (34, 36)),
    ],
)
def test_that_a_place_changes_the_cells_within_its_reach_up_to_their_edges(prior, grid, number, place):
    changed = cells_changed(prior, grid, number, place)
    window = cells_of_latent(prior, grid, place, number)
    for axis, within in enumerate(window):
        hit = np.flatnonzero(changed.any(axis=tuple(other for other in range(grid.ndim) if other != axis)))
        if isinstance(prior, SPDEPrior):  # whose changes fade below rounding before the last of them
            assert within.start <= hit[0] < hit[-1] < within.stop
        else:
            assert (hit[0], hit[-1] + 1) == (within.start, within.stop)


def test_that_the_shipped_prior_reaches_as_far_as_it_says():
    prior, grid = load_prior("channels"), Grid((208, 208))
    changed = np.zeros(grid.shape, bool)
    place = (8, 9)
    z = np.random.default_rng(0).standard_normal(prior.latent_size(grid)).astype(np.float32)
    shape = prior.latent_maps(grid)[0].shape
    before = generate(prior, z, grid)
    for by in np.random.default_rng(1).standard_normal((12, shape[-1])):
        moved = z.reshape(shape).copy()
        moved[place] += 4 * by
        changed |= np.asarray(generate(prior, moved.ravel(), grid) != before)
    rows, columns = (np.flatnonzero(changed.any(axis=1 - axis)) for axis in (0, 1))
    window = cells_of_latent(prior, grid, place)
    for hit, within in zip((rows, columns), window, strict=True):
        assert (hit[0], hit[-1] + 1) == (within.start, within.stop)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_that_the_latents_of_any_grid_hold_every_place_that_reaches_it(name):
    architecture = generator_architecture(name)
    before, after = architecture.reach
    for size in range(1, 3 * architecture.ratio):
        last = max(i for i in range(40) if i * architecture.ratio - before < size)
        assert last < architecture.latent_shapes((size, size))[0][0]
        assert after <= 0  # so that no place ahead of the first is lacking


def test_that_places_and_cells_are_each_others_answer():
    one = LatentMap((9, 8, 2), (4, 2), ((5, 1), (-1, 3)))
    assert one.size == 144
    shape = (30, 20)
    for cells in ([slice(8, 9), slice(5, 6)], [slice(3, 11), slice(0, 7)]):
        window = one.places_of(cells)
        for i in range(-3, 12):
            for axis, (step, (low, high)) in enumerate(zip(one.spacing, one.reach, strict=True)):
                touches = i * step - low < cells[axis].stop and (i + 1) * step + high > cells[axis].start
                assert touches == (window[axis].start <= i < window[axis].stop)
    assert one.cells_of((0, 0), shape) == (slice(0, 5), slice(1, 5))
    assert LatentMap((1, 1, 5)).cells_of((0, 0), shape) == (slice(0, 30), slice(0, 20))


@pytest.mark.parametrize("tile", [3, 8])
def test_that_tiles_of_two_maps_put_together_are_the_field(tile):
    prior = TwoMapsPrior()
    z = _draw(prior, GRID)
    field = np.full(GRID.shape, np.nan, np.float32)
    parts = list(prior.tiles(np.asarray(z), GRID, tile=tile))
    assert len(parts) == {3: 6 * 7, 8: 3 * 4}[tile]
    for place, values in parts:
        assert np.isnan(field[place]).all()
        field[place] = values
    np.testing.assert_allclose(field, generate(prior, z, GRID), atol=1e-6)


@pytest.mark.parametrize(
    "prior",
    [
        SpectralPrior(Covariance("gaussian", 6.0), waves=16),
        SPDEPrior(1.0, 6.0),
        SPDEPrior(1.0, np.full((2, *GRID.shape), 6.0)),
        HierarchicalPrior(random_generator_prior(), SpectralPrior(Covariance("gaussian", 6.0), waves=16)),
    ],
)
def test_that_a_field_is_given_whole_where_some_latents_reach_all_cells(prior):
    z = np.asarray(_draw(prior, GRID))
    ((place, field),) = prior.tiles(z, GRID, tile=8)
    assert place == (slice(0, 22), slice(0, 27))
    np.testing.assert_allclose(field, generate(prior, jnp.asarray(z), GRID), atol=1e-5)


BOX = (np.array([30.0, 20.0]), np.array([40.0, 34.0]))


def test_that_a_walk_round_a_box_moves_latents_of_both_maps_and_no_others():
    prior = TwoMapsPrior()
    z = _draw(prior, GRID)
    inside = latents_of_box(prior, GRID, *BOX)
    coarse, _ = prior.latent_maps(GRID)
    cells = GRID.box_weights(*BOX) > 0
    rows, columns = (np.flatnonzero(cells.any(axis=1 - axis)) for axis in (0, 1))
    expected = [
        (along[-1] // step - along[0] // step + 1 + more)
        for step, more in ((4, 1), (2, 0))
        for along in (rows, columns)
    ]
    assert inside[: coarse.size].sum() == 2 * expected[0] * expected[1]
    assert inside[coarse.size :].sum() == expected[2] * expected[3]
    other = jnp.where(inside, z, _draw(prior, GRID, 2))
    same = np.asarray(generate(prior, other, GRID) == generate(prior, z, GRID))
    assert same[cells].all()
    assert not same[~cells].all()
    path = walk_box(jax.random.key(3), prior, GRID, z, *BOX, steps=3)
    assert ((path != z).any(axis=0) == inside).all()


def test_that_a_walk_round_a_box_is_refused_where_latents_change_every_cell():
    prior = SpectralPrior(Covariance("gaussian", 6.0), waves=16)
    with pytest.raises(InputError, match="changes the whole field, not a window"):
        latents_of_box(prior, GRID, *BOX)


def test_that_a_map_which_is_not_there_is_refused():
    with pytest.raises(InputError, match="has 2 latent maps; 2 is none of them"):
        cells_of_latent(TwoMapsPrior(), GRID, (0, 0), 2)
