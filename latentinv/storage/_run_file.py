"""Run files: one file that holds a run, from its prior and data to its last draw.

===========================  =================================================================================
``/`` attributes             ``format`` = ``latentinv-run``; ``format_version`` = 3; ``steps`` (integer,
                             steps done); ``finished`` (truth value); ``message`` (text); ``results``
                             (canonical JSON text, a table); ``seconds`` (number, the time spent); ``done`` (number, the
                             estimated share of the work done, 0 to 1)
``prior``                    the prior the run was made with, as a prior file holds it (see `_prior_file`)
``grid``                     attributes ``shape`` (cells, in array order), ``spacing`` and ``origin`` (metres,
                             x first), ``rotation`` (degrees from x towards y), ``axes`` (``xy``, ``xz``, ``yz`` or
                             ``xyz``) and ``z_axis`` (``up`` or ``depth``)
``observations/<position>``  attributes ``kind`` and ``name``; datasets of numbers or texts; positions count
                             from 0
``algorithm``                attributes ``name``, ``options`` (canonical JSON text), ``seed``, ``target``
                             (``thresholded`` or ``soft``), ``latentinv`` (the version that began the run),
                             ``choice`` (text: why it was chosen; empty if the user named it)
``state``                    what the next step needs, one dataset per leaf (see `_tree`); absent before the
                             first checkpoint
``trace/<name>``             ``[step, …]``: one row per step, so each has ``steps`` rows
``draws``                    attribute ``count``, the draws kept so far
``draws/latents``            ``[draw, latent]``, float32, gzip with shuffled bytes as all tables of draws
``draws/facies``             ``[draw, *grid]``, codes; of a continuous property ``draws/field``, float32
``draws/predicted NAME``     ``[draw, datum]``, what a draw predicts for each observation, read exactly
``draws/log_likelihood …``   ``[draw]``, for each observation NAME what it adds to the log-likelihood of a draw
===========================  =================================================================================

Of each draw these are the numbers that the sampler had: nothing needs to be generated or simulated again to show,
report or plot a run, so `RunFile` reads all of it without a prior or a forward model.

A checkpoint appends rows and draws, replaces the state and raises the counters in one move (see `_atomic`): whatever
happens, the file holds one complete checkpoint, and its counters agree with its rows. Infinite numbers in options and
results are written as `_schema` says. Names of datasets are percent-encoded.

Cost: a checkpoint copies the file, O(file size) in time (2 s a gigabyte, measured on a virtual machine of two
cores) and temporarily twice its size on disk. So a driver should let checkpoints take a small share of
the time: fewer as a run grows. Opening reads the header and the counters only. `trace` and `draws` read what
they name into memory.
"""

import contextlib
from pathlib import Path
from typing import Any, NamedTuple, final

import h5py
import numpy as np

from latentinv.errors import InputError, StorageError

from ._atomic import atomic_hdf5, open_hdf5, require_new
from ._run_schema import RunHeader, append, read_header, stack_rows, write_header
from ._schema import file_name, from_json, get_text, numbers, read_arrays, set_text, to_json, user_name
from ._tree import on_host, read_tree, write_tree

FORMAT = "latentinv-run"
VERSION = 3
REALIZATIONS = ("facies", "field")
"""Names of the table of realizations."""


class _Counters(NamedTuple):
    """What changes at a checkpoint, apart from tables and state."""

    steps: int
    finished: bool
    message: str
    results: dict[str, Any]
    draw_count: int
    has_state: bool
    seconds: float
    done: float


@final
class RunFile:
    """A run on disk: made by `create`, opened by `open`, advanced by `checkpoint`.

    The properties say what the file held when this object opened or last advanced it; only one object may advance a
    run.
    """

    def __init__(self, path: str | Path, header: RunHeader, counters: _Counters) -> None:
        self._path, self._header, self._counters = path, header, counters

    @classmethod
    def create(cls, path: str | Path, header: RunHeader) -> "RunFile":
        """Create a run: a file with its header, no steps and no state.

        Parameters
        ----------
        path
            A file that does not exist yet.
        header
            What the run is about.

        Raises
        ------
        InputError
            If the header holds something that cannot be stored.
        StorageError
            If the file exists, or cannot be written.
        """
        require_new(path)
        with atomic_hdf5(path) as file:
            file.attrs["format"], file.attrs["format_version"] = FORMAT, VERSION
            file.attrs["steps"], file.attrs["finished"] = 0, False
            file.attrs["seconds"], file.attrs["done"] = 0.0, 0.0
            set_text(file.attrs, "message", "")
            set_text(file.attrs, "results", to_json({}, "The results"))
            write_header(file, header)
            file.create_group("trace")
            file.create_group("draws").attrs["count"] = 0
        return cls.open(path)

    @classmethod
    def open(cls, path: str | Path) -> "RunFile":
        """Open a run.

        Raises
        ------
        StorageError
            If the file is missing, foreign, truncated, damaged or newer.
        """
        with open_hdf5(path, FORMAT, VERSION) as file:
            counters = _read_counters(file)
            _check_lengths(path, file["trace"], counters.steps)
            _check_lengths(path, file["draws"], counters.draw_count)
            return cls(path, read_header(file, str(path)), counters)

    @property
    def header(self) -> RunHeader:
        """What the run is about."""
        return self._header

    @property
    def steps(self) -> int:
        """Steps done."""
        return self._counters.steps

    @property
    def finished(self) -> bool:
        """Whether the algorithm has finished."""
        return self._counters.finished

    @property
    def message(self) -> str:
        """Latest progress message of the algorithm; empty before the first and after the last step."""
        return self._counters.message

    @property
    def results(self) -> dict[str, Any]:
        """Single results, such as the log-evidence; empty if none were saved."""
        return self._counters.results

    @property
    def draw_count(self) -> int:
        """Draws kept so far."""
        return self._counters.draw_count

    @property
    def seconds(self) -> float:
        """Wall time spent on the steps saved, all sessions together."""
        return self._counters.seconds

    @property
    def done(self) -> float:
        """Estimated share of the work done, 0 to 1."""
        return self._counters.done

    @property
    def has_state(self) -> bool:
        """Whether there is a state to continue from; a run killed before its first checkpoint starts again."""
        return self._counters.has_state

    def checkpoint(
        self,
        state: Any,
        *,
        steps: int,
        trace_rows: list[dict[str, Any]],
        draws: dict[str, np.ndarray] | None = None,
        finished: bool = False,
        message: str = "",
        results: dict[str, Any] | None = None,
        seconds: float = 0.0,
        done: float = 0.0,
    ) -> None:
        """Save all that happened since the last checkpoint, in one move.

        Parameters
        ----------
        state
            What the next step needs: a tree of arrays; it replaces the state saved before.
        steps
            Steps done since the beginning of the run.
        trace_rows
            One row for each step since the last checkpoint: numbers or arrays by name, the same names, shapes
            and types in all rows of a run.
        draws
            Draws kept since the last checkpoint, ``[draw, …]`` by name, equally many of each; the same names,
            shapes and types throughout a run.
        finished
            Whether the algorithm has finished.
        message
            What there is to say to people; it replaces the last one.
        results
            Single results by name; None leaves those saved before.
        seconds
            Wall time spent since the last checkpoint.
        done
            Estimated share of the work done, 0 to 1.

        Raises
        ------
        InputError
            If rows, steps and draws do not agree with each other or with what the run recorded before.
        StorageError
            If the file cannot be written or was advanced by another process; it is then as it was before.
        """
        if len(trace_rows) != steps - self.steps:
            raise InputError(
                f"Given {len(trace_rows)} rows of the trace to go from step {self.steps} to {steps}; "
                "expected one row per step."
            )
        # All values are copied to the host before the file is touched, so that an error there leaves the file alone.
        rows, blocks, state = stack_rows(trace_rows), _check_draws(draws or {}), on_host(state)
        added = len(next(iter(blocks.values()), ()))
        texts = {"message": message} | ({} if results is None else {"results": to_json(results, "The results")})
        with atomic_hdf5(self._path, copy_existing=True) as file:
            self._check_unchanged(file)
            if self.has_state:
                del file["state"]
            write_tree(file.create_group("state"), state)  # first, so that it reuses the space of the old state
            if trace_rows:
                append(file["trace"], rows, self.steps, compress=False)
            if added:
                append(file["draws"], blocks, self.draw_count, compress=True)
            file.attrs["steps"], file.attrs["finished"] = steps, finished
            file.attrs["seconds"], file.attrs["done"] = self.seconds + seconds, 1.0 if finished else done
            file["draws"].attrs["count"] = self.draw_count + added
            for name, text in texts.items():
                set_text(file.attrs, name, text)
            counters = _read_counters(file)
        self._counters = counters

    def discard_unless_begun(self) -> None:
        """Remove the file if no step has been saved in it, by any process; else leave it."""
        with contextlib.suppress(OSError):
            with open_hdf5(self._path, FORMAT, VERSION) as file:
                begun = "state" in file
            if not begun:
                Path(self._path).unlink()

    def read_state(self, like: Any) -> Any:
        """Read the state of the last checkpoint into the structure of `like` (see `read_tree`).

        Raises
        ------
        StorageError
            If no state was saved yet, or it differs from `like` in names, shapes or types.
        """
        with open_hdf5(self._path, FORMAT, VERSION) as file:
            if "state" not in file:
                raise StorageError(f"{self._path} holds no state yet; start the run again.")
            return read_tree(file["state"], like)

    def trace(self) -> dict[str, np.ndarray]:
        """Read the trace: by name, one row per step."""
        with open_hdf5(self._path, FORMAT, VERSION) as file:
            return read_arrays(file["trace"])

    def draw_names(self) -> list[str]:
        """Names of the tables of draws."""
        with open_hdf5(self._path, FORMAT, VERSION) as file:
            return sorted(user_name(key) for key in file["draws"])

    def draws(self, name: str) -> np.ndarray:
        """Read a table of draws by its name, ``[draw, …]``.

        Raises
        ------
        InputError
            If there is no table of this name.
        """
        names = self.draw_names()
        if name not in names:
            raise InputError(
                f"{self._path} keeps no draws named {name!r}; expected one of {', '.join(names) or 'none'}."
            )
        with open_hdf5(self._path, FORMAT, VERSION) as file:
            return np.asarray(file["draws"][file_name(name)][()])

    def realizations(self) -> np.ndarray:
        """Read the facies codes, or values of a continuous property, of the draws, ``[draw, *grid]``."""
        return self.draws(next((name for name in REALIZATIONS if name in self.draw_names()), REALIZATIONS[0]))

    def predicted(self) -> dict[str, np.ndarray]:
        """Read what the draws predict, ``[draw, datum]`` by the name of an observation."""
        return {record.name: self.draws(predicted_name(record.name)) for record in self.header.observations}

    def _check_unchanged(self, file: h5py.File) -> None:
        if (int(file.attrs["steps"]), int(file["draws"].attrs["count"])) != (self.steps, self.draw_count):
            raise StorageError(
                f"{self._path} was changed by another process since it was opened here; let one process "
                "advance a run and open it again."
            )


def predicted_name(observation: str) -> str:
    """Name of the table of an observation's predictions."""
    return f"predicted {observation}"


def _read_counters(file: h5py.File) -> _Counters:
    return _Counters(
        steps=int(file.attrs["steps"]),
        finished=bool(file.attrs["finished"]),
        message=get_text(file.attrs, "message"),
        results=from_json(get_text(file.attrs, "results")),
        draw_count=int(file["draws"].attrs["count"]),
        has_state="state" in file,
        seconds=float(file.attrs["seconds"]),
        done=float(file.attrs["done"]),
    )


def _check_lengths(path: str | Path, group: h5py.Group, count: int) -> None:
    for key in group:
        if len(group[key]) != count:
            raise StorageError(
                f"{path} is damaged: it counts {count} rows but holds {len(group[key])} of "
                f"{user_name(key)!r}; copy it again."
            )


def _check_draws(draws: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    blocks = {name: numbers(block, f"The draws' {name!r}") for name, block in draws.items()}
    if any(block.ndim == 0 for block in blocks.values()) or len({len(block) for block in blocks.values()}) > 1:
        shapes = {name: block.shape for name, block in blocks.items()}
        raise InputError(f"Given draws of shapes {shapes}; expected equally many along the first axis of each.")
    return blocks
