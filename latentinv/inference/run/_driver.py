"""The one driver: runs any algorithm, records it, and resumes it as if it had never stopped.

Step n of a run with a seed gets the key ``fold_in(key(seed), n)``. After a step the driver tells the listener and, if
the run is stored, replaces the file by one that holds the step's trace row and state; checkpoints are spaced so that
they take at most a twentieth of the time. A run killed at any moment is resumed from its last checkpoint and repeats
the lost steps exactly. Draws of Markov chains go to the file with the checkpoints, so that memory stays flat until the
run is finished and read as a whole.
"""

import dataclasses
import functools
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Shaped

from latentinv.data import OBSERVATIONS, IndirectData
from latentinv.data.core import AbstractObservation, Report
from latentinv.errors import InputError, NonFiniteError, StorageError
from latentinv.forward.external import ExternalForward, Function
from latentinv.grid import Grid
from latentinv.inference.core import (
    AbstractAlgorithm,
    Kernel,
    Progress,
    Watch,
    check_flags,
    draw_tables,
    failure_results,
    generated,
    predicted_name,
    realization_name,
    take_counts,
)
from latentinv.inference.diagnostics import Diagnosis, Monitor, diagnose, to_arviz
from latentinv.posterior import Posterior
from latentinv.priors import prior_from_record
from latentinv.priors.core import AbstractPrior
from latentinv.storage import ObservationRecord, RunFile, RunHeader, require_new

from ._choice import Choice, choose_algorithm
from ._ledger import Ledger
from ._registry import ALGORITHMS, make_algorithm

if TYPE_CHECKING:
    from xarray import DataTree

CHECKPOINT_SHARE = 0.05
APPROXIMATE = (
    "The algorithm approximates the posterior or fits the data, so what it gives may miss certain wells and other "
    "data; 'smc' samples the posterior itself."
)
PENDING_BYTES = 2**26
"""Draws that wait for a checkpoint take about so much memory, whatever share of the time checkpoints take."""


class Listener(Protocol):
    """Whoever wants to follow a run."""

    def on_step(self, step: int, progress: Progress) -> None:
        """Hear of a finished step."""


class Run(NamedTuple):
    """A finished run, or one that could not meet its data.

    Draws are rows of `latents` and `realizations` (facies codes or values, ``[draw, *grid]``); `results` holds single
    numbers and sentences by name, `trace` a row for each step, `predicted` what each draw predicts for each data set.
    `reports` says how well draws agree with the data, `diagnose` how far to trust them.
    """

    posterior: Posterior
    algorithm: str
    latents: Float[np.ndarray, "draw latent"]
    realizations: Shaped[np.ndarray, "draw *grid"]
    """Facies codes of each draw; field values for a prior of a continuous property."""
    results: dict[str, Any]
    """Single results, such as ``log_evidence``. Sentences: ``unmet`` names data out of reach (no draw is kept),
    ``strained`` data that the draws contradict, ``warnings`` what makes the draws less than they should be."""
    trace: dict[str, np.ndarray]
    """One row a step of whatever the algorithm reports."""
    steps: int
    chains: int | None
    """Number of Markov chains, whose draws of one moment lie side by side; None for a population."""
    predicted: dict[str, Float[np.ndarray, "draw datum"]]
    """What each draw predicts for each observation, by its name, read exactly; 1 where a pixel is honoured, else 0."""
    seconds: float
    """Wall time, compilation included, all sessions of a stored run together; no part of what a seed determines."""

    def reports(self) -> list[list[Report]]:
        """For each draw, how well it agrees with each observation; the fields are generated again."""
        fields = (field for batch in generated(self.posterior, self.latents) for field in batch.fields)
        return [[observation.report(field) for observation in self.posterior.observations] for field in fields]

    def by_chain(self, table: Shaped[np.ndarray, "draw *numbers"]) -> Shaped[np.ndarray, "chain moment *numbers"]:
        """Sort a table of all draws, such as `latents`, by chain; a population counts as one chain."""
        return table.reshape(-1, self.chains or 1, *table.shape[1:]).swapaxes(0, 1)

    def diagnose(self) -> Diagnosis:
        """Say how far the draws can be trusted; see `diagnose`, which also compares runs."""
        return diagnose(self)

    def to_arviz(self) -> "DataTree":
        """Give the run to ArviZ: a tree of labelled arrays by chain and draw.

        Its groups are ``posterior`` (facies shares or the mean, a lattice of pixels, predicted data),
        ``observed_data``, ``log_likelihood`` (one number for each data set) and ``sample_stats`` (``lp``; of chains
        acceptance and steps).
        """
        return to_arviz(self)


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
        Who hears of progress.

    Raises
    ------
    InputError
        If there is no algorithm of this name, or it cannot explore the posterior.
    StorageError
        If the run file exists or cannot be written; what it held before stays valid.
    NonFiniteError
        If too many proposals leave the finite numbers, or more than half of a step's simulations fail.
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
    if output is None:
        return _drive(posterior, choice, seed, None, listener)
    require_new(output)
    store = RunFile.create(output, _header(posterior, choice, seed))
    try:
        return _drive(posterior, choice, seed, store, listener)
    except StorageError:  # its sentence asks to free space and resume
        raise
    except Exception:
        store.discard_unless_begun()
        raise


def resume(
    path: str | Path,
    *,
    forwards: Mapping[str, Function | ExternalForward] | None = None,
    listener: Listener | None = None,
) -> Run:
    """Go on with a stored run as if it had never stopped; a finished run is given back as it is.

    Parameters
    ----------
    path
        The run file.
    forwards
        Forward models that are functions or simulators, which a file cannot hold, by the name of their data.
    listener
        Who hears of progress.

    Raises
    ------
    InputError
        If such a forward model is missing, or is not the one that the run was made with.
    StorageError
        If the file cannot be read or written.
    NonFiniteError
        If too many proposals leave the finite numbers, or more than half of a step's simulations fail.
    """
    store = RunFile.open(path)
    posterior = posterior_of(store.header, forwards)
    choice = Choice(make_algorithm(store.header.algorithm, store.header.options), store.header.choice)
    return _drive(posterior, choice, store.header.seed, store, listener)


def posterior_of(header: RunHeader, forwards: Mapping[str, Function | ExternalForward] | None = None) -> Posterior:
    """Make the posterior again that a run file describes.

    Parameters
    ----------
    header
        What the file says.
    forwards
        Forward models that are functions or simulators, by the name of their data.

    Raises
    ------
    InputError
        If such a forward model is missing, or is given for other data than were predicted by one.
    StorageError
        If this version does not know its prior's family or the kind of an observation.
    """
    for record in header.observations:
        if record.kind not in OBSERVATIONS:
            raise StorageError(
                f"The run's data '{record.name}' are of kind '{record.kind}', which this version does not know; update "
                "latentinv."
            )
    prior = prior_from_record(header.prior)
    forwards = dict(forwards or {})
    known = [record.name for record in header.observations]
    for name in forwards:
        if name not in known:
            names = ", ".join(f"'{one}'" for one in known) or "none"
            raise InputError(f"A forward model was given for '{name}', but the run's data are {names}.")
    observations = [_observation(o, header.grid, prior, forwards.get(o.name)) for o in header.observations]
    return Posterior(prior, header.grid, observations, target=header.target)  # type: ignore[arg-type]


def _observation(
    record: ObservationRecord, grid: Grid, prior: AbstractPrior, forward: Function | ExternalForward | None
) -> AbstractObservation:
    if forward is None:
        return OBSERVATIONS[record.kind].from_arrays(record.name, record.arrays, grid, prior)
    if record.kind != IndirectData.kind:
        raise InputError(f"A forward model was given for '{record.name}', which are no indirect data; leave it out.")
    return IndirectData.from_arrays(record.name, record.arrays, grid, prior, forward=forward)


def _header(posterior: Posterior, choice: Choice, seed: int) -> RunHeader:
    observations = [ObservationRecord(o.kind, o.name, o.to_arrays()) for o in posterior.observations]
    return RunHeader(
        prior=posterior.prior.to_record(),
        grid=posterior.grid,
        observations=observations,
        algorithm=choice.algorithm.name,
        options=dataclasses.asdict(choice.algorithm),  # type: ignore[call-overload]
        seed=seed,
        target=posterior.target,
        choice=choice.reason,
    )


def _drive(posterior: Posterior, choice: Choice, seed: int, store: RunFile | None, listener: Listener | None) -> Run:
    algorithm = choice.algorithm
    kernel, ledger = _kernel(algorithm, posterior), Ledger(posterior, store)
    if store is not None and store.finished:
        return _run(posterior, algorithm, kernel, ledger, store.results, store.steps, store.seconds)
    begun = time.monotonic()
    key = jax.random.key(seed)
    watch = Watch(posterior)
    steps, state = _first_state(kernel, key, store)
    monitor = _monitor(posterior, kernel, store)
    saved_at, saving = time.monotonic(), 0.0
    while not kernel.finished(state):
        try:
            state, info = jax.block_until_ready(kernel.step(jax.random.fold_in(key, steps + 1), state))
        except NonFiniteError:
            watch.counts()  # says so where the reason is a simulator
            raise
        steps += 1
        # The first step's simulations are those of the start too.
        row = {name: np.asarray(value) for name, value in info._asdict().items()} | watch.counts()
        if kernel.chains is not None:
            row["dropped"] = np.asarray(_add_draws(posterior, kernel, state, ledger, monitor))
        ledger.add_row(row)
        progress = kernel.progress(state, info)
        if monitor is not None:
            progress = progress._replace(words=progress.words + monitor.words())
        if listener is not None:
            listener.on_step(steps, progress)
        due = time.monotonic() - saved_at > saving / CHECKPOINT_SHARE or ledger.pending_bytes > PENDING_BYTES
        if store is not None and due:
            saving_from = time.monotonic()
            ledger.save(state, steps, message=progress.words, seconds=saving_from - begun)
            begun, saved_at = saving_from, time.monotonic()
            saving = saved_at - saving_from
    results = _finish(posterior, kernel, state, ledger) | ({"choice": choice.reason} if choice.reason else {})
    seconds = time.monotonic() - begun
    if store is not None:
        ledger.save(state, steps, finished=True, results=results, seconds=seconds)
        results, seconds = store.results, store.seconds
    return _run(posterior, algorithm, kernel, ledger, results, steps, seconds)


def _monitor(posterior: Posterior, kernel: Kernel, store: RunFile | None) -> Monitor | None:
    """Who watches chains, told of all draws so far."""
    if kernel.chains is None:
        return None
    monitor = Monitor(posterior, kernel.chains)
    if store is not None and store.draw_count:
        names = [realization_name(posterior), *(predicted_name(o.name) for o in posterior.observations)]
        monitor.add({name: store.draws(name) for name in names})
    return monitor


def _add_draws(posterior: Posterior, kernel: Kernel, state: Any, ledger: Ledger, monitor: Monitor | None = None) -> int:
    """Record the draws that a state completes; give back how many were dropped."""
    latents = np.asarray(kernel.draws(state))
    if not len(latents):
        return 0
    check = _excludes(posterior, kernel)
    tables, dropped = draw_tables(posterior, latents, together=kernel.chains or 1, check=check)
    ledger.add_draws(tables)
    if monitor is not None:
        monitor.add(tables)
    take_counts(posterior)  # what was simulated for the record counts for no step
    return dropped


def _finish(posterior: Posterior, kernel: Kernel, state: Any, ledger: Ledger) -> dict[str, Any]:
    """Record a population's draws, and check all draws against the data.

    Draws that miss a certain datum by rounding, or that a simulator cannot predict, were dropped, which is said. Data
    that the draws contradict, though no likelihood excludes it, are named.
    """
    results = kernel.results(state)
    warnings = list(results.get("warnings", []))
    if posterior.external:
        failures, sentences = failure_results(posterior, ledger.trace())
        results, warnings = {**results, "forward_failures": failures}, warnings + sentences
    if kernel.chains is None:
        dropped = _add_draws(posterior, kernel, state, ledger)
    else:
        dropped = int(np.sum(ledger.trace().get("dropped", 0)))
    count = len(ledger.draws("latents"))
    if dropped:
        why = "miss a certain datum by rounding" if _excludes(posterior, kernel) else "could not be simulated"
        warnings.append(f"{dropped} of {count + dropped} draws {why} and were dropped.")
    if count:
        tables = [(o, ledger.draws(predicted_name(o.name))) for o in posterior.observations]
        strained = [sentence for observation, table in tables for sentence in observation.failures(table)]
        results = {**results, "strained": strained} if strained else results
        if strained and not kernel.samples_target:
            warnings.append(APPROXIMATE)
    return {**results, "warnings": warnings} if warnings else results


def _excludes(posterior: Posterior, kernel: Kernel) -> bool:
    """Whether the target leaves draws that miss a certain datum no chance."""
    return posterior.target == "thresholded" and kernel.samples_target


def _first_state(kernel: Kernel, key: jax.Array, store: RunFile | None) -> tuple[int, Any]:
    key_init = jax.random.fold_in(key, 0)
    if store is None or not store.has_state:
        return 0, kernel.init(key_init)
    stored = store.read_state(jax.eval_shape(kernel.init, key_init))
    return store.steps, jax.tree.map(jnp.asarray, stored)


def _run(
    posterior: Posterior,
    algorithm: AbstractAlgorithm,
    kernel: Kernel,
    ledger: Ledger,
    results: dict[str, Any],
    steps: int,
    seconds: float,
) -> Run:
    return Run(
        posterior=posterior,
        algorithm=algorithm.name,
        latents=ledger.draws("latents"),
        realizations=ledger.draws(realization_name(posterior)),
        results=results,
        trace=ledger.trace(),
        steps=steps,
        chains=kernel.chains,
        predicted={o.name: ledger.draws(predicted_name(o.name)) for o in posterior.observations},
        seconds=seconds,
    )


@functools.lru_cache(maxsize=4)
def _kernel(algorithm: AbstractAlgorithm, posterior: Posterior) -> Kernel:
    """The algorithm bound to the posterior, kept with its compiled parts for the next seed."""
    if algorithm.needs_gradient:
        _check_gradient(algorithm, posterior)
    return algorithm.build(posterior)


def _check_gradient(algorithm: AbstractAlgorithm, posterior: Posterior) -> None:
    for observation in posterior.observations:
        if not observation.has_gradient:
            able = ", ".join(f"'{name}'" for name, other in ALGORITHMS.items() if not other.needs_gradient)
            raise InputError(
                f"The algorithm '{algorithm.name}' needs gradients, but the simulator of '{observation.name}' knows "
                f"none; give it an adjoint, or choose one of {able}."
            )
