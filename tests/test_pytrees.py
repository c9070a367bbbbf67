"""Frozen pytrees: leaves, static parts, and that nothing changes in place."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from latentinv.pytrees import pytree, replace


@pytree("weights")
class Line:
    def __init__(self, weights, name):
        if np.ndim(weights) != 1:
            raise ValueError("not a row")
        self.weights, self.name = weights, name

    @functools.cached_property
    def total(self):
        return np.sum(self.weights)


def test_that_leaves_are_arrays_and_all_else_is_static():
    leaves, structure = jax.tree.flatten(Line(np.arange(3.0), "a"))
    assert len(leaves) == 1
    assert structure == jax.tree.structure(Line(np.ones(3), "a"))
    assert structure != jax.tree.structure(Line(np.ones(3), "b"))


def test_that_one_program_serves_all_objects_of_a_structure():
    traced = []

    @jax.jit
    def total(line):
        traced.append(line.name)
        return jnp.sum(line.weights)

    assert total(Line(np.ones(3, np.float32), "a")) == 3
    assert total(Line(2 * np.ones(3, np.float32), "a")) == 6
    assert traced == ["a"]


@pytree("weights", words=("title",))
class Titled:
    def __init__(self, weights, title, kind):
        self.weights, self.title, self.kind = weights, title, kind


def test_that_words_are_carried_and_need_no_program_of_their_own():
    traced = []

    @jax.jit
    def total(one):
        traced.append(one.title)
        return jnp.sum(one.weights)

    first, second = Titled(np.ones(3), "a", "x"), Titled(2 * np.ones(3), "b", "x")
    assert (total(first), total(second)) == (3, 6)
    assert traced == ["a"]
    assert jax.tree.map(lambda leaf: leaf, second).title == "b"
    assert jax.tree.map(lambda a, b: a + b, second, first).title == "b"
    assert jax.tree.structure(first) != jax.tree.structure(Titled(np.ones(3), "a", "y"))


def test_that_objects_can_be_mapped_over():
    lines = Line(np.ones(2), "a")
    stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves), lines, replace(lines, weights=np.array([1.0, 3.0])))
    assert jax.vmap(lambda line: line.weights.sum())(stacked).tolist() == [2, 4]


def test_that_cached_properties_are_no_part_of_the_structure():
    line = Line(np.ones(3), "a")
    before = jax.tree.structure(line)
    assert line.total == 3
    assert jax.tree.structure(line) == before
    assert replace(line, weights=2 * np.ones(3)).total == 6


def test_that_nothing_is_changed_in_place():
    line = Line(np.ones(3), "a")
    with pytest.raises(AttributeError, match="weights of a Line cannot be changed"):
        line.weights = np.zeros(3)
    with pytest.raises(AttributeError, match="name of a Line cannot be changed"):
        del line.name
    with pytest.raises(AttributeError, match="no attribute colour"):
        replace(line, colour="red")
