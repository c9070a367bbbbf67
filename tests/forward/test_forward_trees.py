"""Forward models as frozen pytrees: operators are leaves, sums repeat, simulators are shared; rays on any grid."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.sparse

from latentinv import Grid, InputError
from latentinv.errors import StorageError
from latentinv.forward import AbstractForward, CurvedRays, ExternalForward, LinearForward, StraightRays, ray_lengths
from latentinv.forward.core import AbsentForward, ByIdentity
from latentinv.forward.linear import sparse_operator
from latentinv.pytrees import replace

GRID = Grid((12, 15), spacing=(2.0, 3.0))


def test_that_operators_are_leaves_and_can_be_replaced():
    forward = LinearForward(np.ones((2, GRID.size)), GRID)
    twice = replace(forward, operator=jax.tree.map(lambda weights: 2 * weights, forward.operator))
    program = jax.jit(lambda one, field: one.predict(field))
    np.testing.assert_allclose(program(twice, jnp.ones(GRID.shape)), 2 * GRID.size)
    stacked = jax.tree.map(lambda *leaves: np.stack(leaves), forward, twice)
    mapped = jax.vmap(lambda one: one.predict(jnp.ones(GRID.shape)))(stacked)
    np.testing.assert_allclose(mapped[:, 0], [GRID.size, 2 * GRID.size])


@pytest.fixture(scope="module")
def matrix():
    """Rows and columns of very different lengths, one of each alone, and columns without an entry."""
    rng = np.random.default_rng(0)
    dense = rng.normal(size=(7, 40)) * (rng.random((7, 40)) < 0.2)
    dense[3] = rng.normal(size=40)
    dense[:, 11] = 1.0
    dense[3, 20:22] = 0.0
    dense[:, 20:22] = 0.0
    return scipy.sparse.csr_array(dense)


def test_that_a_sparse_product_and_its_transpose_are_those_of_the_matrix(matrix):
    operator = sparse_operator(matrix)
    vectors = np.random.default_rng(1).normal(size=(3, 40))
    residual = np.random.default_rng(2).normal(size=7)
    np.testing.assert_allclose(operator.product(vectors[0]), matrix @ vectors[0], rtol=2e-5, atol=1e-5)
    np.testing.assert_allclose(jax.vmap(operator.product)(vectors), vectors @ matrix.toarray().T, rtol=2e-5, atol=1e-5)
    change, pullback = jax.vjp(operator.product, jnp.asarray(vectors[0]))
    (gradient,) = pullback(jnp.asarray(residual, change.dtype))
    np.testing.assert_allclose(gradient, matrix.T @ residual, rtol=2e-5, atol=1e-5)
    _, tangent = jax.jvp(operator.product, (jnp.asarray(vectors[0]),), (jnp.asarray(vectors[1]),))
    np.testing.assert_allclose(tangent, matrix @ vectors[1], rtol=2e-5, atol=1e-5)
    np.testing.assert_array_equal(operator.matrix(40).toarray(), matrix.toarray())


def test_that_neither_a_sparse_product_nor_its_gradient_adds_to_one_place_from_many_threads(matrix):
    operator = sparse_operator(matrix)
    for function in (operator.product, jax.grad(lambda v: operator.product(v).sum())):
        assert "scatter" not in jax.jit(function).lower(jnp.ones(40)).as_text()
    rays = StraightRays(GRID, [[1.0, 2.0], [1.0, 2.0]], [[29.0, 30.0], [29.0, 5.0]])
    assert "scatter" not in jax.jit(jax.grad(lambda v: rays.predict(v).sum())).lower(jnp.ones(GRID.shape)).as_text()


def test_that_rays_may_end_on_the_far_faces_of_any_decimal_grid():
    """Grids as users write them: national coordinates with decimals, whose sums round."""
    rng = np.random.default_rng(0)
    for _ in range(200):
        spacing = tuple(np.round(rng.uniform(0.05, 30.0, 2), 2).tolist())
        origin = tuple(np.round(rng.uniform([3e5, 4e6], [7e5, 6e6]), 2).tolist())
        grid = Grid(tuple(rng.integers(3, 60, 2).tolist()), spacing, origin)
        far = np.round(grid.upper, 2)
        ends = [grid.lower, [far[0], grid.lower[1]]], [far, [grid.lower[0], far[1]]]
        np.testing.assert_allclose(ray_lengths(grid, *ends).sum(axis=1), np.hypot(*(far - grid.lower)), rtol=1e-5)
        assert CurvedRays(grid, *ends).count == 2


class Sums:
    """A simulator."""

    def simulate(self, property):
        return property.sum(axis=0)


def test_that_copies_of_a_simulators_model_share_its_counter():
    forward = ExternalForward(Sums(), Grid((2, 3)), 3)
    copy = jax.tree.map(lambda leaf: leaf, forward)
    assert copy is not forward
    copy.evaluate(np.ones((2, 2, 3)))
    assert forward.take_counts()[0] == 2
    assert copy.take_counts()[0] == 0
    assert jax.tree.structure(copy) == jax.tree.structure(forward)
    assert jax.tree.structure(ExternalForward(Sums(), Grid((2, 3)), 3)) != jax.tree.structure(forward)


def test_that_what_is_compared_by_identity_needs_no_hash():
    one, other = {"a": 1}, {"a": 1}
    assert ByIdentity(one) == ByIdentity(one)
    assert hash(ByIdentity(one)) == hash(ByIdentity(one))
    assert ByIdentity(one) != ByIdentity(other)


def test_that_an_absent_model_says_what_is_missing():
    absent: AbstractForward = AbsentForward("function", GRID, 3, {"count": np.asarray(3)}, "give it again")
    assert (absent.kind, absent.count, absent.missing, absent.external) == ("function", 3, "give it again", False)
    with pytest.raises(InputError, match="give it again"):
        absent.predict(jnp.ones(GRID.shape))


@pytest.mark.parametrize(
    ("part", "values"),
    [
        ("cells", [0, 1, 2, 10**6]),
        ("cells", [0, 1, 2, -1]),
        ("cells", [0, 1, 2]),
        ("starts", [0, 2, 5]),
        ("starts", [0, 4, 2, 4]),
        ("starts", [1, 2, 4]),
        ("starts", []),
    ],
)
def test_that_a_stored_operator_with_entries_out_of_range_is_refused(part, values):
    arrays = {"weights": np.ones(4), "cells": np.arange(4), "starts": np.array([0, 2, 4])}
    with pytest.raises(StorageError, match="entries outside its rows or its grid; the file is damaged"):
        LinearForward.from_arrays(arrays | {part: np.array(values, int)}, GRID)
