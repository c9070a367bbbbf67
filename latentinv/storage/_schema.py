"""What all latentinv files share: JSON texts, names, numbers.

JSON texts are canonical (sorted keys, ASCII, no spaces), so equal content has equal bytes and can be
digested. JSON has no infinities and no NaN; such numbers are written as ``{"__float__": "inf"}`` (``"-inf"``,
``"nan"``) and come back as floats. Tuples and arrays come back as lists, numpy scalars as numbers.

Names of datasets are the user's names with all but letters, digits and ``_.-~[]'`` percent-encoded, so a name
may hold slashes and spaces without making groups.
"""

import json
import math
from typing import Any
from urllib.parse import quote, unquote

import h5py
import numpy as np

from latentinv.errors import InputError

_TAG = "__float__"
_FIXED_TEXT = 32768


def to_json(value: Any, what: str) -> str:
    """Write a value as canonical JSON; `what` names it in the error.

    Raises
    ------
    InputError
        If the value holds something that JSON has no form for.
    """
    return json.dumps(_plain(value, what), sort_keys=True, separators=(",", ":"), allow_nan=False)


def from_json(text: str) -> Any:
    """Read what `to_json` wrote."""
    return json.loads(text, object_hook=lambda item: float(item[_TAG]) if item.keys() == {_TAG} else item)


def _plain(value: Any, what: str) -> Any:
    if isinstance(value, dict):
        wrong = [key for key in value if not isinstance(key, str) or key == _TAG]
        if wrong:
            raise InputError(f"{what} has the key {wrong[0]!r}; expected texts other than {_TAG!r}; rename it.")
        return {key: _plain(item, f"{what}[{key!r}]") for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item, f"{what}[{position}]") for position, item in enumerate(value)]
    if isinstance(value, float) and not math.isfinite(value):
        return {_TAG: repr(float(value))}
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, np.ndarray | np.generic):
        return _plain(value.tolist(), what)
    raise InputError(f"{what} is a {type(value).__name__}; expected texts, numbers, lists or tables; convert it.")


def file_name(name: str) -> str:
    """Encode a name so that HDF5 takes it as one component of a path."""
    if not name:
        raise InputError("An array has an empty name; give it one.")
    return "%2E" if name == "." else quote(name, safe="[]'")  # HDF5 reads a lone dot as the group itself


def user_name(name: str) -> str:
    """Undo `file_name`."""
    return unquote(name)


def numbers(value: Any, what: str) -> np.ndarray:
    """Turn a value into an array of truth values, integers or floats; `what` names it in the error.

    Raises
    ------
    InputError
        If it holds anything else, which files of numbers cannot keep bit for bit.
    """
    array = np.asarray(value)
    if array.dtype.kind not in "biuf":
        raise InputError(f"{what} has values of type {array.dtype}; expected truth values, integers or floats.")
    return array


def numbers_or_texts(value: Any, what: str) -> np.ndarray:
    """Turn a value into an array of numbers, as `numbers` does, or of texts.

    Raises
    ------
    InputError
        If it holds anything else.
    """
    array = np.asarray(value)
    return array if array.dtype.kind == "U" else numbers(array, what)


def write_array(group: h5py.Group, name: str, array: np.ndarray, *, compress: bool) -> None:
    """Write an array as a dataset named for the user's name; gzip with shuffled bytes if asked."""
    if array.dtype.kind == "U":
        group.create_dataset(file_name(name), data=array.astype(object), dtype=h5py.string_dtype())
        return
    filters = {"compression": "gzip", "shuffle": True} if compress and array.size and array.ndim else {}
    group.create_dataset(file_name(name), data=array, **filters)


def read_arrays(group: h5py.Group) -> dict[str, np.ndarray]:
    """Read all datasets of a group under the user's names, in alphabetical order."""
    return {name: _read_array(group[key]) for name, key in sorted((user_name(key), key) for key in group)}


def _read_array(dataset: h5py.Dataset) -> np.ndarray:
    if h5py.check_string_dtype(dataset.dtype) is None:
        return np.asarray(dataset[()])
    return np.asarray(dataset.asstr()[()], dtype=str)


def set_text(attributes: h5py.AttributeManager, name: str, text: str) -> None:
    """Set a text attribute that may be replaced often; short texts leave no unused space behind."""
    # Texts of variable length go to a heap that grows with each; fixed ones must stay below 64 KiB.
    data = text.encode()
    length = len(data) if 0 < len(data) < _FIXED_TEXT else None
    attributes.create(name, data, dtype=h5py.string_dtype("utf-8", length))


def get_text(attributes: h5py.AttributeManager, name: str) -> str:
    """Read what `set_text` wrote."""
    text = attributes[name]
    return text.decode() if isinstance(text, bytes) else text
