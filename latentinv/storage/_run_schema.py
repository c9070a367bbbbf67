"""The parts of a run file: its header, written once, and its growing tables.

`_run_file` has the table of the whole format. Growing tables are datasets cut into chunks along their
first axis; a chunk that is not yet full is rewritten at the next checkpoint, so many small checkpoints make
hardly a larger file than a few large ones.
"""

from importlib.metadata import PackageNotFoundError, version
from typing import Any, NamedTuple

import h5py
import numpy as np

from latentinv.errors import InputError
from latentinv.grid import Grid

from ._prior_file import PriorRecord, read_prior_group, write_prior_group
from ._schema import (
    file_name,
    from_json,
    get_text,
    numbers,
    numbers_or_texts,
    read_arrays,
    set_text,
    to_json,
    user_name,
    write_array,
)

TARGETS = ("thresholded", "soft")
_CHUNK_BYTES = 32768


class ObservationRecord(NamedTuple):
    """One observation as a run file holds it.

    Parameters
    ----------
    kind
        The registered kind, which makes the observation again from its arrays.
    name
        What the user calls it.
    arrays
        Its data: numbers or texts by name.
    """

    kind: str
    name: str
    arrays: dict[str, np.ndarray]


class RunHeader(NamedTuple):
    """What defines a run; it never changes.

    Parameters
    ----------
    prior
        The prior, whole, so that the run file needs no other.
    grid
        The grid of the fields.
    observations
        The data, in the order of the posterior.
    algorithm
        The registered name of the algorithm.
    options
        Its settings; anything JSON has a form for.
    seed
        The seed of all randomness.
    target
        Which model the draws follow, ``thresholded`` or ``soft``.
    choice
        Why the algorithm was chosen; empty if the user named it.
    version
        The version of latentinv that began the run, as its file states it; not written.
    """

    prior: PriorRecord
    grid: Grid
    observations: list[ObservationRecord]
    algorithm: str
    options: dict[str, Any]
    seed: int
    target: str
    choice: str = ""
    version: str = ""


def write_header(file: h5py.File, header: RunHeader) -> None:
    """Write the parts that never change."""
    if header.target not in TARGETS:
        raise InputError(f"The run's target is {header.target!r}; expected one of {', '.join(TARGETS)}.")
    if not -(2**63) <= header.seed < 2**63:
        raise InputError(f"The seed {header.seed} does not fit 64 bits; give a smaller one.")
    write_prior_group(file.create_group("prior"), header.prior)
    _write_grid(file.create_group("grid"), header.grid)
    for position, observation in enumerate(header.observations):
        group = file.create_group(f"observations/{position}")
        group.attrs["kind"], group.attrs["name"] = observation.kind, observation.name
        for name, array in observation.arrays.items():
            checked = numbers_or_texts(array, f"The array {name!r} of observation {observation.name!r}")
            write_array(group, name, checked, compress=False)
    algorithm = file.create_group("algorithm").attrs
    algorithm["name"], algorithm["target"] = header.algorithm, header.target
    set_text(algorithm, "choice", header.choice)
    algorithm["options"] = to_json(header.options, "The algorithm's options")
    algorithm["seed"], algorithm["latentinv"] = np.int64(header.seed), _version()


def read_header(file: h5py.File, source: str) -> RunHeader:
    """Read what `write_header` wrote; the file is called `source` in messages."""
    algorithm = file["algorithm"].attrs
    groups = file.get("observations", {})
    observations = [groups[key] for key in sorted(groups, key=int)]
    return RunHeader(
        prior=read_prior_group(file["prior"], source),
        grid=_read_grid(file["grid"]),
        observations=[ObservationRecord(o.attrs["kind"], o.attrs["name"], read_arrays(o)) for o in observations],
        algorithm=algorithm["name"],
        options=from_json(algorithm["options"]),
        seed=int(algorithm["seed"]),
        target=algorithm["target"],
        choice=get_text(algorithm, "choice"),
        version=str(algorithm.get("latentinv", "")),
    )


def _write_grid(group: h5py.Group, grid: Grid) -> None:
    group.attrs["shape"] = np.asarray(grid.shape, np.int64)
    group.attrs["spacing"] = np.asarray(grid.spacing, np.float64)
    group.attrs["origin"] = np.asarray(grid.origin, np.float64)
    group.attrs["rotation"] = np.float64(grid.rotation)
    group.attrs["axes"], group.attrs["z_axis"] = grid.axes, grid.z_axis


def _read_grid(group: h5py.Group) -> Grid:
    numbers = {name: tuple(group.attrs[name].tolist()) for name in ("shape", "spacing", "origin")}
    return Grid(
        **numbers,
        rotation=float(group.attrs["rotation"]),
        axes=group.attrs["axes"],
        z_axis=group.attrs["z_axis"],
    )


def stack_rows(rows: list[dict[str, Any]]) -> dict[str, np.ndarray]:
    """Turn rows of a trace into one array a name, rows along the first axis.

    Raises
    ------
    InputError
        If the rows differ in names, shapes or types.
    """
    columns: dict[str, np.ndarray] = {}
    for name in rows[0] if rows else ():
        values = [numbers(row[name], f"The trace's {name!r}") for row in rows if name in row]
        if len(values) < len(rows) or any(row.keys() != rows[0].keys() for row in rows):
            raise InputError("The rows of the trace differ in their names; give each step the same ones.")
        if len({(value.shape, value.dtype) for value in values}) > 1:
            raise InputError(f"The trace's {name!r} changes its shape or type between steps; keep both.")
        columns[name] = np.stack(values)
    return columns


def append(group: h5py.Group, blocks: dict[str, np.ndarray], length: int, *, compress: bool) -> None:
    """Append a block to each table of a group, all of which hold `length` rows before.

    Raises
    ------
    InputError
        If the names, the shapes of a row or the types differ from those the run began with.
    """
    known = {user_name(key) for key in group}
    if length and known != set(blocks):
        raise InputError(
            f"Given {sorted(blocks)} to append to a run that records {sorted(known)}; give the same names throughout."
        )
    for name, block in blocks.items():
        if not length and name not in known:
            _create(group, name, block, compress=compress)
        table = group[file_name(name)]
        if table.shape[1:] != block.shape[1:] or table.dtype != block.dtype:
            raise InputError(
                f"Given {name!r} as {block.dtype} rows of shape {block.shape[1:]} to a run that records "
                f"{table.dtype} rows of shape {table.shape[1:]}; keep both throughout."
            )
        table.resize(length + len(block), axis=0)
        table[length:] = block


def _create(group: h5py.Group, name: str, block: np.ndarray, *, compress: bool) -> None:
    row = block.shape[1:]
    row_bytes = max(1, int(np.prod(row)) * block.dtype.itemsize)
    group.create_dataset(
        file_name(name),
        shape=(0, *row),
        maxshape=(None, *(size or None for size in row)),  # HDF5 has no chunks along an axis of fixed length 0
        chunks=(max(1, _CHUNK_BYTES // row_bytes), *(max(1, size) for size in row)),
        dtype=block.dtype,
        **({"compression": "gzip", "compression_opts": 1, "shuffle": True} if compress else {}),
    )


def _version() -> str:
    try:
        return version("latentinv")
    except PackageNotFoundError:  # not installed, but run from its source
        return "unknown"
