"""Latents drawn where they are looked at are those of the whole vector."""

import jax
import numpy as np
import pytest

from latentinv import Grid, SPDEPrior
from latentinv.priors import DrawnLatents
from tests.problems import random_generator_prior

SIZE = 3000


def test_that_a_part_has_the_numbers_of_the_whole_vector():
    key = jax.random.key(7)
    drawn, whole = DrawnLatents(key, SIZE), np.asarray(jax.random.normal(key, (SIZE,)))
    assert len(drawn) == SIZE
    np.testing.assert_array_equal(np.asarray(drawn), whole)
    np.testing.assert_array_equal(drawn[700:1900], whole[700:1900])
    shape, offset = (5, 9, 11, 2), 13
    table = whole[offset : offset + 5 * 9 * 11 * 2].reshape(shape)
    np.testing.assert_array_equal(drawn.box(offset, shape, (2, 3, 4), (3, 2, 5)), table[2:5, 3:5, 4:9])


def test_that_numbers_beyond_four_billion_do_not_begin_again():
    drawn = DrawnLatents(jax.random.key(7), 2**33)
    assert not np.isin(drawn[2**32 : 2**32 + 8], drawn[:8]).any()
    assert np.abs(drawn[2**32 : 2**32 + 1000].mean()) < 0.15  # 4.7 standard errors


def test_that_another_generator_of_jax_is_served_too():
    key = jax.random.key(7, impl="rbg")
    np.testing.assert_array_equal(DrawnLatents(key, 50)[10:20], np.asarray(jax.random.normal(key, (50,)))[10:20])


@pytest.mark.parametrize(
    ("prior", "shape"),
    [
        (random_generator_prior(), (40, 24)),
        (random_generator_prior(ndim=3), (16, 8, 24)),
        (SPDEPrior(1.0, 4.0), (40, 24)),
    ],
    ids=["plane", "volume", "spde"],
)
def test_that_tiles_of_drawn_latents_are_those_of_the_vector(prior, shape):
    grid, key = Grid(shape), jax.random.key(3)
    drawn = DrawnLatents(key, prior.latent_size(grid))
    pairs = zip(prior.tiles(drawn, grid, 8), prior.tiles(np.asarray(drawn), grid, 8), strict=True)
    for (place, one), (other_place, other) in pairs:
        assert place == other_place
        np.testing.assert_array_equal(one, other)
