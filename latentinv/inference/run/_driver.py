"""The one driver: runs any algorithm, records it, and resumes it as if it had never stopped.

Step n of a run gets a key of its own, from the seed and n alone. After a step the driver calls the listener and, if the
run is stored, replaces the file by one that holds the step's trace row and state; checkpoints are spaced so that they
take at most a twentieth of the time. A run killed at any moment is resumed from its last checkpoint and repeats the
lost steps exactly. Draws of Markov chains go to the file with the checkpoints, so that memory stays flat until the run
is finished and read as a whole.

Of several processes (`latentinv.devices`) all take the same steps; one writes the file and is followed by the listener.
The others keep their record in memory, and read the file only to resume.
"""

import contextlib
import dataclasses
import time
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import jax
import numpy as np
from jaxtyping import Int

from latentinv.devices import is_writer, on_devices, one_device, wait_for_others
from latentinv.errors import InputError, NonFiniteError, StorageError
from latentinv.inference.core import (
    AbstractAlgorithm,
    AbstractKernel,
    Progress,
    SimulationCounter,
    check_algorithm,
    check_flags,
    check_user_functions,
    draw_tables,
    failure_results,
    kernel_of,
    predicted_name,
    take_counts,
)
from latentinv.inference.diagnostics import Monitor
from latentinv.keys import from_seed, named, numbered
from latentinv.posterior import Posterior
from latentinv.storage import ObservationRecord, RunFile, RunHeader, require_new

from ._batch_size import fitted
from ._choice import Choice, choose_algorithm
from ._loading import Forwards, missing_forwards, posterior_of
from ._recorder import RunRecorder
from ._run import Run, run_of_tables
from ._settings import make_algorithm

CHECKPOINT_SHARE = 0.05
APPROXIMATE = (
    "The algorithm approximates the posterior or fits the data, so its draws may miss certain wells and other data; "
    "'smc' samples the posterior itself."
)
PENDING_BYTES = 2**26
"""Most memory of draws that wait for a checkpoint, whatever share of the time checkpoints take."""


class Listener(Protocol):
    """Follows a run, for example to show its progress."""

    def on_step(self, step: int, progress: Progress) -> None:
        """Called after each step."""


class _Job(NamedTuple):
    """What is run."""

    posterior: Posterior
    """The posterior as the user made it, for files and messages."""
    on_device: Posterior
    """The same with its numbers on the device, so that steps need not copy them."""
    algorithm: AbstractAlgorithm
    kernel: AbstractKernel
    choice: str
    """Why the algorithm was chosen; empty if the user named it."""
    seed: int


def sample(
    posterior: Posterior,
    algorithm: AbstractAlgorithm | Choice | str | None = None,
    *,
    seed: int = 0,
    output: str | Path | None = None,
    listener: Listener | None = None,
) -> Run:
    """Explore a posterior.

    Parameters
    ----------
    posterior
        What to explore.
    algorithm
        How: settings, the registered name of an algorithm with its defaults, or a choice; that of `choose_algorithm` if
        not given. Why an algorithm was chosen stands in the results as ``choice``.
    seed
        Of all randomness.
    output
        A run file to write, which must not exist; without it the run is kept in memory only. A run that fails before
        its first step is saved leaves no file, so that it can be tried again under the same name; one that is
        interrupted, or whose disk is full, leaves the file, from which it is resumed.
    listener
        An object whose method ``on_step(step, progress)`` is called after each step.

    Raises
    ------
    InputError
        If there is no algorithm of this name, or it cannot explore the posterior.
    StorageError
        If the run file exists or cannot be written; what it held before stays valid.
    NonFiniteError
        If too many proposals become NaN or infinite, or more than half of a step's simulations fail.
    """
    if isinstance(algorithm, str):
        algorithm = make_algorithm(algorithm, {})
    choice = choose_algorithm(posterior) if algorithm is None else algorithm
    if not isinstance(choice, Choice):
        choice = Choice(choice, "")
    if not isinstance(choice.algorithm, AbstractAlgorithm):
        raise InputError(
            f"The algorithm is {choice.algorithm!r}; give its settings, such as TemperedSMC(particles=64), or its name."
        )
    check_flags(choice.algorithm)
    job = _job(posterior, choice._replace(algorithm=fitted(choice.algorithm, posterior)), seed)
    if output is None or not is_writer():
        return _drive(job, None, listener)
    require_new(output)
    store = RunFile.create(output, _header(job))
    try:
        return _drive(job, store, listener)
    except StorageError:  # its message already asks to free space and resume
        raise
    except Exception:
        store.discard_unless_begun()
        raise


def resume(path: str | Path, *, forwards: Forwards | None = None, listener: Listener | None = None) -> Run:
    """Continue a stored run as if it had never stopped; a finished run is returned as it is.

    Parameters
    ----------
    path
        The run file.
    forwards
        Forward models that are functions or simulators, which a file cannot hold, by the name of their data.
    listener
        An object whose method ``on_step(step, progress)`` is called after each step.

    Raises
    ------
    InputError
        If such a forward model is missing, or is not the one that the run was made with.
    StorageError
        If the file cannot be read or written.
    NonFiniteError
        If too many proposals become NaN or infinite, or more than half of a step's simulations fail.
    """
    store = RunFile.open(path)
    posterior = posterior_of(store.header, forwards)
    for sentence in missing_forwards(posterior.observations):
        raise InputError(sentence)
    choice = Choice(make_algorithm(store.header.algorithm, store.header.options), store.header.choice)
    return _drive(_job(posterior, choice, store.header.seed), store, listener)


def _job(posterior: Posterior, choice: Choice, seed: int) -> _Job:
    check_algorithm(choice.algorithm, posterior)
    if posterior.external and jax.process_count() > 1:
        raise InputError(
            "Some data are predicted by a simulator outside JAX, which several processes cannot share; run it "
            "in one process, whose executor (Dask, for example) spreads the simulations."
        )
    check_user_functions(posterior)
    with _devices_of(posterior):
        on_device: Posterior = on_devices(posterior)
    return _Job(posterior, on_device, choice.algorithm, kernel_of(choice.algorithm), choice.reason, seed)


def _header(job: _Job) -> RunHeader:
    return RunHeader(
        prior=job.posterior.prior.record(),
        grid=job.posterior.grid,
        observations=[ObservationRecord(o.kind, o.name, o.to_arrays()) for o in job.posterior.observations],
        algorithm=job.algorithm.name,
        options=dataclasses.asdict(job.algorithm),  # type: ignore[call-overload]
        seed=job.seed,
        target=job.posterior.target,
        choice=job.choice,
    )


def _devices_of(posterior: Posterior) -> contextlib.AbstractContextManager[Any]:
    """All devices, or one where simulators outside JAX are called."""
    return one_device() if posterior.external else contextlib.nullcontext()


def _drive(job: _Job, store: RunFile | None, listener: Listener | None) -> Run:
    if store is not None and store.finished:
        return _run(job, RunRecorder(job.posterior, store), store.results, store.steps, store.seconds)
    with _devices_of(job.posterior):
        run = _driven(job, store, listener if is_writer() else None)
    wait_for_others("run finished")
    return run


def _driven(job: _Job, source: RunFile | None, listener: Listener | None) -> Run:
    posterior, kernel, store = job.posterior, job.kernel, source if is_writer() else None
    recorder = RunRecorder(posterior, store)
    if source is not None and store is None:
        recorder.take_over(source)
    begun = time.monotonic()
    key_start, key_steps = named(from_seed(job.seed, "run"), "start", "steps")
    counter = SimulationCounter(posterior)
    steps, state = _first_state(job, key_start, source)
    monitor = _monitor(job, source)
    wait_for_others("run begun")  # before one of them writes what the others read
    saved_at, saving = time.monotonic(), 0.0
    while not kernel.finished(state):
        try:
            state, info = jax.block_until_ready(kernel.step(job.on_device, numbered(key_steps, steps), state))
        except NonFiniteError:
            counter.counts()  # says so where the reason is a simulator
            raise
        steps += 1
        # The first step's simulations are those of the start too.
        recorder.add_row({name: np.asarray(value) for name, value in info.items()} | counter.counts())
        if kernel.chains is not None:
            _add_draws(job, state, recorder, monitor)
        progress = kernel.progress(posterior, state, info)
        if monitor is not None:
            progress = progress._replace(words=progress.words + monitor.words())
        if listener is not None:
            listener.on_step(steps, progress)
        due = time.monotonic() - saved_at > saving / CHECKPOINT_SHARE or recorder.pending_bytes > PENDING_BYTES
        if store is not None and due:
            saving_from = time.monotonic()
            spent = saving_from - begun
            recorder.save(state, steps, message=progress.words, seconds=spent, done=progress.done)
            begun, saved_at = saving_from, time.monotonic()
            saving = saved_at - saving_from
    results = _finish(job, state, recorder) | ({"choice": job.choice} if job.choice else {})
    seconds = time.monotonic() - begun
    if store is not None:
        recorder.save(state, steps, finished=True, results=results, seconds=seconds)
        results, seconds = store.results, store.seconds
    return _run(job, recorder, results, steps, seconds)


def _monitor(job: _Job, store: RunFile | None) -> Monitor | None:
    """The monitor of the chains' convergence, given all draws so far."""
    if job.kernel.chains is None:
        return None
    monitor = Monitor(job.posterior, job.kernel.chains)
    if store is not None and store.draw_count:
        monitor.add({name: store.draws(name) for name in store.draw_names()})
    return monitor


def _add_draws(
    job: _Job, state: Any, recorder: RunRecorder, monitor: Monitor | None = None
) -> tuple[int, dict[str, Int[np.ndarray, "kind"]]]:
    """Record the draws that a state completes; return how many could not be simulated, and what was simulated for that.

    Draws of an approximation may lie where a simulator fails; they are left out.
    """
    draws = job.kernel.draws(job.on_device, state)
    if not len(draws.z):
        return 0, {}
    tables = draw_tables(job.on_device, draws)
    failed = 0
    if job.posterior.external:
        names = [predicted_name(observation.name) for observation in job.posterior.observations]
        simulated = np.all([np.isfinite(tables[name]).all(axis=1) for name in names], axis=0)
        tables, failed = {name: table[simulated] for name, table in tables.items()}, int(np.sum(~simulated))
    recorder.add_draws(tables)
    if monitor is not None:
        monitor.add(tables)
    return failed, take_counts(job.posterior)  # simulations for the record do not count for a step


def _finish(job: _Job, state: Any, recorder: RunRecorder) -> dict[str, Any]:
    """Record a population's draws, and compare all draws with the data."""
    posterior, kernel = job.posterior, job.kernel
    results = kernel.results(posterior, state)
    warnings = list(results.get("warnings", []))
    failed, again = _add_draws(job, state, recorder) if kernel.chains is None else (0, {})
    if posterior.external:
        failures, sentences = failure_results(posterior, recorder.trace(), again)
        results, warnings = {**results, "forward_failures": failures}, warnings + sentences
        if "forward_runs" in results:
            results["forward_runs"] += max((int(counts[0]) for counts in again.values()), default=0)
    count = recorder.draw_count
    if failed:
        warnings.append(f"{failed} of {count + failed} draws could not be simulated and were dropped.")
    if count:
        exact = ((o, recorder.table(predicted_name(o.name))) for o in posterior.observations)
        misfits = [sentence for observation, table in exact for sentence in observation.misfits(table)]
        results = {**results, "misfit_data": misfits} if misfits else results
        if misfits and not kernel.samples_target(posterior):
            warnings.append(APPROXIMATE)
    return {**results, "warnings": warnings} if warnings else results


def _first_state(job: _Job, key: jax.Array, store: RunFile | None) -> tuple[int, Any]:
    if store is None or not store.has_state:
        return 0, job.kernel.init(job.on_device, key)
    stored = store.read_state(jax.eval_shape(job.kernel.init, job.on_device, key))
    return store.steps, on_devices(stored)


def _run(job: _Job, recorder: RunRecorder, results: dict[str, Any], steps: int, seconds: float) -> Run:
    return run_of_tables(
        job.posterior,
        recorder.tables(),
        algorithm=job.algorithm.name,
        results=results,
        trace=recorder.trace(),
        steps=steps,
        chains=job.kernel.chains,
        seconds=seconds,
    )
