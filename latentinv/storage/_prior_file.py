"""Prior files: everything that determines a prior, as a family, a table of metadata and named arrays.

====================  ======================================================================================
``/`` attributes      ``format`` = ``latentinv-prior``; ``format_version`` = 1; and those of a prior, below
*a prior*             at the root of a prior file, and in the group ``prior`` of a run file:
``family``            attribute, text: which family of priors reads the rest (``generator`` …)
``metadata``          attribute, canonical JSON text: settings, and where the prior comes from
``digest``            attribute, text: sha256 (hexadecimal) of the other three, checked at every reading
``facies_names``      attribute, JSON text: a list of names in the order of the codes; absent without names
``arrays/<name>``     datasets of numbers, gzip with shuffled bytes; names percent-encoded
====================  ======================================================================================

The digest is taken over the family, the metadata's canonical JSON and, in the order of their names, each array's name,
type, shape and bytes; each part is preceded by its length, so that different records never give the same bytes.

Cost: one pass over the arrays to write or read. Files are replaced whole (see `_atomic`).
"""

import hashlib
from pathlib import Path
from typing import Any, NamedTuple

import h5py
import numpy as np

from latentinv.errors import StorageError

from ._atomic import atomic_hdf5, open_hdf5
from ._schema import from_json, numbers, read_arrays, to_json, write_array

FORMAT = "latentinv-prior"
VERSION = 1


class PriorRecord(NamedTuple):
    """What a prior file holds.

    Parameters
    ----------
    family
        The family of priors that makes sense of the rest.
    metadata
        Anything JSON has a form for (see `_schema`).
    arrays
        Numbers by name.
    names
        What facies are called; they change no field, and are not part of the digest.
    """

    family: str
    metadata: dict[str, Any]
    arrays: dict[str, np.ndarray]
    names: tuple[str, ...] = ()


def digest(record: PriorRecord) -> str:
    """Sha256 of the content of a record, in hexadecimal.

    Raises
    ------
    InputError
        If the metadata or an array cannot be stored.
    """
    total = hashlib.sha256()
    parts = [record.family.encode(), to_json(record.metadata, "The prior's metadata").encode()]
    for name in sorted(record.arrays):
        array = numbers(record.arrays[name], f"The prior's array {name!r}")
        parts += [name.encode(), array.dtype.str.encode(), repr(array.shape).encode(), array.tobytes()]
    for part in parts:
        total.update(len(part).to_bytes(8, "little"))
        total.update(part)
    return total.hexdigest()


def write_prior(path: str | Path, record: PriorRecord) -> None:
    """Write a prior file, replacing any existing one (`require_new` checks before long work).

    Raises
    ------
    InputError
        If the metadata or an array cannot be stored.
    StorageError
        If the file cannot be written.
    """
    with atomic_hdf5(path) as file:
        file.attrs["format"] = FORMAT
        file.attrs["format_version"] = VERSION
        write_prior_group(file, record)


def read_prior(path: str | Path) -> PriorRecord:
    """Read a prior file.

    Raises
    ------
    StorageError
        If it is missing, foreign, truncated, damaged or newer.
    """
    with open_hdf5(path, FORMAT, VERSION) as file:
        return read_prior_group(file, str(path))


def write_prior_group(group: h5py.Group, record: PriorRecord) -> None:
    """Write a prior into an open file."""
    group.attrs["family"] = record.family
    group.attrs["metadata"] = to_json(record.metadata, "The prior's metadata")
    group.attrs["digest"] = digest(record)
    if record.names:
        group.attrs["facies_names"] = to_json(record.names, "The names of the facies")
    arrays = group.create_group("arrays")
    for name, array in record.arrays.items():
        write_array(arrays, name, np.asarray(array), compress=True)


def read_prior_group(group: h5py.Group, source: str) -> PriorRecord:
    """Read a prior from an open file, called `source` in messages.

    Raises
    ------
    StorageError
        If the content does not match its digest.
    """
    record = PriorRecord(group.attrs["family"], from_json(group.attrs["metadata"]), read_arrays(group["arrays"]))
    if digest(record) != group.attrs["digest"]:
        raise StorageError(f"{source} is damaged: its content does not match its digest; copy it again.")
    return record._replace(names=_names(group, source))


def _names(group: h5py.Group, source: str) -> tuple[str, ...]:
    try:
        names = from_json(group.attrs.get("facies_names", "[]"))
    except ValueError:
        names = None
    if type(names) is not list or not all(type(name) is str for name in names):
        raise StorageError(f"{source} is damaged: its names of facies cannot be read; copy it again.")
    return tuple(names)
