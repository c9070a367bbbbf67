"""One study of a batch: what is to be done with it, and what came of it, whatever happens."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from latentinv.errors import InputError, NonFiniteError, StorageError

from ._memory import TOO_LARGE, fitting_in_memory
from ._sampling import choice_of_study

if TYPE_CHECKING:
    from latentinv.forward import ExternalForward
    from latentinv.inference.run import Choice, Listener, Run
    from latentinv.posterior import Posterior
    from latentinv.study import Simulators

FINISHED, BEFORE, INFEASIBLE, FAILED = "finished", "finished before", "data cannot be met", "failed"


class Job(NamedTuple):
    """A study and the file of its run."""

    study: Path
    output: Path


class Row(NamedTuple):
    """What came of a study; counts are None if it gave no run."""

    study: str
    run: str
    status: str
    draws: int | None = None
    wells: int | None = None
    """Cells of wells and other hard data."""
    wells_honoured: int | None = None
    """Of these, honoured by the draw that honours the fewest."""
    seconds: float = 0.0
    """That the run took, with what it took before it was resumed."""
    message: str = ""


def run_study(job: Job, simulators: "Simulators", listener: "Listener | None" = None) -> Row:
    """Run a study, resume its run, or read the run if it is finished; a mistake of any kind becomes a row.

    Parameters
    ----------
    job
        The study and its run file.
    simulators
        Of the studies before, which are used again.
    listener
        Follows the run's steps.
    """
    begun = time.monotonic()
    try:
        with fitting_in_memory(lambda: TOO_LARGE):
            return _row(job, *_run(job, simulators, listener))
    except (InputError, StorageError, NonFiniteError) as error:
        return failed(job, " ".join(str(error).split()), time.monotonic() - begun)
    except Exception as error:  # of somebody's program or library: the other studies go on
        return failed(job, f"{type(error).__name__}: {error}", time.monotonic() - begun)


def failed(job: Job, reason: str, seconds: float = 0.0) -> Row:
    """The row of a study that gave no run."""
    return Row(str(job.study), str(job.output), FAILED, seconds=seconds, message=reason)


def plan(job: Job, simulators: "Simulators") -> tuple["Posterior", str]:
    """The posterior of a study, and in words what would be done.

    Raises
    ------
    InputError, StorageError
        If the study cannot be used, or its run's file holds something else.
    """
    from latentinv.inference.run import available_memory, check_memory, memory_needed
    from latentinv.storage import RunFile

    posterior, choice, seed, _ = _read(job, simulators)
    if job.output.exists():
        _check_stored(job, posterior, choice, seed)
        store = RunFile.open(job.output)
        return posterior, "nothing: it is finished" if store.finished else f"resume at {100 * store.done:.0f} %"
    check_memory(memory_needed(posterior, choice.algorithm), available_memory())
    return posterior, f"run by '{choice.algorithm.name}'"


def _run(job: Job, simulators: "Simulators", listener: "Listener | None") -> tuple["Run", str]:
    """The run, and what was done with it."""
    from latentinv.inference.run import available_memory, check_memory, load_run, memory_needed, resume, sample
    from latentinv.storage import RunFile

    posterior, choice, seed, forwards = _read(job, simulators)
    try:
        if not job.output.exists():
            check_memory(memory_needed(posterior, choice.algorithm), available_memory())
            return sample(posterior, choice, seed=seed, output=job.output, listener=listener), FINISHED
        _check_stored(job, posterior, choice, seed)
        if RunFile.open(job.output).finished:
            return load_run(job.output), BEFORE
        return resume(job.output, forwards=forwards, listener=listener), FINISHED
    finally:
        for forward in forwards.values():  # or each study of the batch would keep its worker processes
            forward.executor.close()


def _read(job: Job, simulators: "Simulators") -> "tuple[Posterior, Choice, int, dict[str, ExternalForward]]":
    """What a study states: posterior, algorithm, seed and simulators."""
    from latentinv.study import read_study_file

    file = read_study_file(job.study, simulators=simulators)
    posterior = file.posterior()
    return posterior, choice_of_study(posterior, file), file.settings.get("seed", 0), file.forwards


def _check_stored(job: Job, posterior: "Posterior", choice: "Choice", seed: int) -> None:
    """Raise `InputError` if the run's file holds a run of something else than the study states."""
    from latentinv.inference.run import is_run_of

    if not is_run_of(job.output, posterior, choice.algorithm, seed):
        raise InputError(
            f"{job.output} holds a run of another prior, grid, data, algorithm or seed than {job.study} states; remove "
            "it to run the study again, or give another --output."
        )


def _row(job: Job, run: "Run", status: str) -> Row:
    reports = run.reports()
    hard = [position for position, one in enumerate(run.posterior.observations) if one.hard]
    honoured = [sum(of_draw[position].fulfilled for position in hard) for of_draw in reports]
    message = ""
    if "infeasible_data" in run.results:
        status, message = INFEASIBLE, "; ".join(run.results["infeasible_data"])
    wells = sum(run.posterior.observations[position].count for position in hard)
    return Row(
        str(job.study), str(job.output), status, len(reports), wells, min(honoured, default=0), run.seconds, message
    )


def jobs_of(studies: list[Path], output: Path | None) -> list[Job]:
    """Pair studies with the files of their runs.

    Raises
    ------
    InputError
        If two studies would write one file, or a study is not a .toml.
    """
    jobs = [Job(study, (output or study.parent) / f"{study.stem}.h5") for study in studies]
    taken: dict[Path, Path] = {}
    for study, target in jobs:
        if study.suffix != ".toml":
            raise InputError(f"{study} is no study file; give files that end in .toml.")
        other = taken.setdefault(target.resolve(), study)
        if other is not study:
            raise InputError(
                f"{other} and {study} would both be run into {target}; give one of them another name, or leave one out."
            )
    return jobs


def finished_before(jobs: list[Job]) -> Iterator[Job]:
    """The studies whose runs are finished."""
    from latentinv.storage import RunFile

    for job in jobs:
        try:
            if job.output.exists() and RunFile.open(job.output).finished:
                yield job
        except StorageError:
            continue  # what is wrong with it is said in its turn
