"""An external program as a simulator: input files from a template, a command, a reader of its output.

Each run has a directory of its own. It starts as a copy of the template folder, in whose text files the placeholder
``{{property}}`` becomes the numbers of the property, one row of the grid a line; a program with another form of input
gets it from a function that writes files. Then the command runs in that directory, with what it prints kept in
``stdout.txt`` and ``stderr.txt``, and the reader makes data of the files it left. The directory of a run that failed
may be kept to look at; all others are removed.

The identity, which names evaluations on the disk, digests the command, the template and the text of both functions.
It does not cover anything else that a result depends on (the version of the program, files outside the template,
variables that the functions use): use a new cache when these change.
"""

import contextlib
import functools
import hashlib
import inspect
import os
import shlex
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, final

import numpy as np
from jaxtyping import Float

from latentinv.errors import InputError

from ._processes import check_timeout
from ._simulator import Outcome, SimulationFailure, checked, failed

PLACEHOLDER = "{{property}}"


@final
class Executable:
    """An external program as a simulator.

    Parameters
    ----------
    command
        The program and its arguments; it runs in the directory of the run. A name without folders is looked for on the
        path; a relative path is one inside that directory.
    read
        From the directory of a finished run to the data.
    template
        A folder of input files, or the only input file, copied for each run; None if `write` makes all of them.
    write
        Writes the property into files of a run's directory, for programs that a placeholder does not suit.
    timeout
        Seconds that a run may take; none unless given.
    folder
        Where the directories of runs are made; the system's temporary folder unless given.
    keep_failed
        Whether to keep the directory of a run that failed, or gave other data than expected.

    Raises
    ------
    InputError
        If the program or the template is missing, or the property would reach no file.
    """

    def __init__(
        self,
        command: Sequence[str],
        read: Callable[[Path], Float[np.ndarray, "datum"]],
        *,
        template: str | Path | None = None,
        write: Callable[[Path, Float[np.ndarray, "*grid"]], None] | None = None,
        timeout: float | None = None,
        folder: str | Path | None = None,
        keep_failed: bool = False,
    ) -> None:
        self.command = [str(word) for word in ([command] if isinstance(command, str) else command)]
        self.template = None if template is None else Path(template).resolve()
        self.read, self.write, self.timeout, self.keep_failed = read, write, timeout, keep_failed
        self.folder = None if folder is None else Path(folder).resolve()
        check_timeout(timeout)
        if not self.command:
            raise InputError("The command is empty; give a program and its arguments.")
        if self.template is not None and not self.template.exists():
            raise InputError(f"There is no template {template}; give a folder of input files, or one such file.")
        if not os.path.dirname(self.command[0]) and shutil.which(self.command[0]) is None:
            raise InputError(f"There is no program {self.command[0]} on the path; install it, or give its full path.")
        files = dict(self._files())
        if write is None and not any(PLACEHOLDER.encode() in content for content in files.values()):
            raise InputError(
                f"No file of the template holds the placeholder {PLACEHOLDER}, so the program would not see the "
                "property; put it where its numbers belong, or give a function `write`."
            )
        self.template_digest = _digest([(name, content) for name, content in files.items()])
        self.identity = _digest(
            [("command", "\0".join(self.command).encode()), ("template", self.template_digest.encode())]
            + [(name, _text(function)) for name, function in (("read", read), ("write", write))]
        )

    def simulate(self, property: Float[np.ndarray, "*grid"]) -> Float[np.ndarray, "datum"]:
        """Run the program once.

        Raises
        ------
        SimulationFailure
            If it ends with an error, takes too long, or leaves nothing that can be read.
        """
        outcome = self.simulate_checked(property, None)
        if outcome.values is None:
            raise SimulationFailure(outcome.kind, outcome.reason, outcome.place)
        return outcome.values

    def simulate_checked(self, property: Float[np.ndarray, "*grid"], shape: tuple[int, ...] | None) -> Outcome:
        """Run the program once; without data of this shape it has failed, and its directory may be kept."""
        if self.folder is not None:
            self.folder.mkdir(parents=True, exist_ok=True)
        place, outcome = Path(tempfile.mkdtemp(prefix="run-", dir=self.folder)), None
        try:
            self._prepare(place, property)
            self._execute(place)
            values = self._read(place)
            outcome = checked(values, values.shape if shape is None else shape)
        except SimulationFailure as failure:
            outcome = failed(failure.kind, failure.reason)
        except Exception as error:
            outcome = failed("crashed", f"{type(error).__name__}: {error}")
        finally:  # after an interrupt too, when nothing is kept
            kept = self.keep_failed and outcome is not None and outcome.values is None
            if not kept:
                shutil.rmtree(place, ignore_errors=True)
        return outcome._replace(place=str(place)) if kept else outcome

    def describe(self) -> dict[str, str]:
        """A description of the program for the run file."""
        return {"command": shlex.join(self.command), "template digest": self.template_digest}

    def states(self) -> str:
        """What it runs, in a sentence."""
        where = "an empty folder" if self.template is None else f"a copy of {self.template}"
        limit = "" if self.timeout is None else f", for at most {self.timeout:g} s"
        return f"runs {shlex.join(self.command)} in {where}{limit}"

    def _files(self) -> Iterator[tuple[str, bytes]]:
        if self.template is not None and self.template.is_file():
            yield self.template.name, self.template.read_bytes()
        elif self.template is not None:
            for path in sorted(path for path in self.template.rglob("*") if path.is_file()):
                yield path.relative_to(self.template).as_posix(), path.read_bytes()

    def _prepare(self, place: Path, property: Float[np.ndarray, "*grid"]) -> None:
        if self.template is not None and self.template.is_file():
            shutil.copy(self.template, place)
        elif self.template is not None:
            shutil.copytree(self.template, place, dirs_exist_ok=True)
        for name, content in self._files():
            if PLACEHOLDER.encode() in content:
                (place / name).write_bytes(content.replace(PLACEHOLDER.encode(), _numbers(property).encode()))
        if self.write is not None:
            self.write(place, property)

    def _execute(self, place: Path) -> None:
        with open(place / "stdout.txt", "wb") as out, open(place / "stderr.txt", "wb") as err:
            settings: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": out, "stderr": err, "cwd": place}
            try:
                process = subprocess.Popen(self.command, start_new_session=True, **settings)
            except OSError as error:
                raise SimulationFailure("crashed", f"the program could not be started ({error.strerror})") from None
            try:
                code = process.wait(self.timeout)
            except subprocess.TimeoutExpired:
                raise SimulationFailure("timed out", f"it took longer than {self.timeout:g} s") from None
            finally:  # after an interrupt too
                if process.poll() is None:
                    _kill(process)
        if code:
            last = _last_line(place / "stderr.txt") or _last_line(place / "stdout.txt")
            raise SimulationFailure("crashed", f"exit code {code}: {last}" if last else f"exit code {code}")

    def _read(self, place: Path) -> Float[np.ndarray, "datum"]:
        try:
            return np.asarray(self.read(place), dtype=float)
        except Exception as error:
            reason = f"its output could not be read ({type(error).__name__}: {error})".replace(f"{place}{os.sep}", "")
            raise SimulationFailure("no output", reason) from None


def _numbers(property: Float[np.ndarray, "*grid"]) -> str:
    rows = property.reshape(-1, property.shape[-1])
    return "\n".join(" ".join(f"{value:.9g}" for value in row) for row in rows)


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End a program and the processes it started."""
    if hasattr(os, "killpg"):
        with contextlib.suppress(OSError):
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    process.wait()


def _last_line(path: Path) -> str:
    lines = path.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return lines[-1].strip() if lines else ""


def _digest(parts: list[tuple[str, bytes]]) -> str:
    digest = hashlib.sha256()
    for name, content in parts:
        digest.update(f"{name}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()


def _text(function: Any) -> bytes:
    """The text of a function: its source, or its bytecode if there is no source."""
    if function is None:
        return b""
    if isinstance(function, functools.partial):
        return _text(function.func) + repr((function.args, function.keywords)).encode()
    try:
        return inspect.getsource(function).encode()
    except (OSError, TypeError):
        code = getattr(function, "__code__", None)
    if code is None:
        raise InputError(f"Given a {type(function).__name__} to read or write files; expected a function.")
    return repr((function.__qualname__, code.co_code, code.co_names, code.co_consts)).encode()
