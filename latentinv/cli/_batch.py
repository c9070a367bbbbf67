"""`latentinv batch`: many studies, one after the other in one process, which share compiled programs.

A posterior is an argument of the programs that sample it, so studies with the same prior, grid, algorithm, kinds and
numbers of data compile once. The table is written anew after each study; a run's own file says what is left to do, so
the same command continues a batch that was stopped in any way.
"""

import csv
import io
import sys
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from latentinv.errors import InputError, StorageError

from ._batch_study import BEFORE, FAILED, FINISHED, Job, Row, finished_before, jobs_of, plan, run_study
from ._batch_workers import in_processes
from ._compilations import drop_programs
from ._console import Quiet, interruptible, make_console, say_seconds
from ._json import Json, print_json
from ._parse import check_extension

if TYPE_CHECKING:
    from rich.console import Console

    from latentinv.inference.core import Progress
    from latentinv.study import Simulators

    from ._display import Display


def batch(
    studies: Annotated[
        list[Path], typer.Argument(metavar="STUDY …", help="Study files (.toml), such as studies/*.toml.")
    ],
    output: Annotated[
        Path | None, typer.Option(help="Folder for the runs and their table (default: each run beside its study).")
    ] = None,
    table: Annotated[
        Path | None, typer.Option(help="Table to write (.csv; default: batch.csv in the folder of the first run).")
    ] = None,
    processes: Annotated[
        int, typer.Option(min=1, help="Processes to share the studies; each compiles for itself and needs its memory.")
    ] = 1,
    dry: Annotated[
        bool, typer.Option("--dry", help="Read and check all studies, say what would be done with each; then stop.")
    ] = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Run many studies, resuming those that were stopped and leaving out those that are finished."""
    jobs = jobs_of(studies, output)
    if output is not None and (file := next((one for one in (output, *output.parents) if one.is_file()), None)):
        raise StorageError(f"{file} is a file, so no runs can be in {output}; give another folder for --output.")
    if dry and as_json:
        raise InputError("A dry run prints no JSON; leave out --dry or --json.")
    table = table or jobs[0].output.parent / "batch.csv"
    check_extension(table, ".csv")
    console = make_console(quiet=quiet or as_json)
    if dry:
        return _tell(console, jobs)
    if output is not None:
        output.mkdir(parents=True, exist_ok=True)
    _require_ours(table)
    others = _other_rows(table, jobs)
    rows: dict[str, Row] = {}
    order = [str(job.study) for job in jobs]
    with interruptible(lambda: f"Stopped after {len(rows)} of {len(jobs)} studies. To continue: the same command."):
        for row in _done(console, jobs, processes):
            rows[row.study] = row
            _write(table, [*others, *(rows[study] for study in order if study in rows)])
    found = [rows[study] for study in order]
    if as_json:
        print_json(found)
    else:
        _print(console, found, table)
    if quiet and not as_json:
        for row in found:
            if row.status not in (FINISHED, BEFORE):
                print(f"latentinv: {_explained(row)}", file=sys.stderr)
    if any(row.status not in (FINISHED, BEFORE) for row in found):
        raise typer.Exit(1)


class _Listener:
    """Shows a study's steps as a part of the batch."""

    def __init__(self, display: "Display", job: Job, ended: int, total: int) -> None:
        self._display, self._job, self._ended, self._total = display, job, ended, total

    def on_step(self, step: int, progress: "Progress") -> None:
        """Show a finished step; without a terminal a study is one line, at its end."""
        words = f"{self._ended} of {self._total} studies, {self._job.study.stem}: step {step}, {progress.words}"
        self._display.update((self._ended + progress.done) / self._total, words, line=False)


def _done(console: "Console", jobs: list[Job], processes: int) -> Iterator[Row]:
    """The row of each study, those that are finished already first."""
    from ._display import Display

    before = dict.fromkeys(finished_before(jobs))  # which is asked for each study
    simulators: "Simulators" = {}
    yield from (run_study(job, simulators) for job in before)
    left = [job for job in jobs if job not in before]
    if not left:
        return
    with Display(console, "batch", begun=len(before) / len(jobs)) as display:
        rows = _one_by_one(display, left, len(jobs), simulators) if processes == 1 else in_processes(left, processes)
        for ended, row in enumerate(rows, len(before) + 1):
            words = f"{ended} of {len(jobs)} studies, {Path(row.study).stem}: {_said(row)}"
            display.update(ended / len(jobs), words)
            yield row


def _one_by_one(display: "Display", jobs: list[Job], total: int, simulators: "Simulators") -> Iterator[Row]:
    for ended, job in enumerate(jobs, total - len(jobs)):
        yield run_study(job, simulators, _Listener(display, job, ended, total))
        drop_programs()


def _said(row: Row) -> str:
    if row.status == FAILED:
        return f"{FAILED}: {textwrap.shorten(row.message, 60, placeholder=' …')}"
    wells = f", {row.wells_honoured} of {row.wells} wells honoured" if row.wells else ""
    return f"{row.status}, {row.draws} draws{wells}, {say_seconds(row.seconds)}"


def _explained(row: Row) -> str:
    return row.message if row.message.startswith(row.study) else f"{row.study}: {row.message}"


def _print(console: "Console", rows: list[Row], path: Path) -> None:
    from rich.table import Table

    table = Table("study", "draws", "wells honoured", "time", "status", box=None, padding=(0, 2, 0, 0))
    for row in rows:
        wells = f"{row.wells_honoured} of {row.wells}" if row.wells else ""
        draws = "" if row.draws is None else str(row.draws)
        table.add_row(row.study, draws, wells, say_seconds(row.seconds), row.status)
    console.print(table)
    for row in rows:
        if row.message:
            console.print(_explained(row), soft_wrap=True)
    well = sum(row.status in (FINISHED, BEFORE) for row in rows)
    console.print(f"{well} of {len(rows)} studies finished; the table is {path}", soft_wrap=True)


def _tell(console: "Console", jobs: list[Job]) -> None:
    """Say what would be done with each study, and how many programs that takes."""
    import jax
    import numpy as np
    from rich.table import Table

    table, kinds, wrong = Table("study", "what would be done", box=None, padding=(0, 2, 0, 0)), set(), 0
    simulators: "Simulators" = {}
    for job in jobs:
        try:
            posterior, words = plan(job, simulators)
            kinds.add((jax.tree.structure(posterior), tuple(np.shape(leaf) for leaf in jax.tree.leaves(posterior))))
        except (InputError, StorageError) as error:
            words, wrong = f"{FAILED}: {' '.join(str(error).split())}", wrong + 1
        table.add_row(str(job.study), words)
    console.print(table)
    programs = "all share their programs" if len(kinds) == 1 else f"of {len(kinds)} kinds that compile programs each"
    if kinds:
        console.print(f"{len(jobs)} studies, {programs}", soft_wrap=True)
    if wrong:
        raise typer.Exit(1)


def _require_ours(path: Path) -> None:
    """Raise `StorageError` if the table of a batch cannot be there, or another file is."""
    if not path.parent.is_dir():
        raise StorageError(f"There is no folder {path.parent} for the table; make it, or give another --table.")
    if not path.exists():
        return
    try:
        with path.open(encoding="utf-8", newline="") as file:
            ours = next(csv.reader(file), []) == list(Row._fields)
    except (OSError, UnicodeDecodeError, csv.Error):
        ours = False
    if not ours:
        raise StorageError(f"{path} exists already and is no table of a batch; give another --table or remove it.")


def _other_rows(path: Path, jobs: list[Job]) -> list[tuple[str, ...]]:
    """Rows of the table as it is that are of other studies."""
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))[1:]
    mine = {str(job.study) for job in jobs}
    return [tuple(row) for row in rows if row and row[0] not in mine]


def _write(path: Path, rows: Sequence[Sequence[Any]]) -> None:
    from latentinv.storage import atomic_file

    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(Row._fields)
    writer.writerows(rows)
    with atomic_file(path) as file:
        file.write(text.getvalue().encode())
