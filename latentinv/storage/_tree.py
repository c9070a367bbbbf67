"""Pytrees in HDF5: nested tuples, records and dictionaries of numbers, stored bit for bit.

Each leaf becomes one dataset, named for its path in the tree as `jax.tree_util.keystr` writes it (``.z``,
``['mass'][0]``). The file holds the numbers and their names; the caller knows the structure,
and reads into a tree that is `like` the one that was written. So no class is ever looked up from a file. Keys of
random numbers are stored as their data (``jax.random.key_data``). Cost: one dataset per leaf, uncompressed.
JAX is imported only where states are handled; reading a run's draws does not need it.
"""

from typing import Any

import h5py
import numpy as np

from latentinv.errors import StorageError

from ._schema import file_name, numbers, read_arrays, write_array

MOST_NAMES = 3
"""Most names that one message lists."""
_REMEDY = "resume with the settings and the version the run was started with"


def on_host(tree: Any) -> Any:
    """Copy the leaves of a tree to numpy arrays, waiting until they are computed.

    Raises
    ------
    InputError
        If a leaf is not made of truth values, integers or floats.
    """
    from jax.tree_util import tree_structure, tree_unflatten

    leaves = [numbers(leaf, f"The state's {name}") for name, leaf in _named(tree)]
    return tree_unflatten(tree_structure(tree), leaves)


def write_tree(group: h5py.Group, tree: Any) -> None:
    """Write all leaves of a tree into an empty group.

    Raises
    ------
    InputError
        If a leaf is not made of truth values, integers or floats.
    """
    for name, array in _named(on_host(tree)):
        write_array(group, name, array, compress=False)


def read_tree(group: h5py.Group, like: Any) -> Any:
    """Read a tree that `write_tree` wrote.

    Parameters
    ----------
    group
        Where it was written.
    like
        A tree of the same structure whose leaves have the expected shapes and types: arrays, or
        ``jax.ShapeDtypeStruct``.

    Returns
    -------
    The tree, with numpy arrays as leaves.

    Raises
    ------
    StorageError
        If names, shapes or types differ from the expected ones.
    """
    from jax.tree_util import tree_structure, tree_unflatten

    expected = dict(_named(like))
    stored = {file_name(name) for name in expected}
    missing, extra = sorted(stored - set(group)), sorted(set(group) - stored)
    if missing or extra:
        lists = [f"lacks {_some(missing)}"] * bool(missing) + [f"has besides {_some(extra)}"] * bool(extra)
        raise StorageError(f"The state saved in {group.file.filename} {' and '.join(lists)}; {_REMEDY}.")
    arrays = read_arrays(group)
    for name, leaf in expected.items():
        _check_leaf(group.file.filename, name, arrays[name], leaf)
    return tree_unflatten(tree_structure(like), [arrays[name] for name in expected])


def _some(names: list[str]) -> str:
    more = len(names) - MOST_NAMES
    return ", ".join(names[:MOST_NAMES]) + (f" and {more} more" if more > 0 else "")


def _named(tree: Any) -> list[tuple[str, Any]]:
    from jax.tree_util import keystr, tree_flatten_with_path

    # A path is empty only where the tree is a single leaf.
    return [(keystr(path) or "value", leaf) for path, leaf in tree_flatten_with_path(tree)[0]]


def _check_leaf(source: str, name: str, stored: np.ndarray, leaf: Any) -> None:
    like = leaf if hasattr(leaf, "dtype") and hasattr(leaf, "shape") else np.asarray(leaf)
    if stored.shape != tuple(like.shape) or stored.dtype != like.dtype:
        raise StorageError(
            f"The state saved in {source} has {name} as {stored.dtype} of shape {stored.shape}, where "
            f"{like.dtype} of shape {tuple(like.shape)} is expected; {_REMEDY}."
        )
