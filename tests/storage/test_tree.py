"""Trees of arrays go through a file bit for bit, and come back only into the structure they came from."""

from typing import NamedTuple

import h5py
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from latentinv.errors import InputError, StorageError
from latentinv.storage import read_tree, write_tree


class Inner(NamedTuple):
    key: object
    flags: object


class State(NamedTuple):
    z: object
    nested: dict
    pair: tuple
    nothing: None = None


def example():
    rng = np.random.default_rng(0)
    bits = rng.integers(0, 2**32, 50, dtype=np.uint32)
    return State(
        z=bits.view(np.float32),  # every kind of number, NaN with payloads among them
        nested={
            "a/b": Inner(np.uint32([0, 2**32 - 1]), np.array([[True, False]])),
            ".": np.float64(0.1),
            "ü ' x": np.zeros((0, 3)),
            "odd": {7: np.array([-0.0, np.inf, np.nan])},
        },
        pair=(np.int64(-(2**62)), [np.int8([1, 2]), np.float16(1.5), 3, 2.5, True]),
    )


def saved(tmp_path, tree):
    file = h5py.File(tmp_path / "t.h5", "w")
    write_tree(file, tree)
    return file


def assert_identical(tree, expected):
    assert jax.tree_util.tree_structure(tree) == jax.tree_util.tree_structure(expected)
    for leaf, other in zip(jax.tree_util.tree_leaves(tree), jax.tree_util.tree_leaves(expected), strict=True):
        other = np.asarray(other)
        assert isinstance(leaf, np.ndarray)
        assert (leaf.dtype, leaf.shape, leaf.tobytes()) == (other.dtype, other.shape, other.tobytes())


def test_that_a_tree_comes_back_bit_for_bit(tmp_path):
    with saved(tmp_path, example()) as file:
        assert_identical(read_tree(file, example()), example())


def test_that_names_in_the_file_say_where_a_leaf_stands(tmp_path):
    with saved(tmp_path, {"mass": (1.0,)}) as file:
        assert list(file) == ["['mass'][0]"]


@pytest.mark.parametrize("tree", [(), {}, None, 3.0, np.arange(4)])
def test_that_an_empty_tree_and_a_single_leaf_come_back(tmp_path, tree):
    with saved(tmp_path, tree) as file:
        assert_identical(read_tree(file, tree), tree)


def test_that_shapes_alone_are_enough_to_read(tmp_path):
    tree = {"z": jnp.arange(3.0), "key": jax.random.key_data(jax.random.key(1))}
    with saved(tmp_path, tree) as file:
        like = jax.eval_shape(lambda: tree)
        assert_identical(read_tree(file, like), {name: np.asarray(leaf) for name, leaf in tree.items()})


@pytest.mark.parametrize(
    ("like", "says"),
    [
        ({"a": np.zeros(3)}, r"has besides \['b'\]"),
        ({"a": np.zeros(3), "b": 1, "c": 2}, r"lacks \['c'\]"),
        ({"a": np.zeros(3), "c": 2}, r"lacks \['c'\] and has besides \['b'\]"),
        ({"a": np.zeros(4), "b": 1}, r"float64 of shape \(3,\), where float64 of shape \(4,\) is expected"),
        ({"a": np.zeros(3, np.float32), "b": 1}, r"float64 of shape \(3,\), where float32 of shape \(3,\)"),
        ([np.zeros(3), 1], r"lacks \[0\], \[1\] and has besides"),
    ],
)
def test_that_another_structure_is_refused_in_one_sentence(tmp_path, like, says):
    with (
        saved(tmp_path, {"a": np.zeros(3), "b": 1}) as file,
        pytest.raises(StorageError, match=says + ".*; resume with the settings and the version") as error,
    ):
        read_tree(file, like)
    assert str(error.value).endswith("started with.")


@pytest.mark.parametrize("leaf", ["text", object(), np.array(1j), jnp.zeros(2, jnp.bfloat16)])
def test_that_leaves_other_than_numbers_are_refused_by_name(tmp_path, leaf):
    with (
        h5py.File(tmp_path / "t.h5", "w") as file,
        pytest.raises(InputError, match=r"The state's \['x'\] has values"),
    ):
        write_tree(file, {"x": leaf})
