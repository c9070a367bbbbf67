"""The velocity network: local, the same with and without padding inside, and told the time."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from latentinv.networks import VelocityArchitecture, initial_velocity, velocity


def weights_of(architecture, seed=0):
    """Random weights of which none is 0, so that everything matters."""
    weights = initial_velocity(jax.random.key(seed), architecture)
    keys = jax.random.split(jax.random.key(seed + 1), len(weights))
    return {
        name: one + 0.2 * jax.random.normal(key, one.shape)
        for key, (name, one) in zip(keys, weights.items(), strict=True)
    }


CASES = pytest.mark.parametrize(
    ("ndim", "widths", "middle", "margin"),
    [(2, (5, 6, 7), 2, 24), (2, (5, 6), 1, 8), (2, (5,), 2, 6), (3, (3, 4), 1, 8)],
)


@CASES
def test_that_without_padding_a_velocity_is_the_interior_of_that_with_zeros_around(ndim, widths, middle, margin):
    architecture = VelocityArchitecture(ndim, 2, widths, middle)
    assert architecture.margin == margin
    cells = architecture.block
    x = jax.random.normal(jax.random.key(2), (1, *(cells + 2 * margin,) * ndim, 2))
    told = jnp.array([0.3]), jnp.array([0.25])
    inner = velocity(architecture, weights_of(architecture), x, *told)
    whole = velocity(architecture, weights_of(architecture), x, *told, padded=True)
    assert inner.shape == (1, *(cells,) * ndim, 2)
    middle_part = whole[(slice(None), *(slice(margin, -margin),) * ndim)]
    np.testing.assert_allclose(inner, middle_part, atol=1e-4 * float(jnp.abs(inner).max()))


def test_that_it_sees_the_margin_and_no_more():
    architecture = VelocityArchitecture(2, 1, (5, 6), 1)
    weights, margin, block = weights_of(architecture), architecture.margin, architecture.block
    x = jax.random.normal(jax.random.key(2), (1, block + 2 * margin, block + 2 * margin, 1))
    told = jnp.array([0.3]), jnp.array([0.25])
    seen = np.zeros(x.shape[1:3], bool)
    for cell in range(block):
        slope = jax.grad(lambda x, cell=cell: velocity(architecture, weights, x, *told)[0, cell, 0, 0])(x)
        seen |= np.abs(np.asarray(slope))[0, ..., 0] > 0
    rows = np.flatnonzero(seen.any(axis=1))
    assert rows[0] == 0
    assert rows[-1] >= block + 2 * margin - architecture.block


def test_that_time_and_the_length_of_a_step_matter():
    architecture = VelocityArchitecture(2, 1, (5, 6), 1)
    weights, x = weights_of(architecture), jnp.ones((3, 36, 36, 1))
    found = velocity(architecture, weights, x, jnp.array([0.2, 0.2, 0.7]), jnp.array([0.0, 0.5, 0.0]))
    assert len({float(one) for one in found[:, 0, 0, 0]}) == 3


def test_that_before_training_nothing_moves():
    architecture = VelocityArchitecture(2, 3, (8, 8), 1)
    x = jax.random.normal(jax.random.key(0), (2, 8, 8, 3))
    weights = initial_velocity(jax.random.key(1), architecture)
    np.testing.assert_array_equal(velocity(architecture, weights, x, jnp.zeros(2), jnp.zeros(2), padded=True), 0 * x)
