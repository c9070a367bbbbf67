"""A refinement: its cells are drawn with the odds that are told, each once, and its likelihood is one."""

import dataclasses
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import special

from latentinv.networks import Draw, RefinementArchitecture, initial_refinement, refine
from latentinv.networks._cells import CELLS
from latentinv.priors.learned import refined
from tests.problems import random_refinement

MANY = 200_000


def test_that_two_facies_are_drawn_by_their_odds():
    told = jnp.array([-3.0, 0.2, 1.5])
    noise = jax.random.normal(jax.random.key(0), (MANY, 3))
    drawn = CELLS["two facies"].draw(told, noise)
    expected = special.expit(np.asarray(told))
    found = np.mean(np.asarray(drawn.level) > 0, axis=0)
    # five standard errors: false alarm below 1e-5 for all three
    np.testing.assert_array_less(np.abs(found - expected), 5 * np.sqrt(expected * (1 - expected) / MANY))
    np.testing.assert_array_equal(drawn.level, np.where(drawn.number > 0, 1, -1))
    likely = [CELLS["two facies"].log_likelihood(told[:, None], jnp.full((3, 1), sign)) for sign in (1.0, -1.0)]
    np.testing.assert_allclose(np.exp(likely), [expected, 1 - expected], rtol=1e-5)


def test_that_several_facies_are_drawn_by_their_odds():
    told = jnp.array([-1.0, 0.5, 2.0, 0.0])
    noise = jax.random.normal(jax.random.key(1), (MANY, 4))
    drawn = CELLS["several facies"].draw(told, noise)
    expected = special.softmax(np.asarray(told))
    found = np.mean(np.asarray(drawn.level) > 0, axis=0)
    np.testing.assert_array_less(np.abs(found - expected), 5 * np.sqrt(expected * (1 - expected) / MANY))
    np.testing.assert_array_equal(np.argmax(drawn.level, axis=-1), np.argmax(drawn.number, axis=-1))
    np.testing.assert_allclose(np.sum(np.asarray(drawn.level), axis=-1), 2 - 4, atol=1e-5)
    each = 2 * jnp.eye(4) - 1
    likely = CELLS["several facies"].log_likelihood(jnp.broadcast_to(told, (4, 4)), each)
    np.testing.assert_allclose(np.exp(likely), expected, rtol=1e-5)


def test_that_values_are_drawn_with_mean_and_spread():
    told = jnp.array([0.4, -1.2])
    drawn = CELLS["value"].draw(told, jax.random.normal(jax.random.key(2), (MANY, 1)))
    sd, numbers = np.exp(-1.2), np.asarray(drawn.number)
    assert abs(numbers.mean() - 0.4) < 5 * sd / np.sqrt(MANY)
    assert abs(numbers.std() - sd) < 5 * sd / np.sqrt(2 * MANY)
    np.testing.assert_allclose(drawn.level, np.tanh(numbers), rtol=1e-5)
    difference = CELLS["value"].log_likelihood(told[None], jnp.tanh(jnp.array([[0.4], [0.4 + sd]])))
    assert difference[0] - difference[1] == pytest.approx(0.5, rel=1e-3)


@pytest.mark.parametrize("content", ["two facies", "several facies"])
def test_that_cells_follow_noise_softly(content):
    told = jnp.full((3,), 0.3) if content == "several facies" else jnp.full((1,), 0.3)
    slope = jax.jacfwd(lambda noise: CELLS[content].draw(told, noise).level)(jnp.array([0.5, 0.1, -0.4])[: len(told)])
    assert np.all(np.diag(slope) > 0.1)


def test_that_neighbours_of_the_last_grid_are_drawn_one_by_one():
    assert RefinementArchitecture(2, "two facies", 1, 4, (2, 2), (1, 1)).grids() == (
        (((0, 0),), ((1, 1),), ((0, 1), (1, 0))),
        (((1, 1),), ((0, 1),), ((1, 0),)),
    )


@pytest.mark.parametrize("padded", [True, False])
@pytest.mark.parametrize(
    ("ndim", "factor", "windows"), [(2, 4, (2, 1)), (2, 2, (1, 0, 1)), (2, 4, (0, 1, 1)), (3, 2, (1, 1))]
)
def test_that_every_cell_is_decided_once_at_its_place(ndim, factor, windows, padded):
    architecture, weights = random_refinement(ndim=ndim, factor=factor, windows=windows)
    units = 2 * architecture.margin // architecture.unit + 1
    shape = tuple(architecture.unit * (units + axis) for axis in range(ndim))
    place = jnp.arange(np.prod(shape), dtype=jnp.float32).reshape(1, *shape, 1)
    blocks = tuple(n // factor for n in shape)

    def decide(where, told):
        here = where.of(place, told.shape[1:-1])
        return Draw(here, here)

    drawn = refine(architecture, weights, jnp.zeros((1, *blocks, 1)), decide, padded=padded)
    off = 0 if padded else architecture.margin
    np.testing.assert_array_equal(drawn.number, place[(slice(None), *(slice(off, n - off) for n in shape))])


def test_that_padding_changes_no_cell_farther_than_the_margin_from_the_border():
    architecture, weights = random_refinement(factor=4, windows=(1, 2, 1))
    edge = 2 * architecture.margin + 2 * architecture.unit
    rng = np.random.default_rng(0)
    means = jnp.asarray(rng.uniform(-1, 1, (2, edge // 4, edge // 4, 1)), jnp.float32)
    noise = jnp.asarray(rng.standard_normal((2, edge, edge, 1)), jnp.float32)

    def decide(where, told):
        return architecture.cell.draw(told, where.of(noise, told.shape[1:-1]))

    inner = refine(architecture, weights, means, decide).number
    whole = refine(architecture, weights, means, decide, padded=True).number
    off = architecture.margin
    np.testing.assert_allclose(whole[:, off:-off, off:-off], inner, atol=1e-4)


@pytest.mark.parametrize(("content", "facies"), [("two facies", 2), ("several facies", 3)])
def test_that_the_probabilities_of_all_blocks_sum_to_one(content, facies):
    """So no cell sees itself, or what is drawn after it or with it."""
    channels = 1 if facies == 2 else facies
    architecture, weights = random_refinement(content=content, channels=channels, factor=2, windows=(1,))
    shape = (2, 4) if facies == 2 else (2, 2)
    every = np.array([*itertools.product(range(facies), repeat=int(np.prod(shape)))]).reshape(-1, *shape)
    levels = 2.0 * every[..., None] - 1 if facies == 2 else 2 * np.eye(facies)[every] - 1
    levels = jnp.asarray(levels, jnp.float32)
    means = jnp.broadcast_to(
        jax.random.uniform(jax.random.key(3), (1, 1, shape[1] // 2, channels)),
        (len(every), 1, shape[1] // 2, channels),
    )
    total = []

    def decide(where, told):
        given = where.of(levels, told.shape[1:-1])
        total.append(architecture.cell.log_likelihood(told, given).sum(axis=(1, 2)))
        return Draw(given, given)

    refine(architecture, weights, means, decide, padded=True)
    probabilities = np.exp(sum(total))
    assert probabilities.sum() == pytest.approx(1, abs=1e-4)
    assert probabilities.max() > 2 * probabilities.min()


def test_that_a_refinement_before_training_tells_even_odds():
    architecture = RefinementArchitecture(2, "two facies", 1, 4, (8, 8), (1, 1))
    weights, told = initial_refinement(jax.random.key(0), architecture), []

    def decide(where, each):
        told.append(each)
        return Draw(each, each)

    refine(architecture, weights, jnp.ones((1, 4, 4, 1)), decide, padded=True)
    assert all(np.all(np.asarray(each) == 0) for each in told)


def test_that_a_temperature_scales_the_noise_that_draws():
    architecture, weights = random_refinement(3)
    colder = dataclasses.replace(architecture, temperature=0.25)
    means, noise = (
        jax.random.normal(jax.random.key(k), shape) for k, shape in ((0, (1, 4, 4, 1)), (1, (1, 16, 16, 1)))
    )
    cold, scaled = (
        refined(one, weights, means, factor * noise, padded=True)
        for one, factor in ((colder, 1.0), (architecture, 0.25))
    )
    np.testing.assert_array_equal(cold.number, scaled.number)
    assert np.any(cold.number != refined(architecture, weights, means, noise, padded=True).number)
