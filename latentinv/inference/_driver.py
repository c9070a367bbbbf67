"""The one driver: runs any algorithm, records it, and resumes it as if it had never stopped.

Step n of a run with a seed gets the key ``fold_in(key(seed), n)``. After a step the driver tells the listener and, if
the run is stored, replaces the file by one that holds the step's trace row and state; checkpoints are spaced so that
they take at most a twentieth of the time. A run killed at any moment is resumed from its last checkpoint and repeats
the lost steps exactly.
"""

import dataclasses
import functools
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Shaped

from latentinv.errors import StorageError
from latentinv.observations import OBSERVATIONS, Report
from latentinv.posterior import Posterior, Predictions, each, map_batched
from latentinv.priors import prior_from_record
from latentinv.storage import ObservationRecord, RunFile, RunHeader, require_new

from ._algorithm import AbstractAlgorithm, Kernel, Progress
from ._registry import make_algorithm
from ._tempered_smc import TemperedSMC

CHECKPOINT_SHARE = 0.05
BATCH_FIELDS, BATCH_CELLS = 16, 2**22
"""Fields generated at once for the draws: at most so many, and of more than one at most so many cells."""


class Listener(Protocol):
    """Whoever wants to follow a run."""

    def on_step(self, step: int, progress: Progress) -> None:
        """Hear of a finished step."""


class Run(NamedTuple):
    """A finished run, or one that could not meet its data."""

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

    def reports(self) -> list[list[Report]]:
        """For each draw, how well it agrees with each observation; the fields are generated again."""
        fields = np.asarray(_generator(self.posterior)(jnp.asarray(self.latents)).fields)
        return [[observation.report(field) for observation in self.posterior.observations] for field in fields]


class _Drawn(NamedTuple):
    """What is generated from the latents of draws."""

    fields: Float[jax.Array, "draw *grid"]
    realizations: Shaped[jax.Array, "draw *grid"]
    predictions: Predictions


def sample(
    posterior: Posterior,
    algorithm: AbstractAlgorithm | None = None,
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
        How; adaptive tempered SMC with its defaults if not given.
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
    StorageError
        If the run file exists or cannot be written; what it held before stays valid.
    NonFiniteError
        If too many proposals leave the finite numbers.
    """
    algorithm = algorithm or TemperedSMC()
    if output is None:
        return _drive(posterior, algorithm, seed, None, listener)
    require_new(output)
    store = RunFile.create(output, _header(posterior, algorithm, seed))
    try:
        return _drive(posterior, algorithm, seed, store, listener)
    except StorageError:  # its sentence asks to free space and resume
        raise
    except Exception:
        store.discard_unless_begun()
        raise


def resume(path: str | Path, *, listener: Listener | None = None) -> Run:
    """Go on with a stored run as if it had never stopped; a finished run is given back as it is.

    Raises
    ------
    StorageError
        If the file cannot be read or written.
    """
    store = RunFile.open(path)
    posterior = posterior_of(store.header)
    algorithm = make_algorithm(store.header.algorithm, store.header.options)
    return _drive(posterior, algorithm, store.header.seed, store, listener)


def posterior_of(header: RunHeader) -> Posterior:
    """Make the posterior again that a run file describes.

    Raises
    ------
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
    observations = [OBSERVATIONS[o.kind].from_arrays(o.name, o.arrays, header.grid, prior) for o in header.observations]
    return Posterior(prior, header.grid, observations, target=header.target)  # type: ignore[arg-type]


def _header(posterior: Posterior, algorithm: AbstractAlgorithm, seed: int) -> RunHeader:
    observations = [ObservationRecord(o.kind, o.name, o.to_arrays()) for o in posterior.observations]
    options = dataclasses.asdict(algorithm)  # type: ignore[call-overload]
    record = posterior.prior.to_record()
    return RunHeader(record, posterior.grid, observations, algorithm.name, options, seed, posterior.target)


def _drive(
    posterior: Posterior, algorithm: AbstractAlgorithm, seed: int, store: RunFile | None, listener: Listener | None
) -> Run:
    if store is not None and store.finished:
        return _stored_run(posterior, store)
    kernel = _kernel(algorithm, posterior)
    key = jax.random.key(seed)
    steps, state = _first_state(kernel, key, store)
    rows: list[dict[str, np.ndarray]] = []
    saved_at, saving = time.monotonic(), 0.0
    while not kernel.finished(state):
        state, info = kernel.step(jax.random.fold_in(key, steps + 1), state)
        steps += 1
        rows.append({name: np.asarray(value) for name, value in info._asdict().items()})
        progress = kernel.progress(state, info)
        if listener is not None:
            listener.on_step(steps, progress)
        if store is not None and time.monotonic() - saved_at > saving / CHECKPOINT_SHARE:
            begun = time.monotonic()
            store.checkpoint(state, steps=steps, trace_rows=rows, message=progress.words)
            rows = []
            saved_at = time.monotonic()
            saving = saved_at - begun
    latents, realizations, results = _finish(posterior, kernel, state)
    if store is not None:
        name = "field" if posterior.prior.facies_model is None else "facies"
        draws = {"latents": latents, name: realizations}
        store.checkpoint(state, steps=steps, trace_rows=rows, draws=draws, finished=True, results=results)
        return _stored_run(posterior, store)
    columns = {name: np.stack([row[name] for row in rows]) for name in rows[0]} if rows else {}
    return Run(posterior, algorithm.name, latents, realizations, results, columns, steps)


def _finish(posterior: Posterior, kernel: Kernel, state: Any) -> tuple[np.ndarray, np.ndarray, dict[str, Any]]:
    """Generate the draws as they are stored and check these against the data.

    A field value at a threshold may round to its other side in another compiled program; a draw that misses a certain
    datum so is dropped. Data that the draws contradict, though no likelihood excludes it, are named.
    """
    latents, results = np.asarray(kernel.draws(state)), kernel.results(state)
    _, drawn, predictions = _generator(posterior)(jnp.asarray(latents))
    realizations = np.asarray(drawn)
    warnings = list(results.get("warnings", []))
    if posterior.target == "thresholded" and kernel.samples_target:
        kept = np.isfinite(np.asarray(each(posterior.exact_log_likelihood, predictions, len(latents))))
        if not kept.all():
            warnings.append(f"{np.sum(~kept)} of {kept.size} draws miss a certain datum by rounding and were dropped.")
            latents, realizations = latents[kept], realizations[kept]
            predictions = jax.tree.map(lambda x: x[kept], predictions)
    if len(latents):
        pairs = zip(posterior.observations, predictions.exact, strict=True)
        strained = [sentence for o, exact in pairs for sentence in o.failures(np.asarray(exact))]
        results = {**results, "strained": strained} if strained else results
    return latents, realizations, {**results, "warnings": warnings} if warnings else results


def _first_state(kernel: Kernel, key: jax.Array, store: RunFile | None) -> tuple[int, Any]:
    key_init = jax.random.fold_in(key, 0)
    if store is None or not store.has_state:
        return 0, kernel.init(key_init)
    stored = store.read_state(jax.eval_shape(kernel.init, key_init))
    return store.steps, jax.tree.map(jnp.asarray, stored)


def _stored_run(posterior: Posterior, store: RunFile) -> Run:
    name = "field" if posterior.prior.facies_model is None else "facies"
    if store.draw_count:
        latents, realizations = store.draws("latents"), store.draws(name)
    else:  # data out of reach can leave no draw at all, and a file keeps no table without rows
        latents = np.zeros((0, posterior.latent_size), np.float32)
        realizations = realize(posterior, latents)
    return Run(
        posterior,
        store.header.algorithm,
        latents,
        realizations,
        store.results,
        store.trace(),
        store.steps,
    )


def realize(posterior: Posterior, latents: Float[np.ndarray, "draw latent"]) -> Shaped[np.ndarray, "draw *grid"]:
    """Generate the fields of latents, as facies codes where the prior has facies."""
    return np.asarray(_generator(posterior)(jnp.asarray(latents)).realizations)


@functools.lru_cache(maxsize=4)
def _generator(posterior: Posterior) -> Callable[[jax.Array], _Drawn]:
    """The compiled map from draws to all that is made of them, kept for the next seed.

    It is one program, for another may round a field value at a threshold to its other side.
    """
    model = posterior.prior.facies_model

    def one(z: jax.Array) -> _Drawn:
        field = posterior.field(z)
        realization = field.astype(jnp.float32)
        if model is not None:
            realization = model.facies(field).astype(model.code_type)
        return _Drawn(field, realization, posterior.predict_field(field))

    batch = max(1, min(BATCH_FIELDS, BATCH_CELLS // posterior.grid.size))
    return jax.jit(lambda z: map_batched(one, z, batch))


@functools.lru_cache(maxsize=4)
def _kernel(algorithm: AbstractAlgorithm, posterior: Posterior) -> Kernel:
    """The algorithm bound to the posterior, kept with its compiled parts for the next seed."""
    return algorithm.build(posterior)
