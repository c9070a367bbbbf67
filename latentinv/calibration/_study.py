"""A study of calibration: many truths, the data that each would give, and a posterior sampled for each.

    z* ~ N(0, I),   d* ~ p(d | G(z*)),   z_1 … z_L from the algorithm under test for p(z | d*)

The observations of a study state where and how data are measured, and with what noise; their values are replaced by
simulated ones, replicate by replicate. All replicates run on the same programs, which take the posterior as an
argument; only the first compiles. Replicate n takes its random numbers from the seed and n alone, so a study that was
stopped continues as if it had not.

If a run has more draws than the study keeps, one is taken at random from each of L equal stretches, which thins a
chain. A replicate whose run keeps too few draws, because the algorithm cannot meet its data, counts as *failed* and is
left out of the statistics. The verdict says so: an algorithm that fails on difficult data is not shown to be calibrated
by the others.
"""

import dataclasses
import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from latentinv.errors import InputError, NonFiniteError
from latentinv.inference.core import AbstractAlgorithm, check_counts
from latentinv.inference.run import Run, sample
from latentinv.keys import from_seed, named, numbered
from latentinv.posterior import Posterior

from ._predictive import predictive_p_values
from ._quantities import Quantities
from ._scores import interval_coverage, ranked_probability_score
from ._study_file import read_replicates, write_replicates

REFERENCES = 8
"""Fields drawn from the prior in each replicate, as reference points of distances and to score the prior."""


@dataclass(frozen=True)
class Study:
    """A posterior and an algorithm to be tested for calibration.

    Parameters
    ----------
    posterior
        Prior, grid, target, and observations whose data are replaced by simulated ones.
    algorithm
        How the posterior is sampled.
    replicates
        Truths.
    draws
        Draws kept of each posterior, which should be near independent; 31 make ranks of a 32nd.
    seed
        Of all randomness.

    Raises
    ------
    InputError
        If a number makes no sense, the posterior has no data, or an observation cannot be simulated.
    """

    posterior: Posterior
    algorithm: AbstractAlgorithm
    replicates: int = 200
    draws: int = 31
    seed: int = 0

    def __post_init__(self) -> None:
        check_counts(self, "replicates")
        check_counts(self, "draws", least=3)
        check_counts(self, "seed", least=0)
        if not self.posterior.observations:
            raise InputError("The study has no data to simulate; give it wells, blocks or indirect data.")
        z = jax.ShapeDtypeStruct((self.posterior.latent_size,), jnp.float32)
        jax.eval_shape(self.posterior.simulate, jax.random.key(0), z)

    def digest(self) -> str:
        """A fingerprint of all that determines a replicate, but not of the number of replicates."""
        empty = _template(self.posterior)
        total = hashlib.sha256()
        options = dataclasses.asdict(self.algorithm)  # type: ignore[call-overload]
        words = (
            empty.prior.fingerprint(),
            repr(empty.grid),
            empty.target,
            self.algorithm.name,
            sorted(options.items()),
        )
        total.update(repr((*words, self.draws, self.seed)).encode())
        for observation in empty.observations:
            total.update(f"{observation.kind} {observation.name}".encode())
            for name, array in sorted(observation.to_arrays().items()):
                total.update(name.encode() + repr((array.shape, array.dtype.str)).encode() + array.tobytes())
        return total.hexdigest()


class Replicates(NamedTuple):
    """Results of a study so far, one row per replicate; rows of failed ones are NaN."""

    pools: Float[np.ndarray, "replicate member quantity"]
    """Each quantity of the truth, then of the draws."""
    distances: Float[np.ndarray, "replicate member reference"]
    """Distances from the images of truth and draws to those of the references."""
    coverage: Float[np.ndarray, "replicate level"]
    """Share of pixels within the central intervals of the draws."""
    scores: Float[np.ndarray, "replicate 3"]
    """Mean score (CRPS) of the truth among the draws, of a draw among the others, of the truth among references."""
    predictive: Float[np.ndarray, "replicate observation"]
    """Posterior-predictive p-value of each observation."""
    costs: Float[np.ndarray, "replicate 3"]
    """Seconds, gradients and forward runs; the latter two are NaN if the algorithm does not count them."""

    @property
    def met(self) -> np.ndarray:
        """Which replicates did not fail."""
        return ~np.isnan(self.pools).any(axis=(1, 2))


def run_study(
    study: Study, output: str | Path | None = None, on_replicate: Callable[[int, str], None] | None = None
) -> tuple[Replicates, tuple[str, ...]]:
    """Run the missing replicates of a study.

    Parameters
    ----------
    study
        What to run.
    output
        A file to keep finished replicates in, and to go on from if it exists; without it they are kept in memory only.
    on_replicate
        Hears how many replicates are done, and words about the last.

    Returns
    -------
    The replicates, and the names of the quantities.

    Raises
    ------
    InputError
        If the algorithm gives fewer draws than the study keeps, or cannot explore the posterior.
    StorageError
        If the file cannot be read or written, is of another study, or was made with other versions.
    """
    replicator, digest = _Replicator(study), study.digest()
    rows: list[Replicates] = []
    if output is not None and Path(output).exists():
        stored = Replicates(**read_replicates(output, digest, Replicates._fields))
        rows = [Replicates(*row) for row in zip(*stored, strict=True)][: study.replicates]
    while len(rows) < study.replicates:
        row, words = replicator.replicate(len(rows))
        rows.append(row)
        if output is not None:
            write_replicates(output, digest, replicator.quantities.names, _stacked(rows)._asdict())
        if on_replicate is not None:
            on_replicate(len(rows), words)
    return _stacked(rows), replicator.quantities.names


class _Replicator:
    """Runs replicates of a study, each of which replaces the data of its posterior."""

    def __init__(self, study: Study) -> None:
        self.study, self.posterior = study, _template(study.posterior)
        self.quantities = Quantities(self.posterior)

    def replicate(self, number: int) -> tuple[Replicates, str]:
        """Run one replicate; returns its row, and words about it."""
        study, begun = self.study, time.monotonic()
        key = numbered(from_seed(study.seed, "study"), number)
        key_latents, key_data, key_run = named(key, "latents", "data", "run")
        latents = jax.random.normal(key_latents, (1 + REFERENCES, self.posterior.latent_size))
        posterior = self.posterior.with_data(_simulate(self.posterior, key_data, latents[0]))
        seed = int(jax.random.randint(key_run, (), 0, 2**31 - 1))
        rng = np.random.default_rng([study.seed, number])
        try:
            run = sample(posterior, study.algorithm, seed=seed)
        except NonFiniteError as error:
            return self._failed(begun, {}), f"failed: {error}"
        if len(run.latents) < study.draws:
            if "infeasible_data" not in run.results:
                raise InputError(
                    f"The algorithm '{study.algorithm.name}' is set to {len(run.latents)} draws, fewer than the "
                    f"{study.draws} that the study keeps from each posterior; raise it, or lower the study's draws."
                )
            why = f"{len(run.latents)} draws, {study.draws} needed"
            return self._failed(begun, run.results), f"failed: {why}"
        kept = _thinned(rng, run, study.draws)
        row = self._row(posterior, rng, np.concatenate([latents[:1], kept, latents[1:]]))
        costs = _costs(begun, run.results)
        return row._replace(costs=costs), f"{costs[0]:.1f} s"

    def _row(
        self, posterior: Posterior, rng: np.random.Generator, latents: Float[np.ndarray, "member latent"]
    ) -> Replicates:
        drawn = (np.arange(len(latents)) > 0) & (np.arange(len(latents)) < len(latents) - REFERENCES)
        members = self.quantities.of(posterior, latents, drawn)
        pool, references = members.images[:-REFERENCES], members.images[-REFERENCES:]
        return Replicates(
            pools=members.table[:-REFERENCES],
            distances=_distances(pool, references, self.posterior.prior.facies_model is not None),
            coverage=interval_coverage(rng, pool),
            scores=_scores(rng, pool, references),
            predictive=predictive_p_values(posterior, latents[1:-REFERENCES], rng),
            costs=np.zeros(3),
        )

    def _failed(self, begun: float, results: dict[str, Any]) -> Replicates:
        members, quantities = self.study.draws + 1, len(self.quantities.names)
        return Replicates(
            pools=np.full((members, quantities), np.nan),
            distances=np.full((members, REFERENCES), np.nan),
            coverage=np.full(3, np.nan),
            scores=np.full(3, np.nan),
            predictive=np.full(len(self.posterior.observations), np.nan),
            costs=_costs(begun, results),
        )


def _template(posterior: Posterior) -> Posterior:
    """The same posterior with neutral data, so that the digest does not depend on observed values."""
    return posterior.with_data([np.zeros_like(observation.observed) for observation in posterior.observations])


@jax.jit
def _simulate(posterior: Posterior, key: Array, z: Float[Array, "latent"]) -> tuple[Array, ...]:
    return posterior.simulate(key, z)


def _thinned(rng: np.random.Generator, run: Run, count: int) -> Float[np.ndarray, "draw latent"]:
    """One draw from each of `count` stretches of the run."""
    edges = np.linspace(0, len(run.latents), count + 1)
    return run.latents[np.floor(rng.uniform(edges[:-1], edges[1:])).astype(int)]


def _distances(pool: np.ndarray, references: np.ndarray, facies: bool) -> Float[np.ndarray, "member reference"]:
    """Share of cells with another facies, or root mean square difference of a continuous property."""
    axes = tuple(range(2, pool.ndim + 1))
    if facies:
        return np.mean(pool[:, None] != references, axis=axes)
    return np.sqrt(np.mean((pool[:, None] - references) ** 2, axis=axes))


def _scores(rng: np.random.Generator, pool: np.ndarray, references: np.ndarray) -> Float[np.ndarray, "3"]:
    draws = pool[1:]
    one = int(rng.integers(len(draws)))
    return np.array(
        [
            ranked_probability_score(pool[0], draws).mean(),
            ranked_probability_score(draws[one], np.delete(draws, one, axis=0)).mean(),
            ranked_probability_score(pool[0], references).mean(),
        ]
    )


def _costs(begun: float, results: dict[str, Any]) -> Float[np.ndarray, "3"]:
    spent = [float(results.get(name, np.nan)) for name in ("gradients", "forward_runs")]
    return np.array([time.monotonic() - begun, *spent])


def _stacked(rows: list[Replicates]) -> Replicates:
    return Replicates(*(np.stack(column) for column in zip(*rows, strict=True)))
