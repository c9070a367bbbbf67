"""Translators: what they see and keep, levels and shares by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from latentinv.networks import (
    TranslatorArchitecture,
    initial_translator,
    inner,
    levels_of,
    levels_of_shares,
    shares_of,
    standing,
    translated,
)

NET = TranslatorArchitecture(2, (0, 1), 2, (4, 6), (1, 2))
apply = jax.jit(translated, static_argnums=0)


def _weights(net, seed=0):
    """Random, the last layer too."""
    rng = np.random.default_rng(seed)
    shapes = initial_translator(jax.random.key(0), net)
    return {name: jnp.asarray(0.3 * rng.standard_normal(one.shape), jnp.float32) for name, one in shapes.items()}


def _levels(shape, seed=0, channels=1):
    return jnp.asarray(np.random.default_rng(seed).uniform(-1, 1, (1, *shape, channels)), jnp.float32)


@pytest.mark.parametrize("shape", [(30, 34), (31, 35)], ids=["even", "odd"])
def test_that_a_cell_sees_its_window_and_no_other(shape):
    """The margin is one more than the most that any cell sees, and what is added to whole blocks is not seen."""
    levels, weights = _levels(shape), _weights(NET)
    assert NET.margin == 12
    before = np.asarray(apply(NET, weights, levels))
    assert before.shape == (1, shape[0] - 24, shape[1] - 24, 1)
    slopes = jax.jit(jax.jacobian(lambda x: translated(NET, weights, x[None, ..., None])[0, ..., 0]))(levels[0, ..., 0])
    seen = np.abs(np.asarray(slopes)) > 0
    reach = 0
    for row, column in np.ndindex(before.shape[1:3]):
        rows, columns = np.nonzero(seen[row, column])
        far = max(np.abs(rows - row - 12).max(), np.abs(columns - column - 12).max())
        assert far <= 11
        reach = max(reach, far)
    assert reach == 11


def test_that_a_part_that_begins_at_an_even_cell_is_translated_as_in_the_whole():
    levels, weights = _levels((45, 54)), _weights(NET)
    whole = np.asarray(apply(NET, weights, levels))
    for row, column, rows, columns in ((0, 0, 29, 28), (6, 12, 35, 37), (16, 26, 29, 28)):
        part = apply(NET, weights, levels[:, row : row + rows, column : column + columns])
        np.testing.assert_allclose(
            part, whole[:, row : row + rows - 24, column : column + columns - 24], rtol=1e-5, atol=1e-5
        )


@pytest.mark.parametrize("ndim", [2, 3])
def test_that_a_network_keeps_every_cell_before_training(ndim):
    net = TranslatorArchitecture(ndim, (2, 0, 1, 0), 3, (4, 6), (1,))
    index = np.random.default_rng(0).integers(0, 4, (1, *(17 if ndim == 3 else 23,) * ndim))
    levels = 2 * np.eye(4, dtype=np.float32)[index] - 1
    numbers = translated(net, initial_translator(jax.random.key(0), net), jnp.asarray(levels))
    expected = np.array([2, 0, 1, 0])[np.asarray(inner(jnp.asarray(index)[..., None], net.margin))[..., 0]]
    np.testing.assert_array_equal(np.argmax(numbers, axis=-1), expected)
    np.testing.assert_allclose(levels_of(numbers).max(), 2 / (1 + 2 * np.exp(-4)) - 1, atol=1e-5)


def test_that_the_way_back_begins_with_the_first_facies_that_stands_for_one():
    net = TranslatorArchitecture(2, (2, 0, 1, 0), 3, (4, 6), (1,))
    assert net.back.stands == (1, 2, 0)
    assert (net.inputs, net.outputs, net.back.inputs, net.back.outputs) == (4, 3, 3, 4)
    assert (NET.inputs, NET.outputs, NET.back.stands) == (1, 1, (0, 1))


def test_that_levels_are_shares_by_hand():
    one = jnp.array([[-1.0], [0.5]])
    np.testing.assert_allclose(shares_of(one), [[1, 0], [0.25, 0.75]])
    np.testing.assert_allclose(levels_of_shares(shares_of(one)), one)
    three = jnp.array([[1.0, -1.0, -1.0], [0.0, -0.5, -0.5]])
    np.testing.assert_allclose(shares_of(three), [[1, 0, 0], [0.5, 0.25, 0.25]])
    np.testing.assert_allclose(levels_of_shares(shares_of(three)), three)
    np.testing.assert_allclose(standing(shares_of(three), (1, 0, 1), 2), [[0, 1], [0.25, 0.75]])
