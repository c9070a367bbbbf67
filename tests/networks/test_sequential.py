"""Sequential simulation: cells are drawn with the odds that are told, each once, and the likelihood is one."""

import dataclasses
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import special

from latentinv.networks import Draw, SequentialArchitecture, initial_sequential, merged, simulate
from latentinv.networks._cells import CELLS, LEAST_SPREAD
from tests.problems import random_sequential

MANY = 200_000


def test_that_two_facies_are_drawn_by_their_odds():
    told = jnp.array([-3.0, 0.2, 1.5])
    noise = jax.random.normal(jax.random.key(0), (MANY, 3))
    drawn = CELLS["two facies"].draw(told, CELLS["two facies"].deviates(noise))
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
    drawn = CELLS["several facies"].draw(told, CELLS["several facies"].deviates(noise))
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
    sd, numbers = LEAST_SPREAD + np.exp(-1.2), np.asarray(drawn.number)
    assert abs(numbers.mean() - 0.4) < 5 * sd / np.sqrt(MANY)
    assert abs(numbers.std() - sd) < 5 * sd / np.sqrt(2 * MANY)
    np.testing.assert_allclose(drawn.level, np.tanh(numbers), rtol=1e-5)
    difference = CELLS["value"].log_likelihood(told[None], jnp.tanh(jnp.array([[0.4], [0.4 + sd]])))
    assert difference[0] - difference[1] == pytest.approx(0.5, rel=1e-3)


def test_that_values_that_are_all_alike_have_a_likelihood():
    known = CELLS["value"].log_likelihood(jnp.array([[0.4, -100.0]]), jnp.tanh(jnp.array([[0.4]])))
    assert known[0] == pytest.approx(-np.log(LEAST_SPREAD), rel=1e-4)


@pytest.mark.parametrize("content", ["two facies", "several facies"])
def test_that_cells_follow_noise_softly(content):
    told = jnp.full((3,), 0.3) if content == "several facies" else jnp.full((1,), 0.3)
    slope = jax.jacfwd(lambda noise: CELLS[content].draw(told, CELLS[content].deviates(noise)).level)(
        jnp.array([0.5, 0.1, -0.4])[: len(told)]
    )
    assert np.all(np.diag(slope) > 0.1)


def test_that_cells_far_from_what_is_known_are_drawn_first():
    architecture = SequentialArchitecture(2, "two facies", 1, (2, 2, 2), (1, 1, 1), (1, 1))
    assert architecture.groups(1) == (((1, 1),), ((0, 1), (1, 0)))
    assert architecture.groups(2) == (((1, 1),), ((0, 1),), ((1, 0),))
    assert dataclasses.replace(architecture, apart=True).groups(1) == architecture.groups(2)
    assert [architecture.members(level) for level in range(3)] == [4, 3, 3]
    assert (architecture.unit, architecture.around(0), architecture.around(2)) == (
        (8,) * 2,
        (2 * (8 + 4) + 6,) * 2,
        (6,) * 2,
    )


def test_that_grids_are_stretched_along_an_axis():
    architecture = SequentialArchitecture(2, "two facies", 1, (2, 2, 2), (1, 1, 1), (1, 4))
    assert [architecture.stride(level) for level in range(4)] == [(2, 8), (1, 4), (1, 2), (1, 1)]
    assert architecture.groups(1) == architecture.groups(2) == (((0, 1),),)
    assert [architecture.members(level) for level in range(3)] == [4, 1, 1]


@pytest.mark.parametrize(
    ("ndim", "windows", "stretch"),
    [
        (2, (2, 1), (1, 1)),
        (2, (1, 0, 1), (1, 2)),
        (2, (0, 1, 2), (4, 1)),
        (3, (1, 1), (1, 1, 1)),
        (3, (1, 1), (1, 2, 1)),
    ],
)
def test_that_every_cell_is_decided_once_at_its_place(ndim, windows, stretch):
    architecture, weights = random_sequential(ndim=ndim, windows=windows, stretch=stretch)
    shape = tuple(unit * (2 + axis) for axis, unit in enumerate(architecture.unit))
    place = jnp.arange(np.prod(shape), dtype=jnp.float32).reshape(1, *shape, 1)

    def decide(drawn, told):
        here = drawn.of(place, architecture)
        assert told.shape == here.shape
        return Draw(here, here)

    drawn = simulate(architecture, weights, 1, shape, decide, padded=True)
    np.testing.assert_array_equal(drawn.number, place)


@pytest.mark.parametrize(
    ("windows", "stretch", "apart", "blocks"),
    [
        ((1, 2, 1), (1, 1), False, 0),
        ((2, 1), (1, 1), True, 0),
        ((1, 2, 1), (2, 1), True, 0),
        ((1, 2, 1), (1, 1), False, 2),
        ((1, 2, 1), (2, 1), True, 2),
    ],
)
def test_that_a_field_is_the_middle_of_a_larger_one_that_sees_zeros_beyond_its_border(windows, stretch, apart, blocks):
    architecture, weights = random_sequential(windows=windows, stretch=stretch, apart=apart, blocks=blocks)
    shape = (13, 21)
    off = [-start for start, _ in architecture.span(0, shape)]  # cells ahead of the field, whole units
    large = tuple(2 * m + -(-n // unit) * unit for m, n, unit in zip(off, shape, architecture.unit, strict=True))
    noise = architecture.cell.deviates(
        jnp.asarray(np.random.default_rng(0).standard_normal((1, *large, 1)), jnp.float32)
    )
    spans = [architecture.span(level, shape) for level in range(len(windows))]

    def padded(drawn, told):
        firsts = noise[(slice(None), *(slice(None, None, edge) for edge in drawn.block))]
        return architecture.cell.draw(told, drawn.of(firsts, architecture))

    def inner(drawn, told):
        strides, cuts = architecture.stride(drawn.level), []
        each = zip(off, spans[drawn.level], strides, drawn.offset, told.shape[1:-1], strict=True)
        for ahead, (start, _), stride, part, n in each:
            first = ahead + start + drawn.crop * stride + part * stride // 2
            cuts.append(slice(first, first + stride * n, stride))
        return architecture.cell.draw(told, noise[(slice(None), *cuts)])

    whole = simulate(architecture, weights, 1, large, padded, padded=True).number
    field = simulate(architecture, weights, 1, shape, inner).number
    np.testing.assert_allclose(whole[:, off[0] : off[0] + 13, off[1] : off[1] + 21], field, atol=1e-4)


@pytest.mark.parametrize(("content", "facies"), [("two facies", 2), ("several facies", 3)])
def test_that_the_probabilities_of_all_fields_sum_to_one(content, facies):
    """So no cell sees itself, or what is drawn after it or with it."""
    channels = 1 if facies == 2 else facies
    architecture, weights = random_sequential(content=content, channels=channels, windows=(1,))
    shape = (2, 4) if facies == 2 else (2, 2)
    every = np.array([*itertools.product(range(facies), repeat=int(np.prod(shape)))]).reshape(-1, *shape)
    levels = 2.0 * every[..., None] - 1 if facies == 2 else 2 * np.eye(facies)[every] - 1
    levels = jnp.asarray(levels, jnp.float32)
    total = []

    def decide(drawn, told):
        given = drawn.of(levels, architecture)
        total.append(architecture.cell.log_likelihood(told, given).sum(axis=(1, 2)))
        return Draw(given, given)

    simulate(architecture, weights, len(every), shape, decide, padded=True)
    probabilities = np.exp(sum(total))
    assert probabilities.sum() == pytest.approx(1, abs=1e-4)
    assert probabilities.max() > 2 * probabilities.min()


@pytest.mark.parametrize(("content", "facies"), [("two facies", 2), ("several facies", 3)])
@pytest.mark.parametrize("apart", [False, True])
def test_that_fields_whose_blocks_are_what_was_drawn_have_all_the_probability_if_that_is_asked(content, facies, apart):
    channels = 1 if facies == 2 else facies
    architecture, weights = random_sequential(content=content, channels=channels, windows=(1,), blocks=1, apart=apart)
    shape = (2, 4) if facies == 2 else (2, 2)
    every = np.array([*itertools.product(range(facies), repeat=int(np.prod(shape)))]).reshape(-1, *shape)
    levels = 2.0 * every[..., None] - 1 if facies == 2 else 2 * np.eye(facies)[every] - 1
    sums = []
    for complete in (True, False):
        total = []

        def decide(drawn, told, total=total):
            given = drawn.of(merged(jnp.asarray(levels, jnp.float32), architecture.order, drawn.block), architecture)
            total.append(architecture.cell.log_likelihood(told, given).sum(axis=(1, 2)))
            return Draw(given, given)

        simulate(architecture, weights, len(every), shape, decide, padded=True, complete=complete)
        sums.append(np.exp(sum(total)).sum())
    assert sums[0] == pytest.approx(1, abs=1e-4)
    assert sums[1] < 0.95


@pytest.mark.parametrize(("channels", "content"), [(1, "two facies"), (3, "several facies")])
def test_that_every_block_of_a_field_is_what_was_drawn_if_that_is_asked(channels, content):
    architecture, weights = random_sequential(content=content, channels=channels, windows=(1, 0, 1), blocks=2)
    shape, lost = (32, 48), []
    for complete in (True, False):
        key, drawn_of = jax.random.key(4), []

        def decide(drawn, told, key=key, drawn_of=drawn_of):
            noise = jax.random.normal(jax.random.fold_in(key, len(drawn_of)), told.shape)
            draw = architecture.cell.draw(told, architecture.cell.deviates(noise))
            drawn_of.append((drawn, draw.level))
            return draw

        field = simulate(architecture, weights, 1, shape, decide, padded=True, complete=complete).level
        wrong = [
            np.sum(np.sign(level) != np.sign(drawn.of(merged(field, architecture.order, drawn.block), architecture)))
            for drawn, level in drawn_of
        ]
        lost.append(int(np.sum(wrong)))
    assert lost[0] == 0
    assert lost[1] > 5


@pytest.mark.parametrize(
    ("ndim", "windows", "stretch", "blocks"), [(2, (1, 0, 1), (1, 2), 1), (2, (1, 1, 1), (1, 1), 2)]
)
def test_that_blocks_are_split_until_each_cell_is_drawn(ndim, windows, stretch, blocks):
    architecture, weights = random_sequential(ndim=ndim, windows=windows, stretch=stretch, blocks=blocks)
    shape = tuple(2 * unit for unit in architecture.unit)
    field = 2.0 * (np.random.default_rng(3).random((1, *shape, 1)) < 0.1) - 1
    drawn_of = []

    def decide(drawn, told):
        here = drawn.of(merged(jnp.asarray(field), architecture.order, drawn.block), architecture)
        assert told.shape == here.shape
        drawn_of.append((drawn.level, drawn.offset, drawn.block))
        return Draw(here, here)

    np.testing.assert_array_equal(simulate(architecture, weights, 1, shape, decide, padded=True).level, field)
    assert len(set(drawn_of)) == len(drawn_of) == sum(architecture.members(level) for level in range(len(windows)))
    finest = architecture.stride(len(windows) - blocks)
    assert {block for level, _, block in drawn_of if level < len(windows) - blocks} == {finest}
    assert architecture.members(len(windows) - 1) == np.prod(np.minimum(architecture.stride(len(windows) - 1), 2))


def test_that_networks_before_training_tell_even_odds():
    architecture = SequentialArchitecture(2, "two facies", 1, (8, 8), (1, 1), (1, 1))
    weights, told = initial_sequential(jax.random.key(0), architecture), []

    def decide(drawn, each):
        told.append(each)
        return Draw(each, each)

    simulate(architecture, weights, 1, (16, 16), decide, padded=True)
    assert all(np.all(np.asarray(each) == 0) for each in told)


def test_that_a_temperature_divides_the_logarithms_of_odds():
    told, noise = jnp.array([-1.0, 0.5, 2.0]), jax.random.normal(jax.random.key(3), (MANY, 3))
    for content, expected in (("two facies", special.expit), ("several facies", special.softmax)):
        drawn = CELLS[content].draw(CELLS[content].tempered(told, 0.5), CELLS[content].deviates(noise))
        odds = expected(2 * np.asarray(told, float))
        found = np.mean(np.asarray(drawn.level) > 0, axis=0)
        np.testing.assert_array_less(np.abs(found - odds), 5 * np.sqrt(odds * (1 - odds) / MANY))
    mean, spread = CELLS["value"].tempered(jnp.array([0.4, -1.2]), 0.5)
    assert (float(mean), float(spread)) == pytest.approx((0.4, -1.2 + np.log(0.5)), rel=1e-6)
