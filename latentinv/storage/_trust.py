"""What a file of ours cannot hold is refused before a byte of its data is read.

An HDF5 file can point elsewhere: to other files and devices by external storage and links, to other data, even to
itself, by virtual datasets; it can declare billions of values that were never written; and a few megabytes of zeros can
unfold to gigabytes. Ours have plain groups and datasets of numbers and texts, in trees a few levels deep, compressed by
gzip at most. So links and layouts are looked at first, and then sizes against what is stored.
"""

import math
from pathlib import Path

import h5py

from latentinv.errors import StorageError

DEPTH, OBJECTS = 16, 100_000
"""Most levels of groups, and most objects."""
SMALL = 64 * 2**20
"""Bytes that a dataset may have whatever is stored of it."""
RATIO = 400
"""Most times that a large dataset may be larger than what is stored of it; our fields reach some 50."""
FILTERS = (None, "gzip")


def check_content(file: h5py.File, path: str | Path) -> None:
    """Refuse a file with something in it that none of ours has.

    Raises
    ------
    StorageError
        If there is such a thing; the sentence names it.
    """
    found = 0
    open_groups: list[tuple[h5py.Group, int]] = [(file, 0)]
    while open_groups:
        group, depth = open_groups.pop()
        for name in group:
            found += 1
            where = f"{group.name.rstrip('/')}/{name}"
            if found > OBJECTS or depth > DEPTH:
                raise _refused(path, f"more than {OBJECTS} parts, or parts within {DEPTH} others")
            if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                raise _refused(path, f"a link to another place at {where}")
            part = group[name]
            if isinstance(part, h5py.Group):
                open_groups.append((part, depth + 1))
            elif isinstance(part, h5py.Dataset):
                _check_dataset(part, path)
            else:
                raise _refused(path, f"a {type(part).__name__} at {where}")


def _check_dataset(dataset: h5py.Dataset, path: str | Path) -> None:
    where, layout = dataset.name, dataset.id.get_create_plist()
    if dataset.is_virtual or dataset.external:
        raise _refused(path, f"data at {where} that lie in another place")
    if dataset.dtype.kind not in "biuf" and h5py.check_string_dtype(dataset.dtype) is None:
        raise _refused(path, f"data of type {dataset.dtype} at {where}")
    if dataset.compression not in FILTERS or layout.get_nfilters() > 2:
        raise _refused(path, f"data at {where} that are packed in another way")
    size, stored = dataset.dtype.itemsize * math.prod(dataset.shape or (1,)), dataset.id.get_storage_size()
    if size > SMALL and size > RATIO * stored:
        raise _refused(path, f"{size} bytes of data declared at {where}, of which {stored} are stored")


def _refused(path: str | Path, what: str) -> StorageError:
    return StorageError(f"{path} was not written by latentinv: it has {what}; do not use it.")
