"""The file of a study: finished replicates, replaced as a whole after each; a kill loses only the one under way.

attributes     format "latentinv-study", format_version 1, study (digest of what determines a replicate),
               quantities (JSON list of names), versions (JSON, of the packages that the draws depend on)
replicates/    one dataset per table of `Replicates`, [replicate, …]
"""

import json
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import numpy as np

from latentinv.errors import StorageError
from latentinv.storage import atomic_hdf5, open_hdf5

FORMAT, VERSION = "latentinv-study", 1


def write_replicates(path: str | Path, digest: str, names: Sequence[str], tables: dict[str, np.ndarray]) -> None:
    """Write all replicates, replacing earlier ones.

    Raises
    ------
    StorageError
        If the file cannot be written.
    """
    with atomic_hdf5(path) as file:
        file.attrs.update({"format": FORMAT, "format_version": VERSION, "study": digest})
        file.attrs["quantities"] = json.dumps(list(names))
        file.attrs["versions"] = json.dumps(_versions())
        group = file.create_group("replicates")
        for name, table in tables.items():
            group.create_dataset(name, data=np.asarray(table, np.float64))


def read_replicates(path: str | Path, digest: str, names: Sequence[str]) -> dict[str, np.ndarray]:
    """Read the tables of these names.

    Raises
    ------
    StorageError
        If the file is missing, damaged, foreign, newer, of another study, or made with other versions.
    """
    with open_hdf5(path, FORMAT, VERSION) as file:
        stored, versions = str(file.attrs["study"]), json.loads(str(file.attrs["versions"]))
        tables = {name: file["replicates"][name][:] for name in names}
    if stored != digest:
        raise StorageError(
            f"{path} holds replicates of another study (prior, grid, data, algorithm, settings or seed differ); give "
            "another name or remove it."
        )
    if versions != _versions():
        before, now = (", ".join(f"{name} {text}" for name, text in each.items()) for each in (versions, _versions()))
        raise StorageError(
            f"The replicates in {path} were made with {before}, but this is {now}; remove them, or use those versions."
        )
    return tables


def _versions() -> dict[str, str]:
    return {name: version(name) for name in ("latentinv", "jax", "jaxlib", "numpy")}
