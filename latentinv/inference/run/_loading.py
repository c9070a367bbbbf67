"""Runs from their files, with or without their forward models."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np

from latentinv.data import OBSERVATIONS, AbstractObservation
from latentinv.errors import InputError, StorageError
from latentinv.forward import ExternalForward, Function
from latentinv.grid import Grid
from latentinv.inference.core import AbstractAlgorithm, draw_tables, evaluate, kernel_of, no_draws
from latentinv.posterior import Posterior
from latentinv.priors import AbstractPrior, prior_from_record
from latentinv.storage import ObservationRecord, RunFile, RunHeader

from ._run import Run, run_of_tables
from ._settings import make_algorithm

Forwards = Mapping[str, Function | ExternalForward]


def load_run(path: str | Path, *, forwards: Forwards | None = None) -> Run:
    """Read a run, finished or not, without continuing it.

    Its draws, data, predictions and reports are as they were recorded; a forward model that is a function or a
    simulator is not needed for any of them. Of an unfinished population, whose forward models are at hand, the draws
    are the particles at work; else there are none before it is finished.

    Parameters
    ----------
    path
        The run file.
    forwards
        Forward models that are functions or simulators, by the name of their data, where the run's posterior is to
        predict with them.

    Raises
    ------
    InputError
        If such a forward model is given for other data, or is not the one that the run was made with.
    StorageError
        If the file cannot be read, or this version does not know a part of it.
    """
    store = RunFile.open(path)
    posterior = posterior_of(store.header, forwards)
    kernel = kernel_of(make_algorithm(store.header.algorithm, store.header.options))
    return run_of_tables(
        posterior,
        _tables(posterior, store),
        algorithm=store.header.algorithm,
        results=store.results,
        trace=store.trace(),
        steps=store.steps,
        chains=kernel.chains,
        seconds=store.seconds,
        finished=store.finished,
    )


def is_run_of(path: str | Path, posterior: Posterior, algorithm: AbstractAlgorithm, seed: int) -> bool:
    """Whether a run file holds a run of this posterior, with this algorithm and seed.

    Raises
    ------
    InputError
        If it was made with another simulator outside JAX.
    StorageError
        If the file cannot be read, or this version does not know a part of it.
    """
    header = RunFile.open(path).header
    names = [observation.name for observation in posterior.observations]
    if names != [record.name for record in header.observations] or header.seed != seed:
        return False
    simulators = {one.name: one.simulator for one in posterior.observations if one.simulator is not None}
    stored = posterior_of(header, simulators)
    structures: list[Any] = [jax.tree.structure(one) for one in (stored, posterior)]
    before: Any = make_algorithm(header.algorithm, header.options)
    if getattr(algorithm, "batch_size", None) == 0 and before.name == algorithm.name:  # left to the device
        before = dataclasses.replace(before, batch_size=0)
    return (
        before == algorithm
        and structures[0] == structures[1]
        and all(map(_same, jax.tree.leaves(stored), jax.tree.leaves(posterior)))
    )


def _same(one: Any, other: Any) -> bool:
    return np.array_equal(np.asarray(one), np.asarray(other), equal_nan=True)


def posterior_of(header: RunHeader, forwards: Forwards | None = None) -> Posterior:
    """Restore the posterior that a run file describes.

    Parameters
    ----------
    header
        What the file says.
    forwards
        Forward models that are functions or simulators, by the name of their data. Without them the posterior can be
        read and reported on, but does not predict these data.

    Raises
    ------
    InputError
        If such a forward model is given for other data than were predicted by one.
    StorageError
        If this version does not know the prior's family or the kind of an observation.
    """
    prior = prior_from_record(header.prior)
    given = dict(forwards or {})
    known = [record.name for record in header.observations]
    for name in given:
        if name not in known:
            names = ", ".join(f"'{one}'" for one in known) or "none"
            raise InputError(f"A forward model was given for '{name}', but the run's data are {names}.")
    observations = [_observation(o, header.grid, prior, given.get(o.name)) for o in header.observations]
    return Posterior(prior, header.grid, observations, target=header.target)  # type: ignore[arg-type]


def _observation(
    record: ObservationRecord, grid: Grid, prior: AbstractPrior, forward: Function | ExternalForward | None
) -> AbstractObservation:
    if record.kind not in OBSERVATIONS:
        raise StorageError(
            f"The run's data '{record.name}' are of kind '{record.kind}', which this version does not know; update "
            "latentinv."
        )
    return OBSERVATIONS[record.kind].from_arrays(record.name, record.arrays, grid, prior, forward=forward)


def missing_forwards(observations: tuple[AbstractObservation, ...]) -> list[str]:
    """The sentences on forward models that must be given again."""
    return [observation.missing for observation in observations if observation.missing]


def _tables(posterior: Posterior, store: RunFile) -> dict[str, np.ndarray]:
    if store.draw_count:
        return {name: store.draws(name) for name in store.draw_names()}
    latents = np.zeros((0, posterior.latent_size), np.float32)
    if store.has_state and not store.finished and not missing_forwards(posterior.observations):
        kernel = kernel_of(make_algorithm(store.header.algorithm, store.header.options))
        state = store.read_state(jax.eval_shape(kernel.init, posterior, jax.random.key(0)))
        latents = np.asarray(kernel.current(state))
    return draw_tables(posterior, evaluate(posterior, latents) if len(latents) else no_draws(posterior))
